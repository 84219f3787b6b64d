"""Recall. The service ranks; what fits the caller's budget is decided here."""

from typing import Any

from mcp_memory import budget
from mcp_memory.backends.twilio import calls, items
from mcp_memory.backends.twilio.remote import Remote
from mcp_memory.errors import Unsupported
from mcp_memory.model import Recall, Recalled, RecallQuery, Scope
from mcp_memory.text import clean
from mcp_memory.wire import write_time
from mcp_memory.wire.recall import RecallBody


class Recalls:
    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def recall(self, scope: Scope, profile_id: str, query: RecallQuery) -> Recall:
        """Of no item it is known why it came: the service does not say."""
        if query.communications_limit and query.conversation_id is None:
            raise Unsupported(
                "communications_limit: the memory service gives the messages of one conversation: name it in "
                "conversation_id, or leave communications_limit out."
            )
        if query.as_of is not None and query.as_of < self._remote.now():
            raise Unsupported(
                "as_of: the memory service recalls what it knows now, not what was known: leave as_of out. begin and "
                "end say when something happened."
            )
        reply = await self._remote.send(calls.RECALL, scope.store_id, profile_id, body=self._body(query))
        body = reply.read(RecallBody)
        inside, now = self._remote.conversations.inside, self._remote.now()
        found = Recall(
            profile_id=reply.profile_id(profile_id),
            observations=[
                items.recalled_observation(reply, one, inside) for one in body.observations[: query.observations_limit]
            ],
            summaries=[items.recalled_summary(reply, one, inside) for one in body.summaries[: query.summaries_limit]],
            communications=[
                Recalled(item=items.communication(reply, one, query.conversation_id or "", now), score=None)
                for one in body.communications[: query.communications_limit]
            ],
        )
        return budget.pack(found, query.max_tokens)

    def _body(self, query: RecallQuery) -> dict[str, Any]:
        conversation = query.conversation_id
        body = {
            "query": None if query.query is None else clean(query.query) or None,
            "conversationId": None if conversation is None else self._remote.conversations.outside(conversation),
            "observationsLimit": query.observations_limit,
            "summariesLimit": query.summaries_limit,
            "communicationsLimit": query.communications_limit,
            "beginDate": None if query.begin is None else write_time(query.begin),
            "endDate": None if query.end is None else write_time(query.end),
            "relevanceThreshold": query.relevance_threshold,
        }
        return {name: value for name, value in body.items() if value is not None}
