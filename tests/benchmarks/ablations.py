"""What each part of the ranking is worth: recall again, without it, on the same stores."""

from collections.abc import Mapping
from typing import Any

from mcp_memory.weights import Weights

from . import answers, metrics
from .lab import Lab
from .levels import OBSERVATIONS, TURNS
from .locomo import answered, why_not
from .report import Row

PARTS: Mapping[str, Mapping[str, Any]] = {
    "all of it": {},
    "without the words": {"lexical": 0.0},
    "without the pooled vectors": {"cosine": 0.0},
    "without late interaction": {"late": 0.0},
    "without the ids of the question": {"identifier": 0.0},
    "without the date of the question": {"date": 0.0},
    "without neighbours and conversation": {"conversation": 0.0, "neighbours": False},
}
AT = "recall@10"


async def ablations(lab: Lab) -> list[Row]:
    rows, full = [], dict[str, float]()
    for part, changes in PARTS.items():
        found = await _measured(lab, {"weights": Weights(**changes)})
        full = full or found
        shown = ", ".join(f"{name} {one:.3f} ({one - full[name]:+.3f})" for name, one in found.items())
        rows.append(
            Row(measure=f"ranking {part}", measured=shown or "NOT MEASURED: no data", numbers={"part": part} | found)
        )
    return rows


async def _measured(lab: Lab, options: Mapping[str, Any]) -> dict[str, float]:
    """By what was asked; nothing for what can't be."""
    found = {}
    for level in (TURNS, OBSERVATIONS):
        if why_not(lab) is None:
            every = [one.scores for talk in await answered(lab, level, **options) for one in talk]
            found[f"{level.name} {AT}"] = metrics.mean(every)[AT]
    try:
        replies = await answers.replied(lab, **options)
    except FileNotFoundError:
        return found
    for kind, score in (("exact_id", "hit@10"), ("paraphrase", "hit@10"), ("current_value", "hit@1"), ("date", AT)):
        every = [one.scores for one in replies if one.question.kind == kind]
        if every:
            found[f"{kind} {score}"] = metrics.mean(every)[score]
    return found
