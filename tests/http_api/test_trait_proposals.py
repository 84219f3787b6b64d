"""Traits that conversations stated, over HTTP: they are listed, accepted and rejected."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mcp_memory.model import Caller, NewMessage
from mcp_memory.service import Memory
from tests.http_api.accounts import PHONE, Account
from tests.http_api.conftest import Open
from tests.http_api.test_document import described, operations

pytestmark = pytest.mark.anyio

NONE = "mem_proposal_01kammq7gwf5sb8d9r2hkjx3e4"
SAID = ("My name is Dana Petrov.", "My email is dana@example.com.", "I speak French.")


@pytest.fixture
async def plain(opened: Open) -> Account:
    """Its answers are not held to the published document: these routes are not in it."""
    account = opened(checked=False)
    await account.settle()
    return account


async def heard(account: Account, memory: Memory, profile_id: str) -> str:
    """The path of what was stated in a conversation that is over."""
    caller = Caller(tenant=account.tenant, store=account.store_id)
    said = [NewMessage(text=text, role="customer") for text in SAID]
    await memory.record_messages(caller, profile_id, "c-1", said)
    await memory.close_conversation(caller, profile_id, "c-1")
    await memory.learn(caller)
    return f"{account.data}/Profiles/{profile_id}/TraitProposals"


async def test_they_are_listed_a_page_at_a_time_and_by_status(plain: Account, memory: Memory) -> None:
    path = await heard(plain, memory, await plain.profile())
    whole = (await plain.get(path, orderBy="ASC"))["traitProposals"]
    first = await plain.get(path, orderBy="ASC", pageSize=3)
    rest = await plain.get(path, orderBy="ASC", pageSize=3, pageToken=first["meta"]["nextToken"])

    told = [(one["traitGroup"], one["name"], one["value"], one["status"]) for one in whole]
    assert told == [
        ("Contact", "firstName", "Dana", "PROPOSED"),
        ("Contact", "lastName", "Petrov", "PROPOSED"),
        ("Contact", "email", "dana@example.com", "PROPOSED"),
        ("Contact", "preferredLanguage", "French", "PROPOSED"),
    ]
    assert first["traitProposals"] + rest["traitProposals"] == whole and first["meta"]["key"] == "traitProposals"
    assert (await plain.ask("GET", f"{path}?status=ACCEPTED")).json()["traitProposals"] == []
    assert "status" in await plain.refused("GET", f"{path}?status=MAYBE")


async def test_one_is_accepted_and_written(plain: Account, memory: Memory) -> None:
    profile_id = await plain.profile()
    path = await heard(plain, memory, profile_id)
    found = {one["name"]: one for one in (await plain.get(path))["traitProposals"]}
    email = f"{path}/{found['email']['id']}"
    accepted = (await plain.write("POST", f"{email}/Accept", status=200)).json()

    assert {**accepted, "updatedAt": ""} == {
        **found["email"],
        "status": "ACCEPTED",
        "decidedBy": f"api {plain.tenant.replace('tenant-', 'SK')}",
        "updatedAt": "",
    }
    traits = (await plain.get(f"{plain.data}/Profiles/{profile_id}"))["traits"]["Contact"]
    assert traits == {"email": "dana@example.com", "phone": PHONE}
    assert (await plain.write("POST", f"{email}/Accept", status=200)).json() == accepted
    assert "ACCEPTED already" in await plain.refused("POST", f"{email}/Reject")


async def test_one_is_rejected_and_nothing_is_written(plain: Account, memory: Memory) -> None:
    profile_id = await plain.profile()
    path = await heard(plain, memory, profile_id)
    one = (await plain.get(path, orderBy="ASC"))["traitProposals"][0]
    rejected = (await plain.write("POST", f"{path}/{one['id']}/Reject", status=200)).json()

    assert rejected["status"] == "REJECTED"
    assert (await plain.ask("GET", f"{path}?status=REJECTED")).json()["traitProposals"] == [rejected]
    assert (await plain.get(f"{plain.data}/Profiles/{profile_id}"))["traits"] == {"Contact": {"phone": PHONE}}


async def test_what_is_not_there_is_not_found(plain: Account, memory: Memory) -> None:
    path = await heard(plain, memory, await plain.profile())
    other = f"{plain.data}/Profiles/{await plain.profile('+13175550143')}/TraitProposals"
    one = (await plain.get(path))["traitProposals"][0]["id"]
    for missing in (f"{path}/{NONE}", f"{path}/{NONE[:-1]}l", f"{other}/{one}"):
        for verb in ("Accept", "Reject"):
            await plain.refused("POST", f"{missing}/{verb}", 404)
    assert {each["status"] for each in (await plain.get(path))["traitProposals"]} == {"PROPOSED"}


async def test_of_a_profile_that_moved_it_is_said_where(plain: Account, memory: Memory) -> None:
    live, part = await plain.merged()
    path = await heard(plain, memory, live)
    moved = f"{plain.data}/Profiles/{part}/TraitProposals"
    one = (await plain.get(path))["traitProposals"][0]["id"]
    assert (await plain.ask("GET", moved, 301)).headers["location"].endswith(path)
    assert (await plain.ask("POST", f"{moved}/{one}/Accept", 308)).headers["location"].endswith(f"{path}/{one}/Accept")


async def test_what_is_answered_is_as_our_document_says(plain: Account, memory: Memory) -> None:
    document: dict[str, Any] = await described(plain)
    path = await heard(plain, memory, await plain.profile())
    first, second, *_ = (one["id"] for one in (await plain.get(path))["traitProposals"])
    found = operations(document)
    for name, method, asked in (
        ("ListProfileTraitProposals", "GET", path),
        ("AcceptProfileTraitProposal", "POST", f"{path}/{first}/Accept"),
        ("RejectProfileTraitProposal", "POST", f"{path}/{second}/Reject"),
    ):
        response = await plain.ask(method, asked)
        answer = found[name][2]["responses"]["200"]
        schema = {**answer["content"]["application/json"]["schema"], "components": document["components"]}
        assert [error.message for error in Draft202012Validator(schema).iter_errors(response.json())] == []
