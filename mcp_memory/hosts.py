"""Pure: the names of hosts and origins, as headers and settings write them. Each has one spelling here, or is none."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_][A-Za-z0-9_.-]{0,252})(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([\x21-\x7e]{1,260})")
_NO_AUTHORITY = re.compile(r"[/?#@*\\]")


@dataclass(frozen=True)
class Host:
    """`port`: None in a list is any, in a request its scheme's own."""

    name: str
    port: int | None = None

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"


def host(text: str) -> Host | None:
    """A name or an address, with a port or without; IPv6 in brackets. None for anything else, a user among it."""
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    name, port = found[1].lower(), None if found[2] is None else int(found[2])
    if port is not None and port > 65_535:
        return None
    if name.startswith("["):
        try:
            return Host(f"[{ipaddress.IPv6Address(name[1:-1])}]", port)
        except ValueError:
            return None
    name = name.removesuffix(".")  # the root of all names, which every name ends with
    return None if name.endswith(".") or ".." in name else Host(name, port)


def listed(asked: Host, scheme: str, among: Iterable[Host]) -> bool:
    port = asked.port if asked.port is not None else PORTS.get(scheme)
    return any(one.name == asked.name and one.port in (None, port) for one in among)


def origin(text: str) -> str | None:
    """As browsers write it: in small letters, without the port that its scheme has anyway."""
    found = _ORIGIN.fullmatch(text)
    if found is None or _NO_AUTHORITY.search(found[2]):
        return None
    scheme, authority = found[1].lower(), found[2].lower()
    if scheme not in PORTS:
        return f"{scheme}://{authority}"  # of an application, or of an extension of a browser
    named = host(authority)
    return None if named is None else origin_of(scheme, named)


def origin_of(scheme: str, named: Host) -> str:
    return f"{scheme}://{named.name if named.port == PORTS.get(scheme) else named}"


def is_loopback(bound: str) -> bool:
    """Of an address to bind to, as the operating system takes it."""
    if bound.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(bound).is_loopback
    except ValueError:
        return False
