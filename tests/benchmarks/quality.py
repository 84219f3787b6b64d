"""Whether recall finds what it should: exact ids, and questions that share no words with the answer."""

import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .client import running
from .lab import SEED, Lab
from .memories import IDS, Writer
from .paraphrases import PARAPHRASES
from .report import Row
from .stores import Filler

PROFILE = 1_000
ASKED_IDS = 60
AT = 10
ID_QUESTIONS: Mapping[str, str] = {
    "order": "Where is order {}?",
    "invoice": "What is the matter with invoice {}?",
    "ticket": "Has ticket {} been solved?",
    "parcel": "Who has parcel {}?",
    "label": "Was label {} sent to the customer?",
    "voucher": "Why did voucher {} not work?",
}


async def exact_ids(lab: Lab) -> list[Row]:
    writer = Writer(SEED)
    written = [writer.sentence() for _ in range(PROFILE)]
    known = sorted({(kind, value) for _, ids in written for kind, value in ids.items()})
    per_kind = ASKED_IDS // len(IDS)
    asked = [one for kind in IDS for one in [pair for pair in known if pair[0] == kind][:per_kind]]
    gold = {
        ID_QUESTIONS[kind].format(value): [text for text, ids in written if ids.get(kind) == value]
        for kind, value in asked
    }
    missed = await _missed(lab, lab.path("ids"), [text for text, _ in written], gold)
    return [_hit_row(f"exact ids in {PROFILE:,} memories, hit@{AT}", gold, missed, 1.0)]


async def paraphrases(lab: Lab) -> list[Row]:
    fillers = Writer(SEED).sentences(PROFILE - len(PARAPHRASES))
    contents = random.Random(23).sample([*fillers, *PARAPHRASES], PROFILE)
    gold = {question: [fact] for fact, question in PARAPHRASES.items()}
    missed = await _missed(lab, lab.path("paraphrases"), contents, gold)
    return [_hit_row(f"paraphrases in {PROFILE:,} memories, hit@{AT}", gold, missed, 0.94)]


async def _missed(lab: Lab, folder: Path, contents: Sequence[str], gold: Mapping[str, Sequence[str]]) -> list[str]:
    """The questions none of whose answers is among the first ten observations recalled."""
    filler = Filler(folder, lab.model)
    profile_id = await filler.profile(contents)
    await filler.backend.close()
    missed = []
    async with running(folder) as server:
        for question, answers in gold.items():
            found = await server.call("recall", profile_id=profile_id, query=question, observations_limit=AT)
            if not {one["content"] for one in found["observations"]} & set(answers):
                missed.append(question)
    return missed


def _hit_row(measure: str, asked: Mapping[str, object], missed: Sequence[str], target: float) -> Row:
    share = 1 - len(missed) / len(asked)
    examples = f"; missed: {'; '.join(_short(question) for question in missed[:2])}" if missed else ""
    return Row(
        measure=measure,
        measured=f"{share:.2f} ({len(asked) - len(missed)} of {len(asked)} questions{examples})",
        target=f">= {target}",
        met=share >= target,
        numbers={"hit": share, "questions": len(asked)},
    )


def _short(question: str) -> str:
    return re.sub(r"(.{47}).+", r"\1…", question)
