"""HTTP/1.1 with an end to every wait for a client: uvicorn's protocol waits for heads, rests and readers for ever.

A client that is slow, silent or many takes a connection from others, and there are only so many.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # from the connection, or from the first byte of a later head, to the end of the head
REST_SECONDS = 5.0  # for what is left of a body that was answered before its end; read on, so that the answer is seen
READER_SECONDS = 60.0  # for a client to take some of an answer, or the last of it
CROWD = 2  # times as many connections as are served are told so; more are hung up on

Wait = Literal["head", "rest", "next", "last"]


class BoundedProtocol(H11Protocol):
    """One connection."""

    _wait: Wait | None = None
    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    # From the transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        limit = self.limit_concurrency
        if limit is not None and len(self.connections) >= limit:
            if len(self.connections) > CROWD * limit:
                return transport.abort()
            self._dismiss_an_idle_one()
        self._wait_for_client()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait_for_client()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._set_wait(None)
        self.resume_writing()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(READER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    # From uvicorn

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait_for_client()

    def shutdown(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        too_long = getattr(sys.exception(), "error_status_hint", 400) == 431
        self._refuse(*((431, "The head is too long.") if too_long else (400, msg)))

    def _should_upgrade(self) -> bool:
        return False  # to nothing, and without a warning for every client that offers HTTP/2

    # Waits

    def _wait_for_client(self) -> None:
        """As it stands now: something has come, or was answered."""
        if self.transport.is_closing():
            return self._set_wait("last")
        if self.conn.their_state is h11.IDLE:
            begun = self.cycle is None or self.conn.trailing_data[0]
            return self._set_wait("head" if begun else "next")
        answered = self.cycle is not None and self.cycle.response_complete
        self._set_wait("rest" if answered and self.conn.their_state is h11.SEND_BODY else None)

    def _set_wait(self, wait: Wait | None) -> None:
        """One that has begun goes on: more bytes are no more time."""
        if wait == self._wait:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        ends: dict[Wait, tuple[float, Callable[[], Any]]] = {
            "head": (HEAD_SECONDS, self._end_head),
            "rest": (REST_SECONDS, self._close),
            "next": (self.timeout_keep_alive, self._close),  # uvicorn's own is forgotten after a rest
            "last": (READER_SECONDS, self.transport.abort),
        }
        self._wait, self._waiting = wait, None if wait is None else self.loop.call_later(*ends[wait])

    def _end_head(self) -> None:
        self._refuse(408, f"The head of a request did not arrive within {HEAD_SECONDS:g} seconds.")

    def _close(self) -> None:
        """What is written is sent before, and that is waited for too."""
        self.transport.close()
        self._wait_for_client()

    def _dismiss_an_idle_one(self) -> None:
        """Whoever kept a connection for later gives it to one who is there now."""
        for other in self.connections:
            if isinstance(other, BoundedProtocol) and other._wait == "next" and not other.transport.is_closing():
                return other.shutdown()

    def _refuse(self, status: int, text: str) -> None:
        """And hang up. Where an answer has begun, that is all there is to do."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = text.encode()
            headers = [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ]
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self._close()
