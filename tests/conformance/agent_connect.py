"""Drives the memory client of an agent of the package `twilio-agent-connect`.

python -m tests.conformance.agent_connect ADDRESS KEY_ID KEY_SECRET
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from .lines import arguments, say
from .loopback import stay

os.environ["TAC_ANALYTICS_DISABLED"] = "true"
stay()

from tac.context.base import BaseAPIClient  # noqa: E402
from tac.context.memory import MemoryClient  # noqa: E402

NOON = "2026-05-04T12:00:00Z"
OTHER = "+13175550199"
WAIT_SECONDS = 20


def talk(number: int) -> str:
    return f"conv_conversation_{number:026d}"


class Wire:
    """Sends all that the package asks to ADDRESS, and keeps it."""

    def __init__(self, address: str) -> None:
        self.seen: list[dict[str, Any]] = []
        plain = BaseAPIClient._get_client

        def watched(client: BaseAPIClient) -> httpx.AsyncClient:
            http = plain(client)
            http.event_hooks = {"response": [self._keep]}
            return http

        BaseAPIClient._get_client = watched
        BaseAPIClient._build_base_url = staticmethod(lambda product, region: address)

    async def _keep(self, response: httpx.Response) -> None:
        request = response.request
        await response.aread()
        body = (await request.aread()).decode()  # of a request that was redirected it is a stream
        asked = {"method": request.method, "path": urlsplit(str(request.url)).path, "body": body}
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.seen.append({**asked, "status": response.status_code, "headers": headers, "text": response.text})

    async def try_(self, call: str, action: Awaitable[Any]) -> Any:
        before = len(self.seen)
        result, error = None, None
        try:
            result = await action
        except Exception as wrong:  # whatever it is, it is the line that tells of it
            error = {"type": type(wrong).__name__, "msg": str(wrong)}
        say(call, wire=self.seen[before:], result=result, error=error)
        return result


class Admin:
    """What an operator does before an agent starts: the package has no words for it."""

    def __init__(self, address: str, key_id: str, secret: str) -> None:
        self.http = httpx.Client(base_url=address, auth=(key_id, secret))

    def new_store(self, name: str) -> str:
        accepted = self.http.post("/v1/ControlPlane/Stores", json={"displayName": name}).raise_for_status()
        path = f"/v1/ControlPlane/Operations/{accepted.headers['Operation-Id']}"
        operation = until(lambda: (found := self.http.get(path).json())["status"] == "COMPLETED" and found)
        return str(operation["result"]["id"])

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return self.http.post(path, json=body).raise_for_status()

    def page(self, path: str) -> Any:
        return self.http.get(path).json()

    def close(self) -> None:
        self.http.close()


def until(condition: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise SystemExit("what was accepted never showed")
        time.sleep(0.05)
    return found


async def client_story(wire: Wire, admin: Admin, store: str, key_id: str, secret: str) -> None:
    """Every method of MemoryClient, and ids that were merged away."""
    memory = MemoryClient(store, key_id, secret)
    await wire.try_("lookup_profile nobody", memory.lookup_profile("email", "nobody@example.com"))
    contact = {"Contact": {"phone": OTHER, "email": "kim@example.com"}}
    profile = await wire.try_("create_profile", memory.create_profile(contact))
    await wire.try_("create_observation", memory.create_observation(profile, "likes tea", conversation_ids=[talk(7)]))
    summary = {"content": "asked for a refund", "conversationId": talk(7), "occurredAt": NOON, "source": "desk"}
    await wire.try_("create_conversation_summaries", memory.create_conversation_summaries(profile, [summary]))
    base = f"/v1/Stores/{store}/Profiles"
    until(lambda: admin.page(f"{base}/{profile}/ConversationSummaries").get("summaries"))
    until(lambda: admin.page(f"{base}/{profile}").get("traits", {}).get("Contact"))
    await wire.try_("get_profile", memory.get_profile(profile))
    await wire.try_("get_profile groups", memory.get_profile(profile, ["Contact", "Loyalty"]))
    await wire.try_("retrieve_memory", memory.retrieve_memory(profile, query="tea", observations_limit=3))
    await wire.try_("retrieve_memory bare", memory.retrieve_memory(profile))
    await wire.try_("retrieve_memory refused", memory.retrieve_memory(profile, communications_limit=1))
    await merged_story(wire, admin, memory, profile)


async def merged_story(wire: Wire, admin: Admin, memory: MemoryClient, profile: str) -> None:
    base = f"/v1/Stores/{memory.store_id}/Profiles"
    old = await memory.create_profile({"Contact": {"phone": "+13175550177"}})
    admin.post(f"{base}/{old}/Identifiers", {"idType": "email", "value": "kim@example.com"})
    until(lambda: admin.page(f"{base}/{profile}/Identifiers/phone").get("values", [])[1:])
    await wire.try_("get_profile merged", memory.get_profile(old))
    await wire.try_("retrieve_memory merged", memory.retrieve_memory(old, query="tea"))
    await wire.try_("create_observation merged", memory.create_observation(old, "has two phones"))


async def main(address: str, key_id: str, secret: str) -> None:
    admin = Admin(address, key_id, secret)
    with contextlib.closing(admin):
        await client_story(Wire(address), admin, admin.new_store("agents"), key_id, secret)
    say("done", wire=[], result=True, error=None)


if __name__ == "__main__":
    asyncio.run(main(*arguments()))
