"""How far it is with what is learned of conversations can be seen, and what failed is tried again when somebody says
so."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from mcp_memory import ids
from mcp_memory.backend import Backend
from mcp_memory.backends.sql.learning import ATTEMPTS, PAUSE, by_rules
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Conflict, Full, Invalid, NotFound
from mcp_memory.extraction import Extract
from mcp_memory.extractions import Extraction, ExtractionFilter, Status
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.model import Communication, NewMessage, Scope

from .conftest import Clock, Opened

pytestmark = pytest.mark.anyio

ALL = PageQuery(limit=100, newest_first=False)
SAID = ("I live in Porto.", "My daughter Ana plays the cello.", "I prefer to be called in the morning.")


class Reader:
    """The rules, unless it is told to fail."""

    def __init__(self) -> None:
        self.fails = False
        self.read = 0

    def __call__(
        self, messages: Sequence[Communication], known: Sequence[str], with_summary: bool, store_id: str
    ) -> Extract:
        if self.fails:
            raise Full("The reader has no room.")
        self.read += 1
        return by_rules(messages, known, with_summary, store_id)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
async def backend(opened: Opened, embedder: MiniLM, reader: Reader) -> AsyncIterator[Backend]:
    async with opened(embedder, extractor=reader) as backend:
        yield backend


async def person(backend: Backend, scope: Scope, phone: str = "+13175550142") -> str:
    return (await backend.upsert_traits(scope, {"Contact": {"phone": phone}}, None)).profile.profile_id


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return await person(backend, scope)


async def tell(backend: Backend, scope: Scope, who: str, *texts: str, to: str = "c-1", close: bool = True) -> None:
    await backend.record_messages(scope, who, to, [NewMessage(text=one, role="customer") for one in texts or SAID])
    if close:
        await backend.close_conversation(scope, who, to)


async def listed(
    backend: Backend,
    scope: Scope,
    *,
    of: str | None = None,
    conversation: str | None = None,
    status: Status | None = None,
) -> list[Extraction]:
    wanted = ExtractionFilter(profile_id=of, conversation_id=conversation, status=status)
    return list((await backend.list_extractions(scope, wanted, ALL)).items)


async def known(backend: Backend, scope: Scope, dana: str) -> list[str]:
    observations = await backend.list_observations(scope, dana, ItemFilter(), ALL)
    summaries = await backend.list_summaries(scope, dana, ItemFilter(), ALL)
    return sorted(one.content for one in (*observations.items, *summaries.items))


async def failed(backend: Backend, scope: Scope, reader: Reader, clock: Clock) -> None:
    """Whatever is queued is tried until it is given up."""
    reader.fails = True
    for attempt in range(ATTEMPTS):
        await backend.learn(scope)
        clock.time += PAUSE * 2**attempt
    reader.fails = False


async def test_it_is_queued_and_says_in_the_end_what_was_made_of_it(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    await tell(backend, scope, dana)
    (queued,) = await listed(backend, scope)
    began = clock()
    clock.pass_(minutes=1)
    await backend.learn(scope)
    done = await backend.get_extraction(scope, queued.extraction_id)

    assert ids.check(queued.extraction_id, ids.EXTRACTION, "extraction_id")
    assert queued == Extraction(
        extraction_id=queued.extraction_id,
        profile_id=dana,
        conversation_id="c-1",
        cause="CLOSED",
        status="QUEUED",
        attempts=0,
        next_attempt_at=began,
        added=0,
        updated=0,
        discarded=0,
        screened=0,
        extracted_by=None,
        error=None,
        created_at=began,
        updated_at=began,
    )
    assert (done.status, done.next_attempt_at, done.error) == ("DONE", None, None)
    assert done.added >= 3 and done.extracted_by and done.updated_at == clock()
    assert await known(backend, scope, dana) != []


async def test_what_failed_says_why_and_when_it_is_tried_again(
    backend: Backend, scope: Scope, dana: str, reader: Reader, clock: Clock
) -> None:
    await tell(backend, scope, dana)
    reader.fails = True
    await backend.learn(scope)

    (waiting,) = await listed(backend, scope)
    assert (waiting.status, waiting.attempts, waiting.error) == ("QUEUED", 1, "The reader has no room.")
    assert waiting.next_attempt_at == clock() + PAUSE


async def test_one_that_failed_is_tried_again_when_somebody_says_so(
    backend: Backend, scope: Scope, dana: str, reader: Reader, clock: Clock
) -> None:
    await tell(backend, scope, dana)
    await failed(backend, scope, reader, clock)
    (given_up,) = await listed(backend, scope, status="FAILED")
    assert await backend.learn(scope) == 0

    queued = await backend.retry_extraction(scope, given_up.extraction_id)
    learned = await backend.learn(scope)
    done = await backend.get_extraction(scope, given_up.extraction_id)

    assert (given_up.attempts, given_up.next_attempt_at) == (ATTEMPTS, None)
    assert (queued.status, queued.attempts, queued.error) == ("QUEUED", 0, None)
    assert queued.next_attempt_at == clock() and learned == 1
    assert done.status == "DONE" and done.added >= 3 and await known(backend, scope, dana) != []


async def test_only_what_failed_is_tried_again(backend: Backend, scope: Scope, dana: str, reader: Reader) -> None:
    await tell(backend, scope, dana)
    (queued,) = await listed(backend, scope)
    with pytest.raises(Conflict, match="is queued"):
        await backend.retry_extraction(scope, queued.extraction_id)
    await backend.learn(scope)
    before = await backend.get_extraction(scope, queued.extraction_id)
    with pytest.raises(Conflict, match="is done: there is nothing to retry"):
        await backend.retry_extraction(scope, queued.extraction_id)

    assert await backend.get_extraction(scope, queued.extraction_id) == before
    assert await backend.learn(scope) == 0


async def test_one_that_fails_again_is_given_up_again(
    backend: Backend, scope: Scope, dana: str, reader: Reader, clock: Clock
) -> None:
    await tell(backend, scope, dana)
    await failed(backend, scope, reader, clock)
    (given_up,) = await listed(backend, scope)
    await backend.retry_extraction(scope, given_up.extraction_id)
    await failed(backend, scope, reader, clock)

    (again,) = await listed(backend, scope)
    assert (again.status, again.attempts) == ("FAILED", ATTEMPTS)


async def test_a_list_is_of_what_is_asked_for(
    backend: Backend, scope: Scope, dana: str, reader: Reader, clock: Clock
) -> None:
    robin = await person(backend, scope, "+13175550143")
    await tell(backend, scope, dana, to="c-1")
    await tell(backend, scope, dana, to="c-2")
    await failed(backend, scope, reader, clock)
    await tell(backend, scope, robin, to="c-1")
    await backend.learn(scope)
    await tell(backend, scope, robin, to="c-3", close=False)
    clock.time += timedelta(minutes=15)
    reader.fails = True
    await backend.learn(scope)

    async def found(**asked: object) -> list[tuple[str, str, str, str]]:
        each = await listed(backend, scope, **asked)  # type: ignore[arg-type]
        return [(one.profile_id, one.conversation_id, one.cause, one.status) for one in each]

    first, second = (dana, "c-1", "CLOSED", "FAILED"), (dana, "c-2", "CLOSED", "FAILED")
    third, fourth = (robin, "c-1", "CLOSED", "DONE"), (robin, "c-3", "INACTIVE", "QUEUED")
    assert await found() == [first, second, third, fourth]
    assert await found(status="FAILED") == [first, second]
    assert await found(of=robin) == [third, fourth]
    assert await found(of=robin, status="QUEUED") == [fourth]
    assert await found(conversation="c-1") == [first, third]
    assert await found(of=dana, conversation="c-1") == [first]
    assert await found(of=dana, conversation="c-3") == await found(status="EXTRACTED") == []


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("of_one", [True, False])
async def test_pages_hold_each_once(
    backend: Backend, scope: Scope, dana: str, reader: Reader, clock: Clock, newest_first: bool, of_one: bool
) -> None:
    for number in range(3):
        await tell(backend, scope, dana, to=f"c-{number}")
    await failed(backend, scope, reader, clock)
    for number in range(3, 7):
        await tell(backend, scope, dana, to=f"c-{number}")
    wanted = ExtractionFilter(profile_id=dana if of_one else None)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = PageQuery(limit=2, cursor=cursor, newest_first=newest_first)
        page = await backend.list_extractions(scope, wanted, query)
        seen += [one.conversation_id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == sorted((f"c-{number}" for number in range(7)), reverse=newest_first)
    with pytest.raises(Invalid, match="cursor"):
        await backend.list_extractions(scope, wanted, PageQuery(limit=2, cursor="nonsense"))


async def test_of_profiles_that_became_one_all_are_listed_as_the_live_one_s(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(minutes=1)
    other = await person(backend, scope, "+13175550143")
    await tell(backend, scope, dana, to="c-1")
    await tell(backend, scope, other, to="c-2")
    await backend.merge_profiles(scope, dana, other)

    for asked in (dana, other):
        found = await listed(backend, scope, of=asked)
        assert [(one.profile_id, one.conversation_id) for one in found] == [(dana, "c-1"), (dana, "c-2")]


async def test_what_there_is_not_can_be_neither_seen_nor_retried(backend: Backend, scope: Scope, clock: Clock) -> None:
    absent = clock.make_id(ids.EXTRACTION)
    for call in (backend.get_extraction, backend.retry_extraction):
        with pytest.raises(NotFound, match="no such extraction"):
            await call(scope, absent)
    with pytest.raises(NotFound, match="no such profile"):
        await listed(backend, scope, of=clock.make_id(ids.PROFILE))


async def test_who_is_deleted_leaves_none_behind(backend: Backend, scope: Scope, dana: str) -> None:
    await tell(backend, scope, dana)
    (queued,) = await listed(backend, scope)
    await backend.delete_profile(scope, dana)

    assert await listed(backend, scope) == []
    with pytest.raises(NotFound):
        await backend.get_extraction(scope, queued.extraction_id)
