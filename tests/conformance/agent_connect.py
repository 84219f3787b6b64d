"""Drives the memory of an agent of the package `twilio-agent-connect`, from the text of a customer to the callback.

python -m tests.conformance.agent_connect ADDRESS KEY_ID KEY_SECRET

Its calls to memory go to ADDRESS as they are; those to the Conversation Orchestrator to a stub beside this script.
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

from tac import TAC  # noqa: E402
from tac.adapters.prompt_builder import MemoryPromptBuilder  # noqa: E402
from tac.channels.sms import SMSChannel  # noqa: E402
from tac.context.base import BaseAPIClient  # noqa: E402
from tac.context.memory import MemoryClient  # noqa: E402
from tac.core.config import TACConfig  # noqa: E402
from tac.tools.memory import create_memory_tool  # noqa: E402

from .orchestrator import ACCOUNT, CONFIGURATION, NOON, OURS, Orchestrator, running  # noqa: E402

DANA, OTHER = "+13175550142", "+13175550199"
INTELLIGENCE, OPERATOR = "intelligence_configuration_" + "0" * 26, "intelligence_operator_" + "0" * 26
WAIT_SECONDS = 20


def talk(number: int) -> str:
    return f"conv_conversation_{number:026d}"


class Wire:
    """Keeps what the package asks of memory."""

    def __init__(self, address: str, orchestrator: str) -> None:
        self.seen: list[dict[str, Any]] = []
        self._address = address
        plain = BaseAPIClient._get_client

        def watched(client: BaseAPIClient) -> httpx.AsyncClient:
            http = plain(client)
            http.event_hooks = {"response": [self._keep]}
            return http

        BaseAPIClient._get_client = watched
        places = {"memory": address}
        BaseAPIClient._build_base_url = staticmethod(lambda product, region: places.get(product, orchestrator))

    async def _keep(self, response: httpx.Response) -> None:
        request = response.request
        if str(request.url).startswith(self._address):
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
        self._http = httpx.Client(base_url=address, auth=(key_id, secret))

    def new_store(self, name: str) -> str:
        accepted = self._http.post("/v1/ControlPlane/Stores", json={"displayName": name}).raise_for_status()
        path = f"/v1/ControlPlane/Operations/{accepted.headers['Operation-Id']}"
        operation = until(lambda: (found := self._http.get(path).json())["status"] == "COMPLETED" and found)
        return str(operation["result"]["id"])

    def post(self, path: str, body: dict[str, Any]) -> None:
        self._http.post(path, json=body).raise_for_status()

    def page(self, path: str) -> Any:
        return self._http.get(path).json()

    def close(self) -> None:
        self._http.close()


def until(condition: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise SystemExit("what was accepted never showed")
        time.sleep(0.05)
    return found


class Agent:
    """Answers texts, and tells what it knew when it did."""

    def __init__(self, wire: Wire, orchestrator: Orchestrator, key_id: str, secret: str, mode: str) -> None:
        config = TACConfig(
            account_sid=ACCOUNT,
            auth_token="unused",
            api_key=key_id,
            api_secret=secret,
            phone_number=OURS,
            conversation_configuration_id=CONFIGURATION,
            conversation_intelligence_config={"configuration_id": INTELLIGENCE, "summary_operator_sid": OPERATOR},
            log_level="ERROR",
        )
        self.wire, self.orchestrator = wire, orchestrator
        self.tac = TAC(config)
        self.sms = SMSChannel(self.tac, {"memory_mode": mode})
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

    async def hears(self, call: str, conversation_id: str, number: str, text: str) -> dict[str, Any]:
        if conversation_id not in self.orchestrator.participants:
            self.orchestrator.texted_by(conversation_id, number)
        author = {"address": number, "channel": "SMS", "participantId": f"conv_participant_{1:026d}"}
        message = {
            "id": f"conv_communication_{1:026d}",
            "conversationId": conversation_id,
            "accountId": ACCOUNT,
            "author": author,
            "content": {"type": "TEXT", "text": text},
            "recipients": [],
            "createdAt": NOON,
        }
        self.knew = {}
        await self.wire.try_(f"{call} webhook", self._webhook(message))
        said = self.orchestrator.sent[-1] if self.orchestrator.sent else None
        say(call, wire=[], result={**self.knew, "said": said}, error=None)
        return self.knew

    async def _webhook(self, message: dict[str, Any]) -> None:
        await self.sms.process_webhook({"eventType": "COMMUNICATION_CREATED", "timestamp": NOON, "data": message})


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


async def sms_story(wire: Wire, admin: Admin, orchestrator: Orchestrator, key_id: str, secret: str) -> None:
    """A customer writes for the first time, something is learnt, and they write again."""
    agent = Agent(wire, orchestrator, key_id, secret, "always")
    knew = await agent.hears("sms first", talk(1), DANA, "Hello, who are you?")
    profile = knew["profile_id"]
    memory = agent.tac.conversation_memory_client
    await memory.create_observation(profile, "prefers email over calls", source="desk", occurred_at=NOON)
    await memory.create_observation(profile, "has a dog called Rex", source="desk")
    await wire.try_("cintel", agent.tac.process_cintel_event(operator_result(profile)))
    base = f"/v1/Stores/{memory.store_id}/Profiles/{profile}"
    until(lambda: len(admin.page(f"{base}/Observations").get("observations", [])) == 2)
    until(lambda: admin.page(f"{base}/ConversationSummaries").get("summaries"))
    await agent.hears("sms same conversation", talk(1), DANA, "How do I want to be reached, email or calls?")
    again = Agent(wire, orchestrator, key_id, secret, "always")
    await again.hears("sms next conversation", talk(2), DANA, "Do you know my dog?")
    once = Agent(wire, orchestrator, key_id, secret, "once")
    await once.hears("sms once", talk(3), DANA, "It is me")
    await once.hears("sms once more", talk(3), DANA, "Me again")
    tool = create_memory_tool(memory, once.sms._conversations[talk(3)])
    await wire.try_("tool", tool(query="dog"))


def operator_result(profile: str) -> dict[str, Any]:
    """As Conversation Intelligence tells that a conversation was summed up."""
    return {
        "accountId": ACCOUNT,
        "conversationId": talk(1),
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
    with contextlib.closing(admin), running() as orchestrator:
        wire = Wire(address, orchestrator.address)
        store = orchestrator.store_id = admin.new_store("agents")
        await client_story(wire, admin, store, key_id, secret)
        await sms_story(wire, admin, orchestrator, key_id, secret)
    say("done", wire=[], result=True, error=None)


if __name__ == "__main__":
    asyncio.run(main(*arguments()))
