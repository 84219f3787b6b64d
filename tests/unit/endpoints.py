"""A scripted embeddings API on loopback, and a time that passes when it is slept through."""

import json
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    claimed: int | None = None  # Content-Length, where it is not the truth
    hold: threading.Event | None = None  # answers when it is set
    trickle: threading.Event | None = None  # a byte at a time until it is set


@dataclass(kw_only=True)
class Seen:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def vector_of(text: str) -> list[float]:
    """No model: its length and its first letter, which is enough to know it by."""
    return [float(len(text)), float(ord(text[0])), 1.0]


def unit_of(text: str) -> list[float]:
    vector = vector_of(text)
    return [number / math.hypot(*vector) for number in vector]


def embeddings(request: dict[str, Any], *, shuffled: bool = False) -> bytes:
    data = [
        {"object": "embedding", "index": index, "embedding": vector_of(text)}
        for index, text in enumerate(request["input"])
    ]
    return json.dumps({"object": "list", "data": data[::-1] if shuffled else data}).encode()


def embedding_of(row: Sequence[Any]) -> bytes:
    """A reply to one text."""
    return json.dumps({"data": [{"index": 0, "embedding": row}]}).encode()


class Api(ThreadingHTTPServer):
    """Gives the scripted replies in turn, then embeddings."""

    daemon_threads = True

    def __init__(self, script: list[Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.seen, self.shuffled = script, list[Seen](), False
        self.before: Callable[[list[str]], None] = lambda texts: None  # called with the texts, then they are answered
        self.at_the_end = ExitStack()  # for whoever holds a connection to it

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(Seen(path=self.path, headers=dict(self.headers), body=request))
        self.server.before(request["input"])
        script = self.server.script
        reply = script.pop(0) if script else Reply(body=embeddings(request, shuffled=self.server.shuffled))
        if reply.hold is not None:
            reply.hold.wait(timeout=30)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if reply.claimed is None else reply.claimed))
        self.end_headers()
        if reply.trickle is not None:
            while not reply.trickle.wait(0.02):
                self.wfile.write(b" ")
        self.wfile.write(reply.body)
        self.close_connection = reply.claimed is not None

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(*script: Reply) -> Iterator[Api]:
    with Api(list(script)) as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield api
        finally:
            api.at_the_end.close()
            api.shutdown()
            thread.join(timeout=30)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
