"""What is extracted without a model: beside gold observations, and by what recall reaches from it.

Coverage: of the gold observations, how many have a turn as evidence that some candidate has too. Precision: of the
candidates, how many have such a turn; by chance that is the share of the turns that are evidence of anything. Both say
that a turn was found worth it, not that the words are right: for those, see the tests.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import anyio.to_thread

from mcp_memory.model import RecallQuery

from . import extracted, mixed, talks, wiring
from .extracted import Learned
from .lab import Lab
from .levels import NOTHING
from .locomo import why_not, written
from .mixed import Got
from .report import Row
from .talks import Talk

FOLDER = "talks-extracted"
TITLE = "LoCoMo, extracted"

ASKED: dict[str, RecallQuery] = {
    "10 observations": replace(NOTHING, observations_limit=10),
    "10 messages": replace(NOTHING, communications_limit=10),
    "5 observations + 5 messages": replace(NOTHING, observations_limit=5, communications_limit=5),
    "10 observations + 10 messages": replace(NOTHING, observations_limit=10, communications_limit=10),
}
"""Of one profile that holds both."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """With the gold. `by_chance`: the precision of candidates from turns that were drawn by lot."""

    gold: int
    covered: int
    candidates: int
    precise: int
    sessions: int
    screened: int
    by_chance: float

    @property
    def coverage(self) -> float:
        return self.covered / self.gold

    @property
    def precision(self) -> float:
        return self.precise / self.candidates


async def extraction(lab: Lab) -> list[Row]:
    if reason := why_not(lab):
        titles = [f"{TITLE}: beside gold observations", *(f"{TITLE}: {name}" for name in ASKED)]
        return [Row(measure=title, measured=reason) for title in titles]
    assert lab.data is not None
    known = await anyio.to_thread.run_sync(talks.read, lab.data)
    known = lab.choose(quick=known[:1], ordinary=known, full=known)
    rows = [await anyio.to_thread.run_sync(_beside_gold, known, screen) for screen in (True, False)]
    return rows + await _recalled(lab)


def _beside_gold(known: Sequence[Talk], screen: bool) -> Row:
    started = time.thread_time()
    learned = [one for talk in known for one in extracted.learned(talk, screen=screen)]
    seconds = time.thread_time() - started
    found = agreement(learned)
    each = found.candidates / found.sessions
    return Row(
        measure=f"{TITLE}: beside gold observations, {'as by default' if screen else 'nothing screened'}",
        measured=(
            f"coverage {found.coverage:.3f} of {found.gold} gold observations, precision {found.precision:.3f} "
            f"(by chance {found.by_chance:.2f}); {each:.1f} per session against {found.gold / found.sessions:.1f}; "
            f"{found.screened} screened; {1000 * seconds / found.sessions:.0f} CPU-ms per session, both speakers"
        ),
        numbers={
            "screen": screen,
            "coverage": found.coverage,
            "precision": found.precision,
            "by_chance": found.by_chance,
            "gold": found.gold,
            "candidates": found.candidates,
            "sessions": found.sessions,
            "screened": found.screened,
            "cpu_seconds": seconds,
        },
    )


def agreement(learned: Sequence[Learned]) -> Agreement:
    gold = covered = candidates = precise = turns = telling = 0
    for one in learned:
        facts = [fact for fact in one.session.facts if fact.evidence]
        evidence = frozenset[str]().union(*(fact.evidence for fact in facts))
        found = frozenset[str]().union(*(candidate.evidence for candidate in one.candidates))
        gold += len(facts)
        covered += sum(bool(fact.evidence & found) for fact in facts)
        candidates += len(one.candidates)
        precise += sum(not evidence.isdisjoint(candidate.evidence) for candidate in one.candidates)
        turns += len(one.session.turns)
        telling += sum(turn.turn_id in evidence for turn in one.session.turns)
    return Agreement(
        gold=gold,
        covered=covered,
        candidates=candidates,
        precise=precise,
        sessions=len(learned),
        screened=sum(one.screened for one in learned),
        by_chance=telling / turns,
    )


async def _recalled(lab: Lab) -> list[Row]:
    diaries = await written(lab, FOLDER, extracted.both)
    rows = []
    async with wiring.opened(lab.path(FOLDER), lab.model) as (memory, caller):
        for name, asks in ASKED.items():
            every = [got for diary in diaries for got in await mixed.asked(memory, caller, diary, asks)]
            rows.append(_row(name, every))
    return rows


def _row(name: str, every: Sequence[Got]) -> Row:
    count = len(every)
    recall, hit = sum(one.recall for one in every) / count, sum(one.recall > 0 for one in every) / count
    weight, share = sum(one.tokens for one in every) / count, sum(one.tokens / one.history for one in every) / count
    return Row(
        measure=f"{TITLE}: {name}",
        measured=(
            f"evidence recall {recall:.3f}, hit {hit:.3f} in {weight:,.0f} tokens: {share:.2%} of the full history "
            f"({count} questions)"
        ),
        numbers={"evidence_recall": recall, "hit": hit, "tokens": weight, "share": share, "questions": count},
    )
