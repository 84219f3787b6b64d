"""The part of Memory that is about conversations: what was said, and what is learned from it."""

from collections.abc import Sequence

from mcp_memory import history, ids, model
from mcp_memory.chronicle import Chronicle, checked
from mcp_memory.conversations import Conversation
from mcp_memory.errors import Invalid
from mcp_memory.extractions import Extraction, ExtractionFilter
from mcp_memory.history import UNKNOWN, Authorship, Discarded
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Added, Caller, Communication, NewMessage, NewObservation
from mcp_memory.proposals import ProposalStatus, TraitProposal
from mcp_memory.rights import ADMIN, WRITE, check


class Dialogues(Chronicle):
    async def reconcile_observations(
        self,
        caller: Caller,
        profile_id: str,
        new: Sequence[NewObservation],
        by: Authorship = UNKNOWN,
        *,
        dry_run: bool = False,
    ) -> Added:
        check_number(new)
        target, signed = _profile(profile_id), history.signed(by, caller.actor)
        scope = await self.scope(caller, WRITE)
        return await self._backend.reconcile_observations(scope, target, new, signed, dry_run=dry_run)

    async def post_observations(
        self, caller: Caller, profile_id: str, new: Sequence[NewObservation], by: Authorship = UNKNOWN
    ) -> Added:
        check_number(new)
        target, signed = _profile(profile_id), history.signed(by, caller.actor)
        return await self._backend.post_observations(await self.scope(caller, WRITE), target, new, signed)

    async def get_learning_settings(self, caller: Caller) -> LearningSettings:
        return await self._backend.get_learning_settings(await self.scope(caller))

    async def update_learning_settings(
        self, caller: Caller, new: LearningSettings, if_version: int | None = None
    ) -> LearningSettings:
        return await self._backend.update_learning_settings(await self.scope(caller, ADMIN), new, if_version)

    async def list_discarded(self, caller: Caller, profile_id: str, page: PageQuery) -> Page[Discarded]:
        target = _profile(profile_id)
        return await self._backend.list_discarded(await self.scope(caller), target, checked(page))

    async def record_messages(
        self, caller: Caller, profile_id: str, conversation_id: str, messages: Sequence[NewMessage]
    ) -> Added:
        if not 1 <= len(messages) <= model.MAX_MESSAGES:
            raise Invalid(f"messages has {len(messages)} items: give 1 to {model.MAX_MESSAGES} in one call.")
        length = sum(len(one.text) for one in messages)
        if length > model.MAX_RECORDED:
            raise Invalid(f"messages have {length} characters together, the limit is {model.MAX_RECORDED}: split them.")
        given = [one.message_id for one in messages if one.message_id is not None]
        if given and (len(given) < len(messages) or len(set(given)) < len(given)):
            raise Invalid("messages must all have a message_id of their own, or none of them one.")
        target = _profile(profile_id)
        return await self._backend.record_messages(await self.scope(caller, WRITE), target, conversation_id, messages)

    async def list_communications(
        self, caller: Caller, profile_id: str, conversation_id: str, limit: int
    ) -> list[Communication]:
        target = _profile(profile_id)
        return await self._backend.list_communications(await self.scope(caller), target, conversation_id, limit)

    async def get_conversation(self, caller: Caller, profile_id: str, conversation_id: str) -> Conversation:
        target = _profile(profile_id)
        return await self._backend.get_conversation(await self.scope(caller), target, conversation_id)

    async def close_conversation(self, caller: Caller, profile_id: str, conversation_id: str) -> Conversation:
        target = _profile(profile_id)
        return await self._backend.close_conversation(await self.scope(caller, WRITE), target, conversation_id)

    async def list_extractions(self, caller: Caller, wanted: ExtractionFilter, page: PageQuery) -> Page[Extraction]:
        if wanted.profile_id is not None:
            _profile(wanted.profile_id)
        return await self._backend.list_extractions(await self.scope(caller), wanted, checked(page))

    async def get_extraction(self, caller: Caller, extraction_id: str) -> Extraction:
        target = _extraction(extraction_id)
        return await self._backend.get_extraction(await self.scope(caller), target)

    async def retry_extraction(self, caller: Caller, extraction_id: str) -> Extraction:
        target = _extraction(extraction_id)
        return await self._backend.retry_extraction(await self.scope(caller, WRITE), target)

    async def look_after_stores(self, caller: Caller) -> None:
        """Of all stores of the caller's tenant."""
        check(caller.rights, WRITE)
        await self._backend.look_after_stores(caller.tenant, caller.quota)

    async def learn(self, caller: Caller) -> int:
        return await self._backend.learn(await self.scope(caller, WRITE))

    async def list_trait_proposals(
        self, caller: Caller, profile_id: str, status: ProposalStatus | None, page: PageQuery
    ) -> Page[TraitProposal]:
        target = _profile(profile_id)
        return await self._backend.list_trait_proposals(await self.scope(caller), target, status, checked(page))

    async def accept_trait_proposal(
        self, caller: Caller, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        target, one, signed = _profile(profile_id), _proposal(proposal_id), history.signed(by, caller.actor)
        return await self._backend.accept_trait_proposal(await self.scope(caller, WRITE), target, one, signed)

    async def reject_trait_proposal(
        self, caller: Caller, profile_id: str, proposal_id: str, by: Authorship = UNKNOWN
    ) -> TraitProposal:
        target, one, signed = _profile(profile_id), _proposal(proposal_id), history.signed(by, caller.actor)
        return await self._backend.reject_trait_proposal(await self.scope(caller, WRITE), target, one, signed)


def check_number(new: Sequence[NewObservation]) -> None:
    if not 1 <= len(new) <= model.MAX_OBSERVATIONS:
        raise Invalid(f"observations has {len(new)} items: give 1 to {model.MAX_OBSERVATIONS} in one call.")


def _profile(profile_id: str) -> str:
    return ids.check(profile_id, ids.PROFILE, "profile_id")


def _extraction(extraction_id: str) -> str:
    return ids.check(extraction_id, ids.EXTRACTION, "extraction_id")


def _proposal(proposal_id: str) -> str:
    return ids.check(proposal_id, ids.TRAIT_PROPOSAL, "proposal_id")
