"""Observations and conversation summaries.

Ids of conversations are in the form of the API, both ways: what is asked is read as the id it was made from.
"""

from typing import Annotated

from pydantic import Field

from mcp_memory.conversation_ids import from_api, to_api
from mcp_memory.edits import ObservationChanges, SummaryChanges
from mcp_memory.model import (
    MAX_CONTENT,
    MAX_CONVERSATION_IDS,
    MAX_OBSERVATIONS,
    MAX_SOURCE,
    MAX_SUMMARIES,
    Observation,
    Summary,
)
from mcp_memory.wire import OMITTED, Answer, ConversationId, Open, Text, Time, Wire
from mcp_memory.wire.pages import Meta

Content = Annotated[Text, Field(min_length=1, max_length=MAX_CONTENT)]
Source = Annotated[str, Field(min_length=1, max_length=MAX_SOURCE, pattern=r"^[a-zA-Z0-9 _.-]+$")]
ConversationIds = Annotated[list[ConversationId], Field(max_length=MAX_CONVERSATION_IDS)]


class NewObservationBody(Open):
    content: Content
    source: Source
    occurred_at: Time
    conversation_ids: ConversationIds = []


class NewObservationsBody(Wire):
    observations: Annotated[list[NewObservationBody], Field(min_length=1, max_length=MAX_OBSERVATIONS)]


class ObservationChangesBody(Open):
    content: Content = OMITTED
    source: Source = OMITTED
    occurred_at: Time = OMITTED
    conversation_ids: ConversationIds = OMITTED

    def changes(self) -> ObservationChanges:
        ids = self.conversation_ids
        return ObservationChanges(
            content=self.content,
            source=self.source,
            occurred_at=self.occurred_at,
            conversation_ids=None if ids is None else tuple(dict.fromkeys(map(inside, ids))),
        )


class ObservationBody(Answer):
    id: str
    content: str = ""
    source: str | None = None
    occurred_at: Time | None = None
    conversation_ids: list[str] | None = None
    created_at: Time
    updated_at: Time
    score: float | None = None

    @classmethod
    def of(cls, one: Observation, score: float | None = None) -> "ObservationBody":
        return cls(
            id=one.id,
            content=one.content,
            source=one.source,
            occurred_at=one.occurred_at,
            conversation_ids=[to_api(id) for id in one.conversation_ids],
            created_at=one.created_at,
            updated_at=one.updated_at,
            score=score,
        )


class ObservationsBody(Answer):
    observations: list[ObservationBody] = []
    meta: Meta = Meta()


class RevisionsBody(Answer):
    revisions: list[ObservationBody] = []
    meta: Meta = Meta()


class NewSummaryBody(Open):
    content: Content
    conversation_id: ConversationId
    occurred_at: Time
    source: Source = OMITTED


class NewSummariesBody(Wire):
    summaries: Annotated[list[NewSummaryBody], Field(min_length=1, max_length=MAX_SUMMARIES)]


class SummaryChangesBody(Open):
    content: Content = OMITTED
    source: Source = OMITTED
    occurred_at: Time = OMITTED
    conversation_id: ConversationId = OMITTED

    def changes(self) -> SummaryChanges:
        id = self.conversation_id
        return SummaryChanges(
            content=self.content,
            source=self.source,
            occurred_at=self.occurred_at,
            conversation_id=None if id is None else inside(id),
        )


class SummaryBody(Answer):
    id: str
    content: str = ""
    conversation_id: str
    source: str | None = None
    occurred_at: Time
    created_at: Time
    updated_at: Time
    score: float | None = None

    @classmethod
    def of(cls, one: Summary, score: float | None = None) -> "SummaryBody":
        return cls(
            id=one.id,
            content=one.content,
            conversation_id=to_api(one.conversation_id),
            source=one.source,
            occurred_at=one.occurred_at,
            created_at=one.created_at,
            updated_at=one.updated_at,
            score=score,
        )


class SummariesBody(Answer):
    summaries: list[SummaryBody] = []
    meta: Meta = Meta()


def inside(api_id: str) -> str:
    """The id that the API's was made from; of a hash, the hash: it goes on being told apart by it."""
    return from_api(api_id) or api_id
