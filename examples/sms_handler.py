"""An agent that remembers whom it texts with: a webhook for SMS and WhatsApp, over the Memory API.

    MEMORY_STORE_ID=mem_store_… python examples/sms_handler.py

Point the number's "a message comes in" at /sms. A number is the same customer by SMS, by WhatsApp and on the phone.
A message is answered within a budget, with memory or without, and written back after that. Environment: MEMORY_URL,
MEMORY_STORE_ID, MEMORY_KEY_ID, MEMORY_KEY_SECRET, TWILIO_AUTH_TOKEN, PUBLIC_URL.
"""

import argparse
import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import uvicorn
from memory_api import Known, MemoryApi, MemoryFailed, conversation_id, stated
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from webhooks import Door, Recent, number, sid, text, twiml, verb

log = logging.getLogger("sms")

CONFIDENT = 0.3  # the score from which something counts as an answer


def reply(known: Known | None) -> str:
    """Your language model goes here, with `known.prompt()` among its instructions."""
    if known is not None and known.observations and known.observations[0].get("score", 0.0) >= CONFIDENT:
        return f"You told us: {known.observations[0]['content']}"
    return "Thank you, we have noted that."


@dataclass
class Exchange:
    """One message and what was answered: a repeated webhook is the same one."""

    sid: str
    sender: str
    whatsapp: bool
    said: str
    at: datetime
    answered: str = ""
    left: set[str] = field(default_factory=lambda: {"observations", "summaries"})
    """What is still to be written."""
    answering: asyncio.Lock = field(default_factory=asyncio.Lock)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


class SmsHandler:
    def __init__(self, memory: MemoryApi, door: Door, budget_seconds: float) -> None:
        self._memory, self._door, self._budget = memory, door, budget_seconds
        self._exchanges: Recent[Exchange] = Recent()

    async def message(self, request: Request) -> Response:
        fields = await self._door.read(request)
        key, address, said = sid(fields, "MessageSid", "SM|MM"), fields.get("From", ""), text(fields.get("Body", ""))
        sender = number(address)
        if sender is None or not said:
            return twiml()  # a short code, or a picture without words: nothing to answer
        whatsapp = address.startswith("whatsapp:")
        exchange = self._exchanges.get(key, partial(Exchange, key, sender, whatsapp, said, datetime.now(UTC)))
        async with exchange.answering:
            if not exchange.answered:
                exchange.answered = reply(await self._in_time(exchange))
        return twiml(verb("Message", exchange.answered), background=BackgroundTask(self._write, exchange))

    async def _in_time(self, exchange: Exchange) -> Known | None:
        """None when memory takes longer than its budget, or fails: the message is answered without."""
        try:
            async with asyncio.timeout(self._budget):
                return await self._memory.known(await self._profile_id(exchange), exchange.said)
        except TimeoutError:
            log.warning("%s is answered without memory: it took longer than %.0f ms", exchange.sid, self._budget * 1000)
        except MemoryFailed as exc:
            log.warning("%s is answered without memory: %s", exchange.sid, exc)
        return None

    async def _profile_id(self, exchange: Exchange) -> str:
        return await self._memory.profile_of(exchange.sender, *(["whatsapp"] if exchange.whatsapp else []))

    async def _write(self, exchange: Exchange) -> None:
        """The exchange, once: a webhook that is repeated finds it done, or goes on with what failed."""
        async with exchange.writing:
            try:
                for kind in sorted(exchange.left):
                    if items := _remembered(exchange, kind):
                        profile_id = await self._profile_id(exchange)
                        await self._memory.write(profile_id, kind, items, f"{exchange.sid}-{kind}")
                    exchange.left.discard(kind)
                log.info("%s is remembered", exchange.sid)
            except MemoryFailed as exc:
                log.error("%s is not remembered yet: %s", exchange.sid, exc)


def _remembered(exchange: Exchange, kind: str) -> list[dict[str, object]]:
    """Nothing in it depends on when it is written: the same exchange gives the same, however often."""
    source, conversation = "whatsapp" if exchange.whatsapp else "sms", conversation_id(exchange.sid)
    about: dict[str, object] = {"source": source, "occurredAt": exchange.at.isoformat(timespec="seconds")}
    if kind == "observations":
        return [{**about, "content": one, "conversationIds": [conversation]} for one in stated([exchange.said])]
    both = f"The customer wrote: {exchange.said} We answered: {exchange.answered}"
    return [{**about, "content": both[:4096], "conversationId": conversation}]


def build_app(memory: MemoryApi, door: Door, budget_seconds: float) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await memory.close()

    handler = SmsHandler(memory, door, budget_seconds)
    return Starlette(routes=[Route("/sms", handler.message, methods=["POST"])], lifespan=lifespan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--budget-ms", type=float, default=1000, help="how long an answer may wait for memory")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    app = build_app(MemoryApi.from_environ(os.environ), Door.from_environ(os.environ), asked.budget_ms / 1000)
    uvicorn.run(app, host="127.0.0.1", port=asked.port)


if __name__ == "__main__":
    main()
