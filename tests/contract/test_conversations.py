"""Messages: recorded once each, in their order, found again."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import NotFound
from mcp_memory.model import NewMessage, NewObservation, Recall, RecallQuery, Scope

from .conftest import Clock

pytestmark = pytest.mark.anyio

TALK = (
    NewMessage(text="Hi, I am looking for a birthday present.", role="customer", author="Dana"),
    NewMessage(text="Gladly! For whom, and what do they like?", role="agent", author="Max"),
    NewMessage(text="My nephew. He collects beetles.", role="customer", author="Dana"),
    NewMessage(text="Then maybe a magnifying glass?", role="agent", author="Max"),
    NewMessage(text="Perfect, one of those please.", role="customer", author="Dana"),
    NewMessage(text="It ships with order B-2077 on Monday.", role="agent", author="Max"),
)


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)).profile.profile_id


async def record(backend: Backend, scope: Scope, dana: str, *messages: NewMessage, to: str = "c-1") -> list[str]:
    added = await backend.record_messages(scope, dana, to, messages)
    return [one.outcome for one in added.receipts]


async def said(backend: Backend, scope: Scope, dana: str, conversation: str = "c-1") -> list[str]:
    """Earliest first."""
    return [one.content for one in await backend.list_communications(scope, dana, conversation, 100)][::-1]


def texts(recall: Recall) -> list[str]:
    return [one.item.content for one in recall.communications]


async def test_messages_keep_their_order_and_all_that_was_said_of_them(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    at = datetime(2026, 4, 1, 12, tzinfo=UTC)
    message = NewMessage(text="Hello", role="customer", author="Dana", channel="sms", occurred_at=at, message_id="m-1")
    await record(backend, scope, dana, message)
    await record(backend, scope, dana, NewMessage(text="Hello!", role="agent", message_id="m-2"))

    second, first = await backend.list_communications(scope, dana, "c-1", 10)

    assert (first.content, first.role, first.author, first.source) == ("Hello", "customer", "Dana", "sms")
    assert (first.occurred_at, first.created_at, first.message_id) == (at, clock(), "m-1")
    assert (second.role, second.author, second.source, second.occurred_at) == ("agent", None, "chat", clock())
    profile = await backend.get_profile(scope, dana)
    assert (profile.communication_count, profile.last_activity_at) == (2, clock())


async def test_who_sends_the_whole_conversation_each_time_adds_what_is_new(
    backend: Backend, scope: Scope, dana: str
) -> None:
    for length in range(1, len(TALK) + 1):
        outcomes = await record(backend, scope, dana, *TALK[:length])
        assert outcomes == ["duplicate"] * (length - 1) + ["added"]

    assert await said(backend, scope, dana) == [one.text for one in TALK]


async def test_a_retried_call_adds_nothing_and_names_what_is_there(backend: Backend, scope: Scope, dana: str) -> None:
    first = await backend.record_messages(scope, dana, "c-1", TALK[:3])
    again = await backend.record_messages(scope, dana, "c-1", TALK[:3])

    assert [one.id for one in again.receipts] == [one.id for one in first.receipts]
    assert {one.outcome for one in again.receipts} == {"duplicate"}


async def test_words_that_were_said_before_but_not_at_the_end_are_said_again(
    backend: Backend, scope: Scope, dana: str
) -> None:
    yes, no = NewMessage(text="Yes.", role="customer"), NewMessage(text="No.", role="customer")
    for one in (yes, no, yes):
        assert await record(backend, scope, dana, one) == ["added"]

    assert await said(backend, scope, dana) == ["Yes.", "No.", "Yes."]


async def test_by_its_id_a_message_is_known_wherever_it_stands(backend: Backend, scope: Scope, dana: str) -> None:
    one, two, three = (NewMessage(text="Yes.", role="customer", message_id=f"m-{at}") for at in range(3))

    assert await record(backend, scope, dana, one, two) == ["added", "added"]
    assert await record(backend, scope, dana, one, three, two) == ["duplicate", "added", "duplicate"]
    assert await record(backend, scope, dana, one, to="c-2") == ["added"]


async def test_the_same_words_at_another_stated_time_are_another_message(
    backend: Backend, scope: Scope, dana: str
) -> None:
    noon = NewMessage(text="Yes.", role="customer", occurred_at=datetime(2026, 4, 1, 12, tzinfo=UTC))
    later = NewMessage(text="Yes.", role="customer", occurred_at=datetime(2026, 4, 1, 13, tzinfo=UTC))

    assert await record(backend, scope, dana, noon) == ["added"]
    assert await record(backend, scope, dana, later) == ["added"]
    assert await record(backend, scope, dana, later) == ["duplicate"]


async def test_sixteen_who_write_to_one_conversation_lose_and_double_nothing(
    backend: Backend, scope: Scope, dana: str
) -> None:
    async def say(number: int) -> None:
        new = NewMessage(text=f"Message number {number}.", role="customer", message_id=f"m-{number}")
        for _ in range(2):
            await backend.record_messages(scope, dana, "c-1", [new])

    async with anyio.create_task_group() as group:
        for number in range(16):
            group.start_soon(say, number)

    assert sorted(await said(backend, scope, dana)) == sorted(f"Message number {number}." for number in range(16))


async def test_a_question_finds_messages_of_all_conversations_best_first(
    backend: Backend, scope: Scope, dana: str
) -> None:
    await record(backend, scope, dana, *TALK)
    await record(backend, scope, dana, NewMessage(text="My dog ate the invoice.", role="customer"), to="c-2")

    beetles = await backend.recall(scope, dana, RecallQuery(query="insects as a hobby", communications_limit=2))
    order = await backend.recall(scope, dana, RecallQuery(query="when does b2077 ship", communications_limit=1))

    assert texts(beetles)[0] == "My nephew. He collects beetles."
    assert texts(order) == ["It ships with order B-2077 on Monday."]
    assert all(one.score is not None and 0 <= one.score <= 1 for one in beetles.communications)


async def test_a_short_answer_is_found_by_what_it_answers(backend: Backend, scope: Scope, dana: str) -> None:
    for number in range(30):
        await record(
            backend,
            scope,
            dana,
            NewMessage(text=f"Is invoice number {number} paid?", role="agent"),
            NewMessage(text="I think so.", role="customer"),
            to=f"old-{number}",
        )
    await record(
        backend,
        scope,
        dana,
        NewMessage(text="Would you mind telling us whether you own a car?", role="agent"),
        NewMessage(text="No, never had one.", role="customer"),
    )

    recall = await backend.recall(scope, dana, RecallQuery(query="Do they own a car?", communications_limit=2))

    assert "No, never had one." in texts(recall)


async def test_what_customers_say_stands_before_what_agents_say_of_it(
    backend: Backend, scope: Scope, dana: str
) -> None:
    for number in range(8):
        await record(backend, scope, dana, NewMessage(text=f"Order {number} is on its way.", role="agent"), to="a")
    agent = NewMessage(text="So you are allergic to wool.", role="agent")
    customer = NewMessage(text="I am allergic to wool.", role="customer")
    await record(backend, scope, dana, agent, to="b")
    await record(backend, scope, dana, customer, to="c")

    recall = await backend.recall(scope, dana, RecallQuery(query="allergic to wool", communications_limit=2))

    assert texts(recall) == [customer.text, agent.text]


async def test_of_a_conversation_that_is_named_the_last_messages_come_as_they_are(
    backend: Backend, scope: Scope, dana: str
) -> None:
    await record(backend, scope, dana, *TALK)

    for query in (None, "beetles"):
        recall = await backend.recall(
            scope, dana, RecallQuery(query=query, conversation_id="c-1", communications_limit=3)
        )
        assert texts(recall) == [one.text for one in TALK[:2:-1]]
        assert [one.score for one in recall.communications] == [None] * 3


async def test_without_a_question_the_conversation_asks(backend: Backend, scope: Scope, dana: str) -> None:
    for content in ("Collects beetles and other insects.", "Paid invoice 7 late.", "Lives on the fifth floor."):
        await backend.add_observations(scope, dana, [NewObservation(content=content)])
    await record(backend, scope, dana, *TALK[2:4])

    recall = await backend.recall(scope, dana, RecallQuery(conversation_id="c-1", observations_limit=1))

    assert [one.item.content for one in recall.observations] == ["Collects beetles and other insects."]
    assert recall.observations[0].score is not None
    assert recall.query == "Max: Then maybe a magnifying glass?\nDana: My nephew. He collects beetles."


async def test_without_a_question_and_a_conversation_the_latest_messages_come(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    await record(backend, scope, dana, TALK[0])
    clock.pass_(minutes=1)
    await record(backend, scope, dana, TALK[1], to="c-2")

    recall = await backend.recall(scope, dana, RecallQuery(communications_limit=5))

    assert texts(recall) == [TALK[1].text, TALK[0].text]


async def test_a_merged_profile_remembers_the_messages_of_both(backend: Backend, scope: Scope, dana: str) -> None:
    lee = (await backend.upsert_traits(scope, {"Contact": {"chat": "lee"}}, None)).profile.profile_id
    await record(backend, scope, dana, *TALK[:3])
    await record(backend, scope, lee, NewMessage(text="Where is my parcel with the beetles?", role="customer"))
    await backend.merge_profiles(scope, dana, lee)

    recall = await backend.recall(scope, lee, RecallQuery(query="beetles", communications_limit=2))

    assert set(texts(recall)) == {"My nephew. He collects beetles.", "Where is my parcel with the beetles?"}
    assert len(await said(backend, scope, lee)) == 4
    assert (await backend.get_profile(scope, dana)).communication_count == 4


async def test_nobodys_conversation_is_refused_and_an_unknown_one_is_empty(
    backend: Backend, scope: Scope, dana: str
) -> None:
    with pytest.raises(NotFound):
        await backend.record_messages(scope, "mem_profile_01k0000000e0000000000000aa", "c-1", TALK)

    assert await backend.list_communications(scope, dana, "never", 10) == []
    recall = await backend.recall(scope, dana, RecallQuery(conversation_id="never", communications_limit=3))
    assert (texts(recall), recall.query) == ([], None)


async def test_a_conversation_keeps_its_order_when_the_profile_is_merged(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    """Its own, which is that of recording, whatever times the messages say: or what is sent again would be added."""
    lee = (await backend.upsert_traits(scope, {"Contact": {"chat": "lee"}}, None)).profile.profile_id
    late = NewMessage(text="Sent first.", role="customer", occurred_at=clock() + timedelta(minutes=5))
    early = NewMessage(text="Sent next, said to be earlier.", role="customer", occurred_at=clock())
    await record(backend, scope, dana, late, early)
    await backend.merge_profiles(scope, dana, lee)
    clock.pass_(minutes=1)

    assert await record(backend, scope, dana, late, early) == ["duplicate", "duplicate"]
    assert await record(backend, scope, lee, late, early, TALK[0]) == ["duplicate", "duplicate", "added"]
    assert await said(backend, scope, dana) == [late.text, early.text, TALK[0].text]
