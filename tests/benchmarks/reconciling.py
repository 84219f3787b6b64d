"""How often a new statement beside what is known is added, updates the right one or is discarded, as it should be.

The pairs are our own. Those at even places were looked at while the rules were made; those at odd places were not.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.model import Observation
from mcp_memory.reconciliation import Decision, Outcome, Rule, decide

from .lab import Lab
from .report import Row

PAIRS = Path(__file__).parent.parent / "unit" / "reconciliation_pairs.jsonl"
FAMILIES = ("change", "refine", "negate", "same", "apart", "late", "vague")
OUTCOMES: Sequence[Outcome] = ("add", "update", "discard")
HALVES = ("tuned", "held out")
RULES: Mapping[tuple[str, Outcome], frozenset[Rule]] = {  # of a family, and what should become of the pair
    ("change", "update"): frozenset({"same_attribute", "negation"}),
    ("refine", "update"): frozenset({"more_specific", "same_attribute"}),
    ("refine", "discard"): frozenset({"less_specific"}),
    ("negate", "update"): frozenset({"negation", "same_attribute"}),
    ("same", "discard"): frozenset({"same_statement"}),
    ("apart", "add"): frozenset({"nothing_like_it", "separate_event", "part_of_more"}),
    ("late", "add"): frozenset({"nothing_like_it", "separate_event", "more_specific"}),
    ("late", "update"): frozenset({"same_attribute", "more_specific"}),
    ("late", "discard"): frozenset({"out_of_date"}),
    ("vague", "discard"): frozenset({"without_substance"}),
}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """`of`: the id that is updated, or makes the new one superfluous; None for what is added."""

    place: int
    family: str
    known: Sequence[Observation]
    content: str
    occurred_at: datetime
    outcome: Outcome
    of: str | None
    why: str

    @property
    def half(self) -> str:
        return HALVES[self.place % 2]


@dataclass(frozen=True, kw_only=True)
class Judged:
    pair: Pair
    decision: Decision

    @property
    def right(self) -> bool:
        """What contradicts without substance may be about nothing in particular."""
        unspecific = self.decision.rule == "without_substance" and self.decision.observation_id is None
        return self.decision.outcome == self.pair.outcome and (
            unspecific or self.decision.observation_id == self.pair.of
        )

    @property
    def right_rule(self) -> bool:
        return self.right and self.decision.rule in RULES[self.pair.family, self.pair.outcome]

    @property
    def overwrites(self) -> bool:
        """The costly fault: something is updated that should have stayed as it was."""
        return self.decision.outcome == "update" and not self.right


def load() -> list[Pair]:
    lines = PAIRS.read_text(encoding="utf-8").splitlines()
    return [_pair(place, json.loads(line)) for place, line in enumerate(lines)]


def _pair(place: int, told: dict[str, object]) -> Pair:
    known, new, of = told["known"], told["new"], told["of"]
    assert isinstance(known, list) and isinstance(new, list)
    family, outcome = str(told["family"]), next(one for one in OUTCOMES if one == told["outcome"])
    return Pair(
        place=place,
        family=family,
        known=[observation(f"known_{at}", content, _noon(day)) for at, (day, content) in enumerate(known)],
        content=new[1],
        occurred_at=_noon(new[0]),
        outcome=outcome,
        of=None if of is None else f"known_{of}",
        why=str(told["why"]),
    )


def _noon(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)


def observation(name: str, content: str, at: datetime) -> Observation:
    return Observation(id=name, content=content, source="agent", occurred_at=at, created_at=at, updated_at=at)


def judged(pairs: Sequence[Pair], model: MiniLM) -> list[Judged]:
    """The mean that is taken from the vectors is that of all texts of the pairs, as if they were one profile's."""
    texts = sorted({text for pair in pairs for text in (pair.content, *(one.content for one in pair.known))})
    vectors = np.array([one.vector for one in model.embed(texts)])
    centred = vectors - vectors.mean(axis=0)
    unit = dict(zip(texts, centred / np.linalg.norm(centred, axis=1, keepdims=True), strict=True))
    return [Judged(pair=pair, decision=_decision(pair, unit)) for pair in pairs]


def _decision(pair: Pair, unit: Mapping[str, NDArray[np.float32]]) -> Decision:
    def likeness(at: int) -> float:
        return float(unit[pair.content] @ unit[pair.known[at].content])

    return decide(pair.content, pair.occurred_at, pair.known, likeness)


def accuracy(results: Sequence[Judged]) -> float:
    return sum(one.right for one in results) / len(results)


def by_family(results: Sequence[Judged]) -> dict[str, Sequence[Judged]]:
    return {family: [one for one in results if one.pair.family == family] for family in FAMILIES}


def by_half(results: Sequence[Judged]) -> dict[str, Sequence[Judged]]:
    return {half: [one for one in results if one.pair.half == half] for half in HALVES}


def overwritten(results: Sequence[Judged]) -> list[Judged]:
    return [one for one in results if one.overwrites]


def confusion(results: Sequence[Judged]) -> str:
    """As rows what should have become of the pairs, as columns what did."""
    counted = Counter((one.pair.outcome, one.decision.outcome) for one in results)
    lines = [f"{'':>10}" + "".join(f"{outcome:>10}" for outcome in OUTCOMES)]
    lines += [f"{wanted:>10}" + "".join(f"{counted[wanted, got]:>10}" for got in OUTCOMES) for wanted in OUTCOMES]
    return "\n".join(lines)


def told(results: Sequence[Judged]) -> str:
    parts = [f"accuracy {_share(results)}, with the expected rule {sum(one.right_rule for one in results)}"]
    parts += [f"{half}: {_share(of)}, {len(overwritten(of))} overwritten" for half, of in by_half(results).items()]
    parts += [f"{family}: {_share(of)}" for family, of in by_family(results).items()]
    return "\n".join([*parts, confusion(results)])


def _share(results: Sequence[Judged]) -> str:
    return f"{accuracy(results):.3f} ({sum(one.right for one in results)} of {len(results)})"


async def reconciling(lab: Lab) -> list[Row]:
    results = judged(load(), lab.model)
    halves, wrong = by_half(results), len(overwritten(results))
    families = ", ".join(f"{family} {accuracy(of):.2f}" for family, of in by_family(results).items())
    apart = [one for one in results if one.pair.outcome == "add"]
    return [
        Row(
            measure=f"reconciliation of {len(results)} pairs, outcome and observation right",
            measured=f"{_share(results)}; {', '.join(f'{half} {accuracy(of):.3f}' for half, of in halves.items())}",
            target=">= 0.9",
            met=accuracy(results) >= 0.9,
            numbers={"accuracy": accuracy(results), **{half: accuracy(of) for half, of in halves.items()}},
        ),
        Row(measure="reconciliation, by family", measured=families),
        Row(
            measure="reconciliation, updates of what should have stayed",
            measured=f"{wrong} of {len(results)} pairs; {len(overwritten(apart))} of {len(apart)} to be added",
            numbers={"overwritten": wrong, "overwritten_apart": len(overwritten(apart))},
        ),
    ]
