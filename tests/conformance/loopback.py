"""Nothing leaves the machine: whatever would is stopped before it starts, and told."""

import sys
from typing import Any

from .lines import say

HERE = {"127.0.0.1", "::1", "localhost", None}


def stay() -> None:
    """From now on and for good; a hook like this one cannot be taken away."""
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    host: Any = None
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    host = host.decode() if isinstance(host, bytes) else host
    if host not in HERE:
        say("went out", host=host)
        raise PermissionError(f"{host} is not this machine")
