"""Pure: what something was, for a model or a person to read. Whatever somebody wrote is quoted, as in views.py."""

from collections.abc import Sequence
from typing import Any

from mcp_memory.history import Authorship, Changed, ProfileThen, Revision
from mcp_memory.model import Observation, Summary, TraitValue
from mcp_memory.records import item_data, plain
from mcp_memory.views import NOTICE, memory_line, quoted, time


def revision_data(one: Revision[Observation] | Revision[Summary]) -> dict[str, Any]:
    """`learned_at`: when this was learned, as everywhere here; `conversation_ids` holds the one it was learned in."""
    item = one.item
    data = {name: value for name, value in item_data(item).items() if name in ("content", "source", "occurred_at")}
    known = item.conversation_ids if isinstance(item, Observation) else (item.conversation_id,)
    came_from = dict.fromkeys([*known, one.by.conversation_id])
    return {
        "revision": one.number,
        "learned_at": time(one.item.updated_at),
        **author_data(one.by),
        **data,
        **({"conversation_ids": found} if (found := [id for id in came_from if id]) else {}),
    }


def change_data(one: Changed) -> dict[str, Any]:
    """`before`: what it said until then, unless nothing; of a trait that was removed there is no `value`."""
    now = one.now
    before = {} if one.before is None else {"before": _plain(one.before)}
    if isinstance(now, Revision):
        kind = "observation" if isinstance(now.item, Observation) else "summary"
        data = revision_data(now)
        return {"kind": kind, "at": data.pop("learned_at"), "id": now.item.id, **data, **before}
    value = {} if now.value is None else {"value": _plain(now.value)}
    said = {"group": now.group, "name": now.name, **value, **before}
    return {"kind": "trait", "at": time(one.at), **author_data(one.by), **said}


def profile_then_data(then: ProfileThen) -> dict[str, Any]:
    return {
        "profile_id": then.profile_id,
        "as_of": time(then.at),
        "created_at": time(then.created_at),
        "counts": {"observations": then.observation_count, "summaries": then.summary_count},
        "traits": plain(then.traits),
    }


def author_data(by: Authorship) -> dict[str, Any]:
    said = {"cause": by.cause, "actor": by.actor, "rule": by.rule, "reason": by.reason}
    return {name: value for name, value in said.items() if value}


def history_text(observation_id: str, shown: Sequence[Revision[Observation]]) -> str:
    lines = [f"Revisions of {observation_id}, the latest first. {NOTICE}", *map(_line, shown)]
    more = shown[-1].number - 1 if shown else 0
    return "\n".join([*lines, *([f"{more} earlier: raise limit to see them."] if more else [])])


def undone_text(now: Observation) -> str:
    return f"{now.id} reads again: {memory_line(now)}\n{NOTICE} To undo this too, call it once more."


def authored(by: Authorship) -> str:
    """What is not known is not said."""
    parts = [by.cause or "", f"by {quoted(by.actor)}" if by.actor else ""]
    said = " ".join(part for part in parts if part)
    why = [f"by the rule {quoted(by.rule)}" if by.rule else "", f"since {quoted(by.reason)}" if by.reason else ""]
    return ", ".join([said, *(part for part in why if part)])


def _plain(value: TraitValue) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _line(one: Revision[Observation]) -> str:
    return f"{one.number}. {time(one.item.updated_at)}, {authored(one.by)}: {memory_line(one.item)}"
