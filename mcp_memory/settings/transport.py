"""Pure: values of the settings that say how `serve` is reached, and whom it may call back, each read or refused by the
name of its setting."""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from mcp_memory import hosts
from mcp_memory.callbacks.addresses import reach
from mcp_memory.errors import Invalid
from mcp_memory.setting_values import folder, url, whole_number

MAX_LISTED = 100
MAX_CONNECTIONS = 50_000  # a port has no more for one other machine
MAX_WORKERS = 64
MAX_SHUTDOWN = 300  # seconds


def transport(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that are about it, checked."""
    checks: Mapping[str, Callable[[Any], Any]] = {
        "allowed_hosts": _hosts,
        "allowed_origins": _origins,
        "trusted_proxies": _networks,
        "callback_hosts": _callback_hosts,
        "public_url": _public_url,
        "tls_certificate": lambda value: folder(value, "tls_certificate"),
        "tls_key": lambda value: folder(value, "tls_key"),
        "max_connections": lambda value: whole_number("max_connections", value, MAX_CONNECTIONS),
        "workers": lambda value: whole_number("workers", value, MAX_WORKERS),
        "shutdown_seconds": lambda value: whole_number("shutdown_seconds", value, MAX_SHUTDOWN),
    }
    return {name: check(values[name]) for name, check in checks.items() if name in values}


def check_transport(values: Mapping[str, Any]) -> None:
    """Raises Invalid for settings that say nothing without each other."""
    if ("tls_certificate" in values) != ("tls_key" in values):
        raise Invalid("tls_certificate and tls_key must be set both, or neither.")
    if values.get("cors") == "on" and "allowed_origins" not in values:
        raise Invalid("cors is on, so allowed_origins must name the origins whose pages may read the answers.")


def _listed(name: str, value: object) -> list[str]:
    """A list, or a text with commas; or what was read from such before."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(one, str) for one in items):
        raise Invalid(f"{name} must be a list of texts, or one text with commas.")
    found = [one.strip() for one in items]
    if not 1 <= len(found) <= MAX_LISTED or "" in found:
        raise Invalid(f"{name} must name 1 to {MAX_LISTED}, none of them empty.")
    return found


def _hosts(value: object) -> tuple[str, ...]:
    found = [hosts.host(one) for one in _listed("allowed_hosts", value)]
    if None in found:
        raise Invalid(
            "allowed_hosts must be names of hosts, with a port or without, IPv6 in brackets: "
            "mem.example.com, mem.example.com:8443, [2001:db8::1]. None stands for others."
        )
    return tuple(str(one) for one in found)


def _origins(value: object) -> tuple[str, ...]:
    found = [hosts.origin(one.removesuffix("/")) for one in _listed("allowed_origins", value)]
    if None in found:
        raise Invalid(
            "allowed_origins must be origins as browsers send them, https://app.example.com: a scheme, a host and "
            "perhaps a port, without a path. None stands for others."
        )
    return tuple(str(one) for one in found)


def _networks(value: object) -> tuple[str, ...]:
    try:
        found = [ipaddress.ip_network(one) for one in _listed("trusted_proxies", value)]
    except ValueError as exc:
        raise Invalid("trusted_proxies must be addresses or networks: 10.0.0.5, 10.0.0.0/8, fd00::/8.") from exc
    if any(one.prefixlen == 0 for one in found):
        raise Invalid("trusted_proxies must not be everybody: name the addresses that your proxies connect from.")
    return tuple(str(one) for one in found)


def _callback_hosts(value: object) -> tuple[str, ...]:
    found = _listed("callback_hosts", value)
    try:
        reach(found)
    except ValueError as exc:
        raise Invalid(
            "callback_hosts must be names of hosts without a port, addresses or networks, and not all there are: "
            "localhost, hooks.internal, 10.0.0.0/8, fd00::/8."
        ) from exc
    return tuple(found)


def _public_url(value: object) -> str:
    text = url("public_url", value, "the request that carries it")
    found = hosts.origin(text)
    if found is None:
        raise Invalid(
            "public_url must be a scheme, a host and perhaps a port, without a path: https://mem.example.com."
        )
    return found
