"""Conversations of several people: their configurations, who is who, and what is one conversation."""

from datetime import timedelta

import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import Conflict, Conflicting, Full, Invalid, NotFound
from mcp_memory.model import Scope
from mcp_memory.orchestrator import (
    Address,
    ChannelSetting,
    ConversationChanges,
    NewParticipant,
    SettingsChanges,
)

from .conftest import Clock
from .talks import AGENT, ALL, BEN, CUSTOMER, DANA, SHOP, configured, learned, opened, people, say, state, who

pytestmark = pytest.mark.anyio


# Configurations


async def test_a_configuration_is_kept_changed_and_removed(backend: Backend, scope: Scope, clock: Clock) -> None:
    sms = ChannelSetting(inactive=10, closed=30, timed=True)
    made = await configured(backend, scope, channels={"SMS": sms})
    clock.pass_(minutes=1)
    tenant = scope.tenant
    voice = ChannelSetting(closed=5, timed=True)
    changes = SettingsChanges(description="new", channels={"VOICE": voice}, memory_extraction=False)
    changed = await backend.update_configuration(tenant, made.configuration_id, changes)
    without = await backend.update_configuration(tenant, made.configuration_id, SettingsChanges(channels={"SMS": None}))

    assert (changed.version, changed.updated_at - changed.created_at) == (2, timedelta(minutes=1))
    assert changed.settings.channels == {"SMS": sms, "VOICE": voice} and not changed.settings.memory_extraction
    assert without.settings.channels == {"VOICE": voice} and without.settings.description == "new"
    assert await backend.list_configurations(tenant) == [without]
    assert await backend.get_configuration(tenant, made.configuration_id) == without
    with pytest.raises(Conflict, match="conversationGroupingType"):
        await backend.update_configuration(
            tenant, made.configuration_id, SettingsChanges(grouping="GROUP_BY_PARTICIPANT_ADDRESSES")
        )
    await backend.delete_configuration(tenant, made.configuration_id)
    with pytest.raises(NotFound):
        await backend.get_configuration(tenant, made.configuration_id)


async def test_a_tenant_has_ten_configurations_and_no_more(backend: Backend, scope: Scope) -> None:
    for _ in range(10):
        await configured(backend, scope)
    with pytest.raises(Full, match="10 configurations"):
        await configured(backend, scope)


async def test_a_conversation_goes_on_with_the_settings_it_began_with(
    backend: Backend, scope: Scope, clock: Clock
) -> None:
    before = await configured(backend, scope, channels={"SMS": ChannelSetting(closed=30, timed=True)})
    one = await opened(backend, scope, before, CUSTOMER, AGENT)
    changes = SettingsChanges(channels={"SMS": ChannelSetting(closed=60, timed=True)}, memory_extraction=False)
    after = await backend.update_configuration(scope.tenant, before.configuration_id, changes)
    await say(backend, scope, one, "I live in Porto.")
    clock.pass_(minutes=30)

    assert await state(backend, scope, one) == "CLOSED"
    assert len(await learned(backend, scope, one.participants[0].profile_id)) == 1
    await backend.delete_configuration(scope.tenant, after.configuration_id)
    assert await backend.fetch_conversation(scope, one.conversation_id)


# Who is who


async def test_a_customer_is_found_by_an_address_or_made(backend: Backend, scope: Scope) -> None:
    known = (await backend.upsert_traits(scope, {"Contact": {"phone": BEN}}, None)).profile.profile_id
    configuration = await configured(backend, scope)
    one = await opened(backend, scope, configuration, who("(317) 555-0143", "CUSTOMER"), AGENT)
    new = await opened(backend, scope, configuration, CUSTOMER, AGENT)

    assert one.participants[0].profile_id == known
    made = await backend.lookup_profile(scope, DANA, "phone")
    assert made.profile is not None and new.participants[0].profile_id == made.profile.profile_id
    assert made.profile.traits["Contact"]["phone"] == DANA
    assert new.participants[1].profile_id is None


async def test_two_addresses_of_one_customer_make_one_profile(backend: Backend, scope: Scope) -> None:
    phone = (await backend.upsert_traits(scope, {"Contact": {"phone": DANA}}, None)).profile.profile_id
    email = (await backend.upsert_traits(scope, {"Contact": {"email": "dana@example.com"}}, None)).profile.profile_id
    addresses = (
        Address(channel="SMS", address=DANA),
        Address(channel="EMAIL", address="Dana@Example.com"),
        Address(channel="WHATSAPP", address=f"whatsapp:{DANA}"),
    )
    both = NewParticipant(addresses=addresses, type="CUSTOMER")
    one = await opened(backend, scope, await configured(backend, scope), both)

    assert one.participants[0].profile_id == min(phone, email)
    assert await backend.live_profile_id(scope, email) == await backend.live_profile_id(scope, phone)
    found = await backend.lookup_profile(scope, DANA, "whatsapp")
    assert found.profile is not None and found.profile.profile_id == min(phone, email)


async def test_who_is_unknown_is_looked_up_and_not_made(backend: Backend, scope: Scope) -> None:
    known = (await backend.upsert_traits(scope, {"Contact": {"phone": BEN}}, None)).profile.profile_id
    one = await opened(backend, scope, await configured(backend, scope), who(BEN), who(DANA, "UNKNOWN"))

    assert [(each.type, each.profile_id) for each in one.participants] == [("CUSTOMER", known), ("UNKNOWN", None)]
    assert (await backend.lookup_profile(scope, DANA, None)).profile is None


async def test_what_identifies_nobody_keeps_nobody_out(backend: Backend, scope: Scope) -> None:
    odd = [who("12345", "CUSTOMER"), who("client:anna", "CUSTOMER", "VOICE"), who("camera", "CUSTOMER", "VIDEO")]
    one = await opened(backend, scope, await configured(backend, scope), *odd)

    assert [each.profile_id for each in one.participants] == [None, None, None]
    assert await say(backend, scope, one, "I live in Porto.", by="12345")
    assert await state(backend, scope, one) == "ACTIVE"


async def test_an_address_belongs_to_one_participant(backend: Backend, scope: Scope) -> None:
    one = await opened(backend, scope, await configured(backend, scope), CUSTOMER, AGENT)
    with pytest.raises(Conflicting) as refused:
        await backend.add_participant(scope, one.conversation_id, who("+1 317 555 0142"))

    assert refused.value.resource_id == one.participants[0].participant_id
    assert len(await people(backend, scope, one)) == 2


async def test_a_profile_that_is_named_must_be_there(backend: Backend, scope: Scope, clock: Clock) -> None:
    configuration = await configured(backend, scope)
    nobody = who(DANA, "CUSTOMER", profile_id=clock.make_id("mem_profile"))
    with pytest.raises(Invalid, match="profileId"):
        await opened(backend, scope, configuration, nobody)
    known = (await backend.upsert_traits(scope, {"Contact": {"phone": BEN}}, None)).profile.profile_id
    one = await opened(backend, scope, configuration, who("+13175550999", "CUSTOMER", profile_id=known))

    assert one.participants[0].profile_id == known


# What is one conversation


async def test_one_profile_has_one_conversation_that_is_open(backend: Backend, scope: Scope) -> None:
    configuration = await configured(backend, scope)
    one = await opened(backend, scope, configuration, CUSTOMER, AGENT)
    mail = NewParticipant(
        addresses=(Address(channel="WHATSAPP", address=DANA),), profile_id=one.participants[0].profile_id
    )
    with pytest.raises(Conflicting) as refused:
        await opened(backend, scope, configuration, mail)
    other = await opened(backend, scope, configuration, who(BEN, "CUSTOMER"), AGENT)
    await backend.update_conversation(scope, one.conversation_id, ConversationChanges(status="CLOSED"))
    again = await opened(backend, scope, configuration, CUSTOMER, AGENT)

    assert refused.value.resource_id == one.conversation_id
    assert len({one.conversation_id, other.conversation_id, again.conversation_id}) == 3


@pytest.mark.parametrize(
    ("grouping", "same"),
    [("GROUP_BY_PARTICIPANT_ADDRESSES", True), ("GROUP_BY_PARTICIPANT_ADDRESSES_AND_CHANNEL_TYPE", False)],
)
async def test_the_same_addresses_on_another_channel(backend: Backend, scope: Scope, grouping: str, same: bool) -> None:
    configuration = await configured(backend, scope, grouping=grouping)
    one = await opened(backend, scope, configuration, CUSTOMER, AGENT)
    by_voice = who(DANA, "CUSTOMER", "VOICE"), who(SHOP, "HUMAN_AGENT", "VOICE")
    with pytest.raises(Conflicting) as refused:
        await opened(backend, scope, configuration, AGENT, CUSTOMER)
    assert refused.value.resource_id == one.conversation_id
    if same:
        with pytest.raises(Conflicting):
            await opened(backend, scope, configuration, *by_voice)
    else:
        assert await opened(backend, scope, configuration, *by_voice)


async def test_a_conversation_that_is_refused_leaves_nothing(backend: Backend, scope: Scope) -> None:
    configuration = await configured(backend, scope)
    await opened(backend, scope, configuration, CUSTOMER)
    with pytest.raises(Conflicting):
        await opened(backend, scope, configuration, who(BEN, "CUSTOMER"), CUSTOMER)

    assert (await backend.lookup_profile(scope, BEN, None)).profile is None
    assert len((await backend.list_conversations(scope, [], None, ALL)).items) == 1
