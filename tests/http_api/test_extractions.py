"""What is learned of conversations, seen and retried: ours, beside what is published."""

from dataclasses import replace
from typing import Any, cast

import anyio.to_thread
import pytest
from jsonschema import Draft202012Validator

from mcp_memory import app as wiring
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.conversation_ids import to_api
from mcp_memory.errors import Forbidden
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.model import Caller, Scope
from mcp_memory.rights import READ, WRITE
from mcp_memory.service import Memory
from tests.doors import guarded
from tests.http_api.accounts import CONVERSATION, NOBODY, Account, queued
from tests.http_api.conftest import Open
from tests.http_api.test_document import described, operations

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ours(acme: Account, opened: Open) -> Account:
    """Not held to the published document: nothing of this is in it."""
    return opened(like=acme, checked=False)


async def gave_up(account: Account, memory: Memory, extraction_id: str) -> None:
    def work(tx: Transaction) -> None:
        row = tx.find_extraction(extraction_id)
        assert row is not None
        tx.put_extraction(replace(row, status="FAILED", attempts=5, due_at=None, error="The model is away."))

    backend = cast(SqlBackend, memory._backend)
    scope = Scope(tenant=account.tenant, store_id=account.store_id)
    await anyio.to_thread.run_sync(backend._database.write, scope, work)


async def learned(account: Account, memory: Memory) -> int:
    return await memory.learn(Caller(tenant=account.tenant, store=account.store_id))


async def test_an_extraction_is_queued_done_and_shown(ours: Account, memory: Memory) -> None:
    profile_id = await ours.profile()
    id = await queued(ours, memory, profile_id, "c-1")
    path = f"{ours.data}/Extractions"
    before = await ours.get(f"{path}/{id}")
    await learned(ours, memory)
    after = await ours.get(f"{path}/{id}")
    listed = await ours.get(path)

    assert before == {
        "id": id,
        "profileId": profile_id,
        "conversationId": to_api("c-1"),
        "cause": "CLOSED",
        "status": "QUEUED",
        "attempts": 0,
        "nextAttemptAt": before["createdAt"],
        **dict.fromkeys(("added", "updated", "discarded", "screened"), 0),
        "createdAt": before["createdAt"],
        "updatedAt": before["createdAt"],
    }
    assert after["status"] == "DONE" and after["added"] == 1 and after["extractedBy"]
    assert {"nextAttemptAt", "error"} & set(after) == set()
    assert listed == {"extractions": [after], "meta": {"key": "extractions", "pageSize": 50}}


async def test_what_failed_is_retried_and_what_is_not_is_a_conflict(ours: Account, memory: Memory) -> None:
    profile_id = await ours.profile()
    id = await queued(ours, memory, profile_id)
    path = f"{ours.data}/Extractions/{id}"
    assert "is queued" in await ours.refused("POST", f"{path}/Retry", 409)
    await gave_up(ours, memory, id)
    assert await learned(ours, memory) == 0
    shown = await ours.get(path)

    retried = await ours.write("POST", f"{path}/Retry")
    again = await ours.get(path)

    assert (shown["status"], shown["attempts"], shown["error"]) == ("FAILED", 5, "The model is away.")
    assert retried.json() == {"message": "Extraction accepted for processing."}
    assert (again["status"], again["attempts"], again.get("error")) == ("QUEUED", 0, None)
    assert await learned(ours, memory) == 1
    assert "there is nothing to retry" in await ours.refused("POST", f"{path}/Retry", 409)
    notes = (await ours.get(f"{ours.data}/Profiles/{profile_id}/Observations"))["observations"]
    assert ["Porto" in one["content"] for one in notes] == [True]


async def test_a_list_is_of_what_is_asked_for_a_page_at_a_time(ours: Account, memory: Memory) -> None:
    ann, bob = await ours.profile(), await ours.profile("+13175550143")
    first = await queued(ours, memory, ann)
    await gave_up(ours, memory, first)
    second, third = await queued(ours, memory, ann, "c-2"), await queued(ours, memory, bob)
    path = f"{ours.data}/Extractions"

    async def found(**asked: Any) -> list[str]:
        return [one["id"] for one in (await ours.ask("GET", path, params=asked)).json()["extractions"]]

    assert await found() == [third, second, first]
    assert await found(orderBy="ASC") == [first, second, third]
    assert await found(status="FAILED") == [first]
    assert await found(profileId=ann) == [second, first]
    assert await found(conversationId=CONVERSATION) == [third, first]
    assert await found(profileId=ann, conversationId=CONVERSATION, status="QUEUED") == []
    page = await ours.get(path, pageSize=2)
    rest = await ours.get(path, pageSize=2, pageToken=page["meta"]["nextToken"])
    assert [one["id"] for one in page["extractions"] + rest["extractions"]] == [third, second, first]
    assert "nextToken" not in rest["meta"]
    assert "pageToken" in await ours.refused(
        "GET", path, params={"pageSize": 2, "status": "QUEUED", "pageToken": page["meta"]["nextToken"]}
    )


async def test_what_is_asked_wrongly_is_refused_by_name(ours: Account) -> None:
    path = f"{ours.data}/Extractions"
    for name, wrong in (("status", "failed"), ("profileId", "ann"), ("conversationId", "c-1"), ("pageSize", "0")):
        assert name in await ours.refused("GET", path, params={name: wrong})
    assert "no such profile" in await ours.refused("GET", path, 404, params={"profileId": NOBODY})
    assert "extractionId" in await ours.refused("GET", f"{path}/mem_import_01kammq7gwf5sb8d9r2hkjx3e4")
    for suffix in ("01kammq7gwf5sb8d9r2hkjx3e4", "01kammq7gwf5sb8d9r2hkjx3eu"):
        for method, more in (("GET", ""), ("POST", "/Retry")):
            said = await ours.refused(method, f"{path}/mem_extraction_{suffix}{more}", 404)
            assert "no such extraction" in said


async def test_who_may_only_read_sees_and_does_not_retry(ours: Account, memory: Memory) -> None:
    id = await queued(ours, memory, await ours.profile())
    await gave_up(ours, memory, id)
    reads = Caller(tenant=ours.tenant, store=ours.store_id, rights=frozenset({READ}))
    writes = replace(reads, rights=frozenset({WRITE}))

    with pytest.raises(Forbidden):
        await memory.retry_extraction(reads, id)
    assert (await memory.get_extraction(reads, id)).status == "FAILED"
    with pytest.raises(Forbidden):
        await memory.get_extraction(writes, id)
    assert (await memory.retry_extraction(writes, id)).status == "QUEUED"


async def test_it_is_answered_as_our_document_says(ours: Account, memory: Memory) -> None:
    document = await described(ours)
    id = await queued(ours, memory, await ours.profile())
    found = operations(document)
    path = f"{ours.data}/Extractions"
    asked = [
        ("ListExtractions", "GET", path),
        ("FetchExtraction", "GET", f"{path}/{id}"),
        ("RetryExtraction", "POST", f"{path}/{id}/Retry"),
    ]
    for gives_up in (False, True):
        if gives_up:
            await gave_up(ours, memory, id)
        for name, method, at in asked:
            response = await ours.http.request(method, at)
            answer = found[name][2]["responses"][str(response.status_code)]
            schema = {**answer["content"]["application/json"]["schema"], "components": document["components"]}
            wrong = [error.message for error in Draft202012Validator(schema).iter_errors(response.json())]
            assert wrong == [], f"{name}: {wrong}"
            told = {one.lower() for one in answer.get("headers", {})} | {"content-length", "content-type"}
            assert {one for one in response.headers if one not in told} <= {"vary"}, name
            if name == "RetryExtraction":
                assert response.status_code == (202 if gives_up else 409)
    given = {(one["name"], one["in"]) for one in found["ListExtractions"][2]["parameters"]}
    assert {(name, "query") for name in ("status", "profileId", "conversationId", "pageSize", "pageToken")} <= given


async def test_it_is_there_under_the_older_path_too(
    ours: Account, memory: Memory, opened: Open, credentials: Any
) -> None:
    id = await queued(ours, memory, await ours.profile())
    served = guarded(build_api(Front(memory=memory, now=wiring.now), services_alias=True), credentials)
    older = opened(served, like=ours, checked=False)

    assert (await older.get(f"/v1/Services/{ours.store_id}/Extractions/{id}"))["id"] == id
