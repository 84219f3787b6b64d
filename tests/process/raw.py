"""Requests as bytes on a socket, for clients that no library plays."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

from .servers import ANSWER_SECONDS, Http

Json = dict[str, Any]


def connected(http: Http) -> socket.socket:
    url = urlsplit(http.address)
    assert url.hostname is not None
    return socket.create_connection((url.hostname, url.port), timeout=ANSWER_SECONDS)


def refuses(http: Http) -> bool:
    """Nobody listens any more; one who came just then is reset."""
    try:
        connected(http).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def request(http: Http, method: str, path: str, body: Json | None = None, **headers: str) -> bytes:
    sent = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {urlsplit(http.address).netloc}",
        *([] if body is None else ["Content-Type: application/json", f"Content-Length: {len(sent)}"]),
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + sent


def begin(connection: socket.socket, sent: bytes) -> None:
    """Sends it, and knows that the server has taken it up: that one has asked for the body."""
    head, _, body = sent.partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
    assert status(connection.recv(65_536)) == 100
    connection.sendall(body)


def answer(connection: socket.socket) -> bytes:
    """The whole of it, of a server that hangs up then."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def status(answered: bytes) -> int:
    """0 where the connection ended without an answer."""
    first = answered.partition(b"\r\n")[0].split(b" ")
    return int(first[1]) if len(first) > 1 else 0
