"""Evidence recall over long conversations, at each level, through the service; the file is what `--data` names."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import anyio.to_thread

from . import diaries, metrics, talks, wiring
from .diaries import Diary
from .lab import Lab
from .levels import LEVELS, Answer, Level, answers
from .report import Row

NO_DATA = "NOT MEASURED: no data; name a file of LoCoMo's shape with --data"
AT = "recall@10"


async def locomo(lab: Lab) -> list[Row]:
    return [await _row(lab, level) for level in LEVELS]


def why_not(lab: Lab) -> str | None:
    """Why it can't be measured, if so."""
    if lab.data is None:
        return NO_DATA
    return None


async def written(lab: Lab, folder: str, write: diaries.Write) -> Sequence[Diary]:
    """The talks, written the first time that somebody asks for them. With --quick only the first of them."""
    if folder not in lab.diaries:
        assert lab.data is not None
        known = await anyio.to_thread.run_sync(talks.read, lab.data)
        asked = lab.choose(quick=known[:1], ordinary=known, full=known)
        lab.diaries[folder] = await diaries.written(lab.path(folder), lab.model, asked, write)
    return lab.diaries[folder]


async def answered(lab: Lab, level: Level, **options: Any) -> list[list[Answer]]:
    """Per talk. `options`: of the backend that is asked."""
    known = await written(lab, level.folder, level.write)
    async with wiring.opened(lab.path(level.folder), lab.model, **options) as (memory, caller):
        return [await answers(memory, caller, level, diary) for diary in known]


async def _row(lab: Lab, level: Level) -> Row:
    target = ", ".join(f"{name} >= {wanted:.2f}" for name, wanted in level.targets.items()) or "-"
    if reason := why_not(lab):
        return Row(measure=level.title, measured=reason, target=target)
    by_talk = await answered(lab, level)
    every = [one for answers in by_talk for one in answers]
    overall = metrics.mean([one.scores for one in every])
    by_kind = _by_kind(every)
    spread = [metrics.mean([one.scores for one in answers]) for answers in by_talk]
    met = all(overall[name] >= wanted for name, wanted in level.targets.items()) if level.targets else None
    return Row(
        measure=level.title,
        measured=_measured(len(every), overall, by_kind, spread),
        target=target,
        met=met,
        numbers={
            "level": level.name,
            "questions": len(every),
            "overall": overall,
            "curve": _curve(every),
            "by_category": by_kind,
            "by_conversation": spread,
        },
    )


def _by_kind(every: Sequence[Answer]) -> dict[str, dict[str, float]]:
    kinds = defaultdict[str, list[dict[str, float]]](list)
    for one in every:
        kinds[one.kind].append(one.scores)
    return {kind: metrics.mean(many) | {"questions": len(many)} for kind, many in sorted(kinds.items())}


def _curve(every: Sequence[Answer]) -> list[float]:
    curves = zip(*(metrics.curve(one.held, one.gold) for one in every), strict=True)
    return [sum(column) / len(every) for column in curves]


def _measured(
    questions: int,
    overall: dict[str, float],
    by_kind: dict[str, dict[str, float]],
    spread: Sequence[dict[str, float]],
) -> str:
    kinds = ", ".join(f"{kind} {scores[AT]:.3f}" for kind, scores in by_kind.items())
    per_talk = [scores[AT] for scores in spread]
    return (
        f"{shown(overall)} ({questions} questions); {AT}: {kinds}; "
        f"per conversation {min(per_talk):.3f} to {max(per_talk):.3f}"
    )


def shown(scores: dict[str, float]) -> str:
    recalls = "/".join(f"{scores[f'recall@{at}']:.3f}" for at in metrics.CUTS)
    cuts = "/".join(map(str, metrics.CUTS))
    return f"recall@{cuts} {recalls}, hit@10 {scores['hit@10']:.3f}, MRR {scores['mrr']:.3f}, nDCG@10 " + (
        f"{scores['ndcg@10']:.3f}"
    )
