"""Recall."""

from typing import Any

import pytest

from tests.http_api.accounts import CONVERSATION, Account, note

pytestmark = pytest.mark.anyio


async def remembering(acme: Account) -> str:
    profile_id = await acme.profile()
    await acme.observed(profile_id, "Prefers tea to coffee", "Has a dog called Rex", "Lives in Bern")
    await acme.summarised(profile_id, "Called about an invoice that was wrong")
    return f"{acme.data}/Profiles/{profile_id}/Recall"


async def test_what_is_asked_for_comes_first_and_has_a_score(acme: Account) -> None:
    path = await remembering(acme)
    recalled = (await acme.ask("POST", path, json={"query": "which drink", "observationsLimit": 2})).json()

    assert set(recalled) == {"observations", "summaries", "communications", "meta"}
    assert recalled["observations"][0]["content"] == "Prefers tea to coffee"
    assert all(0 <= one["score"] <= 1 for one in [*recalled["observations"], *recalled["summaries"]])
    assert type(recalled["meta"]["queryTime"]) is int
    assert len(recalled["observations"]) <= 2 and recalled["communications"] == []


@pytest.mark.parametrize("body", [{}, {"query": ""}, {"query": " \u200b "}, {"relevanceThreshold": 1.0}])
async def test_without_a_question_the_latest_come_and_none_has_a_score(acme: Account, body: Any) -> None:
    recalled = (await acme.ask("POST", await remembering(acme), json=body)).json()

    assert len(recalled["observations"]) == 3 and len(recalled["summaries"]) == 1
    assert all("score" not in one for one in [*recalled["observations"], *recalled["summaries"]])
    for one in recalled["observations"]:
        assert {"id", "content", "source", "occurredAt", "createdAt", "updatedAt"} <= set(one)
        assert all(len(one[name]) == 20 for name in ("occurredAt", "createdAt", "updatedAt"))


async def test_a_limit_of_zero_leaves_a_kind_out(acme: Account) -> None:
    body = {"observationsLimit": 0, "summariesLimit": 0}
    recalled = (await acme.ask("POST", await remembering(acme), json=body)).json()

    assert recalled["observations"] == recalled["summaries"] == []


async def test_a_period_begins_with_its_begin_and_ends_before_its_end(acme: Account) -> None:
    profile_id = await acme.profile()
    path = f"{acme.data}/Profiles/{profile_id}"
    days = [note(f"day {at}", occurredAt=f"2026-05-0{at}T00:00:00Z") for at in (1, 2, 3)]
    await acme.write("POST", f"{path}/Observations", {"observations": days})
    asked = {"beginDate": "2026-05-01T00:00:00Z", "endDate": "2026-05-03T00:00:00Z"}
    recalled = (await acme.ask("POST", f"{path}/Recall", json=asked)).json()

    assert {one["content"] for one in recalled["observations"]} == {"day 1", "day 2"}
    backwards = {"beginDate": asked["endDate"], "endDate": asked["beginDate"]}
    assert "begin" in await acme.refused("POST", f"{path}/Recall", json=backwards)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": "q" * 1025}, "query"),
        ({"query": 5}, "query"),
        ({"observationsLimit": 101}, "observationsLimit"),
        ({"observationsLimit": -1}, "observationsLimit"),
        ({"observationsLimit": 5.5}, "observationsLimit"),
        ({"observationsLimit": "5"}, "observationsLimit"),
        ({"observationsLimit": None}, "observationsLimit"),
        ({"summariesLimit": 101}, "summariesLimit"),
        ({"communicationsLimit": 101}, "communicationsLimit"),
        ({"communicationsLimit": 1}, "conversation_id is required when communications_limit is greater than 0"),
        ({"relevanceThreshold": 1.1}, "relevanceThreshold"),
        ({"relevanceThreshold": -0.1}, "relevanceThreshold"),
        ({"conversationId": "mine"}, "conversationId"),
        ({"beginDate": "yesterday"}, "beginDate"),
        ({"endDate": "2026-05-04"}, "endDate"),
        ([], ""),
    ],
)
async def test_a_question_that_breaks_a_rule_is_refused_by_the_name_of_the_field(
    shared: Account, body: Any, field: str
) -> None:
    path = f"{shared.data}/Profiles/{await shared.profile()}/Recall"

    assert field in await shared.refused("POST", path, json=body)


async def test_as_much_as_is_published_may_be_asked(acme: Account) -> None:
    most = {"observationsLimit": 100, "summariesLimit": 100, "communicationsLimit": 100, "relevanceThreshold": 1}
    body = {"query": "q" * 1024, "conversationId": CONVERSATION, **most, "unknown": "passed over"}

    await acme.ask("POST", await remembering(acme), json=body)


async def test_there_is_no_body_to_recall_without_one(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Recall"

    assert "required" in await acme.refused("POST", path)
