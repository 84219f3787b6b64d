"""Drives an agent of the package `twilio-agent-connect`, from the text of a customer to what it says.

python -m tests.conformance.agent_texts ADDRESS KEY_ID KEY_SECRET

Memory and conversations are at ADDRESS, whose callbacks tell the agent of each text. A gateway for texts is all that is
not real: it posts what came in, and what the agent says.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

from tests.callbacks.receiver import Receiver, receiving

from .agent_connect import NOON, Admin, Wire, until
from .lines import arguments, say

from tac import TAC  # isort: skip  # what it is told by the environment stands in agent_connect
from tac.adapters.prompt_builder import MemoryPromptBuilder
from tac.channels.sms import SMSChannel
from tac.core.config import TACConfig
from tac.models.conversation import CommunicationContent, CommunicationParticipant, CommunicationRequest
from tac.tools.memory import create_memory_tool

DANA, OURS = "+13175550142", "+13175550100"
ACCOUNT = "AC" + "0" * 32
INTELLIGENCE, OPERATOR = "intelligence_configuration_" + "0" * 26, "intelligence_operator_" + "0" * 26
CONVERSATIONS = "/v2/Conversations"


class Gateway:
    """What a carrier of texts does: it knows numbers and words, and nobody."""

    def __init__(self, admin: Admin, receiver: Receiver, store: str) -> None:
        self.admin, self.receiver, self._told = admin, receiver, 0
        settings = {
            "displayName": "support",
            "description": "",
            "conversationGroupingType": "GROUP_BY_PROFILE",
            "memoryStoreId": store,
            "statusCallbacks": [{"url": receiver.url()}],
            "channelSettings": {"SMS": {"statusTimeouts": {"inactive": 30, "closed": 60}}},
        }
        made = admin.post("/v2/ControlPlane/Configurations", settings)
        self.configuration = str(made.json()["related"]["configurationId"])

    def texted(self, number: str, text: str) -> dict[str, Any]:
        """In the conversation with the number that is open, or in a new one."""
        new = {"configurationId": self.configuration, "participants": [{"addresses": [at(number)]}]}
        opened = self.admin.http.post(CONVERSATIONS, json=new)
        id = opened.headers["X-Conflicting-Resource-Id"] if opened.status_code == 409 else opened.json()["id"]
        said = {"author": at(number), "recipients": [at(OURS)], "content": {"type": "TEXT", "text": text}}
        posted: dict[str, Any] = self.admin.post(f"{CONVERSATIONS}/{id}/Communications", said).json()
        return posted

    def close(self, conversation_id: str) -> None:
        self.admin.http.put(f"{CONVERSATIONS}/{conversation_id}", json={"status": "CLOSED"}).raise_for_status()

    def told(self, resource_id: str) -> Iterator[tuple[dict[str, Any], str]]:
        """What the callbacks brought since it was asked for, up to this resource, and the token of each."""
        while True:
            seen = until(lambda: self.receiver.seen[self._told :])[0]
            self._told += 1
            event = json.loads(seen.body)
            yield event, seen.token
            if event["data"]["id"] == resource_id:
                return


def at(number: str) -> dict[str, str]:
    return {"channel": "SMS", "address": number}


class Texts(SMSChannel):  # type: ignore[misc]  # the package is not where types are checked
    """Whoever has a way to send overrides this one method, and posts what was said."""

    said = ""

    async def send_response(self, conversation_id: str, response: Any, role: str | None = None) -> None:
        session = self._conversations[conversation_id]
        agent, customer = (
            CommunicationParticipant(address=one.address, channel="SMS", participant_id=one.participant_id)
            for one in (session.ai_agent_info, session.author_info)
        )
        self.said = response
        content = CommunicationContent(type="TEXT", text=response)
        request = CommunicationRequest(author=agent, content=content, recipients=[customer])
        await self.conversation_orchestrator_client.create_communication(conversation_id, request)


class Agent:
    """Answers texts, and tells what it knew when it did."""

    def __init__(self, wire: Wire, gateway: Gateway, key_id: str, secret: str, mode: str) -> None:
        config = TACConfig(
            account_sid=ACCOUNT,
            auth_token="unused",
            api_key=key_id,
            api_secret=secret,
            phone_number=OURS,
            conversation_configuration_id=gateway.configuration,
            conversation_intelligence_config={"configuration_id": INTELLIGENCE, "summary_operator_sid": OPERATOR},
            log_level="ERROR",
        )
        self.wire, self.gateway = wire, gateway
        self.tac = TAC(config)
        self.sms = Texts(self.tac, {"memory_mode": mode})
        self.knew: dict[str, Any] = {}
        self.tac.on_message_ready(self._answer)

    async def _answer(self, message: str, session: Any, memory: Any) -> str:
        self.knew = {
            "message": message,
            "profile_id": session.profile_id,
            "traits": session.profile.traits if session.profile else None,
            "observations": [one.content for one in memory.observations] if memory else None,
            "summaries": [one.content for one in memory.summaries] if memory else None,
            "has_memory_features": memory.has_memory_features if memory else None,
            "prompt": MemoryPromptBuilder.compose("Be kind.", memory, session),
        }
        return f"About {message!r}: one moment."

    async def hears(self, call: str, text: str) -> dict[str, Any]:
        self.knew, self.sms.said = {}, ""
        posted = self.gateway.texted(DANA, text)
        for event, token in self.gateway.told(posted["id"]):
            await self.wire.try_(f"{call} webhook", self.sms.process_webhook(event, token))
        knew = {**self.knew, "said": self.sms.said, "conversation_id": posted["conversationId"]}
        say(call, wire=[], result=knew, error=None)
        return knew


async def story(wire: Wire, admin: Admin, gateway: Gateway, key_id: str, secret: str) -> None:
    """A customer writes for the first time, something is learnt, and they write again."""
    agent = Agent(wire, gateway, key_id, secret, "always")
    knew = await agent.hears("first", "Hello, who are you?")
    profile, first = knew["profile_id"], knew["conversation_id"]
    memory = agent.tac.conversation_memory_client
    await memory.create_observation(profile, "prefers email over calls", source="desk", occurred_at=NOON)
    await memory.create_observation(profile, "has a dog called Rex", source="desk")
    await wire.try_("cintel", agent.tac.process_cintel_event(operator_result(profile, first)))
    base = f"/v1/Stores/{memory.store_id}/Profiles/{profile}"
    until(lambda: len(admin.page(f"{base}/Observations").get("observations", [])) == 2)
    until(lambda: admin.page(f"{base}/ConversationSummaries").get("summaries"))
    await agent.hears("same conversation", "How do I want to be reached, email or calls?")
    await wire.try_("stock reply", SMSChannel.send_response(agent.sms, first, "Nobody sends this"))
    client = agent.tac.conversation_orchestrator_client
    await wire.try_("said so far", client.list_communications(first))
    await wire.try_("open", client.list_conversations(status=["ACTIVE", "INACTIVE"]))
    gateway.close(first)
    again = Agent(wire, gateway, key_id, secret, "always")
    await again.hears("next conversation", "Do you know my dog?")
    once = Agent(wire, gateway, key_id, secret, "once")
    knew = await once.hears("once", "It is me")
    await once.hears("once more", "Me again")
    tool = create_memory_tool(memory, once.sms._conversations[knew["conversation_id"]])
    await wire.try_("tool", tool(query="dog"))
    await wire.try_("hand over", client.clear_status_callbacks(knew["conversation_id"]))
    await wire.try_("close", client.update_conversation(knew["conversation_id"], "CLOSED"))


def operator_result(profile: str, conversation_id: str) -> dict[str, Any]:
    """As Conversation Intelligence tells that a conversation was summed up."""
    return {
        "accountId": ACCOUNT,
        "conversationId": conversation_id,
        "intelligenceConfiguration": {"id": INTELLIGENCE, "friendlyName": "summaries", "version": 1},
        "operatorResults": [
            {
                "id": "intelligence_operatorresult_" + "0" * 26,
                "operator": {"id": OPERATOR},
                "outputFormat": "GENERATION",
                "result": {"result": "Dana asked who we are."},
                "dateCreated": NOON,
                "executionDetails": {
                    "participants": [{"id": f"conv_participant_{1:026d}", "profileId": profile, "type": "CUSTOMER"}]
                },
            }
        ],
    }


async def main(address: str, key_id: str, secret: str) -> None:
    admin = Admin(address, key_id, secret)
    with contextlib.closing(admin), receiving() as receiver:
        gateway = Gateway(admin, receiver, admin.new_store("agents"))
        await story(Wire(address), admin, gateway, key_id, secret)
    say("done", wire=[], result=True, error=None)


if __name__ == "__main__":
    asyncio.run(main(*arguments()))
