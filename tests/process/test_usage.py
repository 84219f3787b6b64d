"""What tenants used is counted by every process, adds up, and outlives them."""

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mcp_memory.http import shared_metrics

from .servers import ANSWER_SECONDS, Home, Http, Stdio, batch, http_server, new_profile, stdio_server, until

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without telling it: no signals")
DOG = "Has a dog"


def usage(home: Home, *arguments: str) -> list[dict[str, Any]]:
    done = home.run("usage", "--json", "--data-dir", str(home.data), *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)["usage"]
    return found


def eof(server: Stdio) -> None:
    server.close_stdin()


def sigterm(server: Stdio) -> None:
    server.process.send_signal(signal.SIGTERM)


def visit(server: Stdio) -> None:
    """A profile operation, a profile read, a recall, nine characters; three requests and one to greet."""
    profile_id = new_profile(server)
    server.call("add_observation", **batch(profile_id, [DOG]))
    server.call("recall", profile_id=profile_id)


VISIT = {
    "profile_operations": 1,
    "utilised_profiles": 1,
    "recalls": 1,
    "memory_generation_characters": len(DOG),
    "requests": 4,
}


@pytest.mark.parametrize("end", [eof, pytest.param(sigterm, marks=posix)])
def test_what_was_used_outlives_a_server_that_is_told_to_end(
    home: Home, server: Stdio, end: Callable[[Stdio], None]
) -> None:
    visit(server)

    end(server)
    assert server.exit_code() == 0 and server.stderr == ""

    (day,) = usage(home)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day.pop("day"))
    assert day == {"tenant": "local", **VISIT}


@posix
def test_serve_counts_what_comes_by_any_door_and_keeps_it_when_told_to_end(home: Home) -> None:
    with http_server(home) as http:
        store = httpx2.get(f"{http.address}/v1/ControlPlane/Stores").json()["stores"]
        assert store == []
        new = {"displayName": "default"}
        httpx2.post(f"{http.address}/v1/ControlPlane/Stores", json=new).raise_for_status()
        (store_id,) = httpx2.get(f"{http.address}/v1/ControlPlane/Stores").json()["stores"]
        contact = {"traits": {"Contact": {"phone": "+13175550142"}}}
        httpx2.post(f"{http.address}/v1/Stores/{store_id}/Profiles", json=contact).raise_for_status()
        http.process.send_signal(signal.SIGTERM)
        assert http.process.wait(ANSWER_SECONDS) == 0

    (day,) = usage(home)
    assert (day["requests"], day["profile_operations"]) == (4, 1)


def test_two_servers_add_up_and_a_profile_that_both_read_counts_once(home: Home) -> None:
    with stdio_server(home) as one, stdio_server(home) as other:
        visit(one)
        visit(other)

    (day,) = usage(home)
    assert day["utilised_profiles"] == 1  # found, by its phone
    assert (day["profile_operations"], day["recalls"], day["requests"]) == (2, 2, 8)


def test_a_server_that_is_killed_leaves_what_it_has_written(home: Home, server: Stdio) -> None:
    visit(server)
    until(lambda: (home.data / "catalog.db").exists() and usage(home))  # every two seconds

    server.kill()

    (day,) = usage(home)
    assert day["profile_operations"] == 1


def test_a_tenant_and_days_can_be_asked_for(home: Home) -> None:
    for tenant in ("acme", "globex"):
        with stdio_server(home, env={"MCP_MEMORY_TENANT": tenant}) as server:
            visit(server)

    assert [day["tenant"] for day in usage(home)] == ["acme", "globex"]
    assert [day["tenant"] for day in usage(home, "--tenant", "globex")] == ["globex"]
    assert usage(home, "--since", "2020-01-01", "--until", "2020-01-31") == []
    printed = home.run("usage", "--data-dir", str(home.data)).stdout.splitlines()
    assert printed[0].split() == ["day", "tenant", *VISIT]
    assert [line.split()[1:] for line in printed[1:]] == [
        [tenant, *(str(amount) for amount in VISIT.values())] for tenant in ("acme", "globex")
    ]
    nothing = home.run("usage", "--data-dir", str(home.data), "--since", "2020-01-01", "--until", "2020-01-31")
    assert nothing.stdout == "Nothing was used from 2020-01-01 to 2020-01-31.\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--since", "yesterday"], "--since must be a day like 2026-11-21."),
        (["--until", "20261121"], "--until must be a day like 2026-11-21."),
        (["--until", "2026-02-30"], "--until must be a day like 2026-11-21."),
        (["--since", "2026-11-22", "--until", "2026-11-21"], "--since 2026-11-22 comes after --until 2026-11-21."),
        (["--since", "0001-01-10"], None),
        (["--until", "0001-01-10"], None),
    ],
)
def test_a_wrong_day_is_refused_by_the_name_of_its_option(
    home: Home, arguments: list[str], complaint: str | None
) -> None:
    done = home.run("usage", "--data-dir", str(home.data), *arguments)

    assert (done.returncode, done.stderr) == ((2, f"mcp-memory: {complaint}\n") if complaint else (0, ""))


# Metrics


def total(http: Http, operation: str, outcome: str = "ok") -> float:
    """As this process tells it."""
    text = httpx2.get(f"{http.address}/metrics").text
    found = re.search(
        rf'^mcp_memory_operations_total{{operation="{operation}",outcome="{outcome}"}} (.*)$', text, re.MULTILINE
    )
    return float(found[1]) if found else 0.0


def stores(http: Http) -> None:
    httpx2.get(f"{http.address}/v1/ControlPlane/Stores").raise_for_status()


def test_a_server_shows_its_metrics_to_this_machine(http: Http) -> None:
    stores(http)
    answer = httpx2.get(f"{http.address}/metrics")
    forwarded = httpx2.get(f"{http.address}/metrics", headers={"X-Forwarded-For": "127.0.0.1"})

    assert answer.status_code == 200 and total(http, "ListStores") == 1
    assert "process_resident_memory_bytes" in answer.text or sys.platform != "linux"
    assert "local" not in answer.text
    assert forwarded.status_code == 403


def test_a_server_with_a_key_for_its_metrics_asks_for_it(home: Home) -> None:
    key = "a-key-of-the-metrics"
    with http_server(home, env={"MCP_MEMORY_METRICS_KEY": key}) as http:
        without = httpx2.get(f"{http.address}/metrics")
        with_it = httpx2.get(f"{http.address}/metrics", headers={"Authorization": f"Bearer {key}"})
        stderr = http.stderr

    assert (without.status_code, with_it.status_code) == (401, 200)
    assert key not in stderr


def test_processes_that_share_a_folder_for_metrics_each_show_the_sum(home: Home) -> None:
    with shared_metrics.folder() as folder:
        env = {shared_metrics.VARIABLE: folder}
        with http_server(home, env=env) as one, http_server(home, env=env) as other:
            for _ in range(3):
                stores(one)
            stores(other)
            seen = total(one, "ListStores"), total(other, "ListStores")
            other.process.terminate()
            other.process.wait(ANSWER_SECONDS)
            stores(one)
            after = total(one, "ListStores")
            text = httpx2.get(f"{one.address}/metrics").text

    assert seen == (4, 4)
    assert after == 5  # what the one counted that ended stays counted
    assert "mcp_memory_build_info" in text and "process_resident_memory_bytes" not in text


@posix
def test_of_two_workers_each_shows_the_sum_and_what_was_used_adds_up(home: Home) -> None:
    with http_server(home, env={"MCP_MEMORY_WORKERS": "2"}) as http:
        for _ in range(20):  # each on a connection of its own, so both workers have a part in it, most likely
            stores(http)
        seen = {total(http, "ListStores") for _ in range(10)}
        http.process.send_signal(signal.SIGTERM)
        assert http.process.wait(ANSWER_SECONDS) == 0

    assert seen == {20}
    (day,) = usage(home)
    assert day["requests"] == 20


def test_who_is_turned_away_at_the_door_is_counted_there_and_told_which_request_it_was(home: Home) -> None:
    env = {"MCP_MEMORY_AUTHENTICATION": "on", "MCP_MEMORY_LOG_LEVEL": "info"}
    with http_server(home, env=env) as http:
        given = {"X-Request-Id": "mine-1", "Authorization": "Bearer s3cret-and-private"}
        for path in ("/v1/ControlPlane/Stores", "/mcp"):
            answer = httpx2.post(f"{http.address}{path}", headers=given)
            assert (answer.status_code, answer.headers["x-request-id"]) == (401, "mine-1")
        refused = total(http, "refused", "unauthorized")
        stderr = http.stderr

    assert refused == 2
    assert len(re.findall("operation=refused outcome=unauthorized .* request_id=mine-1 tenant=-", stderr)) == 2
    assert "s3cret" not in stderr


# The log


def test_at_info_each_operation_is_a_line_and_in_json_an_object(home: Home) -> None:
    env = {"MCP_MEMORY_LOG_LEVEL": "info", "MCP_MEMORY_LOG_FORMAT": "json"}
    with stdio_server(home, env=env) as server:
        visit(server)
        server.close_stdin()
        server.exit_code()
        lines = [json.loads(line) for line in server.stderr.splitlines()]

    ended = [one for one in lines if one["logger"] == "mcp_memory.operations"]
    assert [one["operation"] for one in ended] == ["initialize", "upsert_traits", "add_observation", "recall"]
    assert {(one["level"], one["outcome"], one["tenant"]) for one in ended} == {("info", "ok", "local")}
    assert DOG not in server.stderr and "+13175550142" not in server.stderr


def test_over_stdio_neither_metrics_nor_spans_are_loaded(home: Home, tmp_path: Path) -> None:
    loaded = tmp_path / "loaded.txt"
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os, sys\n"
        "def leave(code, really=os._exit):\n"
        "    tell()\n"
        "    really(code)\n"
        "def tell():\n"
        f"    with open({str(loaded)!r}, 'w', encoding='utf-8') as file:\n"
        "        file.write('\\n'.join(sys.modules))\n"
        "atexit.register(tell)\n"
        "os._exit = leave\n",
        encoding="utf-8",
    )
    with stdio_server(home, env={"PYTHONPATH": str(tmp_path)}) as server:
        visit(server)

    names = loaded.read_text(encoding="utf-8").splitlines()
    assert "mcp_memory.metering" in names
    assert not [name for name in names if name.startswith(("prometheus_client", "opentelemetry.sdk", "fastapi"))]


def test_what_is_learned_in_the_background_is_billed(home: Home) -> None:
    """What was said, read for observations and again for the summary, and what was made of it."""
    said = ["I live in Porto.", "My daughter Ana plays the cello."]
    with stdio_server(home, env={"MCP_MEMORY_TOOLSETS": "agent,conversation"}) as server:
        about = {"profile_id": new_profile(server), "conversation_id": "c-1"}
        server.call("record_messages", **about, messages=[{"text": one, "role": "customer"} for one in said])
        server.call("close_conversation", **about)

        def known() -> list[str]:
            found = server.call("recall", profile_id=about["profile_id"], observations_limit=9, summaries_limit=9)
            return [one["content"] for one in found["observations"] + found["summaries"]]

        until(lambda: len(known()) == 3)
        expected = 2 * sum(map(len, said)) + sum(map(len, known()))
        eof(server)
        assert server.exit_code() == 0

    (day,) = usage(home)
    assert day["memory_generation_characters"] == expected
