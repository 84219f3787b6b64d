"""Accounts that ask the Memory API: each has a key, and most have a store with somebody in it."""

from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.types import ASGIApp

from mcp_memory.extractions import ExtractionFilter
from mcp_memory.listing import PageQuery
from mcp_memory.model import Caller, NewMessage
from mcp_memory.service import Memory

MONDAY = "2026-05-04T09:00:00Z"
CONVERSATION = "conv_conversation_00000000000000000000000001"
OTHER_CONVERSATION = "conv_conversation_00000000000000000000000002"
NOBODY = "mem_profile_01kammq7gwf5sb8d9r2hkjx3e4"
PHONE = "+13175550142"

Json = dict[str, Any]


@dataclass
class Account:
    http: httpx2.AsyncClient
    app: ASGIApp
    tenant: str
    store_id: str = ""

    @property
    def control(self) -> str:
        return f"/v1/ControlPlane/Stores/{self.store_id}"

    @property
    def data(self) -> str:
        return f"/v1/Stores/{self.store_id}"

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> httpx2.Response:
        """Fails unless it is answered with this status."""
        response = await self.http.request(method, path, **more)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return (await self.ask("GET", path, status, params=params)).json()

    async def write(self, method: str, path: str, body: Any = None, status: int = 202, **more: Any) -> httpx2.Response:
        return await self.ask(method, path, status, **({} if body is None else {"json": body}), **more)

    async def refused(self, method: str, path: str, status: int = 400, **more: Any) -> str:
        """What it was told: always in the published shape."""
        response = await self.ask(method, path, status, **more)
        said: Json = response.json()
        assert set(said) == {"code", "message", "more_info", "status"} and said["status"] == status
        assert said["more_info"].endswith(f"/{said['code']}") and 1 <= len(said["message"]) <= 1024
        return str(said["message"])

    async def made(self, response: httpx2.Response) -> str:
        """The id that the operation of a write says it is about."""
        operation = await self.get(response.headers["location"].removeprefix(str(self.http.base_url).rstrip("/")))
        return str(operation["result"]["id"])

    async def settle(self, name: str = "sandbox") -> str:
        """Makes the store it asks about from then on."""
        self.store_id = await self.made(await self.write("POST", "/v1/ControlPlane/Stores", {"displayName": name}))
        return self.store_id

    async def profile(self, phone: str = PHONE, **traits: Any) -> str:
        body = {"traits": {"Contact": {"phone": phone, **traits}}}
        return str((await self.write("POST", f"{self.data}/Profiles", body)).json()["id"])

    async def merged(self) -> tuple[str, str]:
        """Two profiles that became one: the id that lives on, and the one that is part of it."""
        first = await self.profile("+13175550111")
        second = str(
            (
                await self.write("POST", f"{self.data}/Profiles", {"traits": {"Contact": {"email": "ann@example.com"}}})
            ).json()["id"]
        )
        both = {"traits": {"Contact": {"phone": "+13175550111", "email": "ann@example.com"}}}
        live = (await self.write("POST", f"{self.data}/Profiles", both)).json()["id"]
        assert live == first
        return first, second

    async def observed(self, profile_id: str, *contents: str) -> list[str]:
        """The ids of observations, one write each, so that each has a time of its own."""
        path = f"{self.data}/Profiles/{profile_id}/Observations"
        made = [await self.write("POST", path, {"observations": [note(content)]}) for content in contents]
        return [receipts(one)[0][0] for one in made]

    async def summarised(self, profile_id: str, *contents: str) -> list[str]:
        path = f"{self.data}/Profiles/{profile_id}/ConversationSummaries"
        made = [await self.write("POST", path, {"summaries": [recap(content)]}) for content in contents]
        return [receipts(one)[0][0] for one in made]


def note(content: str, **more: Any) -> Json:
    return {"content": content, "source": "test", "occurredAt": MONDAY, **more}


def recap(content: str, **more: Any) -> Json:
    return {"content": content, "conversationId": CONVERSATION, "occurredAt": MONDAY, **more}


def receipts(response: httpx2.Response) -> list[tuple[str, str]]:
    """(id, outcome) of what was sent, in its order."""
    found = []
    for one in response.headers["memory-receipts"].split(", "):
        id, _, outcome = one.partition(";outcome=")
        found.append((id, outcome))
    return found


async def queued(account: Account, memory: Memory, profile_id: str, conversation: str = CONVERSATION) -> str:
    """The extraction of a conversation that is over. The published API has no messages: they come by another door."""
    caller = Caller(tenant=account.tenant, store=account.store_id)
    said = NewMessage(text="I live in Porto.", role="customer")
    await memory.record_messages(caller, profile_id, conversation, [said])
    await memory.close_conversation(caller, profile_id, conversation)
    wanted = ExtractionFilter(profile_id=profile_id, conversation_id=conversation)
    (extraction,) = (await memory.list_extractions(caller, wanted, PageQuery(limit=2))).items
    return extraction.extraction_id
