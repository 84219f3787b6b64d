"""The levels at which a conversation can be remembered and asked about, and what recall answers at each."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from mcp_memory.model import MAX_RECALL, Caller, Recall, RecallQuery
from mcp_memory.service import Memory

from . import diaries, metrics
from .diaries import Diary, Write
from .metrics import Held
from .talks import Question

NOTHING = RecallQuery(observations_limit=0, summaries_limit=0)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a question got, and what there was to get: `relevant` items hold some of its gold."""

    kind: str
    held: Held
    gold: frozenset[str]
    relevant: int

    @property
    def scores(self) -> dict[str, float]:
        return metrics.scores(self.held, self.gold, self.relevant)


@dataclass(frozen=True, kw_only=True)
class Level:
    """`held` reads what recall found as a ranking, `items` is what could be found, `gold` what should be."""

    name: str
    title: str
    write: Write
    asks: RecallQuery
    held: Callable[[Diary, Recall], Held]
    items: Callable[[Diary], Held]
    gold: Callable[[Question], frozenset[str]]
    targets: Mapping[str, float] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        return f"talks-{self.write.__name__}"


async def answers(memory: Memory, caller: Caller, level: Level, diary: Diary) -> list[Answer]:
    """To the questions of which at least some gold is remembered; only that part of it counts."""
    items, found = level.items(diary), []
    coverable = frozenset[str]().union(*items)
    for asked in diary.talk.questions:
        if gold := level.gold(asked) & coverable:
            recalled = await memory.recall(caller, diary.profile_id, replace(level.asks, query=asked.text))
            relevant = sum(bool(one & gold) for one in items)
            held = level.held(diary, recalled)
            found.append(Answer(kind=asked.category, held=held, gold=gold, relevant=relevant))
    return found


def of_messages(diary: Diary, found: Recall) -> list[frozenset[str]]:
    recalled = found.communications
    return [diary.holds[one.item.conversation_id, one.item.occurred_at] for one in recalled]


def of_observations(diary: Diary, found: Recall) -> list[frozenset[str]]:
    return [diary.holds[one.item.id] for one in found.observations]


def _of_summaries(diary: Diary, found: Recall) -> list[frozenset[str]]:
    return [diary.holds[one.item.conversation_id] for one in found.summaries]


def _of_best_messages(diary: Diary, found: Recall) -> list[frozenset[str]]:
    """The sessions, each where its best message is."""
    recalled = found.communications
    return [frozenset({name}) for name in dict.fromkeys(one.item.conversation_id for one in recalled)]


def _stored(diary: Diary) -> Sequence[Set[str]]:
    return list(diary.holds.values())


def _sessions(diary: Diary) -> Sequence[Set[str]]:
    return [frozenset({session.name}) for session in diary.talk.sessions]


TURNS = Level(
    name="turns",
    title="LoCoMo turns",
    write=diaries.turns,
    asks=replace(NOTHING, communications_limit=metrics.DEEPEST),
    held=of_messages,
    items=_stored,
    gold=lambda question: question.evidence,
    targets={"recall@10": 0.80, "hit@10": 0.87},
)
OBSERVATIONS = Level(
    name="observations",
    title="LoCoMo observations, coverable evidence",
    write=diaries.facts,
    asks=replace(NOTHING, observations_limit=metrics.DEEPEST),
    held=of_observations,
    items=_stored,
    gold=lambda question: question.evidence,
    targets={"recall@10": 0.84},
)
SUMMARIES = Level(
    name="summaries",
    title="LoCoMo sessions, by their summaries",
    write=diaries.summaries,
    asks=replace(NOTHING, summaries_limit=metrics.DEEPEST),
    held=_of_summaries,
    items=_stored,
    gold=lambda question: question.sessions,
)
SESSIONS = Level(
    name="sessions",
    title="LoCoMo sessions, by their best turn",
    write=diaries.turns,
    asks=replace(NOTHING, communications_limit=MAX_RECALL),
    held=_of_best_messages,
    items=_sessions,
    gold=lambda question: question.sessions,
)
LEVELS = (TURNS, OBSERVATIONS, SUMMARIES, SESSIONS)
