"""Pure: what is known, as data: for resources, and beside the texts of tools."""

from collections.abc import Mapping, Sequence
from typing import Any

from mcp_memory.model import (
    Communication,
    Identifier,
    Item,
    KeptApart,
    Merge,
    Observation,
    Profile,
    Recalled,
    Store,
    Summary,
    TraitValue,
)
from mcp_memory.views import time

LISTED_MERGES = 20  # the latest; the counts tell how many there are


def profile_data(profile: Profile) -> dict[str, Any]:
    return {
        "profile_id": profile.profile_id,
        "created_at": time(profile.created_at),
        "updated_at": time(profile.updated_at),
        "last_activity_at": time(profile.last_activity_at),
        "counts": {
            **({} if profile.observation_count is None else {"observations": profile.observation_count}),
            **({} if profile.summary_count is None else {"summaries": profile.summary_count}),
            **({"messages": profile.communication_count} if profile.communication_count else {}),
            **({"merged": len(profile.merges)} if profile.merges else {}),
        },
        "traits": plain(profile.traits),
        "identifiers": identifiers_data(profile.identifiers),
        **({"merged": [merge_data(one) for one in profile.merges[-LISTED_MERGES:]]} if profile.merges else {}),
    }


def merge_data(one: Merge) -> dict[str, Any]:
    """`id_type` and `value` say why; without them a curator did it."""
    return {"profile_id": one.merged_id, "merged_at": time(one.at), **identifier_data(one.identifier)}


def identifiers_data(identifiers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {id_type: list(values) for id_type, values in identifiers.items()}


def identifier_data(one: Identifier | None) -> dict[str, Any]:
    return {} if one is None else {"id_type": one.id_type, "value": one.value}


def kept_apart_data(one: KeptApart) -> dict[str, Any]:
    differ = {"differ": one.differ} if one.differ else {}
    return {**identifier_data(one.identifier), "held_by": one.holder_id, "reason": one.reason, **differ}


def plain(traits: Mapping[str, Mapping[str, TraitValue]]) -> dict[str, dict[str, Any]]:
    return {
        group: {name: list(value) if isinstance(value, tuple) else value for name, value in members.items()}
        for group, members in traits.items()
    }


def item_data(item: Item) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": item.id,
        "content": item.content,
        "source": item.source,
        "occurred_at": time(item.occurred_at),
        "created_at": time(item.created_at),
    }
    if isinstance(item, Observation) and item.conversation_ids:
        data["conversation_ids"] = list(item.conversation_ids)
    if isinstance(item, Summary | Communication):
        data["conversation_id"] = item.conversation_id
    if isinstance(item, Communication):
        data |= {"role": item.role} | ({"author": item.author} if item.author else {})
    return data


def recalled_data(one: Recalled[Any], full: bool) -> dict[str, Any]:
    """In full with when it was learned, and why it came."""
    data = item_data(one.item) | {"score": one.score}
    data |= {"outdated_by": one.outdated_by} if one.outdated_by else {}
    if not full:
        del data["created_at"]
        data.pop("conversation_ids", None)
    match = one.match
    return (
        data
        if match is None
        else data
        | {
            "match": {
                "words": list(match.words),
                "cosine": match.cosine,
                "late_interaction": match.late_interaction,
                "date": match.date,
            }
        }
    )


def store_data(store: Store) -> dict[str, Any]:
    return {
        "store_id": store.store_id,
        "display_name": store.display_name,
        "created_at": time(store.created_at),
        "undeclared_traits": store.undeclared_traits,
        "counts": {
            "profiles": store.profile_count,
            **({"to_embed": store.unembedded_count} if store.unembedded_count else {}),
        },
    }
