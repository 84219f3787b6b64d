"""A socket, encryption where it is set up, and uvicorn until a signal says so. What was accepted is then finished."""

import asyncio
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp

from mcp_memory.errors import Invalid, Unavailable
from mcp_memory.http.leaving import Leaving
from mcp_memory.http.safety import MAX_HEAD
from mcp_memory.http.slow import HEAD_SECONDS, BoundedProtocol

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 75  # longer than proxies keep theirs, so that none sends a request into one that is closing
TLS_END_SECONDS = 1.0  # for a client to agree to the end of a connection
CLOSING_SECONDS = 5  # for the memory to close, after `shutdown_seconds`: it may wait for another program
OTHER_FILES = 512  # besides connections: of stores, mostly
READY = b"ready"
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)  # SIGBREAK: Windows


@dataclass(frozen=True, kw_only=True)
class Serving:
    max_connections: int = 1000
    shutdown_seconds: int = 10
    tls: ssl.SSLContext | None = None


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that its port is known before the first request. Raises Unavailable, saying why."""
    try:
        bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as exc:
        raise Unavailable(f"Port {port} on {host} can't be used ({exc.strerror}): choose another with --port.") from exc
    # asyncio does this only for sockets that name their protocol, and this one has none. Without it the second half of
    # every answer waits for the client's delayed acknowledgement of the first: 40 ms.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def address(bound: socket.socket, scheme: str = "http") -> str:
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if bound.family == socket.AF_INET6 else f"{scheme}://{host}:{port}"


def tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Raises Invalid naming the setting whose file is no good, and why."""
    if certificate is None or key is None:
        return None
    for name, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            path.read_bytes()
        except OSError as exc:
            raise Invalid(f"{name} {path} can't be read: {exc.strerror}.") from exc
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, _no_passphrase)
    except ssl.SSLError as exc:
        if "KEY_VALUES_MISMATCH" in str(exc):
            raise Invalid(f"tls_key {key} is not the key of tls_certificate {certificate}.") from exc
        raise Invalid(
            f"tls_certificate {certificate} or tls_key {key} is no PEM file of that kind: a certificate begins with "
            "-----BEGIN CERTIFICATE-----, its key with -----BEGIN PRIVATE KEY-----."
        ) from exc
    return context


def _no_passphrase() -> NoReturn:
    """Or OpenSSL would ask at the terminal."""
    raise Invalid("tls_key is locked with a passphrase, and nobody is there to type it: give the key without one.")


def run(
    app: ASGIApp, serving: Serving, leaving: Leaving, bound: socket.socket, supervisor: Connection | None = None
) -> None:
    """Until a signal, which is obeyed in peace; a second one at once. With a `supervisor`: until it says so, or is no
    more."""
    _make_room_for(serving.max_connections)
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,  # h11, because httptools keeps blanks in header values that MCP compares
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe whoever is on this machine
        forwarded_allow_ips=[],
        workers=1,
        limit_concurrency=serving.max_connections + 1,  # it refuses the one that makes them so many
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=serving.shutdown_seconds,
        h11_max_incomplete_event_size=MAX_HEAD,
    )
    server = _Server(config, serving, leaving, supervisor)
    for number in SIGNALS:
        signal.signal(number, _obeying(server))
    if supervisor is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the supervisor tells its workers what to do
    server.run(sockets=[bound])


def _obeying(server: uvicorn.Server) -> Callable[[int, object], None]:
    """A plain function: behind a method sse-starlette would find the server, and cut answers that are under way."""

    def obey(number: int, frame: object) -> None:
        if server.should_exit:
            os._exit(128 + number)  # what is not written yet was never acknowledged
        server.should_exit = True

    return obey


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, serving: Serving, leaving: Leaving, supervisor: Connection | None
    ) -> None:
        super().__init__(config)
        self._serving, self._leaving, self._supervisor = serving, leaving, supervisor

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are heard already, and not to be raised again at the end."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which leaves a client a minute for its part of TLS, and half a one for the end of it."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise Unavailable("The server can't start: the log says why.")
        loop, tls = asyncio.get_running_loop(), self._serving.tls
        self.servers = [
            await loop.create_server(
                self._protocol,
                sock=bound,
                backlog=self.config.backlog,
                ssl=tls,
                ssl_handshake_timeout=HEAD_SECONDS if tls else None,
                ssl_shutdown_timeout=TLS_END_SECONDS if tls else None,
            )
            for bound in sockets or []
        ]
        self.started = True
        if self._supervisor is not None:
            loop.add_reader(self._supervisor.fileno(), self._told_by_supervisor)
            with suppress(OSError):  # it is gone already: that is read then
                self._supervisor.send_bytes(READY)

    def _protocol(self) -> asyncio.Protocol:
        return BoundedProtocol(self.config, self.server_state, self.lifespan.state)

    def _told_by_supervisor(self) -> None:
        """Nothing is ever sent: the other end is closed."""
        assert self._supervisor is not None
        asyncio.get_running_loop().remove_reader(self._supervisor.fileno())
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        end = threading.Timer(self._serving.shutdown_seconds + CLOSING_SECONDS, _give_up)
        end.daemon = True
        end.start()
        self._leaving.begin()
        await super().shutdown(sockets)


def _give_up() -> None:
    log.error("The memory does not close: leaving all the same. What was acknowledged is stored.")
    os._exit(1)


def _make_room_for(connections: int) -> None:
    """A connection is a file, and many systems let a process have 256 of them unless it asks for more."""
    if sys.platform == "win32":
        return
    import resource

    wanted = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        if soft < wanted:
            log.warning("max_connections is %d, and this process may have only %d files open.", connections, soft)
