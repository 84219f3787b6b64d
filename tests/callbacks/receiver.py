"""A receiver on loopback, which does what it is told to with each request that comes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any


@dataclass(kw_only=True)
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    claimed: int | None = None  # Content-Length, where it is not the truth
    hold: threading.Event | None = None  # answers when it is set
    trickle: threading.Event | None = None  # a byte of a header at a time, until it is set
    raw: bytes | None = None  # in place of all that
    endless: bool = False  # a body that comes as long as anybody takes it


@dataclass(kw_only=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers["I-Twilio-Idempotency-Token"]


class Receiver(ThreadingHTTPServer):
    """Gives the scripted replies in turn, then 200."""

    daemon_threads = True

    def __init__(self, script: list[Reply], context: SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.seen, self.context = script, list[Seen](), context
        self.names: list[str | None] = []  # that it was called by in TLS
        self.came: Callable[[Seen], None] = lambda seen: None  # then it is answered
        if context is not None:
            context.sni_callback = lambda connection, name, context: self.names.append(name)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{'http' if self.context is None else 'https'}://{host}:{self.server_port}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Of connections that were given up, which is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(method=self.command, path=self.path, headers=dict(self.headers), body=body)
        self.server.seen.append(seen)
        self.server.came(seen)
        reply = self.server.script.pop(0) if self.server.script else Reply()
        if reply.hold is not None:
            reply.hold.wait(timeout=30)
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        if reply.trickle is not None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not reply.trickle.wait(0.02):
                self.wfile.write(b"x")
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if reply.claimed is None else reply.claimed))
        self.end_headers()
        self.wfile.write(reply.body)
        while reply.endless:
            self.wfile.write(b"x" * 2**16)

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def receiving(*script: Reply, context: SSLContext | None = None) -> Iterator[Receiver]:
    with Receiver(list(script), context) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            for reply in script:
                for event in (reply.hold, reply.trickle):
                    if event is not None:
                        event.set()
            receiver.shutdown()
            thread.join(timeout=30)
