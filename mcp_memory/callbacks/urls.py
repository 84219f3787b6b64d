"""Pure: the URLs of callbacks. They are taken apart once, here, and connected to by these parts: what is checked and
what is asked can't be two things."""

import re
from dataclasses import dataclass

from mcp_memory import hosts
from mcp_memory.callbacks.addresses import LOCAL_NAMES, PUBLIC, Reach, is_public, literal
from mcp_memory.errors import Invalid

MAX_URL = 2048
_URL = re.compile(r"(https?)://([^/?#]+)(/[^?#]*)?(\?[^#]*)?", re.IGNORECASE)
_WRITTEN = re.compile(r"[\x21-\x7e]+")  # and whatever else there is, percent-encoded
_NUMERIC = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)", re.IGNORECASE)  # which systems read as addresses in old spellings
_UNSAFE = re.compile(r'["<>\\^`{|}]|%(?![0-9A-Fa-f]{2})')


@dataclass(frozen=True, kw_only=True)
class Target:
    """`host`: in lower case, IPv6 in brackets. `path`: with the query; it is never empty."""

    scheme: str
    authority: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """As whoever is asked sees it: its signature is of that."""
        return f"{self.scheme}://{self.authority}{self.path}"


def checked_url(url: str, field: str = "url", reach: Reach = PUBLIC) -> str:
    """The same. Raises Invalid naming the field. That it leads nowhere else is known only when it is connected to."""
    target(url, field, reach)
    return url


def target(url: str, field: str = "url", reach: Reach = PUBLIC) -> Target:
    """As `checked_url`."""
    if len(url) > MAX_URL:
        raise Invalid(f"{field} is longer than {MAX_URL} characters.")
    parts = _URL.fullmatch(url) if _WRITTEN.fullmatch(url) and not _UNSAFE.search(url) else None
    if parts is None:
        raise Invalid(
            f"{field} must be a URL that begins with https://, names a host and has no fragment, in ASCII: "
            "https://example.com/callbacks."
        )
    scheme, authority = parts[1].lower(), parts[2]
    if "@" in authority:
        raise Invalid(f"{field} must not hold a user or a password: check the signature of what is sent instead.")
    named = hosts.host(authority)
    if named is None or named.port == 0 or (literal(named.name) is None and _NUMERIC.fullmatch(named.name)):
        raise Invalid(f"{field} must name a host, with a port or without, IPv6 in brackets.")
    _check_host(named.name, scheme, field, reach)
    port = named.port or hosts.PORTS[scheme]
    path = f"{parts[3] or '/'}{parts[4] or ''}"
    return Target(scheme=scheme, authority=authority, host=named.name, port=port, path=path)


def _check_host(host: str, scheme: str, field: str, reach: Reach) -> None:
    if reach.knows(host):
        return
    address = literal(host)
    if host in LOCAL_NAMES or host.endswith(".localhost") or not (address is None or is_public(address)):
        raise Invalid(
            f"{field} must lead to a public address. Whoever runs this server can allow others: callback_hosts."
        )
    if scheme != "https":
        raise Invalid(f"{field} must begin with https://: without encryption, others on the way could read it.")
