"""Recall: the newest first when nothing is asked, and by the words in common when something is."""

import re

from .call import Call, Handler, Reply
from .refusals import bad_request
from .state import Json, same_stamp

NEEDS_CONVERSATION = "conversation_id is required when communications_limit is greater than 0"
DEFAULTS = {"observationsLimit": 20, "summariesLimit": 5, "communicationsLimit": 0, "relevanceThreshold": 0.0}


def recall(call: Call) -> Reply:
    asked = {**DEFAULTS, **call.body}
    if asked["communicationsLimit"] > 0 and "conversationId" not in asked:
        raise bad_request(NEEDS_CONVERSATION)
    profile = call.profile
    observations = [states[-1] for states in profile.observations.values()]
    return call.of_profile(
        {
            "observations": _best(asked, observations, asked["observationsLimit"]),
            "summaries": _best(asked, list(profile.summaries.values()), asked["summariesLimit"]),
            "communications": [],
            "meta": {"queryTime": 1},
        }
    )


def _best(asked: Json, memories: list[Json], limit: int) -> list[Json]:
    found = [one for one in memories if _in_time(asked, one)]
    found.sort(key=lambda one: (one["occurredAt"], one["id"]), reverse=True)
    words = _words(asked.get("query", ""))
    if not words:
        return found[:limit]
    scored = [{**one, "score": len(words & _words(one["content"])) / len(words)} for one in found]
    scored.sort(key=lambda one: one["score"], reverse=True)
    return [one for one in scored if one["score"] >= asked["relevanceThreshold"]][:limit]


def _in_time(asked: Json, memory: Json) -> bool:
    begin, end = asked.get("beginDate"), asked.get("endDate")
    return (begin is None or same_stamp(begin) <= memory["occurredAt"]) and (
        end is None or memory["occurredAt"] < same_stamp(end)
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


HANDLERS: dict[str, Handler] = {"CreateFetchProfileMemory": recall}
