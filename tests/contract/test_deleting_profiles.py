"""A deleted profile is as if it had never been."""

import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import NotFound
from mcp_memory.model import NewMessage, NewObservation, NewSummary, RecallQuery, Scope
from tests.contract.conftest import Clock
from tests.contract.people import CHAT, EMAIL, PHONE, event, find, note, notes, person, refused, with_user_ids

pytestmark = pytest.mark.anyio

DOG = RecallQuery(query="dog", observations_limit=5, summaries_limit=5, communications_limit=5)


async def remembered(backend: Backend, scope: Scope, profile_id: str, name: str) -> None:
    await note(backend, scope, profile_id, f"{name} has a dog.")
    await backend.add_summaries(scope, profile_id, [NewSummary(content=f"{name} spoke of a dog.", conversation_id="c")])
    message = NewMessage(text=f"My dog is called {name}.", role="customer")
    await backend.record_messages(scope, profile_id, "c", [message])


async def test_nothing_of_it_is_found_any_more(backend: Backend, scope: Scope) -> None:
    dana = (await person(backend, scope, phone=PHONE, email=EMAIL)).profile_id
    await remembered(backend, scope, dana, "Dana")

    await backend.delete_profile(scope, dana)

    assert await find(backend, scope, PHONE) is None and await find(backend, scope, EMAIL) is None
    assert (await backend.get_store(scope)).profile_count == 0
    assert await backend.complete_profile_ids(scope, "", 10) == []
    await refused(NotFound, backend.get_profile(scope, dana))
    await refused(NotFound, backend.delete_profile(scope, dana))


async def test_whoever_still_has_its_id_is_told(backend: Backend, scope: Scope) -> None:
    dana = (await person(backend, scope, phone=PHONE)).profile_id
    await backend.delete_profile(scope, dana)

    for call in (
        backend.add_observations(scope, dana, [NewObservation(content="x")]),
        backend.record_messages(scope, dana, "c", [NewMessage(text="x", role="customer")]),
        backend.upsert_traits(scope, {"Contact": {"city": "Gary"}}, dana),
        backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, dana),
        backend.recall(scope, dana, DOG),
        backend.explain_identity(scope, dana),
    ):
        await refused(NotFound, call)
    assert await find(backend, scope, PHONE) is None


async def test_what_identified_it_makes_another_profile_that_knows_nothing(backend: Backend, scope: Scope) -> None:
    dana = (await person(backend, scope, phone=PHONE)).profile_id
    await remembered(backend, scope, dana, "Dana")
    await backend.recall(scope, dana, DOG)  # it is in memory now, where that is done

    await backend.delete_profile(scope, dana)
    again = await person(backend, scope, phone=PHONE)

    assert again.profile_id != dana
    assert (again.observation_count, again.summary_count, again.communication_count) == (0, 0, 0)
    found = await backend.recall(scope, again.profile_id, DOG)
    assert [*found.observations, *found.summaries, *found.communications] == []
    await note(backend, scope, again.profile_id, "Lee has a dog.")
    (seen,) = (await backend.recall(scope, again.profile_id, DOG)).observations
    assert seen.item.content == "Lee has a dog."


async def test_what_was_merged_into_it_goes_with_it(backend: Backend, scope: Scope, clock: Clock) -> None:
    dana = (await person(backend, scope, phone=PHONE)).profile_id
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, email=EMAIL)).profile_id
    for id, name in ((dana, "Dana"), (lee, "Lee")):
        await remembered(backend, scope, id, name)
    await event(backend, scope, phone=PHONE, email=EMAIL)

    await backend.delete_profile(scope, lee)

    for id in (dana, lee):
        await refused(NotFound, backend.get_profile(scope, id))
    assert (await event(backend, scope, phone=PHONE, email=EMAIL)).outcome == "created"


async def test_others_are_as_they_were(backend: Backend, scope: Scope) -> None:
    dana, lee = [(await person(backend, scope, chat=name)).profile_id for name in ("dana", "lee")]
    for id, name in ((dana, "Dana"), (lee, "Lee")):
        await remembered(backend, scope, id, name)
    before = await backend.get_profile(scope, lee), await backend.recall(scope, lee, DOG)

    await backend.delete_profile(scope, dana)

    assert (await backend.get_profile(scope, lee), await backend.recall(scope, lee, DOG)) == before
    assert await notes(backend, scope, lee) == {"Lee has a dog."}


async def test_who_was_once_one_with_it_is_still_explained(backend: Backend, scope: Scope, clock: Clock) -> None:
    """Dana, Lee and Kim were one, into Dana. Dana is taken out, and deleted: Lee and Kim are still one, and no copy of
    what Dana had is told."""
    dana, lee, kim = [(await _later(backend, scope, clock, name)) for name in ("dana", "lee", "kim")]
    await event(backend, scope, dana, city="Gary")
    await backend.merge_profiles(scope, dana, lee)
    await backend.merge_profiles(scope, lee, kim)
    await backend.unmerge_profile(scope, lee)
    assert (await backend.get_profile(scope, kim)).profile_id == lee
    before = (await backend.explain_identity(scope, kim)).entries

    await backend.delete_profile(scope, dana)

    explained = await backend.explain_identity(scope, kim)
    (entry,) = explained.entries
    assert len(before) == 2 and {entry.one, entry.other} == {entry.into_id, entry.merged_id} == {lee, kim}
    assert "Gary" not in str(explained) and dana not in str(explained)
    taken_out = await backend.unmerge_profile(scope, kim)
    assert (taken_out.restored.profile_id, taken_out.remaining.profile_id) == (kim, lee)


async def _later(backend: Backend, scope: Scope, clock: Clock, chat: str) -> str:
    clock.pass_(seconds=1)
    return (await person(backend, scope, chat=chat)).profile_id


async def test_who_was_kept_apart_from_it_is_still_explained(backend: Backend, scope: Scope, clock: Clock) -> None:
    await with_user_ids(backend, scope)
    dana = (await person(backend, scope, user_id="u-1", phone=PHONE)).profile_id
    clock.pass_(seconds=1)
    lee = (await event(backend, scope, user_id="u-2", phone=PHONE)).profile.profile_id
    assert len((await backend.explain_identity(scope, lee)).conflicts) == 1

    await backend.delete_profile(scope, dana)

    explained = await backend.explain_identity(scope, lee)
    assert [*explained.conflicts, *explained.separations] == []
    assert [*(await event(backend, scope, lee, phone=PHONE)).kept_apart] == []
    assert await find(backend, scope, PHONE) == lee


async def test_what_was_taken_from_another_is_the_others_again(backend: Backend, scope: Scope, clock: Clock) -> None:
    """A value that waits with one profile since another took it identifies the first when the other is gone."""
    await with_user_ids(backend, scope)
    dana = (await person(backend, scope, user_id="u-1", chat=CHAT)).profile_id
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, user_id="u-2")).profile_id
    await backend.merge_profiles(scope, dana, lee)
    assert (await backend.lookup_profile(scope, "u-1", "user_id")).profile is None  # no room for both
    kim = (await person(backend, scope, user_id="u-1")).profile_id
    await backend.unmerge_profile(scope, lee)
    assert await find(backend, scope, "u-1", "user_id") == kim

    await backend.delete_profile(scope, kim)

    assert await find(backend, scope, "u-1", "user_id") == dana
