"""Tools for whoever hosts a conversation: its messages are remembered word for word."""

from typing import Annotated, Literal

from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_memory import inputs, model, resources, views
from mcp_memory.extractions import Extraction, ExtractionFilter
from mcp_memory.listing import PageQuery
from mcp_memory.rights import READ, WRITE
from mcp_memory.session import Session
from mcp_memory.tools import Answer, Arguments, Loaded, OccurredAt, ProfileId, Result, Tool
from mcp_memory.tools.memories import ReceiptResult


class MessageArgument(Arguments):
    text: Annotated[str, Field(description=f"1-{model.MAX_CONTENT} characters")]
    role: Literal["customer", "agent"]
    author: Annotated[str | None, Field(description="Name")] = None
    channel: Annotated[str | None, Field(description="sms, email, whatsapp, phone. Default chat")] = None
    occurred_at: OccurredAt = None
    message_id: Annotated[str | None, Field(description="Your own id, for all messages or none")] = None


class RecordMessages(Arguments):
    profile_id: ProfileId
    conversation_id: Annotated[str, Field(description="The conversation, in your own form")]
    messages: Annotated[
        list[MessageArgument],
        Loaded,
        Field(
            description=f"1 to {model.MAX_MESSAGES}, in their order",
            json_schema_extra={"minItems": 1, "maxItems": model.MAX_MESSAGES},
        ),
    ]


class CloseConversation(Arguments):
    profile_id: ProfileId
    conversation_id: Annotated[str, Field(description="As in record_messages")]


class CloseConversationResult(Result):
    profile_id: str
    conversation_id: str
    status: str
    closed_at: str | None = None
    extraction_id: str | None = None
    extraction_status: str | None = None


class RecordMessagesResult(Result):
    profile_id: str
    messages: list[ReceiptResult]


async def record_messages(session: Session, asked: RecordMessages) -> Answer:
    now = session.memory.now()
    messages = [
        inputs.new_message(**one.model_dump(), now=now, name=f"messages[{position}]")
        for position, one in enumerate(asked.messages)
    ]
    conversation_id = inputs.conversation_name(asked.conversation_id)
    added = await session.memory.record_messages(session.caller, asked.profile_id, conversation_id, messages)
    await session.changed(resources.changed_by([], added.profile_ids))
    return Answer(
        RecordMessagesResult(
            profile_id=added.profile_ids[0],
            messages=[ReceiptResult(id=one.id, outcome=one.outcome) for one in added.receipts],
        ),
        views.added_text(added, asked.profile_id),
    )


async def close_conversation(session: Session, asked: CloseConversation) -> Answer:
    conversation_id = inputs.conversation_name(asked.conversation_id)
    closed = await session.memory.close_conversation(session.caller, asked.profile_id, conversation_id)
    extraction = await _latest_extraction(session, asked.profile_id, conversation_id)
    return Answer(
        CloseConversationResult(
            profile_id=closed.profile_id,
            conversation_id=conversation_id,
            status=closed.status,
            closed_at=None if closed.closed_at is None else views.time(closed.closed_at),
            extraction_id=None if extraction is None else extraction.extraction_id,
            extraction_status=None if extraction is None else extraction.status,
        ),
        "Closed. What matters of it is remembered in the background, with a summary.",
    )


async def _latest_extraction(session: Session, profile_id: str, conversation_id: str) -> Extraction | None:
    """In the background it may be under way by now, or done. None too where who asks may not read."""
    if READ not in session.caller.rights:
        return None
    wanted = ExtractionFilter(profile_id=profile_id, conversation_id=conversation_id)
    page = await session.memory.list_extractions(session.caller, wanted, PageQuery(limit=1))
    return page.items[0] if page.items else None


TOOLS = (
    Tool(
        name="record_messages",
        right=WRITE,
        title="Record a conversation",
        description=(
            "Append messages to a conversation with a customer, word for word; recall finds them with "
            "communications_limit. All or none are stored. Sent again they are duplicates: by message_id, else where "
            "the conversation ends with what the call begins with, so that you may send the whole conversation each "
            "time."
        ),
        arguments=RecordMessages,
        result=RecordMessagesResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        run=record_messages,
    ),
    Tool(
        name="close_conversation",
        right=WRITE,
        title="End a conversation",
        description=(
            "Say that a recorded conversation is over: observations and a summary are made of it in the background. "
            "Otherwise that happens after a while of silence. What is recorded later begins another one."
        ),
        arguments=CloseConversation,
        result=CloseConversationResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        run=close_conversation,
    ),
)
