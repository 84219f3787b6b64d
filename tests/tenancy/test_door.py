"""The door: every way in that does not hold, and what those are told who have no right to what they ask."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from mcp_memory.http import door
from mcp_memory.http.door import PATIENCE, Door, asker_of
from mcp_memory.tenancy.admission import Admission
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.keys import Key, digest, token
from mcp_memory.tenancy.tenants import Limits, Tenant
from tests.doors import Catalog, credentials, directory, guarded, now

pytestmark = pytest.mark.anyio

SECRET = "a-secret-of-tests"
BASE = "http://memory.test"
METADATA = f'resource_metadata="{BASE}/.well-known/oauth-protected-resource/mcp"'


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    """Whatever is behind the door: says who came through, and what they sent."""
    caller = asker_of(scope).caller
    body = (await Request(scope, receive).body()).decode()
    said = {"tenant": caller.tenant, "store": caller.store, "rights": sorted(caller.rights), "body": body}
    await JSONResponse(said)(scope, receive, send)


class World:
    def __init__(self) -> None:
        self.catalog = Catalog()
        self.hosting = Hosting(
            tenants={"initech": Tenant(name="initech")},
            keys={"SK1": Key(key_id="SK1", tenant="initech", digest=digest(SECRET))},
        )
        for name in ("acme", "globex"):
            self.catalog.tenants[name] = Tenant(name=name, stores=("one", "two"))
            self.catalog.keys[name] = Key(key_id=name, tenant=name, digest=digest(SECRET + name))
        self.directory = directory(self.catalog, self.hosting)
        self.door = guarded(inside, credentials(self.directory))

    def client(self, **headers: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.door), base_url=BASE, headers=headers)

    def bearer(self, name: str = "acme") -> dict[str, str]:
        return {"Authorization": f"Bearer {token(name, SECRET + name)}"}


@pytest.fixture
def world() -> World:
    return World()


async def test_a_key_opens_as_bearer_and_as_basic_for_mcp_and_the_api_alike(world: World) -> None:
    basic = base64.b64encode(f"acme:{SECRET}acme".encode()).decode()
    async with world.client() as client:
        for path in ("/mcp", "/v1/ControlPlane/Stores", "/sse", "/nowhere"):
            for sent in (world.bearer()["Authorization"], f"Basic {basic}", f"basic  {basic}"):
                answer = await client.get(path, headers={"Authorization": sent})
                assert (answer.status_code, answer.json()["tenant"], answer.json()["store"]) == (200, "acme", "one")
        configured = await client.get("/v1/x", auth=("SK1", SECRET))

    assert configured.json()["tenant"] == "initech"


REFUSED = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer acme",
    f"Bearer acme.{SECRET}globex",
    f"Bearer globex.{SECRET}acme",
    f"Bearer acme.{SECRET}acme.x",
    f"Bearer acme:{SECRET}acme",
    f"Bearer .{SECRET}acme",
    f"Bearer Acme.{SECRET}acme",
    f"Bearer  acme .{SECRET}acme",
    f"Token acme.{SECRET}acme",
    f"acme.{SECRET}acme",
    "Basic",
    "Basic !!!!",
    "Basic YWNtZQ==",
    "Basic " + base64.b64encode(f"acme:{SECRET}".encode()).decode(),
    "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
    "Bearer " + "x" * 20_000,
    "Bearer eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJhY21lIn0.",
    "Digest username=acme",
]


@pytest.mark.parametrize("sent", REFUSED)
@pytest.mark.parametrize("path", ["/mcp", "/v1/ControlPlane/Stores", "/nowhere"])
async def test_what_does_not_hold_is_refused_with_one_answer(world: World, path: str, sent: str) -> None:
    async with world.client() as client:
        answer = await client.get(path, headers={"Authorization": sent} if sent else {})
        unknown = await client.get(path, headers={"Authorization": f"Bearer nobody.{SECRET}"})

    assert answer.status_code == 401 and METADATA in answer.headers["www-authenticate"]
    assert "acme" not in answer.text and SECRET not in answer.text
    if sent.split(" ")[0] in ("Bearer", "Basic") and sent.split(" ")[-1] not in ("", "Bearer", "Basic"):
        assert answer.text == unknown.text and answer.headers["www-authenticate"] == unknown.headers["www-authenticate"]


async def test_two_credentials_are_none(world: World) -> None:
    both = [
        ("Authorization", world.bearer("acme")["Authorization"]),
        ("Authorization", world.bearer("globex")["Authorization"]),
    ]
    async with world.client() as client:
        assert (await client.get("/mcp", headers=both)).status_code == 401


async def test_a_credential_in_the_address_is_no_credential(world: World) -> None:
    sent = token("acme", SECRET + "acme")
    async with world.client() as client:
        for name in ("access_token", "token", "key", "Authorization"):
            assert (await client.get(f"/mcp?{name}={sent}")).status_code == 401


async def test_what_changes_holds_at_the_next_request(world: World) -> None:
    async with world.client(**world.bearer()) as client:

        async def status() -> int:
            return (await client.get("/mcp")).status_code

        assert await status() == 200
        key, tenant = world.catalog.keys["acme"], world.catalog.tenants["acme"]
        for changed in (
            replace(key, revoked_at=now()),
            replace(key, expires_at=now() - timedelta(seconds=1)),
            replace(key, digest=digest("another-secret-of")),
        ):
            world.catalog.keys["acme"] = changed
            assert await status() == 401
        world.catalog.keys["acme"] = key
        assert await status() == 200
        world.catalog.tenants["acme"] = replace(tenant, suspended=True)
        assert await status() == 401
        await world.catalog.remove_tenant("acme")
        assert await status() == 401


async def test_a_credential_without_a_scope_of_ours_is_told_which_it_takes(world: World) -> None:
    world.catalog.keys["acme"] = replace(world.catalog.keys["acme"], scopes=("openid",))
    async with world.client(**world.bearer()) as client:
        answer = await client.get("/mcp")

    assert answer.status_code == 403 and answer.json()["error"] == "insufficient_scope"
    assert 'error="insufficient_scope", scope="memory:read"' in answer.headers["www-authenticate"]


def called(tool: str, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}, **more}


async def test_who_may_only_read_is_told_at_the_door_what_a_tool_that_writes_takes(world: World) -> None:
    world.catalog.keys["acme"] = replace(world.catalog.keys["acme"], scopes=("memory:read",))
    async with world.client(**world.bearer()) as client:
        for sent in (called("upsert_traits"), [called("recall"), called("add_observation")]):
            answer = await client.post("/mcp", json=sent)
            assert answer.status_code == 403
            assert 'scope="memory:write"' in answer.headers["www-authenticate"]
        for path in ("/mcp", "/messages/?session_id=x"):
            reading = await client.post(path, json=called("recall"))
            assert reading.status_code == 200 and json.loads(reading.json()["body"]) == called("recall")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 5000, b"[1, null]", b'{"method": "tools/call", "params": 5}', b"\xff"]
)
async def test_what_is_no_message_is_left_to_whoever_reads_messages(world: World, body: bytes) -> None:
    async def echoes(scope: Scope, receive: Receive, send: Send) -> None:
        asker_of(scope)
        await JSONResponse(len(await Request(scope, receive).body()))(scope, receive, send)

    world.catalog.keys["acme"] = replace(world.catalog.keys["acme"], scopes=("memory:read",))
    door = guarded(echoes, credentials(world.directory))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(door), base_url=BASE, headers=world.bearer()
    ) as client:
        assert (await client.post("/mcp", content=body)).json() == len(body)


def limited(world: World, **limits: int) -> None:
    world.catalog.tenants["acme"] = replace(world.catalog.tenants["acme"], limits=Limits(**limits))


async def test_who_asks_too_often_is_told_when_to_come_again(world: World) -> None:
    limited(world, requests_per_minute=6)
    async with world.client(**world.bearer()) as client:
        answers = [await client.get("/v1/x") for _ in range(3)]
        of_mcp = await client.get("/mcp")

    assert [one.status_code for one in answers] == [200, 429, 429]
    assert answers[1].headers["retry-after"] == "10" and answers[1].json()["code"] == 20429
    assert of_mcp.status_code == 429 and of_mcp.headers["retry-after"] == "10"


async def test_who_asks_on_and_on_is_told_so_without_being_looked_up_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HOLD_SECONDS", 0)
    limited(world, requests_per_minute=6)
    looked, find = [], world.catalog.find_key

    async def counted(key_id: str) -> tuple[Key, Tenant] | None:
        looked.append(key_id)
        return await find(key_id)

    world.catalog.find_key = counted  # type: ignore[method-assign]
    async with world.client(**world.bearer()) as client:
        answers = [(await client.get("/v1/x")).status_code for _ in range(20)]
        world.catalog.keys["acme"] = replace(world.catalog.keys["acme"], revoked_at=now())
        asked_again = await client.get("/v1/x")

    assert answers == [200, *[429] * 19] and len(looked) == 1 + PATIENCE
    assert asked_again.status_code == 429  # refused for the one reason or the other: let in it is not


async def test_who_asks_again_at_once_waits_for_each_refusal_and_keeps_nobody_else_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many of its requests wait; what is beyond that is refused at once."""
    monkeypatch.setattr(door, "HOLD_SECONDS", 3600)
    monkeypatch.setattr(door, "MAX_HELD", 5)
    limited(world, requests_per_minute=6)
    answers: list[int] = []

    async with world.client(**world.bearer()) as client, anyio.create_task_group() as tasks:

        async def ask() -> None:
            answers.append((await client.get("/v1/x")).status_code)

        for _ in range(1 + PATIENCE):
            await ask()
        for _ in range(5):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        held = len(answers)
        await ask()
        other = (await client.get("/v1/x", headers=world.bearer("globex"))).status_code
        tasks.cancel_scope.cancel()

    assert answers == [200, *[429] * (PATIENCE + 1)] and held == 1 + PATIENCE
    assert other == 200


async def test_a_noisy_tenant_uses_up_its_own_requests_alone(world: World) -> None:
    limited(world, requests_per_minute=6)
    async with world.client(**world.bearer()) as noisy, world.client(**world.bearer("globex")) as quiet:
        for _ in range(20):
            await noisy.get("/v1/x")
            assert (await quiet.get("/v1/x")).status_code == 200


async def test_so_many_requests_at_once(world: World) -> None:
    limited(world, concurrent_requests=2)
    here, go = anyio.Semaphore(0), anyio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        here.release()
        await go.wait()
        await JSONResponse({})(scope, receive, send)

    door = guarded(slow, credentials(world.directory))
    transport = httpx2.ASGITransport(door)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=world.bearer()) as client:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                for _ in range(2):
                    tasks.start_soon(client.get, "/v1/x")
                for _ in range(2):
                    await here.acquire()
                refused = await client.get("/v1/x")
                go.set()
        assert refused.status_code == 429 and "2 requests at once" in refused.json()["message"]
        assert (await client.get("/v1/x")).status_code == 200


async def test_a_stream_ends_when_its_credential_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_memory.http.door.LOOK_SECONDS", 0.01)
    begun, ended = anyio.Event(), anyio.Event()

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        async def lines() -> AsyncIterator[str]:
            yield "data: x\n\n"
            begun.set()
            await anyio.sleep_forever()

        try:
            await StreamingResponse(lines(), media_type="text/event-stream")(scope, receive, send)
        finally:
            ended.set()
            with anyio.CancelScope(shield=True):  # as whoever stands before the door does
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    door = guarded(stream, credentials(world.directory))
    transport = httpx2.ASGITransport(door)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=world.bearer()) as client:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(door._entrance.watch)
                tasks.start_soon(client.get, "/sse")
                await begun.wait()
                assert not ended.is_set()
                world.catalog.keys["acme"] = replace(world.catalog.keys["acme"], revoked_at=now())
                await ended.wait()
                tasks.cancel_scope.cancel()


async def test_so_many_streams_at_once(world: World) -> None:
    limited(world, sessions=1)
    begun = anyio.Event()

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await anyio.sleep_forever()

    door = guarded(stream, credentials(world.directory))
    transport = httpx2.ASGITransport(door)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=world.bearer()) as client:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.get, "/sse")
                await begun.wait()
                refused = await client.get("/mcp")
                tasks.cancel_scope.cancel()

    assert refused.status_code == 429 and "1 sessions are open" in refused.json()["error_description"]


async def test_the_metadata_of_the_resource_is_there_for_everybody(world: World) -> None:
    async with world.client() as client:
        for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
            said = (await client.get(path)).json()
            assert said["resource"] == f"{BASE}/mcp" and said["bearer_methods_supported"] == ["header"]
            assert said["scopes_supported"] == ["memory:read", "memory:write", "memory:admin"]


async def test_only_what_is_listed_is_open(world: World) -> None:
    """Behind an open path, who asks is nobody: whatever needs somebody refuses."""
    async with world.client() as client:
        closed = [
            "/",
            "/healthz",
            "/health/",
            "/Health",
            "/metrics/x",
            "/uploads",
            "/v1",
            "/.well-known/x",
            "//health",
            "/docs",
        ]
        for path in closed:
            assert (await client.get(path)).status_code == 401, path
    reached = []

    async def sees(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["path"])
        await JSONResponse({})(scope, receive, send)

    door = Door(sees, guarded(inside, credentials(world.directory))._entrance)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(door), base_url=BASE) as client:
        for path in ("/health", "/ready", "/metrics", "/openapi.json", "/uploads/ticket"):
            await client.get(path)
    assert reached == ["/health", "/ready", "/metrics", "/openapi.json", "/uploads/ticket"]


async def test_whoever_forgets_the_door_is_asked_for_nobody(world: World) -> None:
    from mcp_memory.errors import Unauthorized

    nobody: list[Scope] = [{}, {"state": {}}, {"state": {"mcp_memory.asker": "acme"}}]
    for scope in nobody:
        with pytest.raises(Unauthorized):
            asker_of(scope)


async def test_the_first_tenant_ends_the_time_when_nobody_was_asked() -> None:
    from mcp_memory.http.auth.authenticator import Unasked

    catalog = Catalog()
    known = directory(catalog, Hosting(sole="local"))
    door = guarded(inside, Unasked(known, credentials(known)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(door), base_url=BASE) as client:
        before = await client.get("/mcp", headers={"Authorization": "Bearer of.whoever"})
        catalog.tenants["acme"] = Tenant(name="acme")
        after = await client.get("/mcp")
        del catalog.tenants["acme"]
        still = await client.get("/mcp")

    assert before.json()["tenant"] == "local"
    assert (after.status_code, still.status_code) == (401, 401)  # what was closed does not open by itself


async def test_a_bucket_is_the_tenants_whichever_key_it_shows(world: World) -> None:
    limited(world, requests_per_minute=6)
    world.catalog.keys["second"] = replace(world.catalog.keys["acme"], key_id="second")
    async with world.client() as client:
        first = await client.get("/v1/x", headers=world.bearer())
        second = await client.get("/v1/x", headers={"Authorization": f"Bearer {token('second', SECRET + 'acme')}"})

    assert (first.status_code, second.status_code) == (200, 429)


def test_the_clock_of_a_door_only_goes_forward() -> None:
    """A clock that is set back takes nobody's requests."""
    times = iter([100.0, 100.0, 50.0, 50.0, 50.0])
    gate = Admission(lambda: next(times))
    gate.spend("acme", Limits(requests_per_minute=60))
    gate.spend("acme", Limits(requests_per_minute=60))
