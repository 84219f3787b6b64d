"""What is said in conversations of several people, what the memory of each customer has of it, and for how long."""

from datetime import timedelta
from typing import Any

import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import Conflict, Invalid, NotFound
from mcp_memory.ids import CONVERSATION, PARTICIPANT
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.model import RecallQuery, Scope
from mcp_memory.orchestrator import (
    ChannelSetting,
    Content,
    ConversationChanges,
    NewCommunication,
    OrchestratedConversation,
    Party,
)

from .conftest import Clock
from .talks import AGENT, ALL, BEN, CUSTOMER, DANA, SHOP, configured, learned, opened, people, say, state, told, who

pytestmark = pytest.mark.anyio


@pytest.fixture
async def talk(backend: Backend, scope: Scope) -> OrchestratedConversation:
    """Dana's, with an agent."""
    return await opened(backend, scope, await configured(backend, scope), CUSTOMER, AGENT)


# What is said


async def test_each_customer_has_it_in_memory_with_whose_words_they_are(backend: Backend, scope: Scope) -> None:
    ben = who(BEN, "CUSTOMER", name="Ben")
    one = await opened(
        backend, scope, await configured(backend, scope), CUSTOMER, ben, AGENT, who("bot", "AI_AGENT", "CHAT")
    )
    await say(backend, scope, one, "I live in Porto.")
    await say(backend, scope, one, "I live in Oslo.", by=BEN)
    await say(backend, scope, one, "Noted.", by=SHOP, hears=DANA)
    await say(backend, scope, one, "Hello both.", by="bot", hears=DANA, channel="CHAT")
    await say(backend, scope, one, "Who are you?", by="+13175550199")
    first, second = (each.profile_id for each in one.participants[:2])

    dana = await told(backend, scope, first)
    assert [role for role, _ in dana] == ["customer", "other", "agent", "agent", "other"]
    assert [role for role, _ in await told(backend, scope, second)] == ["other", "customer", "agent", "agent", "other"]
    await backend.update_conversation(scope, one.conversation_id, ConversationChanges(status="INACTIVE"))
    await backend.learn(scope)
    said = [one.content for one in await learned(backend, scope, first)]
    assert any("Porto" in one for one in said) and not any("Oslo" in one for one in said)
    assert any("Oslo" in one.content for one in await learned(backend, scope, second))


async def test_what_is_recalled_has_the_id_it_was_posted_under(
    backend: Backend, scope: Scope, talk: OrchestratedConversation
) -> None:
    posted = await say(backend, scope, talk, "My order is B-2077.")
    profile_id = talk.participants[0].profile_id
    assert profile_id is not None
    found = await backend.recall(scope, profile_id, RecallQuery(query="order", communications_limit=1))

    assert found.communications[0].item.id == posted.communication_id
    assert await backend.get_posted(scope, talk.conversation_id, posted.communication_id) == posted
    assert found.communications[0].item.conversation_id == talk.conversation_id


async def test_what_is_sent_twice_is_there_once(
    backend: Backend, scope: Scope, talk: OrchestratedConversation, clock: Clock
) -> None:
    first = await say(backend, scope, talk, "Hello.", resource_id="SM1")
    clock.pass_(seconds=1)
    again = await say(backend, scope, talk, "Hello.", resource_id="SM1")
    other = await say(backend, scope, talk, "Hello.", resource_id="SM2")
    at = clock() - timedelta(hours=1)
    dated = await say(backend, scope, talk, "Hello.", occurred_at=at)
    same = await say(backend, scope, talk, "Hello.", occurred_at=at)
    plain = [await say(backend, scope, talk, "Yes."), await say(backend, scope, talk, "Yes.")]

    assert first == again and dated == same and plain[0] != plain[1]
    listed = (await backend.list_posted(scope, talk.conversation_id, None, ALL)).items
    assert list(listed) == [first, other, dated, *plain]
    assert len(await told(backend, scope, talk.participants[0].profile_id)) == 5


async def test_who_becomes_a_customer_has_what_was_said_before_in_memory(backend: Backend, scope: Scope) -> None:
    one = await opened(backend, scope, await configured(backend, scope), AGENT)
    texts = [f"I have {number} cats." for number in range(2, 122)]
    for text in texts[:119]:
        await say(backend, scope, one, text)
    (unknown,) = [each for each in await people(backend, scope, one) if each.type == "UNKNOWN"]
    await say(backend, scope, one, texts[119])
    promoted = await backend.update_participant(scope, one.conversation_id, unknown.participant_id, CUSTOMER)

    assert promoted.type == "CUSTOMER" and promoted.profile_id is not None and promoted.name == "Dana"
    assert await told(backend, scope, promoted.profile_id) == [("customer", text) for text in texts[20:]]
    counted = (await backend.get_profile(scope, promoted.profile_id)).communication_count
    assert counted == 120


async def test_who_turns_out_to_be_an_agent_was_one_all_along(backend: Backend, scope: Scope) -> None:
    one = await opened(backend, scope, await configured(backend, scope), CUSTOMER)
    await say(backend, scope, one, "My order arrived damaged.")
    await say(backend, scope, one, "I will send a replacement by Friday.", by=SHOP, hears=DANA)
    dana, shop = await people(backend, scope, one)
    assert [role for role, _ in await told(backend, scope, dana.profile_id)] == ["customer", "other"]
    await backend.update_participant(scope, one.conversation_id, shop.participant_id, AGENT)
    await say(backend, scope, one, "Thank you.")

    heard = await told(backend, scope, dana.profile_id)
    assert [role for role, _ in heard] == ["customer", "agent", "customer"]
    assert [text for _, text in heard][1] == "I will send a replacement by Friday."
    await backend.update_conversation(scope, one.conversation_id, ConversationChanges(status="CLOSED"))
    await backend.learn(scope)
    assert any("replacement" in each.content for each in await learned(backend, scope, dana.profile_id))


async def test_a_customer_who_was_mistaken_for_another_leaves_nothing_there(
    backend: Backend, scope: Scope, talk: OrchestratedConversation
) -> None:
    await say(backend, scope, talk, "I live in Porto.")
    dana = talk.participants[0]
    ben = await backend.update_participant(scope, talk.conversation_id, dana.participant_id, who(BEN, "CUSTOMER"))

    assert ben.profile_id not in (None, dana.profile_id)
    assert await told(backend, scope, ben.profile_id) == [("customer", "I live in Porto.")]
    assert await told(backend, scope, dana.profile_id) == []


async def test_pages_of_all_lists(backend: Backend, scope: Scope, talk: OrchestratedConversation, clock: Clock) -> None:
    posted = [await say(backend, scope, talk, f"Number {n}.", channel_id=f"CA{n % 2}") for n in range(5)]
    conversation_id = talk.conversation_id

    async def paged(list: Any, *asked: Any) -> list[Any]:
        found, cursor = [], None
        while True:
            page = await list(scope, *asked, PageQuery(limit=2, cursor=cursor))
            assert len(page.items) <= 2
            found += page.items
            if (cursor := page.next_cursor) is None:
                return found

    others = [
        await opened(backend, scope, await configured(backend, scope), who(f"+1317555020{n}", "CUSTOMER"))
        for n in range(4)
    ]
    assert await paged(backend.list_posted, conversation_id, None) == posted
    assert await paged(backend.list_posted, conversation_id, "CA1") == [posted[1], posted[3]]
    assert [one.name for one in await paged(backend.list_participants, conversation_id)] == ["Dana", "Ada"]
    listed = await paged(backend.list_conversations, [], None)
    assert [one.conversation_id for one in listed] == [
        *(one.conversation_id for one in reversed(others)),
        conversation_id,
    ]
    assert [one.conversation_id for one in await paged(backend.list_conversations, [], "CA0")] == [conversation_id]
    assert await paged(backend.list_conversations, ["CLOSED"], None) == []


async def test_a_merged_customer_is_the_live_one(
    backend: Backend, scope: Scope, talk: OrchestratedConversation
) -> None:
    await say(backend, scope, talk, "I live in Porto.")
    dana = talk.participants[0].profile_id
    assert dana is not None
    other = (await backend.upsert_traits(scope, {"Contact": {"email": "d@example.com"}}, None)).profile.profile_id
    merged = (await backend.merge_profiles(scope, dana, other)).profile.profile_id
    await say(backend, scope, talk, "And I have two cats.")
    await backend.update_conversation(scope, talk.conversation_id, ConversationChanges(status="CLOSED"))
    await backend.learn(scope)

    assert (await people(backend, scope, talk))[0].profile_id == merged
    assert [text for _, text in await told(backend, scope, other)] == ["I live in Porto.", "And I have two cats."]
    assert len(await learned(backend, scope, other)) == 2


# Its life


async def test_it_falls_silent_goes_on_and_ends_by_its_channels_times(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    times = {
        "SMS": ChannelSetting(inactive=10, closed=30, timed=True),
        "VOICE": ChannelSetting(inactive=1, closed=2, timed=True),
    }
    configuration = await configured(backend, scope, channels=times)
    one = await opened(backend, scope, configuration, CUSTOMER, AGENT)
    await say(backend, scope, one, "I live in Porto.")
    seen = []
    for minutes in (9, 1, 19):
        clock.pass_(minutes=minutes)
        seen.append(await state(backend, scope, one))
    await say(backend, scope, one, "I have two cats.", by=SHOP, hears=DANA)
    seen.append((await backend.fetch_conversation(scope, one.conversation_id)).status)
    for minutes in (29, 1):
        clock.pass_(minutes=minutes)
        seen.append(await state(backend, scope, one))

    assert seen == ["ACTIVE", "INACTIVE", "INACTIVE", "ACTIVE", "INACTIVE", "CLOSED"]


async def test_without_an_inactive_time_it_never_is(backend: Backend, scope: Scope, clock: Clock) -> None:
    configuration = await configured(backend, scope, channels={"SMS": ChannelSetting(closed=30, timed=True)})
    one = await opened(backend, scope, configuration, CUSTOMER, AGENT)
    clock.pass_(minutes=29)
    before = await state(backend, scope, one)
    clock.pass_(minutes=1)

    assert (before, await state(backend, scope, one)) == ("ACTIVE", "CLOSED")


async def test_it_is_learned_from_when_it_is_silent_and_summed_up_when_it_ends(
    backend: Backend, scope: Scope, talk: OrchestratedConversation, clock: Clock
) -> None:
    profile_id = talk.participants[0].profile_id
    assert profile_id is not None
    await say(backend, scope, talk, "I live in Porto.")
    clock.pass_(minutes=15)
    await backend.learn(scope)
    (first,) = await learned(backend, scope, profile_id)
    await say(backend, scope, talk, "I moved to Lisbon.")
    closed = await backend.update_conversation(scope, talk.conversation_id, ConversationChanges(status="CLOSED"))
    await backend.learn(scope)
    (second,) = await learned(backend, scope, profile_id)
    (summary,) = (await backend.list_summaries(scope, profile_id, ItemFilter(), ALL)).items

    assert closed.status == "CLOSED" and closed.closed_at == clock()
    assert "Porto" in first.content and "Lisbon" in second.content and first.id == second.id
    assert second.conversation_ids == (talk.conversation_id,) == (summary.conversation_id,)


async def test_where_it_is_not_enabled_nothing_is_learned(backend: Backend, scope: Scope, clock: Clock) -> None:
    one = await opened(backend, scope, await configured(backend, scope, memory_extraction=False), CUSTOMER)
    await say(backend, scope, one, "I live in Porto.")
    clock.pass_(days=2)

    assert await state(backend, scope, one) == "CLOSED"
    assert await learned(backend, scope, one.participants[0].profile_id) == []
    assert len(await told(backend, scope, one.participants[0].profile_id)) == 1


async def test_what_is_closed_stays_so_and_takes_only_what_is_late(
    backend: Backend, scope: Scope, talk: OrchestratedConversation, clock: Clock
) -> None:
    profile_id = talk.participants[0].profile_id
    before = clock()
    clock.pass_(minutes=5)
    await say(backend, scope, talk, "I live in Porto.")
    await backend.update_conversation(scope, talk.conversation_id, ConversationChanges(status="CLOSED"))
    await backend.learn(scope)
    clock.pass_(minutes=1)
    with pytest.raises(Conflict, match="another one"):
        await say(backend, scope, talk, "Hello?")
    with pytest.raises(Conflict, match="CLOSED"):
        await backend.update_conversation(scope, talk.conversation_id, ConversationChanges(status="ACTIVE"))
    with pytest.raises(Conflict, match="CLOSED"):
        await backend.add_participant(scope, talk.conversation_id, who(BEN))
    late = await say(backend, scope, talk, "I work at Northwind as a welder.", occurred_at=before)

    assert await state(backend, scope, talk) == "CLOSED"
    assert late.occurred_at == before
    said = sorted(one.content for one in await learned(backend, scope, profile_id))
    assert len(said) == 2 and any("Northwind" in one for one in said)


async def test_what_comes_late_overwrites_nothing_newer(
    backend: Backend, scope: Scope, talk: OrchestratedConversation, clock: Clock
) -> None:
    clock.pass_(hours=3)
    await say(backend, scope, talk, "I moved to Lisbon.")
    await say(backend, scope, talk, "I live in Porto.", occurred_at=clock() - timedelta(hours=2))
    await backend.update_conversation(scope, talk.conversation_id, ConversationChanges(status="CLOSED"))
    await backend.learn(scope)

    contents = [one.content for one in await learned(backend, scope, talk.participants[0].profile_id)]
    assert [one for one in contents if "Lisbon" in one] and not [one for one in contents if "Porto" in one]


async def test_the_tools_of_an_agent_see_and_end_the_same_conversation(
    backend: Backend, scope: Scope, talk: OrchestratedConversation
) -> None:
    profile_id = talk.participants[0].profile_id
    assert profile_id is not None
    await say(backend, scope, talk, "I live in Porto.")
    seen = await backend.get_conversation(scope, profile_id, talk.conversation_id)
    closed = await backend.close_conversation(scope, profile_id, talk.conversation_id)

    assert (seen.status, closed.status, seen.channels) == ("ACTIVE", "CLOSED", ("sms",))
    assert (await backend.fetch_conversation(scope, talk.conversation_id)).status == "CLOSED"


# What is forgotten


async def test_a_conversation_that_is_deleted_is_in_no_memory(
    backend: Backend, scope: Scope, talk: OrchestratedConversation
) -> None:
    dana = talk.participants[0].profile_id
    assert dana is not None
    await say(backend, scope, talk, "I live in Porto.")
    await backend.update_conversation(scope, talk.conversation_id, ConversationChanges(status="INACTIVE"))
    await backend.learn(scope)
    await backend.delete_conversation(scope, talk.conversation_id)

    assert await told(backend, scope, dana) == []
    assert (await backend.get_profile(scope, dana)).communication_count == 0
    assert len(await learned(backend, scope, dana)) == 1, "what was learned stays"
    for gone in (
        backend.fetch_conversation(scope, talk.conversation_id),
        backend.store_of_conversation(scope.tenant, talk.conversation_id),
        backend.list_posted(scope, talk.conversation_id, None, ALL),
    ):
        with pytest.raises(NotFound):
            await gone


async def test_a_customer_who_is_forgotten_has_said_nothing_to_anybody(backend: Backend, scope: Scope) -> None:
    configuration = await configured(backend, scope)
    one = await opened(backend, scope, configuration, CUSTOMER, who(BEN, "CUSTOMER"), AGENT)
    await say(backend, scope, one, "I live in Porto.")
    await say(backend, scope, one, "I live in Oslo.", by=BEN)
    dana, ben = (each.profile_id for each in one.participants[:2])
    assert dana is not None and ben is not None
    await backend.delete_profile(scope, dana)

    assert await told(backend, scope, ben) == [("customer", "I live in Oslo.")]
    left = (await backend.list_posted(scope, one.conversation_id, None, ALL)).items
    assert [each.content.text for each in left] == ["I live in Oslo."]
    assert [each.type for each in await people(backend, scope, one)] == ["CUSTOMER", "HUMAN_AGENT"]
    await backend.delete_profile(scope, ben)
    with pytest.raises(NotFound):
        await backend.fetch_conversation(scope, one.conversation_id)


async def test_ids_of_nothing(backend: Backend, scope: Scope, talk: OrchestratedConversation, clock: Clock) -> None:
    nothing, nobody = clock.make_id(CONVERSATION), clock.make_id(PARTICIPANT)
    for asked in (
        backend.store_of_conversation(scope.tenant, nothing),
        backend.store_of_conversation("other", talk.conversation_id),
        backend.fetch_conversation(scope, nothing),
        backend.list_participants(scope, nothing, ALL),
        backend.list_posted(scope, nothing, None, ALL),
        backend.get_participant(scope, talk.conversation_id, nobody),
        backend.update_participant(scope, talk.conversation_id, nobody, CUSTOMER),
        backend.get_posted(scope, talk.conversation_id, clock.make_id("conv_communication")),
    ):
        with pytest.raises(NotFound):
            await asked
    with pytest.raises(Invalid, match="participantId"):
        party = Party(channel="SMS", address=DANA, participant_id=nobody)
        await backend.post_communication(
            scope, talk.conversation_id, NewCommunication(author=party, content=Content(text="Hi"), recipients=(party,))
        )
