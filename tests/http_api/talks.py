"""Accounts that ask the Conversations API: a configuration, somebody who talks, and what is said."""

from typing import Any

import httpx2

from tests.http_api.accounts import PHONE, Account, Json

CONFIGURATIONS, CONVERSATIONS = "/v2/ControlPlane/Configurations", "/v2/Conversations"
SHOP = "+13175550100"
SUFFIX = "01kammq7gwf5sb8d9r2hkjx3e4"


def settings(account: Account, **more: Any) -> Json:
    return {
        "displayName": "Support",
        "description": "Whoever writes to us",
        "conversationGroupingType": "GROUP_BY_PROFILE",
        "memoryStoreId": account.store_id,
        **more,
    }


def party(address: str = PHONE, channel: str = "SMS", **more: Any) -> Json:
    return {"channel": channel, "address": address, **more}


def customer(address: str = PHONE, **more: Any) -> Json:
    return {"type": "CUSTOMER", "addresses": [party(address)], **more}


AGENT: Json = {"type": "AI_AGENT", "name": "Ada", "addresses": [party(SHOP)]}


def said(text: str = "Hello", **more: Any) -> Json:
    return {"author": party(), "content": {"type": "TEXT", "text": text}, "recipients": [party(SHOP)], **more}


async def configured(account: Account, **more: Any) -> str:
    """The id of a configuration that is new."""
    made = await account.write("POST", CONFIGURATIONS, settings(account, **more))
    return str(made.json()["related"]["configurationId"])


async def begun(account: Account, *people: Json, **more: Any) -> Json:
    """A conversation of these people, or else of a customer and an agent, of a configuration of its own."""
    if "configurationId" not in more:
        more["configurationId"] = await configured(account)
    body = {"participants": list(people or (customer(), AGENT)), **more}
    found: Json = (await account.write("POST", CONVERSATIONS, body, 201)).json()
    return found


def at(conversation: Json, *rest: str) -> str:
    return "/".join((CONVERSATIONS, str(conversation["id"]), *rest))


async def post(account: Account, conversation: Json, body: Json | None = None, **more: Any) -> httpx2.Response:
    return await account.write("POST", at(conversation, "Communications"), body or said(), 201, **more)
