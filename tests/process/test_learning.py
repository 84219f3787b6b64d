"""Conversations that real servers learn from: in the background, after kill -9, and what was due while none ran."""

import json
import sqlite3
from pathlib import Path

import apsw

from .servers import Home, Stdio, http_server, new_profile, stdio_server, until

CONVERSATION = {"MCP_MEMORY_TOOLSETS": "agent,conversation,curator"}
SAID = ["I live in Porto.", "My daughter Ana plays the cello.", "Please never call me before ten."]


def talk(server: Stdio, profile_id: str, conversation: str, *texts: str) -> None:
    messages = [{"text": text, "role": "customer"} for text in texts]
    server.call("record_messages", profile_id=profile_id, conversation_id=conversation, messages=messages)


def known(server: Stdio, profile_id: str) -> list[str]:
    found = server.call("recall", profile_id=profile_id, observations_limit=50, summaries_limit=50)
    return sorted(one["content"] for one in found["observations"] + found["summaries"])


def store_of(home: Home) -> Path:
    (path,) = (home.data / "stores").glob("*.db")
    return path


def time_passes(home: Home) -> None:
    """An hour, for every conversation; and whatever was held is free."""
    store = apsw.Connection(str(store_of(home)))
    try:
        store.set_busy_timeout(10_000)
        store.execute("update conversation set last_at = last_at - 3600000000, due_at = due_at - 3600000000")
        store.execute("update lease set until = 0")
    finally:
        store.close()


def queued(home: Home) -> int:
    with sqlite3.connect(f"file:{store_of(home)}?mode=ro", uri=True) as store:
        return int(store.execute("select count(*) from extraction where due_at is not null").fetchone()[0])


def test_a_conversation_that_is_closed_is_learned_from_in_the_background(home: Home) -> None:
    with stdio_server(home, env=CONVERSATION) as server:
        profile_id = new_profile(server)
        talk(server, profile_id, "c-1", *SAID)
        assert known(server, profile_id) == []
        closed = server.call("close_conversation", profile_id=profile_id, conversation_id="c-1")
        until(lambda: len(known(server, profile_id)) >= 4)

        assert closed["status"] == "CLOSED"
        learned = known(server, profile_id)
        assert any("Porto" in one for one in learned) and any("Ana" in one for one in learned)
        found = server.call("recall", profile_id=profile_id, query="Where does the customer live?")
        best = found["observations"][0]
        history = server.call("observation_history", profile_id=profile_id, observation_id=best["id"])
        assert "Porto" in best["content"] and history["revisions"][0]["actor"].startswith("extraction")
    assert server.stderr == ""


def test_whoever_subscribed_hears_of_what_is_learned_in_the_background(home: Home) -> None:
    with stdio_server(home, env=CONVERSATION) as server:
        profile_id = new_profile(server)
        uri = f"memory://profiles/{profile_id}/observations"
        server.request("resources/subscribe", {"uri": uri})
        talk(server, profile_id, "c-1", *SAID)
        server.call("close_conversation", profile_id=profile_id, conversation_id="c-1")
        until(lambda: any(b"resources/updated" in line and uri.encode() in line for line in server.lines))

        assert len(known(server, profile_id)) >= 3


def test_what_fell_silent_while_no_server_ran_is_learned_from_at_the_next_start(home: Home) -> None:
    with stdio_server(home, env=CONVERSATION) as server:
        profile_id = new_profile(server)
        talk(server, profile_id, "c-1", *SAID)
    time_passes(home)
    with stdio_server(home, env=CONVERSATION) as server:
        until(lambda: len(known(server, profile_id)) >= 3)


def test_a_host_that_starts_learns_from_what_fell_silent_though_nobody_asks(home: Home) -> None:
    with stdio_server(home, env=CONVERSATION) as server:
        profile_id = new_profile(server)
        talk(server, profile_id, "c-1", *SAID)
        server.kill()
    time_passes(home)
    with http_server(home):
        until(lambda: ended(home) == 1)
    with stdio_server(home, env=CONVERSATION) as server:
        assert any("Porto" in one for one in known(server, profile_id))


def ended(home: Home) -> int:
    with sqlite3.connect(f"file:{store_of(home)}?mode=ro", uri=True) as store:
        return int(store.execute("select count(*) from extraction where status = 'DONE'").fetchone()[0])


def test_whoever_is_killed_at_once_after_closing_has_lost_nothing_and_doubled_nothing(home: Home) -> None:
    with stdio_server(home, env=CONVERSATION) as server:
        profile_id = new_profile(server)
        for number in range(3):
            talk(server, profile_id, f"c-{number}", f"My order B-{2070 + number} arrived damaged.", *SAID)
            server.call("close_conversation", profile_id=profile_id, conversation_id=f"c-{number}")
        server.kill()
    time_passes(home)
    with stdio_server(home, env=CONVERSATION) as server:
        known(server, profile_id)
        until(lambda: queued(home) == 0)
        learned = known(server, profile_id)

    assert len(learned) == len(set(learned))
    assert all(sum(f"B-{2070 + number}" in one for one in learned) == 2 for number in range(3))  # and in its summary
    assert sum("Porto" in one for one in learned) <= 1 + 3


def test_from_a_terminal_extractions_are_seen_and_what_failed_is_retried(home: Home) -> None:
    folder = ("--data-dir", str(home.data))
    with stdio_server(home, env=CONVERSATION) as server:
        profile_id = new_profile(server)
        talk(server, profile_id, "c-1", *SAID)
        extraction_id = server.call("close_conversation", profile_id=profile_id, conversation_id="c-1")["extraction_id"]
        until(lambda: queued(home) == 0)
        before = known(server, profile_id)
    done = home.run("extractions", "list", *folder)
    refused = home.run("extractions", "retry", extraction_id, *folder)
    gave_up(home)
    failed = home.run("extractions", "list", "--status", "FAILED", "--profile-id", profile_id, "--json", *folder)
    none = home.run("extractions", "list", "--status", "QUEUED", *folder)
    retried = home.run("extractions", "retry", extraction_id, *folder)
    with stdio_server(home, env=CONVERSATION) as server:
        known(server, profile_id)
        until(lambda: queued(home) == 0)
        after = known(server, profile_id)

    assert (done.returncode, done.stdout.split()[:2]) == (0, [extraction_id, "DONE"]) and '"c-1"' in done.stdout
    assert refused.returncode == 2 and "there is nothing to retry" in refused.stderr
    (told,) = json.loads(failed.stdout)["extractions"]
    assert (told["extraction_id"], told["status"], told["error"]) == (extraction_id, "FAILED", "The model is away.")
    assert (none.returncode, none.stdout) == (0, "There are none.\n")
    assert (retried.returncode, retried.stdout.split()[:2]) == (0, [extraction_id, "QUEUED"])
    assert after == before and home.run("extractions", "list", *folder).stdout.split()[1] == "DONE"


def gave_up(home: Home) -> None:
    """As if it had never come to an end."""
    store = apsw.Connection(str(store_of(home)))
    try:
        store.execute("update extraction set status = 'FAILED', attempts = 5, stored = 0, error = 'The model is away.'")
    finally:
        store.close()
