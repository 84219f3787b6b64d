"""A service that means harm, or goes in circles, gets neither the key nor our time."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import httpx2
import pytest

from mcp_memory.backends.twilio import remote
from mcp_memory.backends.twilio.backend import TwilioBackend
from mcp_memory.edits import StoreChanges
from mcp_memory.errors import Invalid, Unavailable
from mcp_memory.listing import EVERYTHING, PageQuery
from tests.twilio.conftest import DANA, KEY_ID, NOTE, NOW, SCOPE, SECRET, STORE, Script, answer

pytestmark = pytest.mark.anyio

NOTHING = ("observations", "summaries", "revisions")
OLDEST = PageQuery(limit=5, newest_first=False)
LISTS: dict[str, Callable[[TwilioBackend], Awaitable[Any]]] = {
    "latest observations": lambda backend: backend.latest_observations(SCOPE, DANA, 5),
    "latest summaries": lambda backend: backend.latest_summaries(SCOPE, DANA, 5),
    "oldest summaries": lambda backend: backend.list_summaries(SCOPE, DANA, EVERYTHING, OLDEST),
    "oldest revisions": lambda backend: backend.list_revisions(SCOPE, DANA, NOTE, OLDEST),
}


@pytest.mark.parametrize("listed", LISTS.values(), ids=list(LISTS))
async def test_a_list_that_never_ends_is_given_up_on(
    backend: TwilioBackend, script: Script, listed: Callable[[TwilioBackend], Awaitable[Any]]
) -> None:
    numbers = count()

    def empty(request: httpx2.Request) -> httpx2.Response:
        return answer(200, {"meta": {"key": "x", "nextToken": f"t{next(numbers)}"}} | dict.fromkeys(NOTHING, ()))

    script.then(empty)

    with pytest.raises(Unavailable, match="not published"):
        await listed(backend)
    assert len(script.asked) == remote.MAX_PAGES


async def test_what_an_operation_failed_with_repeats_no_key(backend: TwilioBackend, script: Script) -> None:
    basic = b64encode(f"{KEY_ID}:{SECRET}".encode()).decode()
    error = {"title": f"Bad {basic}", "detail": f"I was sent {SECRET}", "status": 400}
    stored = {"id": STORE, "displayName": "default", "status": "ACTIVE", "version": 1}
    script.at("GET", f"/v1/ControlPlane/Stores/{STORE}", answer(200, stored))
    script.at("PATCH", f"/v1/ControlPlane/Stores/{STORE}", answer(202, {"message": "x"}, Operation_Id="op-1"))
    failed = {"operationId": "op-1", "status": "FAILED", "createdAt": NOW.isoformat(), "error": error}
    script.at("GET", "/v1/ControlPlane/Operations/op-1", answer(200, failed))

    with pytest.raises(Invalid) as caught:
        await backend.update_store(SCOPE, StoreChanges(description="x"))
    assert "I was sent" in str(caught.value)
    assert SECRET not in str(caught.value) and basic not in str(caught.value)
