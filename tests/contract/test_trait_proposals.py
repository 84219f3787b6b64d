"""Traits that customers state: proposed, written where that is the policy and contradicts nobody, decided."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroupChanges
from mcp_memory.edits import StoreChanges
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.history import Authorship
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.listing import PageQuery
from mcp_memory.model import NewMessage, Role, Scope, TraitValue
from mcp_memory.proposals import ProposalStatus, TraitProposal

from .conftest import Clock, Opened

pytestmark = pytest.mark.anyio

ALL = PageQuery(limit=100, newest_first=False)
CURATOR = Authorship(actor="api kim")
PHONE = "+13175550142"
WRITING = LearningSettings(traits="write")


@pytest.fixture
async def writing(opened: Opened, embedder: MiniLM) -> AsyncIterator[Backend]:
    async with opened(embedder) as backend:
        await backend.update_learning_settings(await backend.open_store("acme", "default"), WRITING)
        yield backend


async def dana_of(backend: Backend) -> tuple[Scope, str]:
    scope = await backend.open_store("acme", "default")
    return scope, (await backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, None)).profile.profile_id


async def hear(backend: Backend, at: tuple[Scope, str], *texts: str, to: str = "c-1", role: Role = "customer") -> None:
    """Said in a conversation that is over then, and learned from."""
    scope, dana = at
    await backend.record_messages(scope, dana, to, [NewMessage(text=text, role=role) for text in texts])
    await backend.close_conversation(scope, dana, to)
    await backend.learn(scope)


async def proposals(
    backend: Backend, at: tuple[Scope, str], status: ProposalStatus | None = None
) -> list[TraitProposal]:
    return list((await backend.list_trait_proposals(*at, status, ALL)).items)


async def told(backend: Backend, at: tuple[Scope, str]) -> list[tuple[str, TraitValue, ProposalStatus]]:
    return [(one.name, one.value, one.status) for one in await proposals(backend, at)]


async def contact(backend: Backend, at: tuple[Scope, str]) -> dict[str, TraitValue]:
    return dict((await backend.get_profile(*at)).traits.get("Contact", {}))


async def test_what_is_stated_is_proposed_with_its_evidence_and_nothing_is_written(
    backend: Backend, clock: Clock
) -> None:
    at = await dana_of(backend)
    said = clock()
    await hear(backend, at, "My name is Dana Petrov.", "My email is Dana@Example.com.", "I speak French.")

    found = await proposals(backend, at)
    messages = {one.id: one.content for one in await backend.list_communications(*at, "c-1", 10)}
    assert [(one.group, one.name, one.value, messages[one.evidence]) for one in found] == [
        ("Contact", "firstName", "Dana", "My name is Dana Petrov."),
        ("Contact", "lastName", "Petrov", "My name is Dana Petrov."),
        ("Contact", "email", "dana@example.com", "My email is Dana@Example.com."),
        ("Contact", "preferredLanguage", "French", "I speak French."),
    ]
    assert {(one.status, one.reason, one.conversation_id, one.occurred_at) for one in found} == {
        ("PROPOSED", None, "c-1", said)
    }
    assert await contact(backend, at) == {"phone": PHONE}


async def test_a_store_that_wants_none_has_none(opened: Opened, embedder: MiniLM) -> None:
    async with opened(embedder) as backend:
        at = await dana_of(backend)
        await backend.update_learning_settings(at[0], LearningSettings(traits="off"))
        await hear(backend, at, "My name is Dana Petrov.")
        assert await proposals(backend, at) == [] and await contact(backend, at) == {"phone": PHONE}


@pytest.mark.parametrize("role", ["agent", "other"])
async def test_what_others_say_states_nothing_of_the_customer(backend: Backend, role: Role) -> None:
    at = await dana_of(backend)
    await hear(backend, at, "My name is Bob Ray.", "My email is bob@example.com.", role=role)
    assert await proposals(backend, at) == []


async def test_what_is_so_or_was_proposed_or_rejected_is_not_proposed_again(backend: Backend) -> None:
    at = await dana_of(backend)
    await backend.upsert_traits(at[0], {"Contact": {"lastName": "Petrov"}}, at[1])
    await hear(backend, at, "My name is Dana PETROV.", "My phone number is (317) 555-0142.")
    await hear(backend, at, "My name is Dana Petrov.", "I speak French.", to="c-2")
    first, language = await proposals(backend, at)
    await backend.reject_trait_proposal(*at, language.proposal_id, CURATOR)
    await hear(backend, at, "My name is Dana.", "I speak French.", to="c-3")

    assert await told(backend, at) == [("firstName", "Dana", "PROPOSED"), ("preferredLanguage", "French", "REJECTED")]
    assert first.conversation_id == "c-2"


async def test_what_has_not_the_form_of_its_trait_is_no_proposal(backend: Backend) -> None:
    at = await dana_of(backend)
    await hear(backend, at, "My phone number is +1 555 0142 01.")
    assert await proposals(backend, at) == []


async def test_by_policy_it_is_written_and_the_history_says_where_it_is_from(writing: Backend) -> None:
    at = await dana_of(writing)
    await hear(writing, at, "My name is Dana Petrov.", "My email is dana@example.com.", "I speak French.")

    assert await contact(writing, at) == {
        "email": "dana@example.com",
        "firstName": "Dana",
        "preferredLanguage": "French",
        "lastName": "Petrov",
        "phone": PHONE,
    }
    found = await proposals(writing, at, "WRITTEN")
    assert len(found) == 4 and {one.decided_by for one in found} == {"extraction"}
    assert (await writing.lookup_profile(at[0], "dana@example.com", None)).profile is not None
    history = (await writing.trait_history(*at, ALL)).items
    (email,) = [one.by for one in history if one.name == "email"]
    assert (email.actor, email.cause, email.rule, email.conversation_id) == ("extraction", "created", "stated", "c-1")
    assert email.reason == f"Stated in {next(one.evidence for one in found if one.name == 'email')}."


async def test_nobody_is_made_one_with_another_by_a_sentence(writing: Backend) -> None:
    at = await dana_of(writing)
    other = await writing.upsert_traits(at[0], {"Contact": {"email": "bob@example.com", "phone": "+13175550199"}}, None)
    await hear(writing, at, "My email is bob@example.com.", "My number is +1 317 555 0199.")

    assert await told(writing, at) == [
        ("email", "bob@example.com", "PROPOSED"),
        ("phone", "+13175550199", "PROPOSED"),
    ]
    assert all("Another customer" in str(one.reason) for one in await proposals(writing, at))
    assert await contact(writing, at) == {"phone": PHONE}
    assert (await writing.get_profile(at[0], other.profile.profile_id)).all_ids == [other.profile.profile_id]


async def test_what_somebody_else_said_stays_and_what_a_conversation_said_is_replaced(writing: Backend) -> None:
    at = await dana_of(writing)
    await writing.upsert_traits(at[0], {"Contact": {"firstName": "Daniela"}}, at[1], CURATOR)
    await hear(writing, at, "My name is Dana.", "I speak French.")
    await hear(writing, at, "Please write to me in German.", to="c-2")

    assert await told(writing, at) == [
        ("firstName", "Dana", "PROPOSED"),
        ("preferredLanguage", "French", "WRITTEN"),
        ("preferredLanguage", "German", "WRITTEN"),
    ]
    assert "not learned from a conversation" in str((await proposals(writing, at))[0].reason)
    assert await contact(writing, at) == {"firstName": "Daniela", "preferredLanguage": "German", "phone": PHONE}


async def test_what_somebody_corrected_after_a_conversation_stays(writing: Backend) -> None:
    at = await dana_of(writing)
    await hear(writing, at, "I speak French.")
    await writing.upsert_traits(at[0], {"Contact": {"preferredLanguage": "Dutch"}}, at[1], CURATOR)
    await hear(writing, at, "I speak German.", to="c-2")
    await hear(writing, at, "I speak French.", to="c-3")  # which was written once, and is not so any more

    assert await told(writing, at) == [
        ("preferredLanguage", "French", "WRITTEN"),
        ("preferredLanguage", "German", "PROPOSED"),
        ("preferredLanguage", "French", "PROPOSED"),
    ]
    assert (await contact(writing, at))["preferredLanguage"] == "Dutch"


async def test_within_a_conversation_the_latest_statement_holds(writing: Backend, clock: Clock) -> None:
    at = await dana_of(writing)
    for minute, name in enumerate(("Dana", "Diana", "Dana")):
        said = NewMessage(text=f"My name is {name}.", role="customer", occurred_at=clock() + timedelta(minutes=minute))
        await writing.record_messages(*at, "c-1", [said])
    await hear(writing, at, "Thanks.")
    assert (await contact(writing, at))["firstName"] == "Dana"


async def test_where_undeclared_traits_are_refused_it_stays_proposed(writing: Backend) -> None:
    at = await dana_of(writing)
    await writing.update_store(at[0], StoreChanges(undeclared_traits="refuse"))
    await writing.update_trait_group(at[0], "Contact", TraitGroupChanges(definitions={"preferredLanguage": None}))
    await hear(writing, at, "I speak French.", "My name is Dana.")

    assert await told(writing, at) == [("preferredLanguage", "French", "PROPOSED"), ("firstName", "Dana", "WRITTEN")]
    assert "Contact.preferredLanguage is not declared in this store" in str(
        (await proposals(writing, at, "PROPOSED"))[0].reason
    )
    assert await contact(writing, at) == {"firstName": "Dana", "phone": PHONE}


async def test_what_is_accepted_is_written_by_whoever_did(backend: Backend, clock: Clock) -> None:
    at = await dana_of(backend)
    await hear(backend, at, "My email is dana@example.com.", "I speak French.")
    email, language = await proposals(backend, at)
    clock.pass_(hours=1)
    accepted = await backend.accept_trait_proposal(*at, email.proposal_id, CURATOR)

    assert (accepted.status, accepted.decided_by, accepted.updated_at) == ("ACCEPTED", "api kim", clock())
    assert await backend.accept_trait_proposal(*at, email.proposal_id, CURATOR) == accepted
    assert await contact(backend, at) == {"email": "dana@example.com", "phone": PHONE}
    (by,) = [one.by for one in (await backend.trait_history(*at, ALL)).items if one.name == "email"]
    assert (by.actor, by.rule, by.conversation_id) == ("api kim", "accepted", "c-1")
    assert await proposals(backend, at, "PROPOSED") == [language]


async def test_what_is_decided_is_not_decided_otherwise(backend: Backend) -> None:
    at = await dana_of(backend)
    await hear(backend, at, "My email is dana@example.com.", "I speak French.")
    email, language = await proposals(backend, at)
    rejected = await backend.reject_trait_proposal(*at, email.proposal_id, CURATOR)
    await backend.accept_trait_proposal(*at, language.proposal_id, CURATOR)

    assert (rejected.status, rejected.decided_by) == ("REJECTED", "api kim")
    assert await backend.reject_trait_proposal(*at, email.proposal_id, CURATOR) == rejected
    with pytest.raises(Conflict, match="REJECTED already"):
        await backend.accept_trait_proposal(*at, email.proposal_id, CURATOR)
    with pytest.raises(Conflict, match="ACCEPTED already"):
        await backend.reject_trait_proposal(*at, language.proposal_id, CURATOR)
    assert await contact(backend, at) == {"preferredLanguage": "French", "phone": PHONE}


async def test_who_accepts_what_identifies_another_makes_them_one_as_who_sets_the_trait_does(backend: Backend) -> None:
    at = await dana_of(backend)
    await backend.upsert_traits(at[0], {"Contact": {"email": "dana@example.com"}}, None)
    await hear(backend, at, "My email is dana@example.com.")
    (email,) = await proposals(backend, at)
    await backend.accept_trait_proposal(*at, email.proposal_id, CURATOR)
    assert len((await backend.get_profile(*at)).all_ids) == 2


async def test_what_stays_with_another_cannot_be_accepted(backend: Backend, clock: Clock) -> None:
    at = await dana_of(backend)
    clock.pass_(minutes=1)
    other = await backend.upsert_traits(at[0], {"Contact": {"email": "dana@example.com"}}, None)
    await backend.upsert_traits(at[0], {"Contact": {"email": "dana@example.com"}}, at[1])
    await backend.unmerge_profile(at[0], other.profile.profile_id)
    await hear(backend, at, "My email is dana@example.com.")
    (email,) = await proposals(backend, at)

    with pytest.raises(Conflict, match="stays with another customer"):
        await backend.accept_trait_proposal(*at, email.proposal_id, CURATOR)
    assert await proposals(backend, at, "PROPOSED") == [email]


async def test_they_are_read_and_decided_through_all_members_and_stay_with_their_own(
    backend: Backend, clock: Clock
) -> None:
    at = await dana_of(backend)
    clock.pass_(minutes=1)
    scope, dana = at
    old = (await backend.upsert_traits(scope, {"Contact": {"chat": "dana"}}, None)).profile.profile_id
    await hear(backend, (scope, old), "My name is Dana.")
    await hear(backend, at, "I speak French.")
    await backend.merge_profiles(scope, dana, old)

    assert await told(backend, at) == await told(backend, (scope, old))
    assert [one.profile_id for one in await proposals(backend, at)] == [old, dana]
    await hear(backend, at, "My name is Dana.", to="c-2")  # known of the other member
    for one in await proposals(backend, at):
        await backend.accept_trait_proposal(scope, dana, one.proposal_id, CURATOR)
    await backend.unmerge_profile(scope, old)
    assert await told(backend, at) == [("preferredLanguage", "French", "ACCEPTED")]
    assert await contact(backend, at) == {"preferredLanguage": "French", "phone": PHONE}
    assert await contact(backend, (scope, old)) == {"chat": "dana", "firstName": "Dana"}


async def test_they_come_a_page_at_a_time_by_creation(backend: Backend) -> None:
    at = await dana_of(backend)
    await hear(backend, at, "My name is Dana Petrov.", "I speak French.")
    whole = await proposals(backend, at)
    first = await backend.list_trait_proposals(*at, None, PageQuery(limit=2, newest_first=False))
    rest = PageQuery(limit=2, newest_first=False, cursor=first.next_cursor)
    assert [*first.items, *(await backend.list_trait_proposals(*at, None, rest)).items] == whole
    assert list((await backend.list_trait_proposals(*at, None, PageQuery(limit=9))).items) == whole[::-1]


async def test_they_go_with_the_profile(backend: Backend) -> None:
    at = await dana_of(backend)
    scope, dana = at
    await hear(backend, at, "My name is Dana Petrov.")
    one = (await proposals(backend, at))[0].proposal_id
    await backend.delete_profile(scope, dana)
    with pytest.raises(NotFound):
        await proposals(backend, at)
    again = await dana_of(backend)
    with pytest.raises(NotFound):
        await backend.accept_trait_proposal(*again, one, CURATOR)
    assert await proposals(backend, again) == []


async def test_they_go_with_the_definition_of_their_trait(backend: Backend) -> None:
    at = await dana_of(backend)
    await hear(backend, at, "My name is Dana.", "I speak French.")
    await backend.update_trait_group(at[0], "Contact", TraitGroupChanges(definitions={"preferredLanguage": None}))
    assert await told(backend, at) == [("firstName", "Dana", "PROPOSED")]


async def test_one_of_another_customer_is_not_there(backend: Backend) -> None:
    at = await dana_of(backend)
    scope, _ = at
    other = (await backend.upsert_traits(scope, {"Contact": {"chat": "bob"}}, None)).profile.profile_id
    await hear(backend, at, "My name is Dana Petrov.")
    one = (await proposals(backend, at))[0].proposal_id
    for decide in (backend.accept_trait_proposal, backend.reject_trait_proposal):
        with pytest.raises(NotFound):
            await decide(scope, other, one, CURATOR)
    assert {status for _, _, status in await told(backend, at)} == {"PROPOSED"}
