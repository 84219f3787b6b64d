"""One customer's memories and questions about them, made up by us: for measuring, and for tests that keep a fault out.

Kinds of question: `exact_id` names an order, a phone number and the like; `paraphrase` has no word in common with its
answer; `current_value` asks for what holds now, and `outdated` names what held before; `history` asks for that;
`fact` and `date` are what people usually ask. Two kinds come in two wordings: `plain`, as notes are usually written,
and `free` or `hard`, where a change is told in passing, or the answer takes knowledge of the world.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

Kind = Literal["exact_id", "paraphrase", "current_value", "history", "fact", "date"]

KINDS: tuple[Kind, ...] = get_args(Kind)
FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class SupportMemory:
    id: str
    occurred_at: datetime
    source: str
    content: str


@dataclass(frozen=True, kw_only=True)
class SupportQuestion:
    """`answers` and `outdated` are ids of memories. `wording` is empty where a kind has but one."""

    kind: Kind
    question: str
    answers: frozenset[str]
    outdated: frozenset[str] = frozenset()
    wording: str = ""


@dataclass(frozen=True, kw_only=True)
class SupportSet:
    memories: Sequence[SupportMemory]
    questions: Sequence[SupportQuestion]

    def of(self, kind: Kind) -> list[SupportQuestion]:
        return [one for one in self.questions if one.kind == kind]


def load(folder: Path = FOLDER) -> SupportSet:
    """From `memories.jsonl` and `questions.jsonl`.

    Raises FileNotFoundError where they are not there, and ValueError for a question that cannot be scored.
    """
    memories = [
        SupportMemory(
            id=one["id"],
            occurred_at=datetime.fromisoformat(one["occurred_at"]),
            source=one["source"],
            content=one["content"],
        )
        for one in _lines(folder / "memories.jsonl")
    ]
    questions = [_question(one) for one in _lines(folder / "questions.jsonl")]
    known = {one.id for one in memories}
    for question in questions:
        if question.kind not in KINDS or not question.answers or not question.answers | question.outdated <= known:
            raise ValueError(f"{question} is of no kind, has no answer, or names a memory that is not there")
    return SupportSet(memories=memories, questions=questions)


def _question(raw: dict[str, Any]) -> SupportQuestion:
    return SupportQuestion(
        kind=raw["kind"],
        question=raw["question"],
        answers=frozenset(raw["answers"]),
        outdated=frozenset(raw.get("outdated", ())),
        wording=raw.get("wording", ""),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())
