from datetime import UTC, datetime, timedelta

import pytest

from mcp_memory.backend import Backend
from mcp_memory.model import NewObservation, NewSummary, Recall, RecallQuery, Scope

from .conftest import Clock

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
        await backend.add_summaries(scope, profile.profile_id, [new])
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
        profile_id=lee, observations=[], summaries=[], communications=[]
    )
    assert await backend.recall(scope, lee, RecallQuery()) == Recall(
        profile_id=lee, observations=[], summaries=[], communications=[]
    )


@pytest.mark.parametrize("query", ["?!", "the of and", "a* NEAR(b)", "'; drop table observation; --", "\x00", "🦊"])
async def test_any_text_can_be_asked(backend: Backend, scope: Scope, dana: str, query: str) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(query=query))

    assert len(recall.observations) == len(KNOWN)


async def test_recall_reads_what_was_just_written(backend: Backend, scope: Scope, dana: str) -> None:
    for number in range(5):
        await backend.add_observations(scope, dana, [NewObservation(content=f"Bought lamp number {number}.")])
        recall = await backend.recall(scope, dana, RecallQuery(query=f"lamp number {number}", observations_limit=1))

        assert contents(recall) == [f"Bought lamp number {number}."]


async def remember(backend: Backend, scope: Scope, dana: str, *contents: str) -> None:
    for content in contents:
        await backend.add_observations(scope, dana, [NewObservation(content=content)])


@pytest.mark.parametrize(
    "question",
    ["+1 (317) 555-0142", "Who has 317.555.0142?", "13175550142", "call 317 555 0142 back", "the number 555-0142"],
)
async def test_a_phone_number_is_found_in_any_spelling_and_its_neighbour_is_not(
    backend: Backend, scope: Scope, dana: str, question: str
) -> None:
    right, wrong = "Dana rang from (317) 555-0142 about it.", "Dana rang from (317) 555-0124 about it."
    await remember(backend, scope, dana, right, wrong)

    recall = await backend.recall(scope, dana, RecallQuery(query=question, observations_limit=2))

    assert contents(recall)[0] == right
    scores = [one.score or 0 for one in recall.observations]
    assert scores[0] > scores[1]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is the state of order B-7731?", "Paid for b7731 in cash."),
        ("INV-2025-00317", "Invoice inv-2025-00317 was disputed."),
        ("which mail did lee.chan@example.org send", "Lee.Chan@example.org complained."),
        ("ticket #90412", "90412 was closed."),
    ],
)
async def test_what_holds_the_id_of_a_question_stands_before_all_that_is_like_it(
    backend: Backend, scope: Scope, dana: str, question: str, found: str
) -> None:
    await remember(
        backend,
        scope,
        dana,
        "Paid for b7731 in cash.",
        "What is the state of order B-7713? They asked for the state of order B-7713 again.",
        "Invoice inv-2025-00317 was disputed.",
        "INV-2025-00371 is invoice INV-2025-00371 of 2025.",
        "Lee.Chan@example.org complained.",
        "Which mail did lee.chang@example.org send? lee.chang@example.org sent a mail.",
        "90412 was closed.",
        "Ticket #90421 is a ticket, ticket #90421.",
    )

    recall = await backend.recall(scope, dana, RecallQuery(query=question, observations_limit=3))

    assert contents(recall)[0] == found


async def test_a_question_about_a_day_finds_what_was_learned_then(backend: Backend, scope: Scope, dana: str) -> None:
    for month, thing in enumerate(("a lamp", "a rug", "a desk", "a chair"), start=1):
        at = datetime(2025, month, 7, tzinfo=UTC)
        await backend.add_observations(scope, dana, [NewObservation(content=f"Ordered {thing}.", occurred_at=at)])

    for question in (
        "What was ordered in March 2025?",
        "What did they order on 7 March?",
        "What was ordered on 2025-03-07?",
    ):
        recall = await backend.recall(scope, dana, RecallQuery(query=question))
        assert contents(recall)[0] == "Ordered a desk."


async def test_full_detail_says_how_well_a_day_fits(backend: Backend, scope: Scope, dana: str) -> None:
    at = datetime(2025, 3, 7, tzinfo=UTC)
    await backend.add_observations(scope, dana, [NewObservation(content="Ordered a desk.", occurred_at=at)])

    recall = await backend.recall(scope, dana, RecallQuery(query="What was ordered in March 2025?", detail="full"))

    match = recall.observations[0].match
    assert match is not None and match.date is not None and match.date > 0.9


async def test_full_detail_says_why_each_item_came(backend: Backend, scope: Scope, dana: str) -> None:
    full = await backend.recall(scope, dana, RecallQuery(query="Where do A-1042 and the orders go?", detail="full"))
    concise = await backend.recall(scope, dana, RecallQuery(query="Where do A-1042 and the orders go?"))

    best = full.observations[0].match
    assert best is not None
    assert list(best.words) == ["order", "A-1042"]
    assert best.cosine is not None and best.cosine > 0.4
    assert best.late_interaction is not None and best.late_interaction > 0.5
    assert best.date is None
    assert [one.item for one in full.observations] == [one.item for one in concise.observations]
    assert all(one.match is None for one in concise.observations)


async def test_max_tokens_prefers_what_says_more_per_token(backend: Backend, scope: Scope, dana: str) -> None:
    short = "Wool makes him itch."
    long = "Wool makes him itch, he said, " + "and then he talked about the weather of the last weeks " * 8 + "."
    await remember(backend, scope, dana, long, short)

    recall = await backend.recall(scope, dana, RecallQuery(query="wool", max_tokens=60))

    assert short in contents(recall) and long not in contents(recall)


@pytest.mark.parametrize(
    "query",
    [
        "",
        " \n ",
        "?" * 1024,
        "🦊🦊🦊",
        "ёлка и ещё слова",
        "お茶が好きですか",
        "הזמנה",
        "a" * 1024,
        "(((((((((",
        "\\",
        "%_*",
    ],
)
async def test_no_question_is_too_odd_to_be_asked(backend: Backend, scope: Scope, dana: str, query: str) -> None:
    recall = await backend.recall(scope, dana, RecallQuery(query=query))

    assert sorted(contents(recall)) == sorted(KNOWN)
    assert all(one.score is None or 0 <= one.score <= 1 for one in recall.observations)


async def test_chinese_and_japanese_are_found_by_their_characters(backend: Backend, scope: Scope, dana: str) -> None:
    await remember(backend, scope, dana, "客户喜欢绿茶、不喝咖啡。", "客户住在上海。", "紅茶が好きです。")

    for question, found in (
        ("她喝绿茶吗", "客户喜欢绿茶、不喝咖啡。"),
        ("住在哪里", "客户住在上海。"),
        ("紅茶は", "紅茶が好きです。"),
    ):
        recall = await backend.recall(scope, dana, RecallQuery(query=question, observations_limit=1))
        assert contents(recall) == [found]


async def test_a_question_about_last_week_knows_what_day_it_is(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for days, thing in ((400, "a lamp"), (40, "a rug"), (9, "a desk"), (1, "a chair")):
        at = clock() - timedelta(days=days)
        await backend.add_observations(scope, dana, [NewObservation(content=f"Ordered {thing}.", occurred_at=at)])

    for question, thing in (
        ("What was ordered yesterday?", "a chair"),
        ("What did they order a year ago?", "a lamp"),
        ("What did they order in the call nine days ago? What was ordered 9 days ago?", "a desk"),
    ):
        recall = await backend.recall(scope, dana, RecallQuery(query=question, observations_limit=1))
        assert contents(recall) == [f"Ordered {thing}."]


CHANGES = ("Discount is 12%.", "Discount was raised to 15%.", "Discount reduced to 12.5%, valid until the end of 2027.")


async def test_the_latest_of_statements_about_one_attribute_stands_first(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for content in CHANGES:
        clock.pass_(days=30)
        await remember(backend, scope, dana, content)

    recall = await backend.recall(scope, dana, RecallQuery(query="What discount do they get?", observations_limit=3))

    assert contents(recall) == [CHANGES[2], CHANGES[1], CHANGES[0]]


async def test_statements_that_are_outdated_say_by_what(
    backend: Backend, scope: Scope, dana: str, clock: Clock
) -> None:
    for content in CHANGES:
        clock.pass_(days=30)
        await remember(backend, scope, dana, content)

    recall = await backend.recall(scope, dana, RecallQuery(query="What discount do they get?", observations_limit=3))
    past = await backend.recall(scope, dana, RecallQuery(query="What was their previous discount?"))

    latest = recall.observations[0].item.id
    assert [one.outdated_by for one in recall.observations] == [None, latest, latest]
    assert [one.outdated_by for one in past.observations] == [None] * len(past.observations)


@pytest.mark.parametrize("max_tokens", range(8, 100, 4))
async def test_what_is_outdated_never_fits_where_what_replaced_it_does_not(
    backend: Backend, scope: Scope, dana: str, clock: Clock, max_tokens: int
) -> None:
    for content in CHANGES:
        clock.pass_(days=30)
        await remember(backend, scope, dana, content)

    recall = await backend.recall(
        scope, dana, RecallQuery(query="What discount do they get?", max_tokens=max_tokens, summaries_limit=0)
    )

    assert CHANGES[2] in contents(recall) or not set(CHANGES) & set(contents(recall))


async def test_two_that_were_learned_at_once_are_told_apart_by_their_order(
    backend: Backend, scope: Scope, dana: str
) -> None:
    new = [NewObservation(content="Lives in Leeds."), NewObservation(content="Moved to York.")]
    await backend.add_observations(scope, dana, new)

    recall = await backend.recall(scope, dana, RecallQuery(query="Where does the customer live?"))

    assert contents(recall)[:2] == ["Moved to York.", "Lives in Leeds."]


@pytest.mark.parametrize(
    ("true", "later", "question"),
    [
        ("Account manager is Tom Reed.", "The account manager is on holiday.", "Who is the account manager?"),
        ("Discount is 12%.", "The discount is too small for him.", "What discount do they get?"),
        ("Email is dana@example.com.", "Email is broken since Monday.", "What is the email address?"),
        ("Lives in Leeds.", "Is thinking about moving to York.", "Where does the customer live?"),
        ("Lives in Leeds.", "Her sister Carla lives in Porto.", "Where does the customer live?"),
        (
            "Phone number is +1 317 555 0199.",
            "Phone number of the clinic is +1 317 555 0111.",
            "What is the phone number?",
        ),
        ("Renewal date is 3 May.", "Renewal date is unclear to her.", "When is the renewal date?"),
    ],
)
async def test_what_says_something_of_an_attribute_does_not_replace_its_value(
    backend: Backend, scope: Scope, dana: str, clock: Clock, true: str, later: str, question: str
) -> None:
    for content in (true, later):
        clock.pass_(days=30)
        await remember(backend, scope, dana, content)

    recall = await backend.recall(scope, dana, RecallQuery(query=question))

    assert {one.item.content: one.outdated_by for one in recall.observations}[true] is None


async def test_a_conversation_that_nobody_recorded_is_said_to_be_unknown(
    backend: Backend, scope: Scope, dana: str
) -> None:
    assert (await backend.recall(scope, dana, RecallQuery(conversation_id="c-1"))).unknown_conversation
    assert not (await backend.recall(scope, dana, RecallQuery(query="order"))).unknown_conversation


async def test_what_has_not_the_id_that_is_asked_for_scores_low(backend: Backend, scope: Scope, dana: str) -> None:
    known = await backend.recall(scope, dana, RecallQuery(query="Where is order A-1042?"))
    unknown = await backend.recall(scope, dana, RecallQuery(query="Where is order A-9999?"))

    assert (known.observations[0].score or 0) > 0.8
    assert all((one.score or 0) <= 0.3 for one in unknown.observations)
