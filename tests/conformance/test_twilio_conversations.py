"""Twilio's own package `twilio` against the Conversations API: every resource, as its users see it.

It has an environment of its own: `make conformance` makes it, and fails where `make test` skips.
"""

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.published.document import conversations_document

from .conftest import Line, Lines, need_clients
from .exchanges import assert_published, statuses

Told = Callable[[str], Line]

need_clients()


@pytest.fixture(scope="module")
def lines(told_of_talks: Callable[[str], Lines]) -> Lines:
    return told_of_talks("twilio_conversations")


@pytest.fixture(scope="module")
def line(lines: Lines) -> Told:
    return lambda call: lines[call][0]


def test_every_operation_is_asked_for_and_answers_as_published(lines: Lines) -> None:
    """But for what became of something sent: nothing is."""
    published = {one.id for one in conversations_document().operations} - {"FetchConversationAction"}

    assert assert_published(lines) == published


def test_it_comes_to_its_end_on_this_machine(lines: Lines) -> None:
    assert "done" in lines and "went out" not in lines


def test_nothing_is_refused_but_what_should_be(lines: Lines) -> None:
    refused = {call: one["error"] for call, those in lines.items() for one in those if one["error"]}

    assert {call: error["status"] for call, error in refused.items()} == {
        **{"configurations.fetch nowhere": 404, "configurations.create wrong": 400},
        **{"conversations.create again": 409, "participants.create again": 409, "actions.create": 400},
        **{"conversations.reopen": 400, "conversations.fetch deleted": 404},
    }
    for error in refused.values():
        assert error["type"] == "TwilioRestException" and error["msg"] and isinstance(error["code"], int)


def test_what_conflicts_is_named(line: Told) -> None:
    (again,), (who,) = line("conversations.create again")["wire"], line("participants.create again")["wire"]

    assert again["headers"]["x-conflicting-resource-id"] == line("conversations.create")["result"]["id"]
    assert who["headers"]["x-conflicting-resource-id"] == line("participants.create")["result"]["id"]


def test_the_operation_tells_what_it_was_about(line: Told) -> None:
    made, operation = line("configurations.create")["result"], line("operations.fetch")["result"]

    assert operation["status"] == "COMPLETED" and operation["related"] == made["related"]
    assert line("configurations.fetch")["result"]["id"] == made["related"]["configurationId"]


def test_a_configuration_is_replaced_and_changed(line: Told) -> None:
    before, after = line("configurations.fetch")["result"], line("configurations.fetch changed")["result"]

    assert before["channel_settings"]["SMS"]["statusTimeouts"] == {"inactive": 10, "closed": 30}
    assert before["channel_settings"]["SMS"]["captureRules"][0]["metadata"] == {"callType": "PSTN"}
    assert set(after["channel_settings"]) == {"SMS", "VOICE"} and after["memory_extraction_enabled"] is True
    assert (before["version"], after["version"], after["description"]) == (1, 3, "put")


@pytest.mark.parametrize(
    ("call", "pages", "items"),
    [
        ("configurations.list", 2, 2),
        ("conversations.list", 3, 3),
        ("conversations.stream", 2, 3),
        ("conversations.list closed", 1, 0),
        ("participants.list", 2, 3),
        ("communications.list", 2, 2),
        ("communications.list channel", 1, 1),
    ],
)
def test_a_list_is_walked_to_its_end(line: Told, call: str, pages: int, items: int) -> None:
    assert (len(line(call)["wire"]), len(line(call)["result"])) == (pages, items)


def test_a_conversation_is_told_with_who_takes_part(line: Told) -> None:
    talk = line("conversations.fetch")["result"]

    assert (talk["name"], talk["status"], len(talk["participants"])) == ("Refund", "ACTIVE", 2)
    assert talk["configuration"]["displayName"] == "Support" and talk["account_id"].startswith("AC")
    assert line("conversations.update")["result"]["status"] == "INACTIVE"
    patched = line("conversations.patch")["result"]
    assert (patched["name"], patched["status"]) == ("Refunded", "ACTIVE")


def test_a_participant_is_replaced(line: Told) -> None:
    ben, after = line("participants.create")["result"], line("participants.fetch")["result"]

    assert (ben["name"], after["name"]) == ("+13175550143", "Ben") and after["profile_id"] == ben["profile_id"]
    assert after["addresses"] == [{"channel": "SMS", "address": "+13175550143", "channelId": "SM1"}]


def test_what_is_said_is_told(line: Told) -> None:
    text, heard = line("communications.create")["result"], line("communications.fetch")["result"]

    assert text["content"] == {"type": "TEXT", "text": "Hello"} and text["resource_id"] == "SM1"
    assert heard["content"]["transcription"] == {"channel": 0, "confidence": 0.9, "engine": "ours"}
    assert heard["author"]["participantId"] and heard["recipients"][0]["participantId"]


@pytest.mark.parametrize(
    ("call", "times"),
    [
        ("configurations.fetch", ["created_at", "updated_at"]),
        ("conversations.fetch", ["created_at", "updated_at"]),
        ("participants.fetch", ["created_at", "updated_at"]),
        ("communications.fetch", ["created_at", "updated_at", "occurred_at"]),
        ("operations.fetch", ["created_at", "completed_at"]),
    ],
)
def test_times_are_understood(line: Told, call: str, times: list[str]) -> None:
    for name in times:
        assert datetime.fromisoformat(line(call)["result"][name]["datetime"]).utcoffset() is not None


def test_what_is_deleted_is_gone(line: Told) -> None:
    assert statuses(line("conversations.delete")) == statuses(line("configurations.delete")) == [202]
