from datetime import UTC, datetime

import pytest

from mcp_memory.backend import Backend
from mcp_memory.model import NewObservation, NewSummary, Recall, RecallQuery, Scope

pytestmark = pytest.mark.anyio

KNOWN = (
    "Wants order A-1042 delivered to the office.",
    "Wants order A-1043 delivered to the flat.",
    "Is allergic to wool and asked for cotton only.",
    "Prefers to be reached in the evening, after 6 pm.",
    "The invoice for March was paid twice; a refund was promised.",
    "Has two dogs and a garden.",
    "Ticket TCK_88213 about the broken zip is still open.",
)


def day(number: int) -> datetime:
    return datetime(2026, 4, number, tzinfo=UTC)


@pytest.fixture
async def dana(backend: Backend, scope: Scope) -> str:
    profile = (await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)).profile
    for number, content in enumerate(KNOWN, start=1):
        await backend.add_observations(
            scope, profile.profile_id, [NewObservation(content=content, occurred_at=day(number))]
        )
    for number, content in enumerate(("Asked about a refund; agreed.", "Asked about the dogs' harness."), start=1):
        new = NewSummary(content=content, conversation_id=f"c-{number}", occurred_at=day(10 + number))
        await backend.add_summary(scope, profile.profile_id, new)
    return profile.profile_id


def contents(recall: Recall) -> list[str]:
    return [one.item.content for one in recall.observations]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("order A-1042", 0),
        ("What about A-1043?", 1),
        ("which fabrics must we avoid", 2),
        ("When is a good time to ring?", 3),
        ("Was anything charged double?", 4),
        ("does the customer keep pets", 5),
        ("TCK_88213", 6),
        ("状況 TCK_88213", 6),
    ],
)
async def test_a_question_finds_its_answer_first(
    backend: Backend, scope: Scope, dana: str, question: str, answer: int
) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(query=question))

    assert contents(recall)[0] == KNOWN[answer]


async def test_scores_fall_from_best_to_worst_within_zero_and_one(backend: Backend, scope: Scope, dana: str) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(query="refund for the invoice"))

    scores = [one.score for one in recall.observations]
    assert all(score is not None and 0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert recall.summaries[0].item.content == "Asked about a refund; agreed."


async def test_what_the_profile_knows_nothing_of_scores_low(backend: Backend, scope: Scope, dana: str) -> None:
    known = await backend.recall(scope, dana, RecallQuery(query="allergic to wool"))
    unknown = await backend.recall(scope, dana, RecallQuery(query="quarterly revenue of the subsidiary"))

    assert (known.observations[0].score or 0) > 0.8
    assert (unknown.observations[0].score or 0) < 0.4


async def test_without_a_question_the_latest_come_first_and_unscored(backend: Backend, scope: Scope, dana: str) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(observations_limit=2, conversation_id="c-1"))

    assert contents(recall) == [KNOWN[6], KNOWN[5]]
    assert [one.score for one in (*recall.observations, *recall.summaries)] == [None] * 4


@pytest.mark.parametrize("query", [None, "refund"])
async def test_a_limit_of_zero_switches_a_kind_off(
    backend: Backend, scope: Scope, dana: str, query: str | None
) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(query=query, observations_limit=0, summaries_limit=1))

    assert (len(recall.observations), len(recall.summaries)) == (0, 1)


@pytest.mark.parametrize("query", [None, "what is known"])
async def test_a_period_begins_at_its_begin_and_ends_before_its_end(
    backend: Backend, scope: Scope, dana: str, query: str | None
) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(query=query, begin=day(2), end=day(4)))

    assert sorted(contents(recall)) == sorted([KNOWN[1], KNOWN[2]])
    assert recall.summaries == []


async def test_a_threshold_keeps_what_is_relevant_enough(backend: Backend, scope: Scope, dana: str) -> None:
    all_of_them = await backend.recall(scope, dana, RecallQuery(query="two dogs and a garden"))
    best = await backend.recall(scope, dana, RecallQuery(query="two dogs and a garden", relevance_threshold=0.7))

    assert len(all_of_them.observations) == len(KNOWN)
    assert contents(best) == [KNOWN[5]]


@pytest.mark.parametrize("query", [None, "a refund for the invoice"])
async def test_max_tokens_keeps_the_best_that_fits_and_says_what_is_left_out(
    backend: Backend, scope: Scope, dana: str, query: str | None
) -> None:
    whole = await backend.recall(scope, dana, RecallQuery(query=query))
    packed = await backend.recall(scope, dana, RecallQuery(query=query, max_tokens=60))
    nothing = await backend.recall(scope, dana, RecallQuery(query=query, max_tokens=1))

    kept = [*packed.observations, *packed.summaries]
    assert 0 < len(kept) < 5
    assert sum(len(one.item.content) for one in kept) / 4 <= 60
    assert len(kept) + packed.left_out == len(whole.observations) + len(whole.summaries)
    assert [one for one in whole.observations if one in packed.observations] == packed.observations
    assert (nothing.observations, nothing.summaries, nothing.left_out) == ([], [], 9)


async def test_the_best_that_fits_may_be_a_summary(backend: Backend, scope: Scope, dana: str) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(query="Asked about a refund; agreed.", max_tokens=16))

    assert (contents(recall), [one.item.content for one in recall.summaries]) == ([], ["Asked about a refund; agreed."])


async def test_the_end_of_a_long_text_is_found_too(backend: Backend, scope: Scope, dana: str) -> None:
    story = "The customer told at length about the weather and the journey. " * 40 + "The spare key is under a pot."
    await backend.add_observations(scope, dana, [NewObservation(content=story)])

    recall = await backend.recall(scope, dana, RecallQuery(query="Where is the spare key hidden?"))

    assert contents(recall)[0] == story


async def test_an_empty_profile_recalls_nothing(backend: Backend, scope: Scope) -> None:
    lee = (await backend.upsert_traits(scope, {"Contact": {"chat": "lee"}}, None)).profile.profile_id

    assert await backend.recall(scope, lee, RecallQuery(query="anything")) == Recall(
        profile_id=lee, observations=[], summaries=[]
    )
    assert await backend.recall(scope, lee, RecallQuery()) == Recall(profile_id=lee, observations=[], summaries=[])


@pytest.mark.parametrize("query", ["?!", "the of and", "a* NEAR(b)", "'; drop table observation; --", "\x00", "🦊"])
async def test_any_text_can_be_asked(backend: Backend, scope: Scope, dana: str, query: str) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(query=query))

    assert len(recall.observations) == len(KNOWN)


async def test_recall_reads_what_was_just_written(backend: Backend, scope: Scope, dana: str) -> None:
    for number in range(5):
        await backend.add_observations(scope, dana, [NewObservation(content=f"Bought lamp number {number}.")])
        recall = await backend.recall(scope, dana, RecallQuery(query=f"lamp number {number}", observations_limit=1))

        assert contents(recall) == [f"Bought lamp number {number}."]
