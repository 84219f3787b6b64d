"""A law: whatever happens to people, in whatever order, the store stays one that can be explained.

Random upserts, merges, unmerges in any order, removals and memories, under random limits and sharing; after each step
everything that was promised of identity is looked at.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_memory import explanation
from mcp_memory.backend import Backend
from mcp_memory.definitions import TraitGroup
from mcp_memory.errors import Conflict, Error, Invalid
from mcp_memory.identity import IdentifierConfig, IdentitySettings
from mcp_memory.ledger import component, standing
from mcp_memory.model import NewObservation, Profile, Scope, TraitDefinition, Upserted
from tests.contract.conftest import Clock

pytestmark = pytest.mark.anyio

TRAITS = {
    "email": ("Contact", "email", ["e0@x.co", "e1@x.co", "e2@x.co"]),
    "phone": ("Contact", "phone", ["+13175550100", "+13175550101", "+13175550102"]),
    "mobile": ("Other", "mobile", ["+13175550100", "+13175550101", "+13175550102"]),
    "chat": ("Contact", "chat", ["c0", "c1", "c2"]),
    "user_id": ("Other", "userId", ["u0", "u1", "u2"]),
    "desk": ("Other", "desk", ["d0", "d1"]),
}
PROMOTED = {"mobile": "phone", "userId": "user_id", "desk": "desk"}
stores = itertools.count()

upserts = st.tuples(
    st.just("upsert"),
    st.dictionaries(st.sampled_from(sorted(TRAITS)), st.sampled_from([0, 0, 1, 1, 2, None]), min_size=1, max_size=4),
    st.none() | st.integers(0, 9),
)
steps = st.lists(
    upserts
    | upserts
    | st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9))
    | st.tuples(st.just("unmerge"), st.integers(0, 9), st.just(0))
    | st.tuples(st.just("note"), st.integers(0, 9), st.just(0)),
    max_size=14,
)
rules = st.permutations(["user_id", "email", "phone", "chat", "desk"])
limits = st.fixed_dictionaries(
    {
        kind: st.tuples(st.sampled_from([1, 2, 100]), st.sampled_from(["fifo", "fifo", "lifo"]))
        for kind in ("email", "phone", "chat", "desk")
    }
)
pauses = st.sampled_from([0, 1, 60])


class World:
    def __init__(self, backend: Backend, scope: Scope, clock: Clock) -> None:
        self.backend, self.scope, self.clock = backend, scope, clock
        self.ids: list[str] = []
        self.notes: list[str] = []

    async def step(self, kind: str, one: Any, other: Any) -> None:
        if kind == "upsert":
            await self.upsert(one, other)
        elif self.ids and kind == "merge":
            await self.backend.merge_profiles(self.scope, self.id(one), self.id(other))
        elif self.ids and kind == "unmerge":
            await self.unmerge(self.id(one))
        elif self.ids:
            self.notes.append(f"Note {len(self.notes)}.")
            await self.backend.add_observations(self.scope, self.id(one), [NewObservation(content=self.notes[-1])])

    async def upsert(self, chosen: dict[str, int | None], whom: int | None) -> None:
        raw: dict[str, dict[str, Any]] = {}
        for kind, number in chosen.items():
            group, name, values = TRAITS[kind]
            raw.setdefault(group, {})[name] = None if number is None else values[number % len(values)]
        target = self.id(whom) if whom is not None and self.ids else None
        first = await self.backend.upsert_traits(self.scope, raw, target)
        self.ids = list(dict.fromkeys([*self.ids, first.profile.profile_id]))
        self.written(first, raw)
        again = await self.backend.upsert_traits(self.scope, raw, target)
        assert (again.outcome, again.merges) == ("updated", [])
        assert said(again.profile) == said(first.profile)

    def written(self, upserted: Upserted, raw: dict[str, dict[str, Any]]) -> None:
        refused = {one.identifier.value for one in upserted.kept_apart}
        for group, members in raw.items():
            for name, value in members.items():
                if value not in refused:
                    assert upserted.profile.traits.get(group, {}).get(name) == value

    async def unmerge(self, id: str) -> None:
        before = set((await self.backend.get_profile(self.scope, id)).all_ids)
        undone = await self.backend.unmerge_profile(self.scope, id)
        parts = [set(one.all_ids) for one in (undone.restored, undone.remaining)]
        assert parts[0] | parts[1] == before and not parts[0] & parts[1] and id in parts[0]

    def id(self, number: int) -> str:
        return self.ids[number % len(self.ids)]

    async def examine(self, configs: Sequence[IdentifierConfig]) -> None:
        live = {id: await self.backend.get_profile(self.scope, id) for id in self.ids}
        profiles = {one.profile_id: one for one in live.values()}
        assert (await self.backend.get_store(self.scope)).profile_count == len(profiles)
        for id, profile in live.items():
            assert id in profile.all_ids and live[profile.profile_id] == profile
        for profile in profiles.values():
            await self.examine_profile(profile, configs)
        contents = [
            item.content for id in profiles for item in await self.backend.latest_observations(self.scope, id, 100)
        ]
        assert sorted(contents) == sorted(self.notes)

    async def examine_profile(self, profile: Profile, configs: Sequence[IdentifierConfig]) -> None:
        explained = await self.backend.explain_identity(self.scope, profile.profile_id)
        explanation.explained_text(explained, profile.profile_id)
        entries = standing(explained.entries)
        assert len(entries) == len(profile.all_ids) - 1
        assert component(entries, profile.profile_id) == set(profile.all_ids)
        for config in configs:
            values = profile.identifiers.get(config.id_type, ())
            assert len(values) <= config.limit
            for value in values:
                lookup = await self.backend.lookup_profile(self.scope, value, config.id_type)
                assert lookup.profile is not None
                holders = {lookup.profile.profile_id, *lookup.sharers}
                assert profile.profile_id in holders and (len(holders) == 1 or not config.enforce_unique)


def said(profile: Profile) -> tuple[object, ...]:
    return profile.profile_id, profile.all_ids, profile.traits, {k: sorted(v) for k, v in profile.identifiers.items()}


async def prepared(
    backend: Backend, clock: Clock, order: Sequence[str], limited: dict[str, tuple[int, Any]]
) -> tuple[World, Sequence[IdentifierConfig]]:
    scope = await backend.open_store("acme", f"order-{next(stores)}")
    normalization: dict[str, Any] = {"email": "email", "phone": "phone"}
    configs = tuple(
        IdentifierConfig(
            id_type=kind,
            normalization=normalization.get(kind, "trim"),
            limit=limited.get(kind, (1, "fifo"))[0],
            limit_policy=limited.get(kind, (1, "fifo"))[1],
            enforce_unique=kind != "desk",
        )
        for kind in ("email", "phone", "chat", "user_id", "desk")
    )
    await backend.update_identity_settings(
        scope, IdentitySettings(identifier_configs=configs, matching_rules=tuple(order))
    )
    definitions = tuple(
        TraitDefinition(group="Other", name=name, data_type="STRING", id_type_promotion=promotion)
        for name, promotion in PROMOTED.items()
    )
    await backend.create_trait_group(scope, TraitGroup(display_name="Other", definitions=definitions))
    return World(backend, scope, clock), configs


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=rules, limited=limits, script=st.lists(st.tuples(pauses, steps), max_size=3))
async def test_a_store_stays_one_that_can_be_explained(
    backend: Backend, clock: Clock, order: list[str], limited: dict[str, tuple[int, Any]], script: list[Any]
) -> None:
    world, configs = await prepared(backend, clock, order, limited)
    for pause, moves in script:
        for move in moves:
            clock.pass_(seconds=pause)
            try:
                await world.step(*move)
            except (Invalid, Conflict) as exc:
                assert_ours(exc)
        await world.examine(configs)


def assert_ours(error: Error) -> None:
    """A refusal that says what to do, and none that the store's own last line had to make."""
    assert "contradicts what is stored" not in str(error) and "somebody else's" not in str(error)
