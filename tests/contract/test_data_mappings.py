import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.errors import Conflict, Full, Invalid, NotFound, Stale, Taken
from mcp_memory.ids import DATA_MAPPING
from mcp_memory.mappings import MAX_DATA_MAPPINGS, DataMappingChanges, NewDataMapping, TraitMapping
from mcp_memory.model import Scope
from tests.contract.conftest import Clock
from tests.contract.people import refused

pytestmark = pytest.mark.anyio

PHONE = TraitMapping(expression="Téléphone", trait_group="Contact", trait_name="phone")
CITY = TraitMapping(expression="City", trait_group="Contact", trait_name="city")


def new(name: str = "crm", *mappings: TraitMapping) -> NewDataMapping:
    return NewDataMapping(display_name=name, columns=("City", "Téléphone"), mappings=mappings or (PHONE,))


async def test_a_data_mapping_is_kept_as_it_was_given(backend: Backend, scope: Scope, clock: Clock) -> None:
    made = await backend.create_data_mapping(scope, new())

    assert made.data_mapping_id.startswith(f"{DATA_MAPPING}_")
    assert (made.version, made.created_at, made.updated_at) == (1, clock.time, clock.time)
    assert (made.columns, made.mappings, made.is_enabled) == (("City", "Téléphone"), (PHONE,), True)
    assert await backend.get_data_mapping(scope, made.data_mapping_id) == made
    assert await backend.list_data_mappings(scope) == [made]


async def test_data_mappings_are_listed_the_earliest_first(backend: Backend, scope: Scope, clock: Clock) -> None:
    made = []
    for name in ("zebra", "ant", "Cow"):
        made.append(await backend.create_data_mapping(scope, new(name)))
        clock.pass_(seconds=1)

    assert await backend.list_data_mappings(scope) == made


async def test_a_change_counts_and_replaces_what_is_given(backend: Backend, scope: Scope, clock: Clock) -> None:
    made = await backend.create_data_mapping(scope, new())
    clock.pass_(seconds=1)
    changes = DataMappingChanges(description="All shops.", is_enabled=False, mappings=(CITY,))

    after = await backend.update_data_mapping(scope, made.data_mapping_id, changes, made.version)

    assert (after.description, after.is_enabled, after.mappings) == ("All shops.", False, (CITY,))
    assert (after.display_name, after.version, after.created_at) == ("crm", 2, made.created_at)
    assert after.updated_at == clock.time
    assert await backend.get_data_mapping(scope, made.data_mapping_id) == after
    await refused(Stale, backend.update_data_mapping(scope, made.data_mapping_id, changes, made.version))


async def test_a_name_is_taken_in_any_case(backend: Backend, scope: Scope) -> None:
    await backend.create_data_mapping(scope, new("crm"))
    other = await backend.create_data_mapping(scope, new("shop"))

    await refused(Taken, backend.create_data_mapping(scope, new("CRM")))
    await refused(
        Taken, backend.update_data_mapping(scope, other.data_mapping_id, DataMappingChanges(display_name="Crm"))
    )
    again = await backend.update_data_mapping(scope, other.data_mapping_id, DataMappingChanges(display_name="Shop"))
    assert again.display_name == "Shop"


async def test_what_breaks_a_rule_is_not_kept(backend: Backend, scope: Scope) -> None:
    nowhere = TraitMapping(expression="Nowhere", trait_group="Contact", trait_name="city")
    await refused(Invalid, backend.create_data_mapping(scope, new("crm", nowhere)))
    made = await backend.create_data_mapping(scope, new())
    await refused(
        Invalid, backend.update_data_mapping(scope, made.data_mapping_id, DataMappingChanges(mappings=(nowhere,)))
    )

    assert await backend.list_data_mappings(scope) == [made]


async def test_a_store_has_no_more_than_a_page_of_them(backend: Backend, scope: Scope) -> None:
    for number in range(MAX_DATA_MAPPINGS):
        await backend.create_data_mapping(scope, new(f"m{number}"))

    await refused(Full, backend.create_data_mapping(scope, new("another")))


async def test_a_deleted_data_mapping_is_gone_and_its_name_is_free(backend: Backend, scope: Scope) -> None:
    made = await backend.create_data_mapping(scope, new())
    await backend.delete_data_mapping(scope, made.data_mapping_id)

    await refused(NotFound, backend.get_data_mapping(scope, made.data_mapping_id))
    await refused(NotFound, backend.delete_data_mapping(scope, made.data_mapping_id))
    await refused(NotFound, backend.update_data_mapping(scope, made.data_mapping_id, DataMappingChanges()))
    assert (await backend.create_data_mapping(scope, new())).data_mapping_id != made.data_mapping_id


async def test_a_trait_group_that_a_mapping_speaks_of_stays(backend: Backend, scope: Scope) -> None:
    await backend.create_trait_group(scope, TraitGroup(display_name="Shop"))
    mapping = TraitMapping(expression="City", trait_group="shop", trait_name="city")
    made = await backend.create_data_mapping(scope, new("crm", mapping))

    assert "crm" in await refused(Conflict, backend.delete_trait_group(scope, "Shop"))
    await backend.delete_data_mapping(scope, made.data_mapping_id)
    await backend.delete_trait_group(scope, "Shop")
    assert [one.display_name for one in await backend.list_trait_groups(scope)] == ["Contact"]
