"""Another tenant, another store: what is not yours is not there."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.edits import ObservationChanges, StoreChanges, SummaryChanges
from mcp_memory.errors import Error, NotFound, Unsupported
from mcp_memory.extractions import ExtractionFilter
from mcp_memory.identity import DEFAULT_SETTINGS
from mcp_memory.imports import ColumnMapping, ImportRow, NewImport, NewUpload
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.listing import EVERYTHING, PageQuery
from mcp_memory.mappings import DataMappingChanges, NewDataMapping, TraitMapping
from mcp_memory.model import NewMessage, NewObservation, NewSummary, RecallQuery, Scope
from mcp_memory.orchestrator import (
    Address,
    Configuration,
    Content,
    ConversationChanges,
    ConversationSettings,
    NewCommunication,
    NewConversation,
    NewParticipant,
    Party,
)
from tests.contract.conftest import MONDAY, Announce

pytestmark = pytest.mark.anyio

PHONE = "+13175550142"
NO_PROPOSAL = "mem_proposal_00000000000000000000000000"
PAGE = PageQuery(limit=10)
MAPPING = NewDataMapping(
    display_name="crm",
    columns=("City",),
    mappings=(TraitMapping(expression="City", trait_group="Contact", trait_name="city"),),
)
COLUMNS = (
    ColumnMapping(column_name="Phone", trait_group="Contact", trait_name="phone"),
    ColumnMapping(column_name="City", trait_group="Contact", trait_name="city"),
)
UPLOAD = NewUpload(filename="a.csv", file_size=1, column_mappings=COLUMNS, secret_digest=b"secret")
FILE = NewImport(filename="a.csv", file_size=1, digest=b"file", column_mappings=COLUMNS, rows_total=1)

THEM = Party(channel="SMS", address=PHONE)
WORDS = NewCommunication(author=THEM, content=Content(text="x"), recipients=(THEM,))
SOMEBODY = NewParticipant(addresses=(Address(channel="SMS", address=PHONE),), type="CUSTOMER")

Call = Callable[[Backend, Scope, str], Awaitable[object]]

# About a profile, by its id.
CALLS: dict[str, Call] = {
    "get_profile": lambda backend, scope, id: backend.get_profile(scope, id),
    "live_profile_id": lambda backend, scope, id: backend.live_profile_id(scope, id),
    "delete_profile": lambda backend, scope, id: backend.delete_profile(scope, id),
    "upsert_traits": lambda backend, scope, id: backend.upsert_traits(scope, {"Contact": {"city": "Gary"}}, id),
    "list_traits": lambda backend, scope, id: backend.list_traits(scope, id, None, PAGE),
    "trait_history": lambda backend, scope, id: backend.trait_history(scope, id, PAGE),
    "list_discarded": lambda backend, scope, id: backend.list_discarded(scope, id, PAGE),
    "changes_since": lambda backend, scope, id: backend.changes_since(scope, id, MONDAY, 10),
    "profile_at": lambda backend, scope, id: backend.profile_at(scope, id, MONDAY),
    "list_trait_proposals": lambda backend, scope, id: backend.list_trait_proposals(scope, id, None, PAGE),
    "accept_trait_proposal": lambda backend, scope, id: backend.accept_trait_proposal(scope, id, OF["proposal"]),
    "reject_trait_proposal": lambda backend, scope, id: backend.reject_trait_proposal(scope, id, OF["proposal"]),
    "add_identifier": lambda backend, scope, id: backend.add_identifier(scope, id, "email", "a@example.com"),
    "replace_identifier": lambda backend, scope, id: backend.replace_identifier(
        scope, id, "phone", PHONE, "+13175550143"
    ),
    "remove_identifiers": lambda backend, scope, id: backend.remove_identifiers(scope, id, "phone", all=True),
    "merge_profiles": lambda backend, scope, id: _merge_with_somebody(backend, scope, id),
    "unmerge_profile": lambda backend, scope, id: backend.unmerge_profile(scope, id),
    "explain_identity": lambda backend, scope, id: backend.explain_identity(scope, id),
    "add_observations": lambda backend, scope, id: backend.add_observations(scope, id, [NewObservation(content="x")]),
    "list_observations": lambda backend, scope, id: backend.list_observations(scope, id, EVERYTHING, PAGE),
    "latest_observations": lambda backend, scope, id: backend.latest_observations(scope, id, 10),
    "get_observation": lambda backend, scope, id: backend.get_observation(scope, id, OF["observation"]),
    "update_observation": lambda backend, scope, id: backend.update_observation(
        scope, id, OF["observation"], ObservationChanges(content="x")
    ),
    "delete_observation": lambda backend, scope, id: backend.delete_observation(scope, id, OF["observation"]),
    "list_revisions": lambda backend, scope, id: backend.list_revisions(scope, id, OF["observation"], PAGE),
    "observation_history": lambda backend, scope, id: backend.observation_history(scope, id, OF["observation"], PAGE),
    "undo_observation": lambda backend, scope, id: backend.undo_observation(scope, id, OF["observation"]),
    "summary_history": lambda backend, scope, id: backend.summary_history(scope, id, OF["summary"], PAGE),
    "add_summaries": lambda backend, scope, id: backend.add_summaries(
        scope, id, [NewSummary(content="x", conversation_id="c")]
    ),
    "list_summaries": lambda backend, scope, id: backend.list_summaries(scope, id, EVERYTHING, PAGE),
    "latest_summaries": lambda backend, scope, id: backend.latest_summaries(scope, id, 10),
    "get_summary": lambda backend, scope, id: backend.get_summary(scope, id, OF["summary"]),
    "update_summary": lambda backend, scope, id: backend.update_summary(
        scope, id, OF["summary"], SummaryChanges(content="x")
    ),
    "delete_summary": lambda backend, scope, id: backend.delete_summary(scope, id, OF["summary"]),
    "record_messages": lambda backend, scope, id: backend.record_messages(
        scope, id, "c", [NewMessage(text="x", role="customer")]
    ),
    "post_observations": lambda backend, scope, id: backend.post_observations(scope, id, [NewObservation(content="x")]),
    "reconcile_observations": lambda backend, scope, id: backend.reconcile_observations(
        scope, id, [NewObservation(content="x")]
    ),
    "get_conversation": lambda backend, scope, id: backend.get_conversation(scope, id, "c"),
    "close_conversation": lambda backend, scope, id: backend.close_conversation(scope, id, "c"),
    "list_communications": lambda backend, scope, id: backend.list_communications(scope, id, "c", 10),
    "recall": lambda backend, scope, id: backend.recall(scope, id, RecallQuery(query="x")),
}

# About something else of a store, by its id.
THINGS: dict[str, Call] = {
    "get_data_mapping": lambda backend, scope, id: backend.get_data_mapping(scope, OF["mapping"]),
    "update_data_mapping": lambda backend, scope, id: backend.update_data_mapping(
        scope, OF["mapping"], DataMappingChanges(description="x")
    ),
    "delete_data_mapping": lambda backend, scope, id: backend.delete_data_mapping(scope, OF["mapping"]),
    "get_import": lambda backend, scope, id: backend.get_import(scope, OF["import"]),
    "begin_import": lambda backend, scope, id: backend.begin_import(scope, OF["import"], b"file", 1),
    "fail_import": lambda backend, scope, id: backend.fail_import(scope, OF["import"], "x"),
    "add_import_rows": lambda backend, scope, id: backend.add_import_rows(
        scope, OF["import"], 0, [ImportRow(traits={"Contact": {"phone": PHONE}})]
    ),
    "list_remarks": lambda backend, scope, id: backend.list_remarks(scope, OF["import"], 0, 10),
    "get_extraction": lambda backend, scope, id: backend.get_extraction(scope, OF["extraction"]),
    "retry_extraction": lambda backend, scope, id: backend.retry_extraction(scope, OF["extraction"]),
    "update_trait_group": lambda backend, scope, id: backend.update_trait_group(
        scope, "Shop", TraitGroupChanges(description="x")
    ),
    "delete_trait_group": lambda backend, scope, id: backend.delete_trait_group(scope, "Shop"),
    "fetch_conversation": lambda backend, scope, id: backend.fetch_conversation(scope, OF["conversation"]),
    "update_conversation": lambda backend, scope, id: backend.update_conversation(
        scope, OF["conversation"], ConversationChanges(status="CLOSED")
    ),
    "delete_conversation": lambda backend, scope, id: backend.delete_conversation(scope, OF["conversation"]),
    "add_participant": lambda backend, scope, id: backend.add_participant(scope, OF["conversation"], SOMEBODY),
    "list_participants": lambda backend, scope, id: backend.list_participants(scope, OF["conversation"], PAGE),
    "get_participant": lambda backend, scope, id: backend.get_participant(scope, OF["conversation"], OF["participant"]),
    "update_participant": lambda backend, scope, id: backend.update_participant(
        scope, OF["conversation"], OF["participant"], NewParticipant(name="x")
    ),
    "post_communication": lambda backend, scope, id: backend.post_communication(scope, OF["conversation"], WORDS),
    "list_posted": lambda backend, scope, id: backend.list_posted(scope, OF["conversation"], None, PAGE),
    "get_posted": lambda backend, scope, id: backend.get_posted(scope, OF["conversation"], OF["communication"]),
}

# About a store as a whole.
WHOLE: dict[str, Call] = {
    "learn": lambda backend, scope, id: backend.learn(scope),
    "list_extractions": lambda backend, scope, id: backend.list_extractions(scope, ExtractionFilter(), PAGE),
    "get_store": lambda backend, scope, id: backend.get_store(scope),
    "update_store": lambda backend, scope, id: backend.update_store(scope, StoreChanges(description="x")),
    "delete_store": lambda backend, scope, id: backend.delete_store(scope),
    "lookup_profile": lambda backend, scope, id: backend.lookup_profile(scope, PHONE, "phone"),
    "list_profiles": lambda backend, scope, id: backend.list_profiles(scope, PAGE),
    "complete_profile_ids": lambda backend, scope, id: backend.complete_profile_ids(scope, "", 10),
    "upsert_profiles": lambda backend, scope, id: backend.upsert_profiles(scope, [{"Contact": {"phone": PHONE}}]),
    "mend": lambda backend, scope, id: backend.mend(scope),
    "reembed": lambda backend, scope, id: backend.reembed(scope),
    "get_identity_settings": lambda backend, scope, id: backend.get_identity_settings(scope),
    "get_learning_settings": lambda backend, scope, id: backend.get_learning_settings(scope),
    "update_learning_settings": lambda backend, scope, id: backend.update_learning_settings(scope, LearningSettings()),
    "update_identity_settings": lambda backend, scope, id: backend.update_identity_settings(scope, DEFAULT_SETTINGS),
    "list_trait_groups": lambda backend, scope, id: backend.list_trait_groups(scope),
    "create_trait_group": lambda backend, scope, id: backend.create_trait_group(scope, TraitGroup(display_name="X")),
    "list_data_mappings": lambda backend, scope, id: backend.list_data_mappings(scope),
    "create_data_mapping": lambda backend, scope, id: backend.create_data_mapping(scope, MAPPING),
    "create_import": lambda backend, scope, id: backend.create_import(scope, UPLOAD),
    "list_imports": lambda backend, scope, id: backend.list_imports(scope, PAGE),
    "start_import": lambda backend, scope, id: backend.start_import(scope, FILE),
    "open_conversation": lambda backend, scope, id: backend.open_conversation(
        scope, configuration(scope), NewConversation(configuration_id=configuration(scope).configuration_id)
    ),
    "list_conversations": lambda backend, scope, id: backend.list_conversations(scope, [], None, PAGE),
    "replace_configuration": lambda backend, scope, id: backend.replace_configuration(
        scope, OF["configuration"], settings(scope)
    ),
}
NEW = {"create_configuration"}  # is the tenant's, of a store that the service has looked for

OF: dict[str, str] = {}
"""What is mine: kind -> id."""


def settings(scope: Scope) -> ConversationSettings:
    return ConversationSettings(
        display_name="Support", description="", grouping="GROUP_BY_PROFILE", store_id=scope.store_id
    )


def configuration(scope: Scope) -> Configuration:
    return Configuration(
        configuration_id=f"conv_configuration_{'0' * 26}",
        settings=settings(scope),
        version=1,
        created_at=MONDAY,
        updated_at=MONDAY,
    )


@pytest.fixture
async def mine(backend: Backend, scope: Scope, announce: Announce, lacking: frozenset[str]) -> str:
    profile_id = (await backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, None)).profile.profile_id
    await backend.add_observations(scope, profile_id, [NewObservation(content="A secret.")])
    await backend.add_summaries(scope, profile_id, [NewSummary(content="A secret.", conversation_id="c")])
    OF["observation"] = (await backend.latest_observations(scope, profile_id, 1))[0].id
    OF["summary"] = (await backend.latest_summaries(scope, profile_id, 1))[0].id
    OF["mapping"] = (await backend.create_data_mapping(scope, MAPPING)).data_mapping_id
    OF["import"] = await announce(scope, UPLOAD)
    await backend.create_trait_group(scope, TraitGroup(display_name="Shop"))
    if "open_conversation" in lacking:
        OF.update(dict.fromkeys(("configuration", "conversation", "participant", "communication"), "x"))
    else:
        await _talk(backend, scope)
    OF["extraction"] = "mem_extraction_01kammq7gwf5sb8d9r2hkjx3e4"
    if "list_extractions" not in lacking:
        await backend.record_messages(scope, profile_id, "c", [NewMessage(text="A secret.", role="customer")])
        await backend.close_conversation(scope, profile_id, "c")
        (queued,) = (await backend.list_extractions(scope, ExtractionFilter(), PAGE)).items
        OF["extraction"] = queued.extraction_id
    OF["proposal"] = NO_PROPOSAL if "learn" in lacking else await _proposed(backend, scope, profile_id)
    return profile_id


async def _talk(backend: Backend, scope: Scope) -> None:
    made = await backend.create_configuration(scope, settings(scope))
    new = NewConversation(configuration_id=made.configuration_id, participants=(SOMEBODY,))
    opened = await backend.open_conversation(scope, made, new)
    said = await backend.post_communication(scope, opened.conversation_id, WORDS)
    OF["configuration"], OF["conversation"] = made.configuration_id, opened.conversation_id
    OF["participant"], OF["communication"] = opened.participants[0].participant_id, said.communication_id


async def _proposed(backend: Backend, scope: Scope, profile_id: str) -> str:
    await backend.record_messages(scope, profile_id, "said", [NewMessage(text="I speak French.", role="customer")])
    await backend.close_conversation(scope, profile_id, "said")
    await backend.learn(scope)
    (one,) = (await backend.list_trait_proposals(scope, profile_id, None, PAGE)).items
    return one.proposal_id


async def all_of(backend: Backend, scope: Scope, profile_id: str, lacking: frozenset[str]) -> list[object]:
    return [
        await backend.get_store(scope),
        await backend.get_profile(scope, profile_id),
        await backend.latest_observations(scope, profile_id, 10),
        await backend.latest_summaries(scope, profile_id, 10),
        await backend.list_trait_groups(scope),
        await backend.list_data_mappings(scope),
        await backend.get_import(scope, OF["import"]),
        OF["proposal"] == NO_PROPOSAL or await backend.list_trait_proposals(scope, profile_id, "PROPOSED", PAGE),
        *([] if "open_conversation" in lacking else await _said(backend, scope)),
    ]


async def _said(backend: Backend, scope: Scope) -> list[object]:
    return [
        await backend.list_configurations(scope.tenant),
        await backend.list_conversations(scope, [], None, PAGE),
        await backend.list_posted(scope, OF["conversation"], None, PAGE),
    ]


def _refusals(name: str, lacking: frozenset[str]) -> tuple[type[Error], ...]:
    """What is not offered may be refused as that before anybody looks for whom it is about."""
    return (NotFound, Unsupported) if name in lacking else (NotFound,)


async def _merge_with_somebody(backend: Backend, scope: Scope, id: str) -> None:
    somebody = (await backend.upsert_traits(scope, {"Contact": {"chat": "somebody"}}, None)).profile
    await backend.merge_profiles(scope, somebody.profile_id, id)


@pytest.mark.parametrize("neighbour", [("globex", "default"), ("acme", "staging")])
async def test_a_neighbour_cannot_use_an_id(
    backend: Backend, scope: Scope, mine: str, neighbour: tuple[str, str], lacking: frozenset[str]
) -> None:
    before = await all_of(backend, scope, mine, lacking)
    elsewhere = await backend.open_store(*neighbour)

    for name, call in {**CALLS, **THINGS}.items():
        with pytest.raises(_refusals(name, lacking)):
            assert await call(backend, elsewhere, mine) is name
        assert await all_of(backend, scope, mine, lacking) == before, name


async def test_a_store_is_not_there_for_another_tenant(
    backend: Backend, scope: Scope, mine: str, lacking: frozenset[str]
) -> None:
    before = await all_of(backend, scope, mine, lacking)

    for name, call in {**CALLS, **THINGS, **WHOLE}.items():
        with pytest.raises(_refusals(name, lacking)):
            assert await call(backend, Scope(tenant="globex", store_id=scope.store_id), mine) is name
        assert await all_of(backend, scope, mine, lacking) == before, name


async def test_a_neighbour_finds_nobody_by_my_identifiers(backend: Backend, scope: Scope) -> None:
    mine = (await backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, None)).profile
    elsewhere = await backend.open_store("globex", "default")

    assert (await backend.lookup_profile(elsewhere, PHONE, "phone")).profile is None
    assert await backend.complete_profile_ids(elsewhere, "", 10) == []
    theirs = (await backend.upsert_traits(elsewhere, {"Contact": {"phone": PHONE}}, None)).profile
    assert theirs.profile_id != mine.profile_id


async def test_a_scope_made_up_from_two_halves_opens_nothing(backend: Backend, scope: Scope) -> None:
    elsewhere = await backend.open_store("globex", "default")

    with pytest.raises(NotFound):
        await backend.complete_profile_ids(Scope(tenant="globex", store_id=scope.store_id), "", 10)
    with pytest.raises(NotFound):
        await backend.complete_profile_ids(Scope(tenant="acme", store_id=elsewhere.store_id), "", 10)


def test_every_call_is_tried() -> None:
    calls = {
        name: inspect.signature(call).parameters
        for name, call in inspect.getmembers(Backend, inspect.isfunction)
        if name[0] != "_"
    }

    assert {name for name, given in calls.items() if "profile_id" in given} == set(CALLS)
    assert {name for name, given in calls.items() if "scope" in given} == {*CALLS, *THINGS, *WHOLE, *NEW}
