"""Pure: which hosts a callback may go to. Its URL comes from a tenant, who is not to reach what only we can.

What counts is the address that is connected to, not the name: whoever has a name can point it anywhere, at any time.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from mcp_memory import hosts

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOCAL_NAMES = ("localhost", "localhost.localdomain")
_UNICAST = IPv6Network("2000::/3")  # all that is handed out; what is beside it is somebody's own, or for a purpose
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: how a network without IPv4 spells the addresses of IPv4
# The registries call these global, or did in some release of Python; nobody's receiver is there.
_NOBODYS = (
    IPv4Network("192.0.0.0/24"),  # RFC 6890, for protocols; a cloud has its metadata in it
    IPv4Network("192.88.99.0/24"),  # RFC 7526, relays of 6to4
    IPv4Network("168.63.129.16/32"),  # what Azure serves its own machines
    IPv6Network("2001::/23"),  # RFC 2928, Teredo and others
    IPv6Network("2001:db8::/32"),  # RFC 3849, documentation
    IPv6Network("2002::/16"),  # RFC 3056, 6to4: whatever address of IPv4
    IPv6Network("3fff::/20"),  # RFC 9637, documentation
)


@dataclass(frozen=True)
class Reach:
    """Whom callbacks may go to besides public addresses: hosts by their names, wherever these lead, and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def knows(self, host: str) -> bool:
        """Whether it is listed, by its name or by an address that it is."""
        found = literal(host)
        return host in self.names or (found is not None and self._lists(found))

    def admits(self, host: str, address: Address) -> bool:
        """`address`: one that the host has now."""
        return host in self.names or self._lists(plain(address)) or is_public(address)

    def _lists(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


PUBLIC = Reach()


def reach(listed: Iterable[str]) -> Reach:
    """Of names, addresses and networks, as settings write them. Raises ValueError for anything else."""
    names, networks = set[str](), list[Network]()
    for one in listed:
        try:
            network = ipaddress.ip_network(one.strip("[]"))
        except ValueError:
            named = hosts.host(one)
            if named is None or named.port is not None or named.name.replace(".", "").isdigit():
                raise ValueError(one) from None  # as an address with a bit too many, which is no name
            names.add(named.name)
        else:
            if network.prefixlen == 0:
                raise ValueError(one)
            networks.append(network)
    return Reach(frozenset(names), tuple(networks))


def literal(host: str) -> Address | None:
    """The address that a host of a URL is, if it is none by name. IPv6 in brackets."""
    try:
        return plain(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return None


def plain(address: Address) -> Address:
    """An address of IPv4 that is written as one of IPv6 is that of IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is None and address in _NAT64:
        mapped = IPv4Address(int(address) & 0xFFFF_FFFF)
    return mapped or address


def is_public(address: Address) -> bool:
    """Whether it is one that anybody may reach."""
    found = plain(address)
    if isinstance(found, IPv6Address) and found not in _UNICAST:
        return False
    return found.is_global and not found.is_multicast and not any(found in one for one in _NOBODYS)
