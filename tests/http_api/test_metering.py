"""Every request of the Memory API is metered, and says which it was."""

import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx2
import pytest

from mcp_memory import app as wiring
from mcp_memory.backends.sql.calls.usage import SqlUsage
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.auth.authenticator import Authenticator
from mcp_memory.http.metrics import PrometheusMetrics
from mcp_memory.import_queue import ImportQueue
from mcp_memory.metering import Meter
from mcp_memory.metering.counter import UsageCounter
from mcp_memory.metering.usage import REQUESTS
from mcp_memory.service import Memory
from mcp_memory.uploads import Uploads
from tests.doors import anybody, guarded
from tests.http_api.accounts import NOBODY, PHONE, Account
from tests.http_api.conftest import BASE, SECRET, Open
from tests.http_api.test_document import METHODS, described

pytestmark = pytest.mark.anyio

IDS = {"profileId": NOBODY, "idType": "email", "traitGroupName": "Contact"}
HOSTILE = "s3cret-and-private"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "mcp_memory.operations")
    return caplog


@pytest.fixture
async def plain(opened: Open) -> Account:
    """Its answers are not held to the published document: some of what it asks for is not in it."""
    account = opened(checked=False)
    await account.settle()
    return account


def told(lines: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.fields for record in lines.records if record.name == "mcp_memory.operations"]  # type: ignore[attr-defined]


def filled(path: str, store_id: str) -> str:
    """The path of something that is not there."""

    def name(found: "re.Match[str]") -> str:
        noun = found[1].removesuffix("Id")
        if noun == "store":
            return store_id
        snake = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", noun)
        return IDS.get(found[1], f"mem_{snake}_01kammq7gwf5sb8d9r2hkjx3e4")

    return re.sub(r"\{(\w+)\}", name, path)


async def test_each_operation_is_told_of_by_its_id(plain: Account, lines: pytest.LogCaptureFixture) -> None:
    document = await described(plain)
    lines.clear()
    asked = [
        (operation["operationId"], method.upper(), filled(path, plain.store_id))
        for path, of_path in document["paths"].items()
        for method, operation in of_path.items()
        if method in METHODS
    ]
    for _, method, path in asked:
        await plain.http.request(method, path, content=b"no json" if method != "GET" else b"")

    seen = [one["operation"] for one in told(lines)]
    assert seen == [name for name, _, _ in asked]
    assert len(seen) == len(set(seen)) > 40
    others = [one for one in told(lines) if one["operation"] != "PutProfilesImportFile"]
    assert {one["tenant"] for one in others} == {plain.tenant}


async def test_a_line_tells_who_asked_what_came_of_it_and_nothing_else(
    plain: Account, lines: pytest.LogCaptureFixture
) -> None:
    profile_id = await plain.profile(PHONE, firstName=HOSTILE)
    lines.clear()
    profile = f"{plain.data}/Profiles/{profile_id}"
    await plain.get(profile)
    await plain.write("POST", f"{profile}/Recall", {"query": HOSTILE}, 200)
    await plain.refused("POST", f"{profile}/Recall", json={"query": 5, HOSTILE: HOSTILE})
    await plain.refused("GET", f"{plain.data}/Profiles/{NOBODY}", 404)
    await plain.refused("GET", f"{profile}?pageSize=1&pageSize=2")
    await plain.refused("POST", f"{plain.control}/TraitGroups", json={"displayName": "Contact"})
    await plain.refused("GET", f"/v1/{HOSTILE}", 404)
    await plain.refused("PUT", profile, 405)
    await plain.http.get(profile, auth=(HOSTILE, HOSTILE))

    ended = told(lines)
    assert [(one["operation"], one["outcome"], one["tenant"]) for one in ended] == [
        ("FetchProfile", "ok", plain.tenant),
        ("CreateFetchProfileMemory", "ok", plain.tenant),
        ("CreateFetchProfileMemory", "invalid", plain.tenant),
        ("FetchProfile", "not_found", plain.tenant),
        ("FetchProfile", "invalid", plain.tenant),
        ("CreateTraitGroup", "conflict", plain.tenant),
        ("unknown", "not_found", None),
        ("unknown", "invalid", None),
        ("refused", "unauthorized", None),
    ]
    assert not [one for one in ended if HOSTILE in str(one) or profile_id in str(one)]


async def test_a_redirect_is_as_asked(acme: Account, lines: pytest.LogCaptureFixture) -> None:
    _, part = await acme.merged()
    lines.clear()

    await acme.ask("GET", f"{acme.data}/Profiles/{part}", 301)

    assert [(one["operation"], one["outcome"]) for one in told(lines)] == [("FetchProfile", "ok")]


async def test_a_request_id_comes_back_on_whatever_is_answered(plain: Account, lines: pytest.LogCaptureFixture) -> None:
    lines.clear()
    paths = ["/v1/ControlPlane/Stores", f"{plain.data}/Profiles/{NOBODY}", "/v1/nowhere"]
    sent = [await plain.http.get(path, headers={"X-Request-Id": "mine-1.b_C"}) for path in paths]
    none = [await plain.http.get(path) for path in paths]
    bad = [await plain.http.get(paths[0], headers={b"X-Request-Id": one}) for one in (b"a b", b"x" * 129, b"\xe9", b"")]

    assert {one.headers["x-request-id"] for one in sent} == {"mine-1.b_C"}
    made = [one.headers["x-request-id"] for one in (*none, *bad)]
    assert len(set(made)) == len(made) and all(re.fullmatch("[0-9a-f]{32}", one) for one in made)
    assert [one["request_id"] for one in told(lines)] == ["mine-1.b_C"] * 3 + made


async def test_older_paths_are_the_same_operations(memory: Memory, lines: pytest.LogCaptureFixture) -> None:
    served = guarded(build_api(Front(memory=memory, now=wiring.now), services_alias=True), anybody())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(served), base_url=BASE) as client:
        await client.get("/v1/Services")

    assert [one["operation"] for one in told(lines)] == ["ListStores"]


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[SqlUsage]:
    database = SqliteDatabase(tmp_path)
    yield SqlUsage(database)
    await anyio.to_thread.run_sync(database.close)


async def test_requests_are_counted_and_measured_for_whoever_is_known(
    memory: Memory, credentials: Authenticator, opened: Open, tmp_path: Path, book: SqlUsage
) -> None:
    counter, metrics = UsageCounter(book, wiring.now), PrometheusMetrics(by_tenant=True)
    queue = ImportQueue(memory, Uploads(tmp_path / "uploads"))
    meter = Meter(metrics=metrics, usage=counter)
    front = Front(memory=memory, now=wiring.now, imports=queue, meter=meter)
    account = opened(guarded(build_api(front), credentials, meter), checked=False)
    await account.settle()
    await account.refused("GET", f"{account.data}/Profiles/{NOBODY}", 404)
    await account.http.get(f"{account.data}/Profiles", auth=("nobody", SECRET))
    await account.refused("GET", "/v1/nowhere", 404)

    def read() -> tuple[str, list[Any]]:
        counter.write()
        today = wiring.now().date()
        return metrics.text("")[0].decode(), book.between(today, today)

    text, days = await anyio.to_thread.run_sync(read)

    assert [(one.tenant, one.amounts[REQUESTS]) for one in days] == [(account.tenant, 3)]
    assert 'mcp_memory_operations_total{operation="FetchProfile",outcome="not_found"} 1.0' in text
    assert 'mcp_memory_operations_total{operation="refused",outcome="unauthorized"} 1.0' in text
    assert 'mcp_memory_operation_seconds_count{operation="CreateStore",outcome="ok"} 1.0' in text
    assert f'mcp_memory_tenant_operations_total{{outcome="not_found",tenant="{account.tenant}"}} 1.0' in text
    assert f'mcp_memory_tenant_operation_seconds_count{{tenant="{account.tenant}"}} 3.0' in text
