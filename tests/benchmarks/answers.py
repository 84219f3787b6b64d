"""What one customer's memories answer: our own set, `support/`, kind by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp_memory.model import MAX_OBSERVATIONS, MAX_RECALL, Caller, NewObservation
from mcp_memory.service import Memory

from . import metrics, support, wiring
from .diaries import batches
from .lab import Lab
from .levels import NOTHING
from .report import Row
from .support import Kind, SupportMemory, SupportQuestion

FOLDER = "support"
ASKS = replace(NOTHING, observations_limit=MAX_RECALL)
MISSING = "NOT MEASURED: tests/benchmarks/support holds no memories.jsonl and questions.jsonl"
TARGETS: Mapping[Kind, Mapping[str, float]] = {
    "exact_id": {"hit@10": 1.0},
    "paraphrase": {"hit@10": 0.94},
    "current_value": {"hit@1": 0.90},
}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The ids of memories, best first."""

    question: SupportQuestion
    found: Sequence[str]

    @property
    def scores(self) -> dict[str, float]:
        asked, held = self.question, [frozenset({id}) for id in self.found]
        return {
            **metrics.scores(held, asked.answers, relevant=len(asked.answers)),
            "first": metrics.precision(held, asked.answers, len(asked.answers)),
            "latest_first": float(self._latest_first()),
        }

    def _latest_first(self) -> bool:
        """Whether an answer comes before all that is outdated."""
        ranks = {id: rank for rank, id in enumerate(self.found)}
        nowhere = len(ranks)
        answer = min(ranks.get(id, nowhere) for id in self.question.answers)
        return answer < min((ranks.get(id, nowhere) for id in self.question.outdated), default=nowhere)


async def support_set(lab: Lab) -> list[Row]:
    try:
        replies = await replied(lab)
    except FileNotFoundError:
        return [Row(measure=_title(kind, ""), measured=MISSING, target=_target(kind)) for kind in support.KINDS]
    groups = dict.fromkeys((one.question.kind, one.question.wording) for one in replies)
    return [
        _row(
            kind,
            wording,
            [one.scores for one in replies if (one.question.kind, one.question.wording) == (kind, wording)],
        )
        for kind, wording in sorted(groups)
    ]


async def replied(lab: Lab, **options: Any) -> list[Reply]:
    """`options`: of the backend that is asked. Raises FileNotFoundError where the set is not there."""
    known, folder = support.load(), lab.path(FOLDER)
    new = not folder.exists()
    async with wiring.opened(folder, lab.model, **options) as (memory, caller):
        profile_id = await wiring.new_profile(memory, caller, FOLDER)
        if new:
            await _write(memory, caller, profile_id, known.memories)
        contents = {one.content: one.id for one in known.memories}
        replies = []
        for asked in known.questions:
            found = await memory.recall(caller, profile_id, replace(ASKS, query=asked.question))
            ids = [contents[one.item.content] for one in found.observations]
            replies.append(Reply(question=asked, found=ids))
    return replies


async def _write(memory: Memory, caller: Caller, profile_id: str, memories: Sequence[SupportMemory]) -> None:
    for batch in batches(memories, MAX_OBSERVATIONS):
        new = [NewObservation(content=one.content, occurred_at=one.occurred_at, source=one.source) for one in batch]
        await memory.add_observations(caller, profile_id, new)


def _row(kind: Kind, wording: str, every: Sequence[dict[str, float]]) -> Row:
    scores, wanted = metrics.mean(every), TARGETS.get(kind, {})
    measured = (
        f"hit@10 {scores['hit@10']:.3f}, hit@1 {scores['hit@1']:.3f}, recall@10 {scores['recall@10']:.3f}, "
        f"MRR {scores['mrr']:.3f}"
    )
    if kind == "exact_id":
        measured += f", answers above all else {scores['first']:.3f}"
    if kind == "current_value":
        measured += f", latest above every outdated one {scores['latest_first']:.3f}"
    return Row(
        measure=_title(kind, wording),
        measured=f"{measured} ({len(every)} questions)",
        target=_target(kind),
        met=all(scores[name] >= least for name, least in wanted.items()) if wanted else None,
        numbers={"kind": kind, "wording": wording, "questions": len(every)} | scores,
    )


def _title(kind: Kind, wording: str) -> str:
    return f"support set, {kind.replace('_', ' ')}{f', {wording}' if wording else ''}"


def _target(kind: Kind) -> str:
    return ", ".join(f"{name} >= {least:.2f}" for name, least in TARGETS.get(kind, {}).items()) or "-"
