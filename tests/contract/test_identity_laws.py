"""Laws of identity, tried on random people: whatever comes in whatever order, the profiles are the people."""

import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_memory.backend import Backend
from mcp_memory.identity import IdentifierConfig
from mcp_memory.model import NewObservation, Profile, Scope
from tests.contract.conftest import Clock
from tests.contract.people import event, person, with_user_ids

pytestmark = pytest.mark.anyio

Event = frozenset[tuple[str, str]]

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
stores = itertools.count()

IDENTIFIERS = [
    *(("phone", f"+1317555010{number}") for number in range(4)),
    *(("email", f"p{number}@example.com") for number in range(4)),
    *(("chat", f"web-{number}") for number in range(4)),
]
# A call brings at most one value of a type, as one message does.
events = st.lists(
    st.lists(st.sampled_from(IDENTIFIERS), min_size=1, max_size=3, unique_by=lambda one: one[0]).map(frozenset),
    min_size=1,
    max_size=8,
)


async def fresh(backend: Backend) -> Scope:
    return await backend.open_store("acme", f"law-{next(stores)}")


async def tell(backend: Backend, scope: Scope, each: Event) -> None:
    await person(backend, scope, **dict(each))


async def live(backend: Backend, scope: Scope) -> list[Profile]:
    return [await backend.get_profile(scope, id) for id in await backend.complete_profile_ids(scope, "", 100)]


def held(profiles: Iterable[Profile]) -> set[Event]:
    return {frozenset((kind, value) for kind, values in p.identifiers.items() for value in values) for p in profiles}


def components(seen: Sequence[Event]) -> set[Event]:
    """What is connected by what was seen together."""
    found: set[Event] = set()
    for each in seen:
        touching = {one for one in found if one & each}
        found = (found - touching) | {frozenset(each.union(*touching))}
    return found


@few
@given(seen=events)
async def test_the_profiles_are_the_connected_components_of_what_was_seen(backend: Backend, seen: list[Event]) -> None:
    scope = await fresh(backend)
    for each in seen:
        await tell(backend, scope, each)

    assert held(await live(backend, scope)) == components(seen)


@few
@given(orders=events.flatmap(lambda seen: st.tuples(st.just(seen), st.permutations(seen))))
async def test_the_order_does_not_matter_and_neither_does_repetition(
    backend: Backend, orders: tuple[list[Event], list[Event]]
) -> None:
    seen, shuffled = orders
    one, other = await fresh(backend), await fresh(backend)
    for each in seen:
        await tell(backend, one, each)
    for each in (*shuffled, *seen):
        await tell(backend, other, each)

    assert held(await live(backend, one)) == held(await live(backend, other))


@few
@given(seen=events)
async def test_the_earliest_of_those_merged_gives_its_id(backend: Backend, clock: Clock, seen: list[Event]) -> None:
    scope = await fresh(backend)
    for each in seen:
        clock.pass_(minutes=1)
        await tell(backend, scope, each)

    for profile in await live(backend, scope):
        explained = await backend.explain_identity(scope, profile.profile_id)
        assert profile.profile_id == min(profile.all_ids)
        assert profile.created_at <= min(one.since for one in explained.holdings)
        for id in profile.all_ids:
            assert await backend.get_profile(scope, id) == profile


def said(profile: Profile) -> tuple[object, ...]:
    return profile.profile_id, profile.traits, profile.identifiers, profile.all_ids, profile.observation_count


async def everything(backend: Backend, scope: Scope) -> dict[str, tuple[object, ...]]:
    return {
        profile.profile_id: (
            *said(profile),
            {one.id for one in await backend.latest_observations(scope, profile.profile_id, 100)},
        )
        for profile in await live(backend, scope)
    }


async def _merged(backend: Backend, scope: Scope, one: str, other: str, by_hand: bool) -> str | None:
    """By a curator, or by a call that brings what each of the two is known by; None where that is kept apart."""
    if by_hand:
        return (await backend.merge_profiles(scope, one, other)).entry.merged_id
    contacts = [(await backend.get_profile(scope, id)).traits.get("Contact", {}) for id in (one, other)]
    pairs = [
        {here: str(contacts[0][here]), there: str(contacts[1][there])}
        for here in ("phone", "email", "chat")
        for there in ("phone", "email", "chat")
        if here != there and here in contacts[0] and there in contacts[1]
    ]
    merges = (await event(backend, scope, None, **pairs[0])).merges if pairs else ()
    return merges[0].merged_id if merges else None


@few
@given(seen=events, choices=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9), st.booleans()), max_size=5))
async def test_undoing_a_merge_restores_the_state_before(
    backend: Backend, clock: Clock, seen: list[Event], choices: list[tuple[int, int, bool]]
) -> None:
    scope = await fresh(backend)
    await with_user_ids(backend, scope, IdentifierConfig(id_type="chat", limit=2))
    for number, each in enumerate(seen):
        clock.pass_(minutes=1)
        new = await person(backend, scope, city=f"City {number}", user_id=f"u-{number % 3}", **dict(each))
        await backend.add_observations(scope, new.profile_id, [NewObservation(content=f"Note {number}.")])
    before = [await everything(backend, scope)]
    merged: list[str] = []
    for one, distance, by_hand in choices:
        clock.pass_(minutes=1)
        ids = sorted(before[-1])
        if distance % len(ids) == 0:
            continue
        two = ids[one % len(ids)], ids[(one + distance) % len(ids)]
        made = await _merged(backend, scope, *two, by_hand)
        if made is not None:
            merged.append(made)
            before.append(await everything(backend, scope))

    for state, id in zip(reversed(before[:-1]), reversed(merged), strict=True):
        clock.pass_(minutes=1)
        await backend.unmerge_profile(scope, id)
        assert await everything(backend, scope) == state
