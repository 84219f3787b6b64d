"""Another tenant, another store: what is not yours is not there."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import NotFound
from mcp_memory.model import NewMessage, NewObservation, NewSummary, RecallQuery, Scope

pytestmark = pytest.mark.anyio

PHONE = "+13175550142"

CALLS: dict[str, Callable[[Backend, Scope, str], Awaitable[object]]] = {
    "get_profile": lambda backend, scope, id: backend.get_profile(scope, id),
    "upsert_traits": lambda backend, scope, id: backend.upsert_traits(scope, {"Contact": {"city": "Gary"}}, id),
    "add_observations": lambda backend, scope, id: backend.add_observations(scope, id, [NewObservation(content="x")]),
    "add_summaries": lambda backend, scope, id: backend.add_summaries(
        scope, id, [NewSummary(content="x", conversation_id="c")]
    ),
    "record_messages": lambda backend, scope, id: backend.record_messages(
        scope, id, "c", [NewMessage(text="x", role="customer")]
    ),
    "list_communications": lambda backend, scope, id: backend.list_communications(scope, id, "c", 10),
    "recall": lambda backend, scope, id: backend.recall(scope, id, RecallQuery(query="x")),
    "latest_observations": lambda backend, scope, id: backend.latest_observations(scope, id, 10),
    "merge_profiles": lambda backend, scope, id: _merge_with_somebody(backend, scope, id),
    "unmerge_profile": lambda backend, scope, id: backend.unmerge_profile(scope, id),
    "explain_identity": lambda backend, scope, id: backend.explain_identity(scope, id),
    "latest_summaries": lambda backend, scope, id: backend.latest_summaries(scope, id, 10),
}


async def _merge_with_somebody(backend: Backend, scope: Scope, id: str) -> None:
    somebody = (await backend.upsert_traits(scope, {"Contact": {"chat": "somebody"}}, None)).profile
    await backend.merge_profiles(scope, somebody.profile_id, id)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("neighbour", [("globex", "default"), ("acme", "staging")])
async def test_a_neighbour_cannot_use_a_profile_id(
    backend: Backend, scope: Scope, neighbour: tuple[str, str], call: str
) -> None:
    profile = (await backend.upsert_traits(scope, {"Contact": {"phone": PHONE}}, None)).profile
    await backend.add_observations(scope, profile.profile_id, [NewObservation(content="A secret.")])
    elsewhere = await backend.open_store(*neighbour)

    with pytest.raises(NotFound):
        await CALLS[call](backend, elsewhere, profile.profile_id)

    after = await backend.get_profile(scope, profile.profile_id)
    assert (after.traits, after.observation_count) == ({"Contact": {"phone": PHONE}}, 1)


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


def test_every_call_about_a_profile_is_tried() -> None:
    about_one = {
        name
        for name, call in vars(Backend).items()
        if not name.startswith("_") and "profile_id" in inspect.signature(call).parameters
    }

    assert about_one == set(CALLS)
