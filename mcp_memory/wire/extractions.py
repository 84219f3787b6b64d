"""What is learned of conversations, a job each. Ours: nothing of it is published."""

from mcp_memory.conversation_ids import to_api
from mcp_memory.conversations import Status as ConversationStatus
from mcp_memory.extractions import Extraction, Status
from mcp_memory.wire import Answer, Time
from mcp_memory.wire.pages import Meta


class ExtractionBody(Answer):
    """`cause`: what the conversation became. `attempts`: those that failed. `added`, `updated`, `discarded`:
    observations; `screened`: those that were not even proposed."""

    id: str
    profile_id: str
    conversation_id: str
    cause: ConversationStatus
    status: Status
    attempts: int
    next_attempt_at: Time | None = None
    added: int
    updated: int
    discarded: int
    screened: int
    extracted_by: str | None = None
    error: str | None = None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, one: Extraction) -> "ExtractionBody":
        given = {**vars(one), "conversation_id": to_api(one.conversation_id)}
        return cls(id=given.pop("extraction_id"), **given)


class ExtractionsBody(Answer):
    extractions: list[ExtractionBody] = []
    meta: Meta = Meta()
