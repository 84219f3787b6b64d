"""How a store learns is its own to say: what is posted is stored as it is given, unless the store reconciles it."""

from dataclasses import replace

import pytest

from mcp_memory.backend import Backend
from mcp_memory.errors import Stale
from mcp_memory.history import API
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.model import Added, NewObservation, Scope
from tests.contract.people import refused

pytestmark = pytest.mark.anyio

ALL = PageQuery(limit=100, newest_first=False)
RECONCILING = LearningSettings(reconcile_api_writes=True)


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    return (await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)).profile.profile_id


async def post(backend: Backend, scope: Scope, dana: str, *contents: str) -> Added:
    return await backend.post_observations(scope, dana, [NewObservation(content=one) for one in contents], API)


async def known(backend: Backend, scope: Scope, dana: str) -> list[str]:
    return [one.content for one in (await backend.list_observations(scope, dana, ItemFilter(), ALL)).items]


async def test_a_store_starts_with_api_writes_as_they_are_given(backend: Backend, scope: Scope) -> None:
    assert await backend.get_learning_settings(scope) == LearningSettings(
        reconcile_api_writes=False, traits="propose", version=1
    )


async def test_a_change_counts_the_version_up_and_is_one_stores_own(backend: Backend, scope: Scope) -> None:
    new = LearningSettings(reconcile_api_writes=True, traits="write")
    changed = await backend.update_learning_settings(scope, new, if_version=1)

    assert changed == replace(new, version=2) == await backend.get_learning_settings(scope)
    assert await backend.get_learning_settings(await backend.open_store("acme", "staging")) == LearningSettings()


async def test_a_change_of_what_was_changed_meanwhile_is_refused(backend: Backend, scope: Scope) -> None:
    await backend.update_learning_settings(scope, RECONCILING, if_version=1)

    said = await refused(Stale, backend.update_learning_settings(scope, LearningSettings(traits="off"), if_version=1))

    assert "version is 2, not 1" in said
    assert await backend.get_learning_settings(scope) == replace(RECONCILING, version=2)


async def test_what_is_posted_is_stored_as_it_is_given(backend: Backend, scope: Scope, dana: str) -> None:
    await post(backend, scope, dana, "Lives in Porto.")
    added = await post(backend, scope, dana, "Lives in Porto.", "Moved to Lisbon.")

    assert [one.outcome for one in added.receipts] == ["duplicate", "added"]
    assert await known(backend, scope, dana) == ["Lives in Porto.", "Moved to Lisbon."]


async def test_what_is_posted_to_a_store_that_reconciles_it_is_reconciled(
    backend: Backend, scope: Scope, dana: str
) -> None:
    await backend.update_learning_settings(scope, RECONCILING)
    (first,) = (await post(backend, scope, dana, "Lives in Porto.")).receipts
    added = await post(backend, scope, dana, "Moved to Lisbon.", "Moved to Lisbon.", "Has two cats.")
    assert first.id is not None
    history = (await backend.observation_history(scope, dana, first.id, ALL)).items

    assert [one.outcome for one in added.receipts] == ["updated", "duplicate", "added"]
    assert [one.id == first.id for one in added.receipts] == [True, True, False]
    assert await known(backend, scope, dana) == ["Moved to Lisbon.", "Has two cats."]
    assert [(one.by.actor, one.by.cause) for one in history] == [("api", "created"), ("api", "reconciled")]

    await backend.update_learning_settings(scope, LearningSettings())
    assert [one.outcome for one in (await post(backend, scope, dana, "Lives in Faro.")).receipts] == ["added"]
