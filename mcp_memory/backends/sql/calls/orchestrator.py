"""Conversations of several people: what is said is stored, then the memory of each customer is fed with it."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Literal, TypeVar

from mcp_memory.backends.sql import callbacks, configurations, feeding, orchestrating
from mcp_memory.backends.sql import conversations as conversing
from mcp_memory.backends.sql.calls.worker import Worker
from mcp_memory.backends.sql.conversations import Moved
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.orchestrating import Resource
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.callbacks import StatusCallback
from mcp_memory.callbacks.urls import checked_url
from mcp_memory.conversations import Status
from mcp_memory.errors import Closing, Conflict, Error, NotFound
from mcp_memory.history import API
from mcp_memory.ids import CONVERSATION
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Scope
from mcp_memory.orchestrator import (
    Configuration,
    ConversationChanges,
    ConversationSettings,
    NewCommunication,
    NewConversation,
    NewParticipant,
    OrchestratedConversation,
    Participant,
    PostedCommunication,
    SettingsChanges,
    rules,
)

T = TypeVar("T")

ATTEMPTS = 50  # to feed a memory that other processes feed as well
PAUSE = timedelta(minutes=1)  # before it is tried again

logger = logging.getLogger(__name__)


class OrchestratorCalls(Worker):
    async def create_configuration(self, scope: Scope, new: ConversationSettings) -> Configuration:
        self._check(new.callbacks)
        return await self._write_catalog(
            scope.tenant,
            lambda catalog: configurations.create(catalog, scope.tenant, new, now=self._now(), make_id=self._make_id),
        )

    async def get_configuration(self, tenant: str, configuration_id: str) -> Configuration:
        return await self._read_catalog(tenant, lambda catalog: configurations.get(catalog, tenant, configuration_id))

    async def list_configurations(self, tenant: str) -> list[Configuration]:
        return await self._read_catalog(tenant, lambda catalog: catalog.list_configurations(tenant))

    async def replace_configuration(
        self, scope: Scope, configuration_id: str, new: ConversationSettings
    ) -> Configuration:
        self._check(new.callbacks)
        return await self._write_catalog(
            scope.tenant,
            lambda catalog: configurations.put(catalog, scope.tenant, configuration_id, new, self._now()),
        )

    async def update_configuration(self, tenant: str, configuration_id: str, changes: SettingsChanges) -> Configuration:
        self._check(changes.callbacks or ())
        return await self._write_catalog(
            tenant,
            lambda catalog: configurations.put(
                catalog,
                tenant,
                configuration_id,
                rules.changed(configurations.get(catalog, tenant, configuration_id).settings, changes),
                self._now(),
            ),
        )

    async def delete_configuration(self, tenant: str, configuration_id: str) -> None:
        await self._write_catalog(tenant, lambda catalog: configurations.remove(catalog, tenant, configuration_id))

    async def store_of_conversation(self, tenant: str, conversation_id: str) -> str:
        found = await self._read_catalog(tenant, lambda catalog: catalog.find_place(tenant, conversation_id))
        if found is None:
            raise NotFound("There is no such conversation.")
        return found

    async def stores_with_conversations(self, tenant: str) -> list[str]:
        return await self._read_catalog(tenant, lambda catalog: catalog.placed_stores(tenant))

    async def open_conversation(
        self, scope: Scope, configuration: Configuration, new: NewConversation
    ) -> OrchestratedConversation:
        conversation_id, tenant = self._make_id(CONVERSATION), scope.tenant
        await self._write_catalog(tenant, lambda catalog: catalog.put_place(tenant, conversation_id, scope.store_id))
        try:
            await self._stirred_up(scope)
            made = await self._upsert(
                scope,
                lambda upserts: orchestrating.open_one(upserts, conversation_id, configuration, new, self._tell(scope)),
                API,
            )
        except Error:
            await self._write_catalog(tenant, lambda catalog: catalog.remove_place(tenant, conversation_id))
            raise
        self._tend(scope)
        self._deliver(scope)
        return made

    async def fetch_conversation(self, scope: Scope, conversation_id: str) -> OrchestratedConversation:
        return await self._read(scope, lambda tx: orchestrating.conversation(tx, conversation_id))

    async def list_conversations(
        self, scope: Scope, statuses: Sequence[Status], channel_id: str | None, page: PageQuery
    ) -> Page[OrchestratedConversation]:
        return await self._read(scope, lambda tx: orchestrating.page(tx, statuses, channel_id, page))

    async def update_conversation(
        self, scope: Scope, conversation_id: str, changes: ConversationChanges
    ) -> OrchestratedConversation:
        self._check(changes.callbacks or ())

        def change(tx: Transaction) -> OrchestratedConversation:
            return orchestrating.update(tx, conversation_id, changes, self._now(), self._make_id, self._tell(scope))

        def work() -> OrchestratedConversation:
            self._stir(scope)
            for _ in range(ATTEMPTS):
                with suppress(Moved):
                    return self._database.write(scope, change)
                self._feed(scope, conversation_id)
            raise Conflict("Others write to this conversation all the time, and it was not changed: try again.")

        changed = await self._writers.hop(scope.tenant, work)
        self._tend(scope)
        self._deliver(scope)
        return changed

    async def delete_conversation(self, scope: Scope, conversation_id: str) -> None:
        await self._erase(scope, lambda tx: orchestrating.delete(tx, conversation_id))
        tenant = scope.tenant
        await self._write_catalog(tenant, lambda catalog: catalog.remove_place(tenant, conversation_id))

    async def add_participant(self, scope: Scope, conversation_id: str, new: NewParticipant) -> Participant:
        return await self._said(
            scope,
            conversation_id,
            lambda upserts: orchestrating.add_participant(upserts, conversation_id, new, self._tell(scope)),
        )

    async def list_participants(self, scope: Scope, conversation_id: str, page: PageQuery) -> Page[Participant]:
        return await self._read(scope, lambda tx: orchestrating.page_of_participants(tx, conversation_id, page))

    async def get_participant(self, scope: Scope, conversation_id: str, participant_id: str) -> Participant:
        return await self._read(
            scope,
            lambda tx: orchestrating.participant(orchestrating.conversation(tx, conversation_id), participant_id),
        )

    async def update_participant(
        self, scope: Scope, conversation_id: str, participant_id: str, new: NewParticipant
    ) -> Participant:
        return await self._said(
            scope,
            conversation_id,
            lambda upserts: orchestrating.update_participant(
                upserts, conversation_id, participant_id, new, self._tell(scope)
            ),
        )

    async def post_communication(
        self, scope: Scope, conversation_id: str, new: NewCommunication
    ) -> PostedCommunication:
        return await self._said(
            scope,
            conversation_id,
            lambda upserts: orchestrating.post(upserts, conversation_id, new, self._tell(scope)),
        )

    async def list_posted(
        self, scope: Scope, conversation_id: str, channel_id: str | None, page: PageQuery
    ) -> Page[PostedCommunication]:
        return await self._read(scope, lambda tx: orchestrating.page_of_posted(tx, conversation_id, channel_id, page))

    async def get_posted(self, scope: Scope, conversation_id: str, communication_id: str) -> PostedCommunication:
        return await self._read(scope, lambda tx: orchestrating.posted(tx, conversation_id, communication_id))

    async def _said(self, scope: Scope, conversation_id: str, change: Callable[[Upserts], T]) -> T:
        """Stored, and then in the memories: what fails there is done in the background, and was said all the same."""
        await self._stirred_up(scope)
        done = await self._upsert(scope, change, API)
        await self._writers.hop(scope.tenant, lambda: self._feed_or_leave(scope, conversation_id))
        self._tend(scope)
        self._deliver(scope)
        return done

    async def _stirred_up(self, scope: Scope) -> None:
        await self._writers.hop(scope.tenant, lambda: self._stir(scope))

    def _check(self, given: Sequence[StatusCallback]) -> None:
        for at, one in enumerate(given):
            checked_url(one.url, f"statusCallbacks[{at}].url", self._calling.reach)

    # On the worker thread

    def _feed(self, scope: Scope, conversation_id: str) -> None:
        """All memories, with all there is."""
        with self._turns[hash((scope, conversation_id)) % len(self._turns)]:
            moved = 0
            while moved < ATTEMPTS:
                after = self._fed(scope, conversation_id)
                if after == "all":
                    return
                moved += after == "moved"
        raise Conflict("Others write to this conversation all the time: memory has it in a moment.")

    def _feed_next(self, scope: Scope) -> bool:
        """What somebody left undone. False: nothing, for now."""
        left = self._database.read(scope, lambda tx: tx.unfed_orchestrated(self._now()))
        if left is not None:
            self._feed_or_leave(scope, left)
        return left is not None

    def _feed_or_leave(self, scope: Scope, conversation_id: str) -> None:
        """What can't be done now is done later, in the background."""
        try:
            self._feed(scope, conversation_id)
        except Closing:
            raise
        except Exception as exc:  # whatever it met in one conversation, the others go on
            logger.warning("a conversation is not in memory yet: %s", exc, exc_info=exc)
            later = self._now() + PAUSE
            self._database.write(scope, lambda tx: tx.set_unfed(conversation_id, later))

    def _fed(self, scope: Scope, conversation_id: str) -> Literal["all", "some", "moved"]:
        """A portion, if there is one."""
        portion = self._database.read(scope, lambda tx: feeding.next_portion(tx, conversation_id))
        if portion is None:
            settled = self._database.write(
                scope, lambda tx: feeding.settle(tx, conversation_id, self._now(), self._make_id)
            )
            return "all" if settled else "some"
        fresh = portion.ready.fresh
        signatures = self._signatures.or_terms(conversing.texts_of(portion.ready)) if fresh else []
        room = self._room(scope.tenant, scope.quota)
        with suppress(Moved):
            settled = self._remember(
                scope,
                signatures,
                lambda tx: feeding.feed(
                    tx, conversation_id, portion, signatures, room, now=self._now(), make_id=self._make_id
                ),
            )
            return "all" if settled else "some"
        return "moved"

    def _tell(self, scope: Scope) -> orchestrating.Tell:
        """What is told goes out once it is written."""

        def tell(tx: Transaction, one: OrchestratedConversation, happened: str, what: Resource) -> None:
            resource_of = self._calling.resource_of
            if one.settings.callbacks and resource_of is not None:
                data = resource_of(scope.tenant, what)
                callbacks.announce(
                    tx,
                    one.settings.callbacks,
                    happened,
                    one.conversation_id,
                    data,
                    now=self._now(),
                    make_id=self._make_id,
                )

        return tell
