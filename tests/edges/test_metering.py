"""Every request of MCP is metered, in both eras, and nothing that was sent or stored is told."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp.client import Client
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError
from prometheus_client.parser import text_string_to_metric_families

from mcp_memory import app, resources
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.calls.usage import SqlUsage
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.http.metrics import PrometheusMetrics
from mcp_memory.logs import JsonLine, OneLine
from mcp_memory.metering import Meter
from mcp_memory.metering.counter import UsageCounter
from mcp_memory.metering.memory import MeteredMemory
from mcp_memory.model import Caller
from mcp_memory.server import build_server
from mcp_memory.tools.toolsets import tools_of
from tests.edges.conftest import Agent

pytestmark = pytest.mark.anyio

ACME = Caller(tenant="acme", actor="SK1")
SECRET = "s3cret-and-private"
ABSENT = "memory://profiles/mem_profile_00000000000000000000000000"


@dataclass(frozen=True)
class Metered:
    memory: MeteredMemory
    metrics: PrometheusMetrics
    meter: Meter
    book: SqlUsage
    client: Client
    agent: Agent

    async def series(self) -> dict[tuple[str, str], float]:
        """How many of each operation ended how."""
        text, _ = await anyio.to_thread.run_sync(self.metrics.text, "")
        return {
            (one.labels["operation"], one.labels["outcome"]): one.value
            for family in text_string_to_metric_families(text.decode())
            for one in family.samples
            if one.name == "mcp_memory_operations_total"
        }

    async def used(self) -> dict[str, int]:
        def read() -> dict[str, int]:
            self.memory.usage.write()
            (day,) = self.book.between(date.min, date.max, "acme")
            return dict(day.amounts)

        return await anyio.to_thread.run_sync(read)


@pytest.fixture(params=["auto", "legacy"])
async def metered(request: pytest.FixtureRequest, tmp_path: Path, embedder: MiniLM) -> AsyncIterator[Metered]:
    database = SqliteDatabase(tmp_path)
    backend = SqlBackend(database, embedder, now=app.now, make_id=app.make_id, region="US")
    book = SqlUsage(database)
    memory = MeteredMemory(backend, app.now, UsageCounter(book, app.now))
    metrics = PrometheusMetrics()
    meter = Meter(make_id=app.make_request_id, metrics=metrics, usage=memory.usage)
    server = build_server(memory, lambda ctx: ACME, tools_of(["agent", "conversation", "curator"]), meter=meter)
    try:
        async with Client(server, mode=request.param) as client:
            yield Metered(memory, metrics, meter, book, client, Agent(client))
    finally:
        await memory.close()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "mcp_memory.operations")
    return caplog


def told(lines: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.fields for record in lines.records if record.name == "mcp_memory.operations"]  # type: ignore[attr-defined]


def named(lines: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Operations and outcomes, without what the client asks for by itself."""
    own = {"initialize", "server/discover", "tools/list"}
    return [(one["operation"], one["outcome"]) for one in told(lines) if one["operation"] not in own]


async def new_profile(metered: Metered, **contact: str) -> str:
    done = await metered.agent.call("upsert_traits", traits={"Contact": {"phone": "+13175550142", **contact}})
    return str(done["profile_id"])


async def test_each_call_is_a_line_with_who_asked_and_what_came_of_it(
    metered: Metered, lines: pytest.LogCaptureFixture
) -> None:
    profile_id = await new_profile(metered)
    await metered.agent.call("recall", profile_id=profile_id)
    await metered.agent.refused("recall", profile_id=profile_id, query="x" * 2000)
    await metered.agent.refused("recall", profile_id=ABSENT.removeprefix("memory://profiles/"))
    await metered.agent.read(f"memory://profiles/{profile_id}/timeline?limit=5")
    await metered.client.get_prompt("handoff", {"profile_id": profile_id})
    await metered.client.list_prompts()

    assert named(lines) == [
        ("upsert_traits", "ok"),
        ("recall", "ok"),
        ("recall", "invalid"),
        ("recall", "not_found"),
        ("resources/read memory://profiles/{profile_id}/timeline{?limit,before}", "ok"),
        ("prompts/get handoff", "ok"),
        ("prompts/list", "ok"),
    ]
    assert {(one["tenant"], one["actor"]) for one in told(lines)} == {("acme", "SK1")}
    assert len({one["request_id"] for one in told(lines)}) == len(told(lines))
    assert all(one["latency_ms"] >= 0 for one in told(lines))
    assert {(name, how): 1.0 for name, how in named(lines)}.items() <= (await metered.series()).items()


async def test_what_there_is_not_makes_no_name_of_its_own(metered: Metered, lines: pytest.LogCaptureFixture) -> None:
    for made_up in (SECRET, "recall\n", "x" * 500):
        with pytest.raises(MCPError):
            await metered.client.call_tool(made_up, {})
        with pytest.raises(MCPError):
            await metered.client.get_prompt(made_up)
        with pytest.raises(MCPError):
            await metered.client.read_resource(f"memory://{made_up}")
    with pytest.raises(MCPError):
        await metered.client.read_resource(ABSENT)

    each = [("tools/call", "invalid"), ("prompts/get", "invalid"), ("resources/read", "not_found")]
    assert named(lines) == [*each * 3, ("resources/read memory://profiles/{profile_id}{?as_of}", "not_found")]
    assert {name for name, _ in await metered.series()} <= {
        *("initialize", "server/discover", "tools/list", "tools/call", "prompts/get", "resources/read"),
        "resources/read memory://profiles/{profile_id}{?as_of}",
    }


async def test_each_tool_resource_and_prompt_has_a_name_of_its_own(
    metered: Metered, lines: pytest.LogCaptureFixture
) -> None:
    tools = [tool.name for tool in (await metered.client.list_tools()).tools]
    for tool in tools:
        await metered.agent.refused(tool, no_such_argument=1)
    for one in resources.RESOURCES:
        uri = one.uri.partition("{?")[0].replace("{profile_id}", ABSENT.rpartition("/")[2])
        try:
            await metered.client.read_resource(uri)
        except MCPError:
            assert one.is_template
    for prompt in (await metered.client.list_prompts()).prompts:
        with pytest.raises(MCPError):
            await metered.client.get_prompt(prompt.name)

    seen = [name for name, _ in named(lines)]
    assert seen[: len(tools)] == tools
    assert seen[len(tools) : -4] == [f"resources/read {one.uri}" for one in resources.RESOURCES]
    gets = [f"prompts/get {name}" for name in ("customer_briefing", "handoff", "extract_observations")]
    assert seen[-4:] == ["prompts/list", *gets]


async def test_nothing_that_was_sent_or_stored_is_told(metered: Metered, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    agent = metered.agent
    profile_id = await new_profile(metered, firstName=SECRET)
    await agent.call("add_observation", profile_id=profile_id, observations=[{"content": SECRET, "source": SECRET}])
    await agent.call("recall", profile_id=profile_id, query=SECRET)
    await agent.refused("recall", profile_id=SECRET, query=SECRET)
    await agent.refused("lookup_profile", value=SECRET, id_type=SECRET)
    await agent.read(f"memory://profiles/{profile_id}/context")
    with pytest.raises(MCPError):
        await metered.client.call_tool(SECRET, {SECRET: SECRET})
    with pytest.raises(MCPError):
        await metered.client.read_resource(f"memory://profiles/{SECRET}")

    ours = [record for record in caplog.records if record.name.startswith("mcp_memory")]
    text, _ = await anyio.to_thread.run_sync(metered.metrics.text, "")
    assert len(ours) > 8
    for form in (OneLine("%(message)s"), JsonLine()):
        assert not [line for line in map(form.format, ours) if SECRET in line or profile_id in line]
    assert SECRET not in text.decode() and "acme" not in text.decode()


async def test_a_bug_is_internal_and_its_line_says_which_request_it_was(
    metered: Metered, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mcp_memory")
    formatted: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            formatted.append(json.loads(JsonLine().format(record)))

    def broken(ctx: object) -> Caller:
        raise ZeroDivisionError("the cause")

    faulty = build_server(metered.memory, broken, meter=metered.meter)
    logger, kept = logging.getLogger("mcp_memory"), Kept()
    logger.addHandler(kept)
    try:
        async with Client(faulty) as client:
            await client.call_tool("lookup_profile", {"value": "x"})
    finally:
        logger.removeHandler(kept)

    (bug,) = [one for one in formatted if one["message"] == "tool lookup_profile failed"]
    (ended,) = [one for one in formatted if one.get("operation") == "lookup_profile"]
    assert ended["outcome"] == "internal" and ended["tenant"] is None
    assert bug["request_id"] == ended["request_id"] and "the cause" in bug["exception"]


@pytest.mark.parametrize("metered", ["auto"], indirect=True)  # the handshake era has no such stream
async def test_a_stream_of_changes_is_counted_when_it_ends_and_without_a_latency(
    metered: Metered, lines: pytest.LogCaptureFixture
) -> None:
    profile_id = await new_profile(metered)
    async with metered.client.listen(resource_subscriptions=[f"memory://profiles/{profile_id}"]) as changes:
        await metered.agent.call("upsert_traits", profile_id=profile_id, traits={"Contact": {"city": "Gary"}})
        with anyio.fail_after(10):
            assert isinstance(await anext(aiter(changes)), ResourceUpdated)
        assert "subscriptions/listen" not in [name for name, _ in named(lines)]
    await metered.client.list_prompts()

    text, _ = await anyio.to_thread.run_sync(metered.metrics.text, "")
    assert ("subscriptions/listen", "ok") in named(lines)
    assert (await metered.series())["subscriptions/listen", "ok"] == 1
    assert 'mcp_memory_operation_seconds_count{operation="subscriptions/listen"' not in text.decode()


async def test_a_session_of_the_handshake_era_is_counted_while_it_is_open(metered: Metered) -> None:
    async def open_sessions() -> float:
        text, _ = await anyio.to_thread.run_sync(metered.metrics.text, "")
        (line,) = [line for line in text.decode().splitlines() if line.startswith("mcp_memory_sessions ")]
        return float(line.split()[1])

    before = await open_sessions()
    assert before == (metered.client.protocol_version < "2026")
    server = build_server(metered.memory, lambda ctx: ACME, meter=metered.meter)
    async with Client(server, mode="legacy"):
        assert await open_sessions() == before + 1
    assert await open_sessions() == before


async def test_a_visit_costs_what_was_done(metered: Metered) -> None:
    agent = metered.agent
    dana = await new_profile(metered)
    lee = (await agent.call("upsert_traits", traits={"Contact": {"email": "lee@example.com"}}))["profile_id"]
    await agent.call("add_observation", profile_id=dana, observations=[{"content": "Has a dog"}])
    await agent.call("add_observation", profile_id=dana, observations=[{"content": "Has a dog"}])  # a duplicate
    await agent.call("write_summary", profile_id=dana, conversation_id="c-1", content="Talk")
    said = [{"text": "Not counted", "role": "customer"}]
    await agent.call("record_messages", profile_id=dana, conversation_id="c-1", messages=said)
    await agent.call("recall", profile_id=dana)
    await agent.call("recall", profile_id=dana, query="pets")
    await agent.refused("recall", profile_id=dana, query="x" * 2000)
    await agent.refused("upsert_traits", traits={})
    await agent.call("lookup_profile", value="+13175550142")
    await agent.call("lookup_profile", value="+13175550199")  # nobody

    used = await metered.used()
    assert used.pop("requests") >= 12
    assert used == {
        "profile_operations": 2,
        "utilised_profiles": 1,
        "recalls": 2,
        "memory_generation_characters": len("Has a dog") + len("Talk"),
    }

    merged = await agent.call("merge_profiles", profile_id=lee, other_id=dana)
    gone = merged["merged_profile_id"]
    await agent.read(f"memory://profiles/{gone}/context")  # one person by two ids
    await agent.read(f"memory://profiles/{merged['profile_id']}/context")
    used = await metered.used()
    assert (used["profile_operations"], used["utilised_profiles"]) == (3, 1)
    await agent.call("unmerge_profile", profile_id=gone)
    await agent.read(f"memory://profiles/{gone}/context")

    used = await metered.used()
    assert (used["profile_operations"], used["utilised_profiles"]) == (3, 2)
