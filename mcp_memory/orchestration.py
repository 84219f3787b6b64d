"""The part of Memory that is about conversations of several people. Where one is, is told by its id: the tenant's store
that it is in, if who asks may reach that."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from mcp_memory import ids, listing, rights
from mcp_memory.chronicle import checked
from mcp_memory.conversations import Status
from mcp_memory.dialogues import Dialogues
from mcp_memory.errors import NotFound, Unsupported
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Caller, Scope
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
from mcp_memory.rights import ADMIN, READ, WRITE

NO_CONFIGURATION = "There is no such configuration."
NO_CONVERSATION = "There is no such conversation."
NO_CHANNEL = (
    "Nothing is sent from here: sending is the channel's own business. Send the message with it, and post what was "
    "said to the conversation's Communications."
)


class Orchestration(Dialogues):
    # Configurations

    async def create_configuration(self, caller: Caller, new: ConversationSettings) -> Configuration:
        return await self._backend.create_configuration(await self._store(caller, new.store_id, ADMIN), new)

    async def get_configuration(self, caller: Caller, configuration_id: str) -> Configuration:
        found, _ = await self._configuration(caller, configuration_id, READ)
        return found

    async def list_configurations(self, caller: Caller, store_id: str | None, page: PageQuery) -> Page[Configuration]:
        """The earliest first. `store_id`: those of that store alone."""
        rights.check(caller.rights, READ)
        reached = await self._reached(caller)
        found = [
            one
            for one in await self._backend.list_configurations(caller.tenant)
            if (reached is None or one.settings.store_id in reached) and store_id in (None, one.settings.store_id)
        ]
        return listing.sliced(found, lambda one: one.configuration_id, replace(checked(page), newest_first=False))

    async def replace_configuration(
        self, caller: Caller, configuration_id: str, new: ConversationSettings
    ) -> Configuration:
        found, _ = await self._configuration(caller, configuration_id, ADMIN)
        scope = await self._store(caller, new.store_id, ADMIN)
        return await self._backend.replace_configuration(scope, found.configuration_id, new)

    async def update_configuration(
        self, caller: Caller, configuration_id: str, changes: SettingsChanges
    ) -> Configuration:
        found, _ = await self._configuration(caller, configuration_id, ADMIN)
        if changes.store_id is not None:
            await self._store(caller, changes.store_id, ADMIN)
        return await self._backend.update_configuration(caller.tenant, found.configuration_id, changes)

    async def delete_configuration(self, caller: Caller, configuration_id: str) -> None:
        found, _ = await self._configuration(caller, configuration_id, ADMIN)
        await self._backend.delete_configuration(caller.tenant, found.configuration_id)

    # Conversations

    async def open_conversation(self, caller: Caller, new: NewConversation) -> OrchestratedConversation:
        configuration, scope = await self._configuration(caller, new.configuration_id, WRITE)
        people = tuple(rules.checked_participant(one) for one in new.participants)
        wanted = replace(new, name=rules.checked_name(new.name), participants=people)
        return await self._backend.open_conversation(scope, configuration, wanted)

    async def fetch_conversation(self, caller: Caller, conversation_id: str) -> OrchestratedConversation:
        return await self._backend.fetch_conversation(await self._held(caller, conversation_id), conversation_id)

    async def list_conversations(
        self, caller: Caller, statuses: Sequence[Status], channel_id: str | None, page: PageQuery
    ) -> Page[OrchestratedConversation]:
        """By store, in each the latest begun first. A page may be shorter than the list is."""
        rights.check(caller.rights, READ)
        reached = await self._reached(caller)
        stores = await self._backend.stores_with_conversations(caller.tenant)
        if reached is not None:
            stores = [one for one in stores if one in reached]
        at, within = _place(page.cursor, stores)
        for store_id in stores[at:]:
            scope = await self._store(caller, store_id, READ)
            query = replace(checked(page), cursor=within)
            found = await self._backend.list_conversations(scope, statuses, channel_id, query)
            if found.next_cursor is not None:
                return replace(found, next_cursor=f"{store_id}:{found.next_cursor}")
            if found.items:
                after = [one for one in stores if one > store_id]
                return replace(found, next_cursor=f"{after[0]}:" if after else None)
            within = None
        return Page(items=[])

    async def update_conversation(
        self, caller: Caller, conversation_id: str, changes: ConversationChanges
    ) -> OrchestratedConversation:
        scope = await self._held(caller, conversation_id, WRITE)
        wanted = replace(changes, name=rules.checked_name(changes.name))
        return await self._backend.update_conversation(scope, conversation_id, wanted)

    async def delete_conversation(self, caller: Caller, conversation_id: str) -> None:
        await self._backend.delete_conversation(await self._held(caller, conversation_id, ADMIN), conversation_id)

    # Who takes part, and what they say

    async def add_participant(self, caller: Caller, conversation_id: str, new: NewParticipant) -> Participant:
        scope = await self._held(caller, conversation_id, WRITE)
        return await self._backend.add_participant(scope, conversation_id, rules.checked_participant(new))

    async def list_participants(self, caller: Caller, conversation_id: str, page: PageQuery) -> Page[Participant]:
        scope = await self._held(caller, conversation_id)
        return await self._backend.list_participants(scope, conversation_id, checked(page))

    async def get_participant(self, caller: Caller, conversation_id: str, participant_id: str) -> Participant:
        target = ids.check(participant_id, ids.PARTICIPANT, "participant_id")
        return await self._backend.get_participant(await self._held(caller, conversation_id), conversation_id, target)

    async def update_participant(
        self, caller: Caller, conversation_id: str, participant_id: str, new: NewParticipant
    ) -> Participant:
        target = ids.check(participant_id, ids.PARTICIPANT, "participant_id")
        scope = await self._held(caller, conversation_id, WRITE)
        return await self._backend.update_participant(scope, conversation_id, target, rules.checked_participant(new))

    async def post_communication(
        self, caller: Caller, conversation_id: str, new: NewCommunication
    ) -> PostedCommunication:
        scope = await self._held(caller, conversation_id, WRITE)
        return await self._backend.post_communication(scope, conversation_id, rules.checked_communication(new))

    async def list_posted(
        self, caller: Caller, conversation_id: str, channel_id: str | None, page: PageQuery
    ) -> Page[PostedCommunication]:
        scope = await self._held(caller, conversation_id)
        return await self._backend.list_posted(scope, conversation_id, channel_id, checked(page))

    async def get_posted(self, caller: Caller, conversation_id: str, communication_id: str) -> PostedCommunication:
        target = ids.check(communication_id, ids.COMMUNICATION, "communication_id")
        return await self._backend.get_posted(await self._held(caller, conversation_id), conversation_id, target)

    async def create_action(self, caller: Caller, conversation_id: str) -> NoReturn:
        """Raises Unsupported: there is no channel here to send by."""
        await self._held(caller, conversation_id, WRITE)
        raise Unsupported(NO_CHANNEL)

    # Inside

    async def _store(self, caller: Caller, store_id: str, right: str) -> Scope:
        return await self.scope(replace(caller, store=ids.check(store_id, ids.STORE, "memoryStoreId")), right)

    async def _configuration(self, caller: Caller, configuration_id: str, right: str) -> tuple[Configuration, Scope]:
        """What is in a store beyond reach is not there."""
        rights.check(caller.rights, right)
        target = ids.check(configuration_id, ids.CONFIGURATION, "configuration_id")
        reached = await self._reached(caller)
        found = await self._backend.get_configuration(caller.tenant, target)
        return found, await self._within(caller, reached, found.settings.store_id, right, NO_CONFIGURATION)

    async def _held(self, caller: Caller, conversation_id: str, right: str = READ) -> Scope:
        rights.check(caller.rights, right)
        target = ids.check(conversation_id, ids.CONVERSATION, "conversation_id")
        reached = await self._reached(caller)
        store_id = await self._backend.store_of_conversation(caller.tenant, target)
        return await self._within(caller, reached, store_id, right, NO_CONVERSATION)

    async def _reached(self, caller: Caller) -> set[str] | None:
        """Ids of stores; None: all. Of who may reach only some, asked first: what is beyond them is to take as long to
        be refused as what is not there at all."""
        return None if caller.stores is None else {one.store_id for one in await self._scopes.reached(caller)}

    async def _within(self, caller: Caller, reached: set[str] | None, store_id: str, right: str, absent: str) -> Scope:
        if reached is not None and store_id not in reached:
            raise NotFound(absent)
        try:
            return await self._store(caller, store_id, right)
        except NotFound as exc:
            raise NotFound(absent) from exc


def _place(cursor: str | None, stores: Sequence[str]) -> tuple[int, str | None]:
    """The store where a list goes on, and where in it. One that is gone since: behind it."""
    if cursor is None:
        return 0, None
    store_id, _, within = cursor.partition(":")
    at = next((at for at, one in enumerate(stores) if one >= store_id), len(stores))
    same = at < len(stores) and stores[at] == store_id
    return at, (within or None) if same else None
