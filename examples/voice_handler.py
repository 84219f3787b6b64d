"""A voice agent that remembers its callers: webhooks for a phone number, over the Memory API.

    MEMORY_STORE_ID=mem_store_… python examples/voice_handler.py

Point the number's "a call comes in" at /voice/answer and its status callback at /voice/ended. /voice/answer speaks
TwiML, or JSON to who accepts JSON alone: a server of media streams, for its model. Memory has a budget: who calls does
not wait for it longer, and a call goes on without. Environment: MEMORY_URL, MEMORY_STORE_ID, MEMORY_KEY_ID,
MEMORY_KEY_SECRET, TWILIO_AUTH_TOKEN, PUBLIC_URL.
"""

import argparse
import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import uvicorn
from memory_api import Known, MemoryApi, MemoryFailed, conversation_id, stated
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from webhooks import Door, Recent, number, sid, text, twiml, verb

log = logging.getLogger("voice")

MAX_TURNS = 200  # of a call; later ones are not kept
CONFIDENT = 0.3  # the score from which something counts as an answer


def greeting(known: Known | None) -> str:
    """Your language model goes here, with `known.prompt()` among its instructions."""
    if known is None or not (known.observations or known.summaries):
        return "Hello! How can I help you?"
    name = known.traits.get("Contact", {}).get("firstName", "")
    last = (*known.observations, *known.summaries)[0]["content"]
    return f"Welcome back{', ' if name else ''}{name}! Last time you told us: {last} What can I do for you?"


def reply(known: Known | None) -> str:
    """And here."""
    if known is not None and known.observations and known.observations[0].get("score", 0.0) >= CONFIDENT:
        return f"You told us: {known.observations[0]['content']} Anything else?"
    return "I have noted that. Anything else?"


@dataclass
class Call:
    """Kept in this process until it is over: with several, give them a store that they share."""

    sid: str
    caller: str | None
    began: datetime
    profile_id: "asyncio.Task[str] | None"
    said: list[str] = field(default_factory=list)
    left: set[str] = field(default_factory=lambda: {"observations", "summaries"})
    """What is still to be written."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


class VoiceHandler:
    def __init__(self, memory: MemoryApi, door: Door, budget_seconds: float) -> None:
        self._memory, self._door, self._budget = memory, door, budget_seconds
        self._calls: Recent[Call] = Recent()

    async def answer(self, request: Request) -> Response:
        call = self._call(await self._door.read(request))
        known = await self._in_time(call, self._known(call))
        said = greeting(known)
        if request.headers.get("accept", "").startswith("application/json"):
            return JSONResponse({"callSid": call.sid, "say": said, "context": known.prompt() if known else ""})
        return self._ask(said)

    async def heard(self, request: Request) -> Response:
        fields = await self._door.read(request)
        call, said = self._call(fields), text(fields.get("SpeechResult", ""))
        if not said:
            return self._ask("I did not catch that.")
        if len(call.said) < MAX_TURNS:
            call.said.append(said)
        return self._ask(reply(await self._in_time(call, self._known(call, said))))

    async def ended(self, request: Request) -> Response:
        """Answered at once. A call that is not over, or of which nothing was heard, leaves nothing."""
        fields = await self._door.read(request)
        call = self._calls.find(sid(fields, "CallSid", "CA"))
        over = fields.get("CallStatus") in ("completed", "busy", "failed", "no-answer", "canceled")
        if call is None or not over:
            return Response(status_code=204)
        return Response(status_code=204, background=BackgroundTask(self._write, call))

    def _call(self, fields: dict[str, str]) -> Call:
        """The one under way, or a new one: then it is looked up already while it is still being answered."""
        key, caller = sid(fields, "CallSid", "CA"), number(fields.get("From", ""))

        def begin() -> Call:
            looking = asyncio.create_task(self._memory.profile_of(caller)) if caller else None
            return Call(sid=key, caller=caller, began=datetime.now(UTC), profile_id=looking)

        return self._calls.get(key, begin)

    async def _known(self, call: Call, query: str = "") -> Known | None:
        return await self._memory.known(await self._profile_id(call), query) if call.caller else None

    async def _profile_id(self, call: Call) -> str:
        """Asked for once, and again only when that failed. Who waits and leaves does not end the looking."""
        assert call.caller is not None
        if call.profile_id is None or (call.profile_id.done() and call.profile_id.exception()):
            call.profile_id = asyncio.create_task(self._memory.profile_of(call.caller))
        return await asyncio.shield(call.profile_id)

    async def _in_time(self, call: Call, asked: Awaitable[Known | None]) -> Known | None:
        """None when memory takes longer than its budget, or fails: the call goes on without."""
        try:
            return await asyncio.wait_for(asked, self._budget)
        except TimeoutError:
            log.warning("call %s goes on without memory: it took longer than %.0f ms", call.sid, self._budget * 1000)
        except MemoryFailed as exc:
            log.warning("call %s goes on without memory: %s", call.sid, exc)
        return None

    def _ask(self, said: str) -> Response:
        gather = verb("Gather", input="speech", action="/voice/heard", method="POST")
        gather.append(verb("Say", said))
        return twiml(gather)

    async def _write(self, call: Call) -> None:
        """What was said, once: a callback that is repeated finds it done, or goes on with what failed."""
        if call.caller is None or not call.said:
            return
        async with call.writing:
            try:
                for kind in sorted(call.left):
                    if items := _remembered(call, kind):
                        profile_id = await self._profile_id(call)
                        await self._memory.write(profile_id, kind, items, f"{call.sid}-{kind}")
                    call.left.discard(kind)
                log.info("call %s is remembered", call.sid)
            except MemoryFailed as exc:
                log.error("call %s is not remembered yet: %s", call.sid, exc)


def _remembered(call: Call, kind: str) -> list[dict[str, object]]:
    """Nothing in it depends on when it is written: the same call gives the same, however often."""
    about: dict[str, object] = {"source": "voice", "occurredAt": call.began.isoformat(timespec="seconds")}
    conversation = conversation_id(call.sid)
    if kind == "observations":
        return [{**about, "content": one, "conversationIds": [conversation]} for one in stated(call.said)]
    turns = f"A phone call. The caller spoke {len(call.said)} times, first: {call.said[0]}"
    return [{**about, "content": turns, "conversationId": conversation}]


def build_app(memory: MemoryApi, door: Door, budget_seconds: float) -> Starlette:
    handler = VoiceHandler(memory, door, budget_seconds)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await memory.close()

    return Starlette(
        routes=[
            Route("/voice/answer", handler.answer, methods=["POST"]),
            Route("/voice/heard", handler.heard, methods=["POST"]),
            Route("/voice/ended", handler.ended, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--budget-ms", type=float, default=300, help="how long a caller may wait for memory")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    app = build_app(MemoryApi.from_environ(os.environ), Door.from_environ(os.environ), asked.budget_ms / 1000)
    uvicorn.run(app, host="127.0.0.1", port=asked.port)


if __name__ == "__main__":
    main()
