"""How a server over HTTP starts: what would be wrong with it is said before anything is served; then in this process,
or in several that this one looks after. What they serve is put together in `served.py`.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from socket import socket
from typing import TYPE_CHECKING

import anyio

from mcp_memory import logs
from mcp_memory.app import build_host, has_catalog
from mcp_memory.errors import Invalid
from mcp_memory.http import serving
from mcp_memory.http.leaving import Leaving
from mcp_memory.http.metrics import forget
from mcp_memory.http.safety import check_exposure
from mcp_memory.http.workers import Workers
from mcp_memory.reloading import Again
from mcp_memory.settings import Settings, located
from mcp_memory.tenancy.hosting import Contradiction

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Serve = Callable[[socket, Callable[[], None]], int]
"""On a socket; it calls back when whoever connects is served, and returns the exit code."""


def prepare_http(settings: Settings, again: Again) -> Callable[[Callable[[str, bool], None]], int]:
    """What serves until a signal says so, once it is called; it returns the exit code. It tells what it is given its
    address, when it is bound, and whether credentials are asked for. `again`: reads the settings as they are now.

    Raises Invalid for an address that others can reach, unless credentials are asked for and nobody can listen in.
    """
    try:
        asks = anyio.run(_asks, settings)
    except Contradiction as exc:
        raise located(settings, exc) from exc
    if asks:  # whatever is removed later: what was closed does not open by itself
        settings = replace(settings, authentication="on")
    encrypted = serving.tls(settings.tls_certificate, settings.tls_key) is not None
    check_exposure(
        settings.host,
        authenticated=asks,
        encrypted=encrypted,
        behind_proxy=settings.trusted_proxies is not None,
        plain=settings.plain_http == "on",
    )
    serve = _alone(settings, again) if settings.workers == 1 else _several(settings, again)

    def run(announce: Callable[[str, bool], None]) -> int:
        with serving.listen(settings.host, settings.port) as bound:
            return serve(bound, lambda: announce(serving.address(bound, "https" if encrypted else "http"), asks))

    return run


async def _asks(settings: Settings) -> bool:
    """Whether credentials are asked for; and that what is configured does not contradict what is managed."""
    if settings.authentication != "on" and settings.hosting.is_empty() and not has_catalog(settings):
        return False
    host = build_host(settings)
    try:
        await host.directory.check()
        nobody = await host.directory.is_empty()
    finally:
        await host.close()
    if settings.authentication == "off" and not nobody:
        raise Invalid("authentication is off, but there are tenants, keys or issuers: turn it on, or remove them.")
    return settings.authentication == "on" or not nobody


def _alone(settings: Settings, again: Again) -> Serve:
    serve = _http(settings, again, alone=True)

    def run(bound: socket, announce: Callable[[], None]) -> int:
        announce()  # whoever connects from now on is served
        serve(bound, None)
        return 0

    return run


def _several(settings: Settings, again: Again) -> Serve:
    if sys.platform == "win32":
        raise Invalid("workers must be 1 on Windows: processes can't share a socket there.")
    target = partial(work, settings, again)

    def run(bound: socket, announce: Callable[[], None]) -> int:
        return Workers(target, bound, settings.workers, settings.shutdown_seconds, forget).run(announce)

    return run


def work(settings: Settings, again: Again, bound: socket, supervisor: "Connection") -> None:
    """All that a worker process does."""
    logs.configure(settings.log_level, settings.log_format)
    _http(settings, again, alone=False)(bound, supervisor)


def _http(settings: Settings, again: Again, *, alone: bool) -> Callable[[socket, "Connection | None"], None]:
    """What serves on the socket that it is given, and for a supervisor."""
    from mcp_memory.changes import Changes  # a second, with FastAPI and the SDK of MCP: not for a supervisor
    from mcp_memory.served import wired

    changes, leaving = Changes(told=alone), Leaving()
    host = build_host(settings, background=True, learned=changes.learned)
    built = wired(settings, again, host, leaving, changes, alone=alone)
    return partial(serving.run, built, _limits(settings), leaving)


def _limits(settings: Settings) -> serving.Serving:
    return serving.Serving(
        max_connections=settings.max_connections,
        shutdown_seconds=settings.shutdown_seconds,
        tls=serving.tls(settings.tls_certificate, settings.tls_key),
    )
