"""Observations with their revisions, and summaries of conversations."""

from typing import Any

from .call import Call, Handler, Reply
from .paging import paged
from .refusals import not_found
from .state import Json, Profile, Store, same_stamp


def _kept(call: Call, written: Json) -> Json:
    """As it is kept: times in one form, and nothing that nobody asked for."""
    known = ("content", "source", "occurredAt", "conversationIds", "conversationId")
    kept = {name: written[name] for name in known if name in written and written[name] != []}
    if "occurredAt" in kept:
        kept["occurredAt"] = same_stamp(kept["occurredAt"])
    return kept


def _now_of(store: Store, profile_id: str) -> Profile | None:
    return store.profiles.get(store.moved.get(profile_id, profile_id))


def _new(call: Call, prefix: str, written: list[Json]) -> list[Json]:
    stamps = {"createdAt": call.now, "updatedAt": call.now}
    return [{"id": call.new_id(prefix), **_kept(call, one), **stamps} for one in written]


def create_observations(call: Call) -> Reply:
    store, id, new = call.store, call.profile.id, _new(call, "mem_observation", call.body["observations"])

    def add() -> None:
        profile = _now_of(store, id)
        if profile is not None:
            profile.observations.update({one["id"]: [one] for one in new})

    return call.accepted("Observations creation accepted", add)


def list_observations(call: Call) -> Reply:
    found = [(id, states[-1]) for id, states in call.profile.observations.items() if _asked_for(call.query, states[-1])]
    return call.of_profile(paged(call, "observations", found))


def _asked_for(query: Json, observation: Json) -> bool:
    after, before = query.get("createdAfter"), query.get("createdBefore")
    return (
        query.get("source") in (None, observation["source"])
        and (after is None or same_stamp(after) <= observation["createdAt"])
        and (before is None or observation["createdAt"] < same_stamp(before))
        and _is_of(query.get("conversationId"), observation)
    )


def _is_of(conversation_id: Any, memory: Json) -> bool:
    of = (memory.get("conversationId"), *memory.get("conversationIds", ()))
    return conversation_id is None or conversation_id in of


def _states(call: Call) -> list[Json]:
    found = call.profile.observations.get(call.path["observationId"])
    if found is None:
        raise not_found("observation")
    return found


def fetch_observation(call: Call) -> Reply:
    return call.of_profile(_states(call)[-1])


def patch_observation(call: Call) -> Reply:
    states, changes = _states(call), _kept(call, call.body)
    return call.accepted(
        "Observation update accepted", lambda: states.append({**states[-1], **changes, "updatedAt": call.now})
    )


def delete_observation(call: Call) -> Reply:
    store, id, observation_id = call.store, call.profile.id, _states(call)[0]["id"]

    def delete() -> None:
        profile = _now_of(store, id)
        if profile is not None:
            profile.observations.pop(observation_id, None)

    return call.accepted("Observation deletion accepted", delete)


def list_revisions(call: Call) -> Reply:
    states = [(f"{number:06d}", state) for number, state in enumerate(_states(call))]
    return call.of_profile(paged(call, "revisions", states))


def create_summaries(call: Call) -> Reply:
    store, id, new = call.store, call.profile.id, _new(call, "mem_summary", call.body["summaries"])

    def add() -> None:
        profile = _now_of(store, id)
        if profile is not None:
            profile.summaries.update({one["id"]: one for one in new})

    return call.accepted("Summaries creation accepted", add)


def list_summaries(call: Call) -> Reply:
    wanted = call.query.get("conversationId")
    found = [(id, summary) for id, summary in call.profile.summaries.items() if _is_of(wanted, summary)]
    return call.of_profile(paged(call, "summaries", found))


def _summary(call: Call) -> Json:
    found = call.profile.summaries.get(call.path["summaryId"])
    if found is None:
        raise not_found("summary")
    return found


def fetch_summary(call: Call) -> Reply:
    return call.of_profile(_summary(call))


def patch_summary(call: Call) -> Reply:
    summary, changes = _summary(call), _kept(call, call.body)
    return call.accepted(
        "Conversation summary update accepted", lambda: summary.update({**changes, "updatedAt": call.now})
    )


def delete_summary(call: Call) -> Reply:
    store, id, summary_id = call.store, call.profile.id, _summary(call)["id"]

    def delete() -> None:
        profile = _now_of(store, id)
        if profile is not None:
            profile.summaries.pop(summary_id, None)

    return call.accepted("Conversation summary deletion accepted", delete)


HANDLERS: dict[str, Handler] = {
    "CreateProfileObservation": create_observations,
    "ListProfileObservations": list_observations,
    "FetchProfileObservation": fetch_observation,
    "PatchProfileObservation": patch_observation,
    "DeleteProfileObservation": delete_observation,
    "ListObservationRevisions": list_revisions,
    "CreateProfileConversationSummary": create_summaries,
    "ListProfileConversationSummaries": list_summaries,
    "FetchProfileConversationSummary": fetch_summary,
    "PatchProfileConversationSummary": patch_summary,
    "DeleteProfileConversationSummary": delete_summary,
}
