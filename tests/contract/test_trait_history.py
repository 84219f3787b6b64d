"""What traits were: each value with when it was given, by whom and why; and the profile as it was."""

from datetime import timedelta

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.errors import NotFound
from mcp_memory.history import API, MAX_TRAIT_REVISIONS, TOOL, UNKNOWN, Authorship, TraitRevision
from mcp_memory.imports import ColumnMapping, ImportRow, NewImport
from mcp_memory.listing import PageQuery
from mcp_memory.model import NewObservation, NewSummary, Quota, Scope, TraitDefinition
from tests.contract.conftest import MONDAY, Clock
from tests.contract.people import EMAIL, PHONE, everything, note, person, refused

pytestmark = pytest.mark.anyio

ALL = PageQuery(limit=1000, newest_first=False)
MINUTE = timedelta(minutes=1)
STATED = Authorship(actor="extraction", reason="She said so.", conversation_id="c-1")


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await person(backend, scope, phone=PHONE)).profile_id


async def given(backend: Backend, scope: Scope, dana: str, by: Authorship = UNKNOWN, **contact: object) -> None:
    await backend.upsert_traits(scope, {"Contact": contact}, dana, by)


async def history(backend: Backend, scope: Scope, dana: str, name: str = "city") -> list[TraitRevision]:
    return [one for one in (await backend.trait_history(scope, dana, ALL)).items if one.name == name]


async def traits_at(backend: Backend, scope: Scope, dana: str, minutes: float) -> dict[str, object]:
    then = await backend.profile_at(scope, dana, MONDAY + minutes * MINUTE)
    return {name: value for name, value in then.traits["Contact"].items() if name != "phone"}


async def test_each_value_says_since_when_by_whom_and_why(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for city, by in (("Rome", STATED), ("Oslo", TOOL), (None, API), ("Gary", UNKNOWN)):
        clock.pass_(minutes=1)
        await given(backend, scope, dana, by, city=city)

    found = await history(backend, scope, dana)

    assert [(one.value, one.at - MONDAY) for one in found] == [
        ("Rome", 1 * MINUTE),
        ("Oslo", 2 * MINUTE),
        (None, 3 * MINUTE),
        ("Gary", 4 * MINUTE),
    ]
    assert [one.by for one in found] == [
        Authorship(actor="extraction", cause="created", reason="She said so.", conversation_id="c-1"),
        Authorship(actor="tool", cause="corrected"),
        Authorship(actor="api", cause="corrected"),
        Authorship(cause="corrected"),
    ]
    assert {(one.group, one.profile_id) for one in found} == {("Contact", dana)}


async def test_what_is_given_again_is_no_change_and_is_its_first_givers(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for by in (STATED, TOOL, API):
        await given(backend, scope, dana, by, city="Rome", seats=3, vip=True, tags=["a", "b"])
        clock.pass_(minutes=1)

    for name in ("city", "seats", "vip", "tags"):
        (only,) = await history(backend, scope, dana, name)
        assert (only.at, only.by.actor, only.by.cause) == (MONDAY, "extraction", "created")
    assert (await traits_at(backend, scope, dana, 0))["tags"] == ("a", "b")


async def test_the_history_is_read_page_by_page(backend: Backend, scope: Scope, dana: str, clock: Clock) -> None:
    for number in range(5):
        clock.pass_(minutes=1)
        await given(backend, scope, dana, city=f"Town {number}", lastName=f"Name {number}")

    for newest_first in (True, False):
        found = await everything(
            lambda page: backend.trait_history(scope, dana, page), newest_first=newest_first, limit=3
        )
        ordered = (await backend.trait_history(scope, dana, ALL)).items
        assert len(found) == 11
        assert found == (list(ordered)[::-1] if newest_first else ordered)


async def test_with_a_clock_that_stands_still_the_order_is_that_of_the_writes(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for city in ("Rome", "Oslo", None, "Gary", "Rome"):
        await given(backend, scope, dana, city=city)
    clock.time -= MINUTE
    await given(backend, scope, dana, city="Lima")

    assert [one.value for one in await history(backend, scope, dana)] == ["Rome", "Oslo", None, "Gary", "Rome", "Lima"]
    assert await traits_at(backend, scope, dana, 0) == {"city": "Lima"}


async def test_of_a_trait_so_many_values_are_kept_and_not_more(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    full = Scope(tenant=scope.tenant, store_id=scope.store_id, quota=Quota(storage_bytes=1))
    count = MAX_TRAIT_REVISIONS + 20
    await given(backend, scope, dana, city="Town 0", lastName="Dean")
    for number in range(1, count):
        await given(backend, full, dana, city=f"Town {number}")  # who is known can be updated

    values = [one.value for one in await history(backend, scope, dana)]
    assert values[-1] == f"Town {count - 1}" and len(values) <= MAX_TRAIT_REVISIONS + 2
    assert values == [f"Town {number}" for number in range(count - len(values), count)]
    assert len(await history(backend, scope, dana, "lastName")) == 1


# The profile as it was


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (0, {}),
        (0.9, {}),
        (1, {"city": "Rome"}),
        (1.9, {"city": "Rome"}),
        (2, {"city": "Oslo", "seats": 3}),
        (3, {"seats": 3}),
        (4, {"city": "Gary", "seats": 3}),
        (1000, {"city": "Gary", "seats": 3}),
    ],
)
async def test_traits_are_told_as_they_were(
    backend: Backend, scope: Scope, dana: str, clock: Clock, minutes: float, expected: dict[str, object]
) -> None:
    for contact in ({"city": "Rome"}, {"city": "Oslo", "seats": 3}, {"city": None}, {"city": "Gary"}):
        clock.pass_(minutes=1)
        await given(backend, scope, dana, **contact)

    assert await traits_at(backend, scope, dana, minutes) == expected


async def test_a_profile_is_told_as_it_was_with_what_was_known(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for number in range(3):
        await note(backend, scope, dana, f"Note {number}.")
        await backend.add_summaries(scope, dana, [NewSummary(content=f"Call {number}.", conversation_id="c")])
        clock.pass_(minutes=1)
    await backend.add_observations(scope, dana, [NewObservation(content="Later.", occurred_at=MONDAY)])

    then = await backend.profile_at(scope, dana, MONDAY + MINUTE)

    assert (then.profile_id, then.at, then.created_at) == (dana, MONDAY + MINUTE, MONDAY)
    assert (then.observation_count, then.summary_count) == (2, 2)


async def test_who_was_not_known_then_is_not_found(backend: Backend, scope: Scope, dana: str) -> None:
    said = await refused(NotFound, backend.profile_at(scope, dana, MONDAY - timedelta(microseconds=1)))

    assert "then" in said
    assert (await backend.profile_at(scope, dana, MONDAY)).traits == {"Contact": {"phone": PHONE}}


async def test_merged_they_are_one_history_and_taken_apart_each_has_its_own(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(minutes=1)
    lee = (await person(backend, scope, email=EMAIL)).profile_id
    await given(backend, scope, dana, city="Rome")
    clock.pass_(minutes=1)
    await given(backend, scope, lee, city="Oslo", seats=3)
    clock.pass_(minutes=1)
    await backend.merge_profiles(scope, dana, lee)
    clock.pass_(minutes=1)
    await given(backend, scope, dana, city="Gary")

    for id in (dana, lee):
        found = await history(backend, scope, id)
        assert [(one.value, one.profile_id) for one in found] == [("Rome", dana), ("Oslo", lee), ("Gary", dana)]
        assert (await backend.profile_at(scope, id, clock.time)).traits == (await backend.get_profile(scope, id)).traits
        assert (await traits_at(backend, scope, id, 2))["city"] == "Oslo"
        assert (await traits_at(backend, scope, id, 1))["city"] == "Rome"

    await backend.unmerge_profile(scope, lee)
    assert [one.value for one in await history(backend, scope, dana)] == ["Rome", "Gary"]
    assert [one.value for one in await history(backend, scope, lee)] == ["Oslo"]
    assert (await traits_at(backend, scope, lee, 2))["city"] == "Oslo"


async def test_a_trait_that_is_removed_from_one_who_is_merged_is_removed_from_both(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    lee = (await person(backend, scope, email=EMAIL)).profile_id
    for id, city in ((dana, "Rome"), (lee, "Oslo")):
        clock.pass_(minutes=1)
        await given(backend, scope, id, city=city)
    await backend.merge_profiles(scope, dana, lee)
    clock.pass_(minutes=1)
    await given(backend, scope, dana, TOOL, city=None)

    assert "city" not in await traits_at(backend, scope, dana, 3)
    assert (await traits_at(backend, scope, dana, 2))["city"] == "Oslo"
    removals = [one for one in await history(backend, scope, dana) if one.value is None]
    assert {one.profile_id for one in removals} == {dana, lee}
    assert {one.by.actor for one in removals} == {"tool"}


async def test_an_identifier_that_changes_changes_the_trait_that_says_it(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    clock.pass_(minutes=1)
    await backend.replace_identifier(scope, dana, "phone", PHONE, "+13175550143", API)
    clock.pass_(minutes=1)
    await backend.add_identifier(scope, dana, "chat", "web-1", API)  # which no trait says
    await backend.remove_identifiers(scope, dana, "phone", all=True, by=TOOL)

    found = await history(backend, scope, dana, "phone")
    assert [(one.value, one.by.actor) for one in found if one.value] == [(PHONE, ""), ("+13175550143", "api")]
    assert (found[-1].value, found[-1].at - MONDAY, found[-1].by.actor) == (None, 2 * MINUTE, "tool")
    assert await history(backend, scope, dana, "chat") == []


async def test_many_at_once_have_their_author_too(backend: Backend, scope: Scope, dana: str) -> None:
    entries = [{"Contact": {"phone": PHONE, "city": city}} for city in ("Rome", "Oslo")]
    await backend.upsert_profiles(scope, entries, API)

    assert [(one.value, one.by.actor) for one in await history(backend, scope, dana)] == [
        ("Rome", "api"),
        ("Oslo", "api"),
    ]


async def test_what_comes_from_a_file_says_so(backend: Backend, scope: Scope, dana: str) -> None:
    columns = (ColumnMapping(column_name="Phone", trait_group="Contact", trait_name="phone"),)
    file = NewImport(filename="a.csv", file_size=1, digest=b"file", column_mappings=columns, rows_total=1)
    started = await backend.start_import(scope, file)
    rows = [ImportRow(traits={"Contact": {"phone": PHONE, "city": "Rome"}})]
    await backend.add_import_rows(scope, started.import_id, 0, rows)

    (only,) = await history(backend, scope, dana)
    assert (only.value, only.by) == ("Rome", Authorship(actor="import", cause="created"))


async def test_what_was_refused_is_no_history(backend: Backend, scope: Scope, dana: str) -> None:
    await given(backend, scope, dana, city="Rome")
    seats: dict[str, object] = {"city": "Oslo", "phone": "no number"}
    outcomes = await backend.upsert_profiles(scope, [{"Contact": {**seats}}, {"Contact": {**seats, "email": EMAIL}}])

    assert {one.outcome for one in outcomes} == {"refused"}
    assert [one.value for one in await history(backend, scope, dana)] == ["Rome"]


async def test_a_trait_that_is_declared_no_more_has_no_history(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    definitions = tuple(TraitDefinition(group="Plan", name=name, data_type="STRING") for name in ("tier", "term"))
    await backend.create_trait_group(scope, TraitGroup(display_name="Plan", definitions=definitions))
    for number in range(2):
        clock.pass_(minutes=1)
        await backend.upsert_traits(scope, {"Plan": {"tier": f"{number}", "term": f"{number}"}}, dana)

    await backend.update_trait_group(scope, "Plan", TraitGroupChanges(definitions={"tier": None}))
    assert await history(backend, scope, dana, "tier") == []
    assert len(await history(backend, scope, dana, "term")) == 2

    await backend.delete_trait_group(scope, "Plan")
    assert await history(backend, scope, dana, "term") == []


async def test_what_is_equal_and_reads_otherwise_is_another_value(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for seats in (1, 1.0, 2.5, 1):
        clock.pass_(minutes=1)
        await given(backend, scope, dana, seats=seats)

    found = [repr(one.value) for one in await history(backend, scope, dana, "seats")]

    then = [repr((await traits_at(backend, scope, dana, minute))["seats"]) for minute in (1, 2, 3, 4)]
    assert found == list(dict.fromkeys(then[:2])) + then[2:]
