"""Twilio's own package `twilio-agent-connect` against both APIs: what an agent knows when a customer writes.

It has an environment of its own: `make conformance` makes it, and fails where `make test` skips.
"""

from collections.abc import Callable

import pytest

from .conftest import Line, Lines, need_clients
from .exchanges import assert_published, statuses

Told = Callable[[str], Line]

need_clients()


@pytest.fixture(scope="module")
def lines(told_of_talks: Callable[[str], Lines]) -> Lines:
    return told_of_talks("agent_texts")


@pytest.fixture(scope="module")
def line(lines: Lines) -> Told:
    return lambda call: lines[call][0]


def test_every_answer_is_as_published(lines: Lines) -> None:
    assert assert_published(lines) == {
        *("CreateProfilesLookup", "CreateProfile", "FetchProfile", "CreateFetchProfileMemory"),
        *("CreateProfileConversationSummary", "ListParticipantByConversation", "UpdateParticipantInConversation"),
        *("CreateCommunicationInConversation", "ListCommunicationByConversation", "ListConversationByAccount"),
        *("UpdateConversationById", "PatchConversationById", "CreateConversationAction"),
    }


def test_it_comes_to_its_end_on_this_machine(lines: Lines) -> None:
    assert "done" in lines and "went out" not in lines


def test_nothing_fails(lines: Lines) -> None:
    assert [call for call, those in lines.items() for one in those if one["error"]] == []


def test_who_writes_first_is_told_of_and_gets_a_profile(lines: Lines, line: Told) -> None:
    knew = line("first")["result"]
    paths = [exchange["path"] for one in lines["first webhook"] for exchange in one["wire"]]
    ends = [path.split("/")[-1] for path in paths]

    assert [end for end in ends if end in ("Lookup", "Profiles", "Recall")] == ["Lookup", "Profiles", "Recall"]
    assert knew["traits"] == {"Contact": {"phone": "+13175550142"}} and knew["has_memory_features"]
    assert (knew["observations"], knew["summaries"]) == ([], [])
    assert knew["said"] == "About 'Hello, who are you?': one moment."


@pytest.mark.parametrize(
    ("call", "first"),
    [
        ("same conversation", "prefers email over calls"),
        ("next conversation", "has a dog called Rex"),
        ("once", "has a dog called Rex"),
    ],
)
def test_who_writes_again_is_known(line: Told, call: str, first: str) -> None:
    knew = line(call)["result"]

    assert knew["profile_id"] == line("first")["result"]["profile_id"]
    assert knew["observations"][0] == first and len(knew["observations"]) == 2
    assert knew["summaries"] == ["Dana asked who we are."]
    assert "- has a dog called Rex" in knew["prompt"] and "{'phone': '+13175550142'}" in knew["prompt"]


def test_a_conversation_is_one_until_it_is_closed(line: Told) -> None:
    ids = {
        call: line(call)["result"]["conversation_id"] for call in ("first", "same conversation", "next conversation")
    }

    assert ids["first"] == ids["same conversation"] != ids["next conversation"]
    assert [one["id"] for one in line("open")["result"]] == [ids["first"]]


def test_what_both_said_is_in_the_conversation(line: Told) -> None:
    assert [one["content"]["text"] for one in line("said so far")["result"]] == [
        "Hello, who are you?",
        "About 'Hello, who are you?': one moment.",
        "How do I want to be reached, email or calls?",
        "About 'How do I want to be reached, email or calls?': one moment.",
    ]


def test_what_has_no_way_to_send_is_told_so(line: Told) -> None:
    """The package goes on without it, as it does whenever sending fails."""
    (exchange,) = line("stock reply")["wire"]

    assert exchange["status"] == 400 and "channel's own business" in exchange["text"]


def test_what_is_asked_once_is_asked_once(lines: Lines, line: Told) -> None:
    assert "Recall" in str(lines["once webhook"]) and "Recall" not in str(lines["once more webhook"])
    assert line("once more")["result"]["observations"] == line("once")["result"]["observations"]


def test_a_conversation_that_was_summed_up_is_remembered(line: Told) -> None:
    assert line("cintel")["result"]["created_count"] == 1


def test_a_model_can_ask(line: Told) -> None:
    assert line("tool")["result"]["observations"][0]["content"] == "has a dog called Rex"


def test_a_conversation_is_handed_over_and_closed(line: Told) -> None:
    assert statuses(line("hand over")) == statuses(line("close")) == [200]
    assert line("close")["result"]["status"] == "CLOSED"
