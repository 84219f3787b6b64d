"""Models that change, fail and come back, under real servers: nothing is lost, and recall goes on meanwhile."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import apsw
import pytest

from mcp_memory.backends.sql.reembedding import BATCH
from tests.unit.endpoints import Api, Reply, serving

from .servers import EXIT_SECONDS, SLACK_SECONDS, Home, Stdio, batch, new_profile, stdio_server, timeline, until

KEY = "sk-7f3a-nobody-else-may-see-this"
NOTES = [f"Note {number}: asked about shelf {number} of the catalogue." for number in range(150)]
SAID = [f"Line {number}: is lamp {number} still to be had?" for number in range(60)]
KILLS = 3
CLIENTS, ROUNDS = 8, 6
BUNDLED = {"MCP_MEMORY_TOOLSETS": "agent,conversation"}


def by_endpoint(api: Api) -> dict[str, str]:
    return BUNDLED | {
        "MCP_MEMORY_EMBEDDER": "endpoint",
        "MCP_MEMORY_EMBEDDING_URL": api.url,
        "MCP_MEMORY_EMBEDDING_MODEL": "of-the-tests",
        "MCP_MEMORY_EMBEDDING_KEY": KEY,
    }


def down() -> list[Reply]:
    """More refusals than anybody waits for."""
    return [Reply(status=503) for _ in range(1000)]


def fill(home: Home) -> str:
    """What the bundled model has embedded: notes, and a conversation."""
    with stdio_server(home, env=BUNDLED) as server:
        profile_id = new_profile(server)
        for start in range(0, len(NOTES), 10):
            server.call("add_observation", **batch(profile_id, NOTES[start : start + 10]))
        messages = [{"text": text, "role": "customer"} for text in SAID]
        server.call("record_messages", profile_id=profile_id, conversation_id="c", messages=messages)
    return profile_id


def to_embed(server: Stdio) -> int:
    found: int = json.loads(server.read("memory://store"))["counts"].get("to_embed", 0)
    return found


def recalled(server: Stdio, profile_id: str, number: int) -> str:
    """The note that a question for its number finds, whichever vectors there are."""
    found = server.call("recall", profile_id=profile_id, query=f"Note {number}, shelf {number}", observations_limit=1)
    content: str = found["observations"][0]["content"]
    return content


def asked(api: Api) -> Counter[str]:
    """How often the vector of each note, and of each message between its neighbours, was asked for."""
    known = {*NOTES, *SAID}
    texts = (_own(text) for seen in api.seen for text in seen.body["input"])
    return Counter(text for text in texts if text in known)


def _own(text: str) -> str:
    """Of a message with those around it, itself."""
    lines = text.split("\n")
    return lines[0] if len(lines) == 1 or (lines[0] == SAID[0] and len(lines) == 2) else lines[1]


def two_minutes_pass(home: Home) -> None:
    """What the killed one held is free again."""
    (path,) = (home.data / "stores").glob("*.db")
    store = apsw.Connection(str(path))
    try:
        store.set_busy_timeout(10_000)
        store.execute("update lease set until = 0")
    finally:
        store.close()


class Gate:
    """Lets so many batches through; the next one stands before it, unanswered, until it is opened."""

    def __init__(self, api: Api) -> None:
        self._api, self.standing = api, threading.Event()

    @contextmanager
    def after(self, batches: int) -> Iterator[None]:
        """Its own events and count each time: a batch that a killed server left standing changes nothing later."""
        standing, opened, passes = threading.Event(), threading.Event(), threading.Semaphore(batches)

        def before(texts: list[str]) -> None:
            question = len(texts) == 1
            if not question and not passes.acquire(blocking=False):
                standing.set()
                opened.wait(timeout=30)

        self._api.before, self.standing = before, standing
        try:
            yield
        finally:
            self._api.before = lambda texts: None
            opened.set()


def test_a_change_of_model_survives_kill_minus_nine_and_nothing_is_asked_twice_needlessly(home: Home) -> None:
    profile_id, total = fill(home), len(NOTES) + len(SAID)
    left = []
    with serving() as api:
        gate = Gate(api)
        for _ in range(KILLS):
            with gate.after(1), stdio_server(home, env=by_endpoint(api)) as server:
                assert recalled(server, profile_id, 7) == NOTES[7]
                assert gate.standing.wait(timeout=30)
                left.append(to_embed(server))
                assert recalled(server, profile_id, 149) == NOTES[149]
                server.kill()
            two_minutes_pass(home)
        with stdio_server(home, env=by_endpoint(api)) as server:
            until(lambda: to_embed(server) == 0)
            assert [recalled(server, profile_id, number) for number in (0, 70, 149)] == [
                NOTES[number] for number in (0, 70, 149)
            ]
            assert len(timeline(server, profile_id)) == len(NOTES)
        times = asked(api)

    assert left == [total - (kill + 1) * BATCH for kill in range(KILLS)]
    assert set(times) == {*NOTES, *SAID}
    assert times.total() <= total + KILLS * BATCH
    assert home.run("doctor", "--data-dir", str(home.data)).returncode == 0


def test_two_servers_share_the_work_and_the_next_one_inherits_it(home: Home) -> None:
    profile_id, total = fill(home), len(NOTES) + len(SAID)
    with serving() as api, ExitStack() as stack:
        gate = Gate(api)
        stack.enter_context(gate.after(1))
        one, other = (stack.enter_context(stdio_server(home, env=by_endpoint(api))) for _ in range(2))
        assert recalled(one, profile_id, 7) == NOTES[7]
        assert gate.standing.wait(timeout=30)
        assert recalled(other, profile_id, 8) == NOTES[8]
        assert to_embed(other) == to_embed(one) == total - BATCH
        one.kill()
        two_minutes_pass(home)
        assert recalled(other, profile_id, 9) == NOTES[9]
    with serving() as next_api, stdio_server(home, env=by_endpoint(next_api)) as server:
        until(lambda: to_embed(server) == 0)

    assert asked(api).total() + asked(next_api).total() <= total + BATCH
    assert (asked(api) + asked(next_api)).keys() == {*NOTES, *SAID}


def test_two_servers_on_one_store_ask_for_each_text_once(home: Home) -> None:
    profile_id, total = fill(home), len(NOTES) + len(SAID)
    with serving() as api, ExitStack() as stack:
        servers = [stack.enter_context(stdio_server(home, env=by_endpoint(api))) for _ in range(2)]
        asks = [server.ask("resources/read", {"uri": "memory://store"}) for server in servers]
        assert all("result" in server.answer(ask) for server, ask in zip(servers, asks, strict=True))
        until(lambda: to_embed(servers[0]) == 0)
        found = [recalled(server, profile_id, 42) for server in servers]

    assert found == [NOTES[42]] * 2
    assert asked(api).total() == total


def test_an_endpoint_that_is_down_costs_nothing_but_vectors(home: Home) -> None:
    with serving(*down()) as api:
        env = by_endpoint(api) | {"MCP_MEMORY_LOG_LEVEL": "debug"}
        with stdio_server(home, env=env) as server:
            profile_id = new_profile(server)
            added = server.call("add_observation", **batch(profile_id, NOTES[:3]))
            found = server.call("recall", profile_id=profile_id, query="Note 2, shelf 2", observations_limit=1)
            refused = home.run("store", "--embed", "--data-dir", str(home.data), env=env)
            waiting = to_embed(server)
        api.script.clear()
        told = home.run("store", "--embed", "--data-dir", str(home.data), env=env)
        with stdio_server(home, env=env) as again:
            after = again.call("recall", profile_id=profile_id, query="Note 2, shelf 2", observations_limit=1)

    assert [one["outcome"] for one in added["observations"]] == ["added"] * 3
    assert found["observations"][0]["content"] == after["observations"][0]["content"] == NOTES[2]
    assert "warning" in found and "warning" not in after
    assert waiting == 3
    assert (refused.returncode, refused.stdout) == (2, "") and "HTTP 503" in refused.stderr
    assert (told.returncode, told.stderr) == (0, "3 of 3 items\n")
    assert "to_embed" not in json.loads(told.stdout)["counts"]
    assert [seen.headers["Authorization"] for seen in api.seen] == [f"Bearer {KEY}"] * len(api.seen)
    printed = [refused.stdout, refused.stderr, told.stdout, told.stderr, server.stderr, again.stderr]
    printed += [line.decode() for one in (server, again) for line in one.lines]
    kept = [path.read_bytes() for path in home.root.rglob("*") if path.is_file()]
    assert not any(KEY in text for text in printed)
    assert not any(KEY.encode() in content for content in kept)
    assert "Traceback" not in refused.stderr


def test_what_was_learned_while_the_endpoint_was_down_is_embedded_by_the_next_server(home: Home) -> None:
    with serving(*down()) as api:
        with stdio_server(home, env=by_endpoint(api)) as server:
            profile_id = new_profile(server)
            server.call("add_observation", **batch(profile_id, NOTES[:3]))
        api.script.clear()
        two_minutes_pass(home)
        with stdio_server(home, env=by_endpoint(api)) as server:
            until(lambda: to_embed(server) == 0)

        assert asked(api) == Counter(NOTES[:3]) + Counter(asked_while_down(api, 3))


def asked_while_down(api: Api, count: int) -> dict[str, int]:
    """The refused attempts name the texts too."""
    return {text: number - 1 for text, number in asked(api).items() if text in NOTES[:count]}


@pytest.mark.parametrize("leave", ["end of stdin", "signal"])
def test_a_server_leaves_in_time_while_an_endpoint_keeps_it_waiting(home: Home, leave: str) -> None:
    fill(home)
    with serving() as api:
        gate = Gate(api)
        with gate.after(0), stdio_server(home, env=by_endpoint(api)) as server:
            to_embed(server)
            assert gate.standing.wait(timeout=30)
            if leave == "signal":
                server.process.terminate()
            else:
                server.close_stdin()

            assert server.process.wait(EXIT_SECONDS + SLACK_SECONDS) == 0
            assert "Traceback" not in server.stderr


def test_a_server_that_waits_to_try_an_endpoint_again_leaves_at_once(home: Home) -> None:
    with serving(*down()) as api, stdio_server(home, env=by_endpoint(api)) as server:
        server.call("add_observation", **batch(new_profile(server), NOTES[:1]))
        server.close_stdin()

        assert server.exit_code() == 0


def test_clients_of_two_servers_append_to_one_conversation_and_nothing_is_lost_or_doubled(home: Home) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(stdio_server(home, env=BUNDLED)) for _ in range(2)]
        profile_id = new_profile(servers[0])

        def talk(client: int) -> None:
            for round in range(ROUNDS):
                for _ in range(1 + client % 2):  # half of them say everything twice
                    servers[client % 2 if round % 2 else client // 4].call(
                        "record_messages",
                        profile_id=profile_id,
                        conversation_id="shared",
                        messages=[
                            {
                                "text": f"Client {client} says {round}.{part}",
                                "role": "customer" if part else "agent",
                                "message_id": f"{client}-{round}-{part}",
                            }
                            for part in range(2)
                        ],
                    )

        with ThreadPoolExecutor(CLIENTS) as clients:
            for done in [clients.submit(talk, client) for client in range(CLIENTS)]:
                done.result()
        found = servers[1].call(
            "recall", profile_id=profile_id, conversation_id="shared", communications_limit=100, observations_limit=0
        )
        count = json.loads(servers[0].read(f"memory://profiles/{profile_id}"))["counts"]["messages"]

    said = [one["content"] for one in reversed(found["communications"])]
    assert count == len(said) == len(set(said)) == CLIENTS * ROUNDS * 2
    for client in range(CLIENTS):
        mine = [content for content in said if content.startswith(f"Client {client} ")]
        assert mine == [f"Client {client} says {round}.{part}" for round in range(ROUNDS) for part in range(2)]


def test_late_interaction_is_switched_off_and_on_again(home: Home) -> None:
    profile_id = fill(home)
    matched = []
    for switch in ("off", "on"):
        two_minutes_pass(home)
        with stdio_server(home, env=BUNDLED | {"MCP_MEMORY_LATE_INTERACTION": switch}) as server:
            assert recalled(server, profile_id, 7) == NOTES[7]
            until(lambda: to_embed(server) == 0)
            found = server.call("recall", profile_id=profile_id, query="shelf 9", detail="full", observations_limit=1)
        matched.append(found["observations"][0]["match"])

    assert "late_interaction" not in matched[0] and "cosine" in matched[0]
    assert "late_interaction" in matched[1]
