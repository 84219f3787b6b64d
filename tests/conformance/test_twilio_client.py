"""Twilio's own package `twilio` against the Memory API: every resource, as its users see it.

It has an environment of its own: `make conformance` makes it, and fails where `make test` skips.
"""

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.published.document import memory_document

from .conftest import Line, Lines, need_clients
from .exchanges import assert_published, statuses

Told = Callable[[str], Line]

REFUSED = {400, 409}  # for what cannot be both: which of them is nowhere said
MISSING = {400, 404}

need_clients()


@pytest.fixture(scope="module")
def lines(told: Callable[[str], Lines]) -> Lines:
    return told("twilio_client")


@pytest.fixture
def line(lines: Lines) -> Told:
    return lambda call: lines[call][0]


def test_every_operation_is_asked_for_and_answers_as_published(lines: Lines) -> None:
    assert assert_published(lines, also=frozenset({409})) == {one.id for one in memory_document().operations}


def test_it_comes_to_its_end_on_this_machine(lines: Lines) -> None:
    assert "done" in lines and "went out" not in lines


def test_what_was_accepted_is_done(lines: Lines) -> None:
    assert [
        call for call, those in lines.items() for one in those if (one["error"] or {}).get("type") == "NeverShown"
    ] == []


def test_nothing_is_refused_but_what_should_be(lines: Lines) -> None:
    refused = {call: line["error"] for call, those in lines.items() for line in those if line["error"]}
    expected = {
        **{"stores.create taken": REFUSED, "stores.patch stale": {412}, "stores.fetch nowhere": {404}},
        **{"operations.fetch nowhere": MISSING, "identity_resolution_settings.update stale": {412}},
        **{"profiles.create nobody": {400}, "recall.create no conversation": {400}, "profiles.patch merged": {308}},
        **{"trait_groups.delete contact": REFUSED},
    }

    assert set(refused) == set(expected)
    for call, error in refused.items():
        assert error["status"] in expected[call] and isinstance(error["code"], int), error
        assert error["type"] == "TwilioRestException" and error["msg"], error


def test_the_operation_tells_the_id(lines: Lines) -> None:
    for line in lines["operations.fetch"]:
        assert line["result"]["status"] == "COMPLETED" and line["result"]["result"]["type"] == "RESOURCE_ID"


@pytest.mark.parametrize(
    ("call", "pages", "items"),
    [
        ("stores.list", 2, 2),
        ("stores.stream", 2, 2),
        ("stores.list limit", 1, 1),
        ("trait_groups.list", 2, 2),
        ("trait_groups.stream", 2, 2),
        ("data_mappings.list", 1, 1),
        ("profiles.list", 2, 2),
        ("profiles.stream", 2, 2),
        ("traits.list", 2, 4),
        ("observations.list", 2, 3),
        ("observations.stream", 1, 1),
        ("revisions.list", 2, 2),
        ("conversation_summaries.list", 2, 2),
        ("imports.list", 1, 1),
    ],
)
def test_a_list_is_walked_to_its_end(line: Told, call: str, pages: int, items: int) -> None:
    assert (len(line(call)["wire"]), len(line(call)["result"])) == (pages, items)


def test_a_list_is_in_the_order_that_was_asked_for(line: Told) -> None:
    assert line("stores.list")["result"] == line("stores.stream")["result"][::-1]
    assert line("revisions.list")["result"][0]["content"] == "likes coffee"


def test_a_list_may_be_asked_for_in_the_form_of_a_form(line: Told) -> None:
    assert line("profiles.list")["wire"][0]["form"] and statuses(line("profiles.list")) == [200, 200]


@pytest.mark.parametrize(
    ("call", "times"),
    [
        ("profiles.fetch", ["created_at"]),
        ("observations.fetch", ["created_at", "updated_at", "occurred_at"]),
        ("conversation_summaries.fetch", ["created_at", "updated_at", "occurred_at"]),
        ("data_mappings.fetch", ["created_at", "updated_at"]),
        ("imports.fetch", ["created_at"]),
    ],
)
def test_times_are_understood(line: Told, call: str, times: list[str]) -> None:
    for name in times:
        assert datetime.fromisoformat(line(call)["result"][name]["datetime"]).utcoffset() is not None


def test_a_change_makes_a_version(line: Told) -> None:
    before, after = line("stores.fetch")["result"], line("stores.fetch changed")["result"]

    assert (before["version"], after["version"], after["description"]) == (1, 2, "tried")
    traits = line("trait_groups.fetch changed")["result"]["trait_group"]["traits"]
    assert {"points", "number"} <= set(traits) and "tier" not in traits


def test_one_person_is_one_profile(line: Told) -> None:
    dana = line("profiles.create")["result"]["id"]

    assert line("profiles.create again")["result"]["id"] == dana != line("profiles.create other")["result"]["id"]
    assert line("lookup.create")["result"] == {"normalized_value": "+13175550142", "profiles": [dana]}
    assert not line("lookup.create nobody")["result"].get("profiles")
    assert line("profiles.fetch")["result"]["traits"]["Contact"]["email"] == "dana@example.com"


def test_no_trait_is_taken_away_by_it(line: Told) -> None:
    """The package leaves nulls out of what it sends."""
    assert line("profiles.patch")["wire"][0]["body"] == {"traits": {"Contact": {"lastName": "Ortiz"}}}


def test_what_is_asked_for_comes_first(line: Told) -> None:
    best = line("recall.create query")["result"]["observations"][0]

    assert best["content"] == "likes coffee" and 0 < best["score"] <= 1
    assert all("score" not in one for one in line("recall.create")["result"]["observations"])
    assert "conversation_id is required" in line("recall.create no conversation")["error"]["msg"]


def test_a_merged_profile_has_moved(line: Told) -> None:
    """The package follows no redirect: of a read it makes an empty profile, of a write an error."""
    dana = line("profiles.create")["result"]["id"]
    for call, status in (("profiles.fetch merged", 301), ("profiles.patch merged", 308)):
        moved = line(call)["wire"][0]
        assert (moved["status"], moved["headers"]["canonical-profile-id"]) == (status, dana)
        assert moved["headers"]["location"].endswith(f"/Profiles/{dana}")
    assert "id" not in line("profiles.fetch merged")["result"]
    assert line("observations.fetch merged")["wire"][0]["headers"]["canonical-profile-id"] == dana
    assert line("lookup.create merged")["result"]["profiles"] == [dana]


def test_a_file_is_put_where_it_was_told_to(line: Told) -> None:
    assert line("imports put")["result"]["status"] in (200, 201, 204)
    assert line("imports.fetch")["result"]["status"] == "COMPLETED"
