"""Paths of routes, with ids in the place of what is in braces."""

import re
from collections.abc import Mapping


def filled(path: str, ids: Mapping[str, str]) -> str:
    """`{id}` is of the noun before it: of `/Participants/{id}`, `participantId`."""

    def named(found: "re.Match[str]") -> str:
        noun, name = found[1], found[2]
        if name == "id":
            name = f"{noun[:-1]}Id"
        return f"{noun}/{ids[name[0].lower() + name[1:]]}"

    return re.sub(r"(\w+)/\{(\w+)\}", named, path)
