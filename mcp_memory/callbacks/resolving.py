"""The addresses of a name, within a time: the system takes its own, and can't be told to stop."""

import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from mcp_memory.callbacks.addresses import Address

AT_ONCE = 32  # names that are looked up; one that is stuck is done with in half a minute

LookUp = Callable[[str, int], list[Address]]


class Unresolved(Exception):
    """Nobody has the name, or nobody says so in time."""


@dataclass
class _Asked:
    done: threading.Event = field(default_factory=threading.Event)
    found: list[Address] = field(default_factory=list)


class Resolver:
    """May be used by several threads at once."""

    def __init__(self, look_up: LookUp | None = None, at_once: int = AT_ONCE) -> None:
        self._look_up = look_up or system
        self._free = threading.BoundedSemaphore(at_once)

    def addresses(self, host: str, port: int, seconds: float) -> list[Address]:
        """One or more. Raises Unresolved."""
        if not self._free.acquire(timeout=max(seconds, 0.0)):
            raise Unresolved
        asked = _Asked()
        threading.Thread(target=self._ask, args=(host, port, asked), name="resolving", daemon=True).start()
        asked.done.wait(max(seconds, 0.0))
        if not asked.found:
            raise Unresolved
        return asked.found

    def _ask(self, host: str, port: int, asked: _Asked) -> None:
        try:
            asked.found = self._look_up(host, port)
        except (OSError, ValueError):  # no such name, or none that there could be
            pass
        finally:
            self._free.release()
            asked.done.set()


def system(host: str, port: int) -> list[Address]:
    """In the order in which it would connect to them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(place[0])) for *_, place in found))
