"""Idempotency-Key: a write that is sent again is made once."""

from typing import Any

import anyio
import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from mcp_memory import app as wiring
from mcp_memory.errors import Conflict
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.auth.authenticator import Authenticator
from mcp_memory.model import Caller
from mcp_memory.operations import Reply
from mcp_memory.service import Memory
from tests.doors import guarded
from tests.http_api.accounts import PHONE, Account, note, recap, receipts
from tests.http_api.conftest import Open
from tests.http_api.talks import CONFIGURATIONS, CONVERSATIONS, begun, customer, said, settings
from tests.http_api.talks import at as within

pytestmark = pytest.mark.anyio

TO = {"type": "TRAITS", "mappings": [{"expression": "a", "traitGroup": "Contact", "traitName": "city"}]}
SETTINGS = {"identifierConfigs": [{"idType": "phone", "normalization": "phone"}], "matchingRules": ["phone"]}
COLUMNS = [{"columnName": name, "traitGroup": "Contact", "traitName": name} for name in ("phone", "city")]


async def writes(acme: Account) -> list[tuple[str, str, Any]]:
    """Each write there is, in an order in which all succeed."""
    profile_id, other = await acme.profile(), await acme.profile("+13175550199")
    (observation,), (summary,) = await acme.observed(profile_id, "Has a dog"), await acme.summarised(profile_id, "Talk")
    control, data = acme.control, f"{acme.data}/Profiles"
    profile = f"{data}/{profile_id}"
    ingress = {"displayName": "Map", "mappingFrom": {"type": "INGRESS", "columns": ["a"]}, "mappingTo": TO}
    mapping = await acme.made(await acme.write("POST", f"{control}/DataMappings", {**ingress, "displayName": "First"}))
    swap = {"idType": "email", "oldValue": "b@example.com", "newValue": "c@example.com"}
    return [
        ("POST", "/v1/ControlPlane/Stores", {"displayName": "second"}),
        ("PATCH", control, {"description": "d"}),
        ("PUT", f"{control}/IdentityResolutionSettings", None),
        ("PUT", f"{control}/LearningSettings", {"reconcileApiWrites": True, "traits": "off"}),
        ("POST", f"{control}/TraitGroups", {"displayName": "Group"}),
        ("PATCH", f"{control}/TraitGroups/Group", {"description": "d"}),
        ("DELETE", f"{control}/TraitGroups/Group", None),
        ("POST", f"{control}/DataMappings", ingress),
        ("PATCH", f"{control}/DataMappings/{mapping}", {"isEnabled": False}),
        ("DELETE", f"{control}/DataMappings/{mapping}", None),
        ("POST", data, {"traits": {"Contact": {"email": "a@example.com"}}}),
        ("PUT", f"{data}/Bulk", {"profiles": [{"traits": {"Contact": {"email": "a@example.com"}}}, {}]}),
        ("POST", f"{data}/Imports", {"filename": "a.csv", "fileSize": 9, "columnMappings": COLUMNS}),
        ("PATCH", profile, {"traits": {"Contact": {"city": "Bern"}}}),
        ("POST", f"{profile}/Identifiers", {"idType": "email", "value": "b@example.com"}),
        ("PATCH", f"{profile}/Identifiers/email", swap),
        ("DELETE", f"{profile}/Identifiers/email", None),
        ("POST", f"{profile}/Observations", {"observations": [note("Likes tea")]}),
        ("PATCH", f"{profile}/Observations/{observation}", {"content": "Has a cat"}),
        ("DELETE", f"{profile}/Observations/{observation}", None),
        ("POST", f"{profile}/ConversationSummaries", {"summaries": [recap("Talk of tea")]}),
        ("PATCH", f"{profile}/ConversationSummaries/{summary}", {"content": "Talk of cats"}),
        ("DELETE", f"{profile}/ConversationSummaries/{summary}", None),
        ("DELETE", f"{data}/{other}", None),
        *await writes_of_talks(acme),
        ("DELETE", control, None),
    ]


async def writes_of_talks(acme: Account) -> list[tuple[str, str, Any]]:
    talk = await begun(acme)
    configuration = f"{CONFIGURATIONS}/{talk['configurationId']}"
    who = within(talk, "Participants", talk["participants"][0]["id"])
    new = {"configurationId": talk["configurationId"], "participants": [customer("+13175550188")]}
    return [
        ("POST", CONFIGURATIONS, settings(acme, displayName="Second")),
        ("PUT", configuration, settings(acme, channelSettings={})),
        ("PATCH", configuration, {"description": "d"}),
        ("POST", CONVERSATIONS, new),
        ("PUT", within(talk), {"status": "INACTIVE"}),
        ("PATCH", within(talk), {"name": "Refund"}),
        ("POST", within(talk, "Participants"), customer("+13175550187")),
        ("PUT", who, customer()),
        ("POST", within(talk, "Communications"), said()),
        ("DELETE", within(talk), None),
        ("DELETE", configuration, None),
    ]


async def test_each_write_is_made_once_and_answered_alike(acme: Account) -> None:
    for at, (method, path, body) in enumerate(await writes(acme)):
        if path.endswith("IdentityResolutionSettings"):
            body = await acme.get(path)
        key = {"Idempotency-Key": f"write-{at}"}
        more = {} if body is None else {"json": body}
        first = await acme.http.request(method, path, headers=key, **more)
        again = await acme.http.request(method, path, headers=key, **more)

        assert first.is_success, f"{method} {path}: {first.text}"
        assert (again.status_code, again.content) == (first.status_code, first.content), f"{method} {path}"
        assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
        told = {name: value for name, value in again.headers.items() if name != "idempotency-replayed"}
        assert told.pop("x-request-id") != first.headers["x-request-id"]  # two requests
        assert told == {name: value for name, value in first.headers.items() if name != "x-request-id"}


async def test_a_key_is_of_one_request(acme: Account, globex: Account) -> None:
    path = f"{acme.data}/Profiles"
    key = {"Idempotency-Key": "once"}
    await acme.write("POST", path, {"traits": {"Contact": {"phone": PHONE}}}, headers=key)

    other = {"traits": {"Contact": {"phone": "+13175550199"}}}
    assert "idempotency key" in await acme.refused("POST", path, 409, json=other, headers=key)
    assert "idempotency key" in await acme.refused("PUT", f"{path}/Bulk", 409, json={"profiles": [{}]}, headers=key)
    assert len((await acme.get(path))["profiles"]) == 1
    elsewhere = await globex.write("POST", f"{globex.data}/Profiles", other, headers=key)
    assert "idempotency-replayed" not in elsewhere.headers


async def test_what_was_refused_may_be_tried_again(acme: Account) -> None:
    path = f"{acme.control}/TraitGroups/Loyalty"
    key = {"Idempotency-Key": "patiently"}
    await acme.refused("PATCH", path, 404, json={"description": "d"}, headers=key)
    await acme.write("POST", f"{acme.control}/TraitGroups", {"displayName": "Loyalty"})
    later = await acme.write("PATCH", path, {"description": "d"}, headers=key)

    assert "idempotency-replayed" not in later.headers
    await acme.refused("POST", f"{acme.data}/Profiles", json={"traits": 5}, headers=key | {"Idempotency-Key": "other"})
    body = {"traits": {"Contact": {"phone": PHONE}}}
    await acme.write("POST", f"{acme.data}/Profiles", body, headers={"Idempotency-Key": "other"})


async def test_ten_at_once_store_one_thing(acme: Account) -> None:
    profile_id = await acme.profile()
    path = f"{acme.data}/Profiles/{profile_id}/Observations"
    answers: list[httpx2.Response] = []

    async def send() -> None:
        body = {"observations": [note("Likes tea", occurredAt="2026-05-04T09:00:00Z")]}
        answers.append(await acme.http.post(path, json=body, headers={"Idempotency-Key": "ten"}))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(send)

    taken = [one for one in answers if one.status_code == 202]
    assert taken and {one.status_code for one in answers} <= {202, 409}
    assert len({receipts(one)[0] for one in taken}) == 1 and receipts(taken[0])[0][1] == "added"
    assert len((await acme.get(path))["observations"]) == 1
    last = await acme.write("POST", path, {"observations": [note("Likes tea")]}, headers={"Idempotency-Key": "ten"})
    assert last.headers["idempotency-replayed"] == "true"


class Ended(Memory):
    """Keeps whether what is asked may be done again, if nobody knows what became of it."""

    again: list[bool]

    async def begin_request(self, caller: Caller, key: str, digest: bytes, repeatable: bool) -> Reply | None:
        self.again.append(repeatable)
        raise Conflict("Nobody knows.")


async def test_what_may_be_there_twice_is_not_done_again_after_a_crash(
    memory: Memory, credentials: Authenticator, opened: Open, acme: Account
) -> None:
    ended = Ended(memory._backend, wiring.now)
    ended.again = []
    app = guarded(build_api(Front(memory=ended, now=wiring.now)), credentials)
    account = opened(app, like=acme)
    asked = [
        *(("POST", f"{acme.data}/Profiles"), ("PUT", f"{acme.data}/Profiles/Bulk"), ("PUT", f"{CONVERSATIONS}/x")),
        *(("POST", CONFIGURATIONS), ("POST", CONVERSATIONS), ("POST", f"{CONVERSATIONS}/x/Communications")),
        *(("PATCH", acme.control), ("DELETE", acme.control), ("PATCH", f"{CONVERSATIONS}/x")),
    ]
    for method, path in asked:
        await account.refused(method, path, 409, headers={"Idempotency-Key": "once"}, json={})

    assert ended.again == [True] * 3 + [False] * 6


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\xe4\x80"])
async def test_what_is_no_key_is_refused(shared: Account, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    body = {"traits": {"Contact": {"phone": PHONE}}}

    said = await shared.refused("POST", f"{shared.data}/Profiles", json=body, headers=headers)
    assert "Idempotency-Key" in said
    assert (await shared.get(f"{shared.data}/Profiles"))["profiles"] == []


async def test_a_key_may_be_as_long_as_published(acme: Account) -> None:
    body = {"traits": {"Contact": {"phone": PHONE}}}
    await acme.write("POST", f"{acme.data}/Profiles", body, headers={"Idempotency-Key": "k" * 255})


async def test_reads_take_no_notice_of_it(acme: Account) -> None:
    profile_id = await acme.profile()
    key = {"Idempotency-Key": "read"}
    for path, body in (("Lookup", {"idType": "phone", "value": PHONE}), (f"{profile_id}/Recall", {})):
        for _ in range(2):
            answer = await acme.ask("POST", f"{acme.data}/Profiles/{path}", json=body, headers=key)
            assert "idempotency-replayed" not in answer.headers
    await acme.ask("GET", f"{acme.data}/Profiles", headers=key)


async def test_who_hangs_up_and_tries_again_is_told_what_became_of_it(
    memory: Memory, credentials: Authenticator, opened: Open, acme: Account
) -> None:
    """The answer is kept whether or not anybody was there to hear it."""
    api = guarded(build_api(Front(memory=memory, now=wiring.now)), credentials)

    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        async def nobody(message: Message) -> None:
            raise OSError("the connection is gone")

        await api(scope, receive, nobody)

    path, body = f"{acme.data}/Profiles", {"traits": {"Contact": {"phone": PHONE}}}
    key = {"Idempotency-Key": "unheard"}
    with pytest.raises(OSError):
        await opened(deaf, like=acme, checked=False).http.post(path, json=body, headers=key)
    again = await acme.write("POST", path, body, headers=key)

    assert again.headers["idempotency-replayed"] == "true"
    assert (await acme.get(path))["profiles"] == [again.json()["id"]]
