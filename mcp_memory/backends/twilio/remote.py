"""What every part of the backend works with: the client, and the little that is kept of what it said.

A write is only accepted: the service does it in its own time. Who answers with what came of it looks a few times.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio.calls import Call
from mcp_memory.backends.twilio.client import LONGEST_WAIT, Client
from mcp_memory.backends.twilio.replies import Reply, failed_with, is_id, shown, unpublished
from mcp_memory.conversation_ids import from_api, to_api
from mcp_memory.errors import NotFound, Stale, Unavailable
from mcp_memory.wire.memories import inside
from mcp_memory.wire.pages import Accepted
from mcp_memory.wire.stores import OperationBody

T = TypeVar("T")

LOOKS: Final = (0.2, 0.4, 0.8)  # seconds before each look but the first, for what was written
FIRST_POLL: Final = 0.25  # seconds before an operation is asked for again; doubled each time
LONGEST_POLL: Final = 2.0
PATIENCE: Final = 60.0  # seconds for an operation
MAX_CONVERSATIONS: Final = 10_000
MAX_OPERATION_ID: Final = 512
MAX_PAGES: Final = 50  # of one list: who gives more goes in a circle


class Conversations:
    """Ids of conversations in the form of the API, and back. Of those that can't be told from it, the latest are
    remembered: what only a hash stands for, and what looks like one of the API's own."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()

    def outside(self, id: str) -> str:
        api_id = to_api(id)
        if from_api(api_id) != id:
            self._known[api_id] = id
            self._known.move_to_end(api_id)
            if len(self._known) > MAX_CONVERSATIONS:
                self._known.popitem(last=False)
        return api_id

    def inside(self, api_id: str) -> str:
        return self._known.get(api_id) or inside(api_id)


class Remote:
    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.client, self.clock = client, clock
        self.conversations = Conversations()

    @property
    def now(self) -> Callable[[], datetime]:
        return self.client.now

    async def send(self, call: Call, *at: str, **given: Any) -> Reply:
        return await self.client.send(call, *at, **given)

    async def pages(self, call: Call, *at: str, **query: Any) -> list[Reply]:
        """All of a list."""
        found: list[Reply] = []
        token: str | None = None
        for _ in range(MAX_PAGES):
            found.append(await self.send(call, *at, query={**query, "pageToken": token}))
            token = found[-1].next_token()
            if token is None:
                return found
        raise unpublished(call.name, found[-1].status)

    async def settled(self, look: Callable[[], Awaitable[T]], there: Callable[[T], bool]) -> T:
        """What `look` sees once it is `there`, or the last it saw. What is not there yet is not found yet."""
        for pause in LOOKS:
            try:
                seen = await look()
                if there(seen):
                    return seen
            except NotFound:
                pass
            await self.client.sleep(pause)
        return await look()

    # Operations

    async def done(self, reply: Reply) -> str | None:
        """Of a reply that accepts a change to a store or its rules: wait until it is made. The id it led to, if any.

        Raises what it failed with, or Unavailable where it takes too long.
        """
        operation_id = _operation_id(reply)
        if operation_id is None:
            return None
        waited, pause = 0.0, reply.wait(self.now())
        for attempt in range(100):
            usual = 0.0 if attempt == 0 else min(FIRST_POLL * 2 ** (attempt - 1), LONGEST_POLL)
            seconds = min(usual if pause is None else max(pause, usual), LONGEST_WAIT)
            if waited + seconds > PATIENCE:
                break
            waited += seconds
            await self.client.sleep(seconds)
            asked = await self.send(calls.FETCH_OPERATION, operation_id)
            operation, pause = asked.read(OperationBody), asked.wait(self.now())
            if operation.status not in ("PENDING", "RUNNING"):
                return result(operation, self.client.secrets())
        raise Unavailable(
            f"The memory service accepted {reply.name}, and has not made it in {PATIENCE:g} s: look again later."
        )

    def if_match(self, reply: Reply, version: int, if_version: int | None) -> str | None:
        """The header for a change of what was read as `version`. Raises Stale where another one is meant."""
        if if_version is None:
            return None
        if version != if_version:
            raise Stale(
                f"The version is {version}, not {if_version}: somebody changed it meanwhile. Read it again first."
            )
        return reply.headers.get("etag")


def result(operation: OperationBody, secrets: Sequence[str]) -> str | None:
    """The id it led to. `secrets`: what no message may repeat."""
    if operation.status == "COMPLETED":
        return None if operation.result is None else operation.result.id
    if operation.status == "CANCELLED":
        raise Unavailable("The memory service cancelled it: nothing was changed.")
    error = operation.error
    if error is None:
        raise Unavailable("The memory service failed to do it, and does not say why.")
    said = ": ".join(part for part in (error.title, error.detail) if part)
    raise failed_with(error.code or error.status, shown(said, secrets))


def _operation_id(reply: Reply) -> str | None:
    """Only the id is taken: where operations are asked for, we know."""
    found = reply.headers.get("operation-id", "")
    if not found and reply.body.strip():
        found = urlsplit(reply.read(Accepted).status_url or "").path.rpartition("/Operations/")[2]
    return found if 0 < len(found) <= MAX_OPERATION_ID and found.isprintable() else None


def checked_ids(reply: Reply, ids: Sequence[str] | None, prefix: str) -> list[str]:
    if not all(is_id(one, prefix) for one in ids or ()):
        raise reply.unpublished()
    return list(ids or ())


def given(**values: Any) -> Mapping[str, Any]:
    """A body without what is None."""
    return {name: value for name, value in values.items() if value is not None}
