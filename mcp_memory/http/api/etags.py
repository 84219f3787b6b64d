"""Versions as ETags: which resource, and which state of it."""

import base64
import binascii
import json
from hashlib import sha256

from mcp_memory.errors import Stale


def of_part(store_id: str, part: str) -> str:
    """The id of what has none of its own: short, since If-Match is published with 100 characters at most."""
    return sha256(f"{store_id}/{part}".encode()).hexdigest()[:16]


def write(resource_id: str, version: int) -> str:
    inside = json.dumps({"id": resource_id, "v": version}, separators=(",", ":"))
    return '"' + base64.urlsafe_b64encode(inside.encode()).decode().rstrip("=") + '"'


def version(if_match: str | None, resource_id: str) -> int | None:
    """The version that the client saw; None where it does not ask for one. What no ETag of ours says matches nothing:
    Stale."""
    if if_match is None or if_match.strip() == "*":
        return None
    for one in if_match.split(","):
        tag = one.strip().removeprefix("W/").strip('"')
        try:
            found = json.loads(base64.urlsafe_b64decode(tag + "=" * (-len(tag) % 4)))
        except (binascii.Error, ValueError, RecursionError):
            continue
        if isinstance(found, dict) and found.get("id") == resource_id and type(found.get("v")) is int:
            return int(found["v"])
    raise Stale("If-Match is not the ETag of this resource: read it again, and send the ETag you got.")
