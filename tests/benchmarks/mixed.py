"""Observations and messages recalled together: how much evidence, in how many tokens of the full history."""

from dataclasses import dataclass, replace

from mcp_memory import budget
from mcp_memory.model import Caller, Recall, RecallQuery
from mcp_memory.service import Memory

from . import diaries, wiring
from .diaries import Diary
from .lab import Lab
from .levels import of_messages, of_observations
from .locomo import why_not, written
from .report import Row

FOLDER = "talks-both"


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is asked for. A target is for the one that is meant to suffice."""

    each: int
    max_tokens: int | None = None
    target: bool = False

    @property
    def title(self) -> str:
        limit = f", at most {self.max_tokens} tokens" if self.max_tokens else ""
        return f"LoCoMo context, {self.each} observations + {self.each} turns{limit}"

    @property
    def asks(self) -> RecallQuery:
        return RecallQuery(
            observations_limit=self.each,
            communications_limit=self.each,
            summaries_limit=0,
            max_tokens=self.max_tokens,
        )


@dataclass(frozen=True, kw_only=True)
class Got:
    recall: float
    tokens: int
    history: int


CONTEXTS = (
    Context(each=5, target=True),
    Context(each=5, max_tokens=400),
    Context(each=10),
    Context(each=10, max_tokens=400),
)
EVIDENCE, SHARE = 0.80, 0.03


async def mixed(lab: Lab) -> list[Row]:
    if reason := why_not(lab):
        return [Row(measure=one.title, measured=reason, target=_target(one)) for one in CONTEXTS]
    known = await written(lab, FOLDER, diaries.both)
    async with wiring.opened(lab.path(FOLDER), lab.model) as (memory, caller):
        return [
            _row(one, [got for diary in known for got in await asked(memory, caller, diary, one.asks)])
            for one in CONTEXTS
        ]


async def asked(memory: Memory, caller: Caller, diary: Diary, asks: RecallQuery) -> list[Got]:
    """What the questions of a talk got, each that has evidence among its turns."""
    turns = [turn for session in diary.talk.sessions for turn in session.turns]
    said, history = {turn.turn_id for turn in turns}, sum(tokens(turn.text) for turn in turns)
    every = []
    for question in diary.talk.questions:
        if gold := question.evidence & said:
            found = await memory.recall(caller, diary.profile_id, replace(asks, query=question.text))
            held = frozenset[str]().union(*of_observations(diary, found), *of_messages(diary, found))
            every.append(Got(recall=len(gold & held) / len(gold), tokens=_weight(found), history=history))
    return every


def tokens(text: str) -> int:
    """Of the text alone, without what the line around it costs: so is the history counted, to its advantage."""
    return budget.tokens(text) - budget.ITEM_TOKENS


def _weight(found: Recall) -> int:
    recalled = [*found.observations, *found.communications]
    return sum(budget.tokens(one.item.content) for one in recalled)


def _row(context: Context, every: list[Got]) -> Row:
    evidence, hit = (sum(got) / len(every) for got in ([e.recall for e in every], [e.recall > 0 for e in every]))
    weight, history = sum(one.tokens for one in every) / len(every), sum(one.history for one in every) / len(every)
    share = sum(one.tokens / one.history for one in every) / len(every)
    return Row(
        measure=context.title,
        measured=f"evidence recall {evidence:.3f}, hit {hit:.3f} in {weight:,.0f} tokens: {share:.2%} of the full "
        f"history's {history:,.0f} ({len(every)} questions)",
        target=_target(context),
        met=evidence >= EVIDENCE and share <= SHARE if context.target else None,
        numbers={
            "each": context.each,
            "max_tokens": context.max_tokens,
            "evidence_recall": evidence,
            "hit": hit,
            "tokens": weight,
            "history_tokens": history,
            "share": share,
            "questions": len(every),
        },
    )


def _target(context: Context) -> str:
    return f"recall >= {EVIDENCE:.2f} in <= {SHARE:.0%}" if context.target else "-"
