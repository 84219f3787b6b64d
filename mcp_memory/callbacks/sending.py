"""A callback over HTTP: one attempt, bounded in time whatever the receiver does, to an address that was checked.

The laws of this file: the address that is connected to is one of those that were checked just now, and all of them
were. No proxy, no redirect, no cookie, and no connection is used twice. Nothing of a reply but its status goes on.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import httpcore2

from mcp_memory.callbacks.addresses import Reach
from mcp_memory.callbacks.requests import DELIVERED, Outcome, Outgoing, outcome
from mcp_memory.callbacks.resolving import Resolver, Unresolved

SECONDS = 5.0  # for all of an attempt: the name, the connection, what is sent and the reply
LONGEST = 4096  # bytes of a reply's body after which no more are taken, and those only that the receiver is done
MOST = 3  # addresses of one host that are tried

Clock = Callable[[], float]


class NotAllowed(Exception):
    """An address that callbacks do not go to."""


class Sender:
    """May be used by several threads at once."""

    def __init__(
        self,
        reach: Reach,
        *,
        seconds: float = SECONDS,
        resolver: Resolver | None = None,
        trust: ssl.SSLContext | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """`trust`: whose certificates are; the system's, if it is not said."""
        self._reach, self._seconds, self._resolver, self._clock = reach, seconds, resolver or Resolver(), clock
        self._trust = trust
        self._making = threading.Lock()

    def send(self, request: Outgoing) -> Outcome:
        """Whatever comes of it: nothing is raised that a receiver can bring about."""
        try:
            return self._sent(request)
        except NotAllowed:
            return Outcome("Its address is none that callbacks may go to.")
        except Unresolved:
            return Outcome("The name of its host leads nowhere.", silent=True)
        except ssl.SSLError:
            return Outcome("No encrypted connection: its certificate is not valid, or it speaks no TLS.", silent=True)
        except (TimeoutError, httpcore2.TimeoutException):
            return Outcome(f"It took longer than {self._seconds:g} s.", silent=True)
        except (OSError, httpcore2.NetworkError):
            return Outcome("It can't be connected to, or ended the connection.", silent=True)
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol):
            return Outcome("What it answers is no HTTP.")

    def _sent(self, request: Outgoing) -> Outcome:
        target = request.target
        line = _Line(self._reach, self._resolver, self._clock, self._clock() + self._seconds)
        url = httpcore2.URL(
            scheme=target.scheme, host=target.host.strip("[]"), port=target.port, target=target.path.encode()
        )
        headers = [("Host", target.authority), *request.headers.items()]
        with (
            httpcore2.HTTPConnection(
                url.origin, ssl_context=self._context() if target.scheme == "https" else None, network_backend=line
            ) as connection,
            connection.stream(request.method, url, headers=headers, content=request.content) as response,
        ):
            came = outcome(response.status)
            if came is DELIVERED:
                with suppress(OSError, httpcore2.NetworkError, httpcore2.ProtocolError):  # it has said enough
                    _see_through(response)
            return came

    def _context(self) -> ssl.SSLContext:
        with self._making:
            if self._trust is None:
                self._trust = httpcore2.default_ssl_context()
            return self._trust


def _see_through(response: httpcore2.Response) -> None:
    taken = 0
    for piece in response.iter_stream():
        taken += len(piece)
        if taken >= LONGEST:
            return


class _Line(httpcore2.NetworkBackend):
    """Connects to what was checked, until a moment of the clock."""

    def __init__(self, reach: Reach, resolver: Resolver, clock: Clock, until: float) -> None:
        self._reach, self._resolver, self._clock, self._until = reach, resolver, clock, until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """The timeout is that of the attempt, here as in what is read and written."""
        addresses = self._resolver.addresses(host, port, self.left())
        if not all(self._reach.admits(host.lower(), one) for one in addresses):
            raise NotAllowed
        tried = addresses[:MOST]
        for number, address in enumerate(tried, start=1):
            try:
                connected = socket.create_connection((str(address), port), self.left() / (len(tried) - number + 1))
            except OSError:
                if number == len(tried):
                    raise
            else:
                return _Stream(connected, self)
        raise Unresolved

    def left(self) -> float:
        """Seconds. Raises TimeoutError."""
        left = self._until - self._clock()
        if left <= 0:
            raise TimeoutError
        return left


class _Stream(httpcore2.NetworkStream):
    """However little comes at a time, the time for all of it is the same."""

    def __init__(self, connected: socket.socket, line: _Line) -> None:
        self._socket, self._line = connected, line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(self._line.left())
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._line.left())
            rest = rest[self._socket.send(rest) :]

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Where there is no encryption to be had, the socket is closed."""
        self._socket.settimeout(self._line.left())
        return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._line)

    def close(self) -> None:
        self._socket.close()
