"""The part of Memory that is about what was: revisions, and going back to one."""

from collections.abc import Callable
from datetime import datetime, timedelta

from mcp_memory import history, ids, model
from mcp_memory.backend import Backend
from mcp_memory.errors import Invalid
from mcp_memory.history import UNKNOWN, Authorship, Changed, ProfileThen, Revision, TraitRevision
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Caller, Observation, Scope, Summary
from mcp_memory.rights import READ, WRITE
from mcp_memory.scoping import Scopes


class Chronicle:
    def __init__(self, backend: Backend, now: Callable[[], datetime], names_kept: timedelta = timedelta(0)) -> None:
        """`names_kept`: how long it is kept in mind which store has a name."""
        self._backend = backend
        self.now = now
        self._scopes = Scopes(backend, now, names_kept)

    async def scope(self, caller: Caller, right: str = READ) -> Scope:
        return await self._scopes.of(caller, right)

    async def observation_history(
        self, caller: Caller, profile_id: str, observation_id: str, page: PageQuery
    ) -> Page[Revision[Observation]]:
        target, item = _profile(profile_id), ids.check(observation_id, ids.OBSERVATION, "observation_id")
        return await self._backend.observation_history(await self.scope(caller), target, item, checked(page))

    async def undo_observation(
        self,
        caller: Caller,
        profile_id: str,
        observation_id: str,
        revision: int | None = None,
        by: Authorship = UNKNOWN,
    ) -> Observation:
        target, item = _profile(profile_id), ids.check(observation_id, ids.OBSERVATION, "observation_id")
        signed = history.signed(by, caller.actor)
        return await self._backend.undo_observation(await self.scope(caller, WRITE), target, item, revision, signed)

    async def summary_history(
        self, caller: Caller, profile_id: str, summary_id: str, page: PageQuery
    ) -> Page[Revision[Summary]]:
        target, item = _profile(profile_id), ids.check(summary_id, ids.SUMMARY, "summary_id")
        return await self._backend.summary_history(await self.scope(caller), target, item, checked(page))

    async def trait_history(self, caller: Caller, profile_id: str, page: PageQuery) -> Page[TraitRevision]:
        target = _profile(profile_id)
        return await self._backend.trait_history(await self.scope(caller), target, checked(page))

    async def profile_at(self, caller: Caller, profile_id: str, at: datetime) -> ProfileThen:
        """Of a time that is to come: as it is now."""
        target = _profile(profile_id)
        return await self._backend.profile_at(await self.scope(caller), target, min(at, self.now()))

    async def changes_since(self, caller: Caller, profile_id: str, since: datetime, limit: int) -> list[Changed]:
        if not 1 <= limit <= model.MAX_PAGE:
            raise Invalid(f"limit must be from 1 to {model.MAX_PAGE}.")
        target = _profile(profile_id)
        return await self._backend.changes_since(await self.scope(caller), target, since, limit)


def checked(page: PageQuery) -> PageQuery:
    if not 1 <= page.limit <= model.MAX_PAGE:
        raise Invalid(f"limit must be from 1 to {model.MAX_PAGE}.")
    return page


def _profile(profile_id: str) -> str:
    return ids.check(profile_id, ids.PROFILE, "profile_id")
