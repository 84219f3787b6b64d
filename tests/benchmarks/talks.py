"""LoCoMo's conversations, or others in a file of that shape. The file is read where it lies; nothing copies it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}  # 5 asks for what was never said
TURN = re.compile(r"D(\d+):\d+")


@dataclass(frozen=True, kw_only=True)
class Turn:
    turn_id: str
    speaker: str
    text: str
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A gold observation, and the turns it is evidence of."""

    content: str
    evidence: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Session:
    name: str
    began: datetime
    turns: Sequence[Turn]
    facts: Sequence[Fact]
    summary: str | None


@dataclass(frozen=True, kw_only=True)
class Question:
    text: str
    category: str
    evidence: frozenset[str]
    """Ids of turns; some files name ones that are not there."""

    @property
    def sessions(self) -> frozenset[str]:
        return frozenset(_session_name(int(found[1])) for turn in self.evidence if (found := TURN.fullmatch(turn)))


@dataclass(frozen=True, kw_only=True)
class Talk:
    sessions: Sequence[Session]
    questions: Sequence[Question]
    """Those that have evidence."""


def read(path: Path) -> list[Talk]:
    return [
        Talk(sessions=list(_sessions(raw)), questions=list(_questions(raw)))
        for raw in json.loads(path.read_text(encoding="utf-8"))
    ]


def _sessions(raw: Mapping[str, Any]) -> Iterator[Session]:
    talk = raw["conversation"]
    for number in range(1, len(talk)):
        name = _session_name(number)
        if talk.get(name):
            began = datetime.strptime(talk[f"{name}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
            yield Session(
                name=name,
                began=began,
                turns=[_turn(one, began + timedelta(seconds=at)) for at, one in enumerate(talk[name])],
                facts=list(_facts(raw.get("observation", {}).get(f"{name}_observation", {}))),
                summary=raw.get("session_summary", {}).get(f"{name}_summary"),
            )


def _session_name(number: int) -> str:
    return f"session_{number}"


def _turn(raw: Mapping[str, Any], occurred_at: datetime) -> Turn:
    shared = f" [shared image: {raw['blip_caption']}]" if raw.get("blip_caption") else ""
    return Turn(
        turn_id=raw["dia_id"], speaker=raw["speaker"], text=f"{raw['text']}{shared}".strip(), occurred_at=occurred_at
    )


def _facts(raw: Mapping[str, Sequence[Any]]) -> Iterator[Fact]:
    for facts in raw.values():
        for content, evidence in facts:
            yield Fact(content=content, evidence=_turn_ids(json.dumps(evidence)))


def _questions(raw: Mapping[str, Any]) -> Iterator[Question]:
    for one in raw["qa"]:
        evidence = _turn_ids(" ".join(one.get("evidence") or []))
        if one["category"] in CATEGORIES and evidence:
            yield Question(text=one["question"], category=CATEGORIES[one["category"]], evidence=evidence)


def _turn_ids(text: str) -> frozenset[str]:
    return frozenset(found[0] for found in TURN.finditer(text))
