"""How each thing that MCP offers is attacked: which ids of somebody else go where. What is offered is in here, or the
suite fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.wall.planted import CANARY, Ids

Json = dict[str, Any]
Made = Callable[[Ids, Ids], list[Json]]
"""Of what is one's own, and what is not, in that order."""


@dataclass(frozen=True)
class Question:
    """A request of MCP."""

    method: str
    params: Json


def _note(profile_id: str, **more: Any) -> Json:
    return {"profile_id": profile_id, "observations": [{"content": "Was here", **more}]}


def _recap(profile_id: str, conversation: str) -> Json:
    return {"profile_id": profile_id, "conversation_id": conversation, "content": "They called"}


LONG_AGO = "2026-05-04T09:00:00Z"


def _talk(profile_id: str, conversation: str) -> Json:
    messages = [{"text": "Hello", "role": "customer", "message_id": "1"}]
    return {"profile_id": profile_id, "conversation_id": conversation, "messages": messages}


def _recall(profile_id: str, conversation: str | None) -> Json:
    asked = {"query": f"what of {CANARY}", "communications_limit": 20, "detail": "full"}
    return {"profile_id": profile_id, **asked, **({"conversation_id": conversation} if conversation else {})}


def _about(profile_id: str, whose: Ids, **more: Any) -> Json:
    return {"profile_id": profile_id, "observation_id": whose.observation_id, **more}


# The first of each names only what is theirs: to its owner it is answered.
TOOLS: Mapping[str, Made] = {
    "lookup_profile": lambda own, their: [
        {"value": their.phone},
        {"value": their.email},
        {"value": their.chat, "id_type": "chat"},
        {"profile_id": their.profile_id},
        {"value": their.profile_id},
        {"profile_id": their.merged_id},
    ],
    "recall": lambda own, their: [
        _recall(their.profile_id, their.conversation),
        _recall(their.merged_id, None),
        _recall(own.profile_id, their.conversation),
        {"profile_id": own.profile_id, "conversation_id": their.conversation, "communications_limit": 20},
        {**_recall(their.profile_id, None), "as_of": LONG_AGO},
        {"profile_id": their.merged_id, "as_of": LONG_AGO},
    ],
    "add_observation": lambda own, their: [
        _note(their.profile_id),
        _note(their.merged_id),
        _note(own.profile_id, conversation_ids=[their.conversation]),
    ],
    "write_summary": lambda own, their: [
        _recap(their.profile_id, their.conversation),
        _recap(their.merged_id, "mine"),
        _recap(own.profile_id, their.conversation),
    ],
    "record_messages": lambda own, their: [
        _talk(their.profile_id, their.conversation),
        _talk(their.merged_id, "mine"),
        _talk(own.profile_id, their.conversation),
    ],
    "close_conversation": lambda own, their: [
        {"profile_id": profile_id, "conversation_id": their.conversation}
        for profile_id in (their.profile_id, their.merged_id, own.profile_id)
    ],
    "explain_identity": lambda own, their: [{"profile_id": their.profile_id}, {"profile_id": their.merged_id}],
    "upsert_traits": lambda own, their: [
        {"profile_id": their.profile_id, "traits": {"Contact": {"city": "Rome"}}},
        {"profile_id": their.merged_id, "traits": {"Contact": {"chat": "mine"}}},
        {"profile_id": own.profile_id, "traits": {"Contact": {"email": their.email}}},
        {"traits": {"Contact": {"chat": their.chat}}},
        {"profile_id": their.profile_id, "traits": {their.group: {"plan": None}}},
    ],
    "observation_history": lambda own, their: [
        _about(their.profile_id, their),
        _about(their.merged_id, their),
        _about(own.profile_id, their),
        _about(their.profile_id, own),
    ],
    "undo_observation": lambda own, their: [
        _about(their.profile_id, their),
        _about(their.merged_id, their),
        _about(own.profile_id, their, revision=2),
        _about(their.profile_id, own),
    ],
    "unmerge_profile": lambda own, their: [{"profile_id": their.merged_id}, {"profile_id": their.profile_id}],
    "merge_profiles": lambda own, their: [
        {"profile_id": their.profile_id, "other_id": their.merged_id},
        {"profile_id": own.profile_id, "other_id": their.profile_id},
        {"profile_id": their.merged_id, "other_id": own.profile_id},
    ],
}

PROFILE = "memory://profiles/{profile_id}"


def _plain(template: str) -> Callable[[Ids], list[str]]:
    return lambda their: [template.format(profile_id=one) for one in (their.profile_id, their.merged_id)]


RESOURCES: Mapping[str, Callable[[Ids], list[str]]] = {
    "memory://store": lambda their: ["memory://store"],
    PROFILE + "{?as_of}": lambda their: [
        *_plain(PROFILE)(their),
        f"memory://profiles/{their.profile_id}?as_of=2100-01-01T00%3A00%3A00Z",
    ],
    PROFILE + "/context": _plain(PROFILE + "/context"),
    PROFILE + "/traits": _plain(PROFILE + "/traits"),
    PROFILE + "/observations": _plain(PROFILE + "/observations"),
    PROFILE + "/summaries": _plain(PROFILE + "/summaries"),
    PROFILE + "/timeline{?limit,before}": lambda their: [
        f"memory://profiles/{their.profile_id}/timeline",
        f"memory://profiles/{their.profile_id}/timeline?limit=5",
        f"memory://profiles/{their.profile_id}/timeline?before=2100-01-01T00%3A00%3A00Z",
    ],
    PROFILE + "/changes{?since,limit}": lambda their: [
        f"memory://profiles/{their.profile_id}/changes",
        f"memory://profiles/{their.merged_id}/changes?limit=5",
        f"memory://profiles/{their.profile_id}/changes?since=2000-01-01T00%3A00%3A00Z",
    ],
}

PROMPTS: Mapping[str, Callable[[Ids], Json]] = {
    "customer_briefing": lambda their: {"profile_id": their.profile_id, "question": CANARY},
    "extract_observations": lambda their: {
        "profile_id": their.profile_id,
        "conversation_id": their.conversation,
    },
    "handoff": lambda their: {"profile_id": their.profile_id, "reason": CANARY},
}

# Argument -> what is typed. Whatever else is completed must be decided here.
COMPLETED: Mapping[str, Callable[[Ids], list[str]]] = {
    "profile_id": lambda their: ["", their.profile_id, their.profile_id[:-2], their.phone, their.email, their.chat[:6]],
    "limit": lambda their: ["", "1"],
    "before": lambda their: ["", "2026"],
    "since": lambda their: ["", "2026"],
    "as_of": lambda their: ["", "2026"],
    "question": lambda their: ["", CANARY],
    "conversation_id": lambda their: ["", their.conversation],
    "reason": lambda their: ["", CANARY],
}


def _calls(own: Ids, their: Ids) -> list[Json]:
    return [{"name": name, "arguments": given} for name, made in TOOLS.items() for given in made(own, their)]


def _reads(own: Ids, their: Ids) -> list[Json]:
    return [{"uri": uri} for made in RESOURCES.values() for uri in made(their)]


def _prompted(own: Ids, their: Ids) -> list[Json]:
    return [{"name": name, "arguments": made(their)} for name, made in PROMPTS.items()]


def _completions(own: Ids, their: Ids) -> list[Json]:
    refs = [{"type": "ref/resource", "uri": uri} for uri in RESOURCES if "{" in uri]
    refs += [{"type": "ref/prompt", "name": name} for name in PROMPTS]
    asked = [{"name": name, "value": value} for name, made in COMPLETED.items() for value in made(their)]
    return [{"ref": ref, "argument": argument} for ref in refs for argument in asked]


def _nothing(own: Ids, their: Ids) -> list[Json]:
    return [{}]


def _cursors(own: Ids, their: Ids) -> list[Json]:
    return [{}, {"cursor": their.profile_id}]


# Every method of the server. Those that subscribe are in test_subscriptions.py: what counts there is what is told.
METHODS: Mapping[str, Made] = {
    "ping": _nothing,
    "server/discover": _nothing,
    "tools/list": _cursors,
    "resources/list": _cursors,
    "resources/templates/list": _cursors,
    "prompts/list": _cursors,
    "tools/call": _calls,
    "resources/read": _reads,
    "prompts/get": _prompted,
    "completion/complete": _completions,
}
SUBSCRIBING = {"resources/subscribe", "resources/unsubscribe", "subscriptions/listen"}
OPENING = {"initialize"}  # makes a session; whose it is, is in test_sessions.py


def questions(own: Ids, their: Ids) -> list[Question]:
    return [Question(method, params) for method, made in METHODS.items() for params in made(own, their)]
