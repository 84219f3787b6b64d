"""The memory client of Twilio's own package `twilio-agent-connect` against the Memory API.

It has an environment of its own: `make conformance` makes it, and fails where `make test` skips.
"""

from collections.abc import Callable

import pytest

from .conftest import Line, Lines, need_clients
from .exchanges import assert_published, statuses

Told = Callable[[str], Line]

need_clients()


@pytest.fixture(scope="module")
def lines(told: Callable[[str], Lines]) -> Lines:
    return told("agent_connect")


@pytest.fixture
def line(lines: Lines) -> Told:
    return lambda call: lines[call][0]


def test_every_answer_is_as_published(lines: Lines) -> None:
    assert assert_published(lines) == {
        *("CreateProfilesLookup", "CreateProfile", "FetchProfile", "CreateFetchProfileMemory"),
        *("CreateProfileObservation", "CreateProfileConversationSummary"),
    }


def test_it_comes_to_its_end_on_this_machine(lines: Lines) -> None:
    assert "done" in lines and "went out" not in lines


def test_memory_never_fails(lines: Lines) -> None:
    """The agent would go on without it, and nobody would know."""
    assert [call for call, those in lines.items() for one in those if one["error"]] == []


def test_its_client_has_all_that_it_reads(line: Told) -> None:
    profile = line("create_profile")["result"]

    assert line("lookup_profile nobody")["result"] == {"normalizedValue": "nobody@example.com", "profiles": []}
    assert line("get_profile")["result"]["traits"]["Contact"]["email"] == "kim@example.com"
    assert line("get_profile groups")["result"]["id"] == profile
    for call in ("retrieve_memory", "retrieve_memory bare"):
        recalled = line(call)["result"]
        assert [one["content"] for one in recalled["observations"]] == ["likes tea"]
        assert [one["content"] for one in recalled["summaries"]] == ["asked for a refund"]
        assert isinstance(recalled["meta"]["queryTime"], int)
    assert statuses(line("retrieve_memory refused")) == [400]


def test_it_follows_who_has_moved(line: Told) -> None:
    profile = line("create_profile")["result"]

    assert statuses(line("get_profile merged")) == [301, 200]
    assert line("get_profile merged")["result"]["id"] == profile
    assert statuses(line("retrieve_memory merged")) == [308, 200]
    assert line("retrieve_memory merged")["result"]["observations"]
    assert statuses(line("create_observation merged")) == [308, 202]
