"""Evidence recall on LoCoMo, if the environment variable BENCH_LOCOMO names its file. The data stays where it is."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp_memory.inputs import recall_query

from .lab import Lab
from .report import Row
from .stores import Filler

VARIABLE = "BENCH_LOCOMO"
AT = 10
ANSWERABLE = {1, 2, 3, 4}  # category 5 asks for what was never said
TURN = re.compile(r"D\d+:\d+")


@dataclass
class Level:
    """One way to remember a conversation: (content, when, the turns it is evidence of)."""

    measure: str
    targets: tuple[float, float | None]
    recalls: list[float] = field(default_factory=list)

    @property
    def row(self) -> Row:
        recall, hit = sum(self.recalls) / len(self.recalls), sum(one > 0 for one in self.recalls) / len(self.recalls)
        wanted_recall, wanted_hit = self.targets
        return Row(
            measure=self.measure,
            measured=f"recall@{AT} {recall:.3f}, hit@{AT} {hit:.3f} ({len(self.recalls)} questions)",
            target=f">= {wanted_recall:.2f}" + (f" / >= {wanted_hit:.2f}" if wanted_hit else ""),
            met=recall >= wanted_recall and (wanted_hit is None or hit >= wanted_hit),
        )


Memory = tuple[str, datetime, frozenset[str]]


async def locomo(lab: Lab) -> list[Row]:
    turns = Level("LoCoMo turns, evidence", (0.80, 0.87))
    observations = Level("LoCoMo observations, coverable evidence", (0.84, None))
    if lab.locomo is None:
        return [
            Row(measure=one.measure, measured=f"not measured: set {VARIABLE}", target=f">= {one.targets[0]:.2f}")
            for one in (turns, observations)
        ]
    for number, talk in enumerate(json.loads(_read(lab.locomo))):
        await _ask(lab, f"turns-{number}", talk, list(_turns(talk)), turns)
        await _ask(lab, f"observations-{number}", talk, list(_observations(talk)), observations)
    return [turns.row, observations.row]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def _ask(lab: Lab, name: str, talk: Mapping[str, Any], memories: Sequence[Memory], level: Level) -> None:
    filler = Filler(lab.path(f"locomo-{name}"), lab.embedder)
    profile_id = await filler.profile([text for text, _, _ in memories], lambda at: memories[at][1])
    evidence_of: dict[str, frozenset[str]] = {}
    for text, _, evidence in memories:
        evidence_of[text] = evidence_of.get(text, frozenset()) | evidence
    coverable = frozenset[str]().union(*evidence_of.values())
    scope = await filler.scope()
    for asked in talk["qa"]:
        gold = set(TURN.findall(" ".join(asked.get("evidence") or []))) & coverable
        if asked["category"] in ANSWERABLE and gold:
            query = recall_query(query=asked["question"], observations_limit=AT, summaries_limit=0)
            found = (await filler.backend.recall(scope, profile_id, query)).observations
            held = frozenset[str]().union(*(evidence_of[one.item.content] for one in found))
            level.recalls.append(len(gold & held) / len(gold))
    await filler.backend.close()


def _sessions(talk: Mapping[str, Any]) -> Iterator[tuple[int, datetime]]:
    for number in range(1, len(talk["conversation"])):
        if talk["conversation"].get(f"session_{number}"):
            stated = talk["conversation"][f"session_{number}_date_time"]
            yield number, datetime.strptime(stated, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _turns(talk: Mapping[str, Any]) -> Iterator[Memory]:
    for number, begin in _sessions(talk):
        for at, turn in enumerate(talk["conversation"][f"session_{number}"]):
            caption = f" [shares {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            text = f"{turn['speaker']}: {turn['text']}{caption}"
            yield text, begin + timedelta(seconds=20 * at), frozenset({turn["dia_id"]})


def _observations(talk: Mapping[str, Any]) -> Iterator[Memory]:
    for number, begin in _sessions(talk):
        for facts in talk["observation"].get(f"session_{number}_observation", {}).values():
            for at, (fact, evidence) in enumerate(facts):
                yield fact, begin + timedelta(seconds=at), frozenset(TURN.findall(json.dumps(evidence)))
