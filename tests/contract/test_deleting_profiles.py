"""A deleted profile is as if it had never been."""

from collections.abc import Awaitable, Callable

import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import NotFound, Unsupported
from mcp_memory.model import NewMessage, NewObservation, NewSummary, RecallQuery, Scope
from tests.contract.conftest import Clock
from tests.contract.people import (
    CHAT,
    EMAIL,
    PHONE,
    event,
    find,
    how_many,
    items_of,
    note,
    notes,
    person,
    refused,
    with_user_ids,
)

pytestmark = pytest.mark.anyio

DOG = RecallQuery(query="dog", conversation_id="c", observations_limit=5, summaries_limit=5, communications_limit=5)


Remembered = Callable[[str, str], Awaitable[None]]


@pytest.fixture
def remembered(backend: Backend, scope: Scope, lacking: frozenset[str]) -> Remembered:
    """Of a profile, that somebody of this name has a dog: all that a profile can have of it."""

    async def remembered(profile_id: str, name: str) -> None:
        await remember(backend, scope, profile_id, name, messages="record_messages" not in lacking)

    return remembered


async def remember(backend: Backend, scope: Scope, profile_id: str, name: str, *, messages: bool) -> None:
    await note(backend, scope, profile_id, f"{name} has a dog.")
    await backend.add_summaries(scope, profile_id, [NewSummary(content=f"{name} spoke of a dog.", conversation_id="c")])
    if messages:
        message = NewMessage(text=f"My dog is called {name}.", role="customer")
        await backend.record_messages(scope, profile_id, "c", [message])


async def test_nothing_of_it_is_found_any_more(backend: Backend, scope: Scope, remembered: Remembered) -> None:
    dana = (await person(backend, scope, phone=PHONE, email=EMAIL)).profile_id
    await remembered(dana, "Dana")

    await backend.delete_profile(scope, dana)

    assert await find(backend, scope, PHONE) is None and await find(backend, scope, EMAIL) is None
    assert await how_many(backend, scope) == 0
    assert await backend.complete_profile_ids(scope, "", 10) == []
    await refused(NotFound, backend.get_profile(scope, dana))
    await refused(NotFound, backend.delete_profile(scope, dana))


async def test_whoever_still_has_its_id_is_told(backend: Backend, scope: Scope, lacking: frozenset[str]) -> None:
    dana = (await person(backend, scope, phone=PHONE)).profile_id
    await backend.delete_profile(scope, dana)

    for call in (
        backend.add_observations(scope, dana, [NewObservation(content="x")]),
        backend.upsert_traits(scope, {"Contact": {"city": "Gary"}}, dana),
        backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, dana),
        backend.recall(scope, dana, DOG),
    ):
        await refused(NotFound, call)
    for name, other in {
        "record_messages": backend.record_messages(scope, dana, "c", [NewMessage(text="x", role="customer")]),
        "explain_identity": backend.explain_identity(scope, dana),
    }.items():
        await refused(Unsupported if name in lacking else NotFound, other)
    assert await find(backend, scope, PHONE) is None


async def test_what_identified_it_makes_another_profile_that_knows_nothing(
    backend: Backend, scope: Scope, remembered: Remembered
) -> None:
    dana = (await person(backend, scope, phone=PHONE)).profile_id
    await remembered(dana, "Dana")
    await backend.recall(scope, dana, DOG)  # it is in memory now, where that is done

    await backend.delete_profile(scope, dana)
    again = await person(backend, scope, phone=PHONE)

    assert again.profile_id != dana
    assert await items_of(backend, scope, again.profile_id) == (0, 0)
    assert again.communication_count in (0, None)
    found = await backend.recall(scope, again.profile_id, DOG)
    assert [*found.observations, *found.summaries, *found.communications] == []
    await note(backend, scope, again.profile_id, "Lee has a dog.")
    (seen,) = (await backend.recall(scope, again.profile_id, DOG)).observations
    assert seen.item.content == "Lee has a dog."


async def test_what_was_merged_into_it_goes_with_it(
    backend: Backend, scope: Scope, clock: Clock, remembered: Remembered
) -> None:
    dana = (await person(backend, scope, phone=PHONE)).profile_id
    clock.pass_(seconds=1)
    lee = (await person(backend, scope, email=EMAIL)).profile_id
    for id, name in ((dana, "Dana"), (lee, "Lee")):
        await remembered(id, name)
    await event(backend, scope, phone=PHONE, email=EMAIL)

    await backend.delete_profile(scope, lee)

    for id in (dana, lee):
        await refused(NotFound, backend.get_profile(scope, id))
    assert (await event(backend, scope, phone=PHONE, email=EMAIL)).outcome == "created"


async def test_others_are_as_they_were(backend: Backend, scope: Scope, remembered: Remembered) -> None:
    dana, lee = [(await person(backend, scope, chat=name)).profile_id for name in ("dana", "lee")]
    for id, name in ((dana, "Dana"), (lee, "Lee")):
        await remembered(id, name)
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
