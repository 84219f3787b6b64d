"""Facts about an item, as the channels of recall see them, and what is asked of them: for the tests of ranking."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from hypothesis import strategies as st

from mcp_memory.candidates import Candidates, Question, TokenVectors
from mcp_memory.mentions import dates
from mcp_memory.ranking import Ranked, Ranking
from mcp_memory.weights import DEFAULT, Weights
from tests.unit.test_candidates import Chunk, Item, columns, int8

TODAY = date(2026, 5, 4)  # a Monday

ASKED = 3  # tokens of the question
ROOM = 32  # dimensions: the question is the first axis, and each item has one of its own, up to that many
ALONE = Weights(conversation=0)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """An item by what it means to the question. `cosine` None: its vector is missing; `late` None: so are its tokens'.

    `late`: for each token of the question the best match.
    """

    terms: tuple[int, ...] = ()
    cosine: float | None = None
    late: tuple[float, ...] | None = None
    at: int = 0
    conversation: int = 0
    agent: bool = False


def candidates(facts: Sequence[Fact]) -> Candidates:
    return columns([fact_item(fact, at) for at, fact in enumerate(facts)], ROOM)


def fact_item(fact: Fact, at: int) -> Item:
    vector = None if fact.cosine is None else leaning(fact.cosine, 0, 1 + at % (ROOM - 1))
    tokens = [] if fact.late is None else [100 + place for place in range(len(fact.late))]
    chunk = Chunk(terms=fact.terms, vector=vector, tokens=tokens)
    return Item(
        chunks=[chunk],
        at=fact.at,
        conversation=fact.conversation,
        agent=fact.agent,
        with_tokens=fact.late is not None,
    )


def leaning(cosine: float, towards: int, rest: int) -> list[float]:
    vector = [0.0] * ROOM
    vector[rest] = math.sqrt(1 - cosine * cosine)
    vector[towards] = cosine
    return vector


def token_vectors(facts: Sequence[Fact], shortlist: Sequence[int]) -> TokenVectors:
    rows = [leaning(near, token, ROOM - 1) for place in shortlist for token, near in enumerate(facts[place].late or ())]
    return TokenVectors(items=np.array(shortlist, dtype=np.int64), vectors=int8(rows, ROOM))


def question(
    terms: Sequence[int] = (),
    *,
    meaning: bool = True,
    late: bool = False,
    ids: Sequence[frozenset[int]] = (),
    named: str = "",
) -> Question:
    axes = np.eye(ROOM, dtype=np.float32)
    return Question(
        terms=terms,
        ids=ids,
        dates=dates(named, TODAY),
        vector=axes[0] if meaning else None,
        token_ids=np.arange(1, ASKED + 1).astype(np.uint16) if late else None,
        token_states=axes[:ASKED] if late else None,
        telling=np.ones(ASKED, dtype=np.bool_) if late else None,
    )


def rank(asked: Question, facts: Sequence[Fact], weights: Weights = DEFAULT) -> list[Ranked]:
    ranking = Ranking(asked, candidates(facts), weights)
    shortlist = ranking.shortlist.tolist()
    return ranking.ranked(token_vectors(facts, shortlist) if shortlist else None)


def order(asked: Question, facts: Sequence[Fact], weights: Weights = DEFAULT) -> list[int]:
    return [one.item for one in rank(asked, facts, weights)]


TERM = st.integers(1, 8)
NEAR = st.integers(0, 10).map(lambda tenths: tenths / 10)
LATE = st.tuples(*[NEAR] * ASKED)
FACT = st.builds(
    Fact,
    terms=st.lists(TERM, max_size=8).map(tuple),
    cosine=st.none() | st.integers(-10, 10).map(lambda tenths: tenths / 10),
    late=st.none() | LATE,
    at=st.integers(0, 10**15),
    conversation=st.integers(0, 3),
    agent=st.booleans(),
)
LONE = st.builds(replace, FACT, conversation=st.just(0))
QUESTION = st.builds(
    question,
    st.lists(TERM, max_size=5, unique=True),
    meaning=st.booleans(),
    late=st.booleans(),
    ids=st.lists(st.frozensets(TERM, min_size=1, max_size=2), max_size=2),
    named=st.sampled_from(["", "in May", "on 7 May", "in 1999", "on 30 February 1972"]),
)
