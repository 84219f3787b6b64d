"""Pure: why profiles are one person, for a model or a person to read. Remembered text is quoted, as in views.py."""

from collections.abc import Sequence
from typing import Any

from mcp_memory.ledger import (
    Entry,
    Explanation,
    Holding,
    IdentityConflict,
    Merged,
    Separation,
    Side,
    Sides,
    Stayed,
    Unmerged,
)
from mcp_memory.records import identifier_data, identifiers_data, plain
from mcp_memory.views import (
    NOTICE,
    because,
    dropped_lines,
    identified,
    named,
    time,
    why_apart,
)

SHOWN = 20  # merges, and as many conflicts: the latest
HOLDINGS = 100


def merged_data(merged: Merged) -> dict[str, Any]:
    return {
        "profile_id": merged.profile.profile_id,
        "merged_profile_id": merged.entry.merged_id,
        "dropped": [identifier_data(one) for one in merged.entry.dropped],
        "traits": plain(merged.profile.traits),
        "identifiers": identifiers_data(merged.profile.identifiers),
    }


def merged_text(merged: Merged) -> str:
    return "\n".join(
        [
            f"{merged.entry.merged_id} is now part of {merged.profile.profile_id}, the earlier one.",
            identified(merged.profile),
            *dropped_lines(merged.entry.dropped),
            f"To undo it: unmerge {merged.entry.merged_id}.",
            NOTICE,
        ]
    )


def unmerged_data(unmerged: Unmerged) -> dict[str, Any]:
    return {
        "restored_profile_id": unmerged.restored.profile_id,
        "remaining_profile_id": unmerged.remaining.profile_id,
        "stayed": [vars(one) for one in unmerged.stayed],
        "lost": [identifier_data(one) for one in unmerged.lost],
    }


def unmerged_text(unmerged: Unmerged) -> str:
    lines = [f"{unmerged.restored.profile_id} is a profile of its own again.", identified(unmerged.restored)]
    lines += [f"{unmerged.remaining.profile_id} remains.", identified(unmerged.remaining)]
    lines += [_stayed_text(one) for one in unmerged.stayed]
    if unmerged.lost:
        lost = ", ".join(map(named, unmerged.lost))
        lines.append(f"{lost} did not come back: there had been no room for it, and somebody else has it by now.")
    link = unmerged.undone.identifier
    if link is not None:
        lines.append(f"{named(link)} does not link the two again.")
    return "\n".join([*lines, NOTICE])


def _stayed_text(one: Stayed) -> str:
    counts = [(one.traits, "trait"), (one.observations, "observation"), (one.summaries, "summary")]
    unknown = ", ".join(f"{count} {_plural(noun, count)}" for count, noun in counts if count)
    return (
        f"{unknown} learned since the merge under {one.profile_id}, the id of both, stayed there: nobody can tell of "
        "whom they are."
    )


def explained_data(explained: Explanation, most: int | None = None) -> dict[str, Any]:
    """With `most`, only so many of each, the latest; and HOLDINGS identifiers."""
    entries, conflicts = _latest(explained.entries, most), _latest(explained.conflicts, most)
    lists = (explained.retired, explained.entries, explained.separations, explained.conflicts)
    left_out = 0
    if most is not None:
        left_out = max(len(explained.holdings) - HOLDINGS, 0) + sum(max(len(each) - most, 0) for each in lists)
    return {
        "profile_id": explained.profile.profile_id,
        "identifiers": [_holding_data(one) for one in _latest(explained.holdings, None if most is None else HOLDINGS)],
        "retired": [_holding_data(one) for one in _latest(explained.retired, most)],
        "merges": [_entry_data(one, explained.sides[one.no]) for one in entries],
        "separations": [_separation_data(one) for one in _latest(explained.separations, most)],
        "conflicts": [_conflict_data(one) for one in conflicts],
        **({"left_out": left_out} if left_out else {}),
    }


def explained_text(explained: Explanation, asked_id: str) -> str:
    profile = explained.profile
    lines = [f"{asked_id} is part of {profile.profile_id}."] if asked_id != profile.profile_id else []
    lines += [f"Profile {profile.profile_id}, since {time(profile.created_at)}", "Identifiers:"]
    lines += [f"- {_holding_text(one)}" for one in _latest(explained.holdings, HOLDINGS)] or ["- none"]
    for title, texts in (
        ("No room for, or somebody else has", [_holding_text(one) for one in _latest(explained.retired, SHOWN)]),
        ("Merges", [_entry_text(one) for one in _latest(explained.entries, SHOWN)]),
        ("Taken apart", [_separation_text(one) for one in _latest(explained.separations, SHOWN)]),
        ("Kept apart", [_conflict_text(one) for one in _latest(explained.conflicts, SHOWN)]),
    ):
        lines += [f"{title}:", *(f"- {text}" for text in texts)] if texts else []
    if not explained.entries:
        lines.append("It was never merged with another profile.")
    return "\n".join([*lines, NOTICE])


def _holding_text(one: Holding) -> str:
    origin = f", from {'.'.join(one.trait)}" if one.trait else ""
    return f"{named(one.identifier)}, brought by {one.profile_id}, {time(one.since)}{origin}"


def _entry_text(one: Entry) -> str:
    undone = "" if one.undone_at is None else f"; undone {time(one.undone_at)}"
    linked = "" if {one.one, one.other} == {one.into_id, one.merged_id} else f" (linked {one.one} with {one.other})"
    return f"{time(one.at)} {one.merged_id} into {one.into_id}, {because(one.identifier)}{linked}{undone}"


def _separation_text(one: Separation) -> str:
    return f"{time(one.at)} {one.one} and {one.other}: {named(one.identifier)} does not link them again"


def _conflict_text(one: IdentityConflict) -> str:
    times = "" if one.times == 1 else f", {one.times} times"
    return (
        f"{time(one.last_at)} {named(one.identifier)}, given for {one.for_id}{times}, "
        f"stays with {one.holder_id}: {why_apart(one)}"
    )


def _holding_data(one: Holding) -> dict[str, Any]:
    trait = {"trait": ".".join(one.trait)} if one.trait else {}
    return {**identifier_data(one.identifier), "profile_id": one.profile_id, "since": time(one.since), **trait}


def _entry_data(one: Entry, sides: Sides) -> dict[str, Any]:
    return {
        "profile_id": one.into_id,
        "merged_profile_id": one.merged_id,
        "linked": [one.one, one.other],
        "merged_at": time(one.at),
        "by": one.by,
        **identifier_data(one.identifier),
        **({} if one.undone_at is None else {"undone_at": time(one.undone_at)}),
        "had": _side_data(sides.into),
        "merged_had": _side_data(sides.merged),
    }


def _side_data(side: Side) -> dict[str, Any]:
    return {
        "traits": plain(side.traits),
        "identifiers": identifiers_data(side.identifiers),
        "counts": {"observations": side.observation_count, "summaries": side.summary_count},
    }


def _separation_data(one: Separation) -> dict[str, Any]:
    return {"profile_ids": [one.one, one.other], **identifier_data(one.identifier), "separated_at": time(one.at)}


def _conflict_data(one: IdentityConflict) -> dict[str, Any]:
    return {
        "profile_id": one.for_id,
        "held_by": one.holder_id,
        **identifier_data(one.identifier),
        "reason": one.reason,
        "times": one.times,
        "last_at": time(one.last_at),
    }


def _latest(items: Sequence[Any], most: int | None) -> Sequence[Any]:
    return items if most is None else items[-most:]


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else "summaries" if noun == "summary" else noun + "s"
