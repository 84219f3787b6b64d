"""Drives every resource of the Conversations API with the package `twilio`, in the environment that has it.

python -m tests.conformance.twilio_conversations ADDRESS KEY_ID KEY_SECRET
"""

from collections.abc import Callable
from typing import Any

import requests
from twilio.base.exceptions import TwilioException
from twilio.rest import Client
from twilio.rest.conversations.v2.action import ActionList
from twilio.rest.conversations.v2.communication import CommunicationList
from twilio.rest.conversations.v2.configuration import ConfigurationList
from twilio.rest.conversations.v2.conversation import ConversationList
from twilio.rest.conversations.v2.participant import ParticipantList

from .lines import arguments, say
from .loopback import stay
from .twilio_client import Recorder, shown_by

DANA, SHOP, BEN = ({"channel": "SMS", "address": f"+1317555014{number}"} for number in (2, 0, 3))
NOON = "2026-05-04T12:00:00Z"
NOWHERE = "conv_configuration_" + "0" * 26
SMS = {
    "statusTimeouts": {"inactive": 10, "closed": 30},
    "captureRules": [{"from": "*", "to": "+13175550140", "metadata": {"callType": "PSTN"}}],
}


class Story:
    def __init__(self, address: str, key_id: str, secret: str) -> None:
        self.wire = Recorder()
        client = Client(key_id, secret, account_sid="AC" + "0" * 32, http_client=self.wire)
        client.conversations.base_url = address
        self.v2 = client.conversations.v2
        new = {"displayName": "sandbox"}
        made = requests.post(f"{address}/v1/ControlPlane/Stores", json=new, auth=(key_id, secret), timeout=10)
        operation = requests.get(made.headers["Location"], auth=(key_id, secret), timeout=10).json()
        self.store = str(operation["result"]["id"])
        self.configuration = self.conversation = ""

    def tell(self) -> None:
        for chapter in (self.configurations, self.conversations, self.participants, self.communications, self.endings):
            chapter()

    def try_(self, call: str, action: Callable[[], Any]) -> Any:
        before = len(self.wire.seen)
        result, error = None, None
        try:
            result = action()
        except TwilioException as refused:
            error = {"type": type(refused).__name__, **shown_by(refused)}
        say(call, wire=self.wire.seen[before:], result=result, error=error)
        return result

    def configurations(self) -> None:
        configurations, given = self.v2.configurations, self.settings(channelSettings={"SMS": SMS})
        new = ConfigurationList.CreateConfigurationRequest(given)
        made = self.try_("configurations.create", lambda: configurations.create(create_configuration_request=new))
        self.configuration = made.related["configurationId"]
        operation = made.status_url.rpartition("/")[2]
        self.try_("operations.fetch", lambda: self.v2.operations.get(operation).fetch())
        more = ConfigurationList.CreateConfigurationRequest(self.settings(displayName="Other"))
        self.try_("configurations.create again", lambda: configurations.create(create_configuration_request=more))
        one = configurations.get(self.configuration)
        self.try_("configurations.fetch", one.fetch)
        put = ConfigurationList.UpdateConfigurationRequest(
            self.settings(channelSettings={"SMS": SMS}, description="put")
        )
        self.try_("configurations.update", lambda: one.update(update_configuration_request=put))
        changes = {"channelSettings": {"VOICE": {"statusTimeouts": {"closed": 5}}}, "memoryExtractionEnabled": True}
        patch = ConfigurationList.PatchConfigurationRequest(changes)
        self.try_("configurations.patch", lambda: one.patch(patch_configuration_request=patch))
        self.try_("configurations.fetch changed", one.fetch)
        self.try_("configurations.list", lambda: configurations.list(page_size=1, memory_store_id=self.store))
        self.try_("configurations.fetch nowhere", lambda: configurations.get(NOWHERE).fetch())
        wrong = ConfigurationList.CreateConfigurationRequest(self.settings(displayName="a.b"))
        self.try_("configurations.create wrong", lambda: configurations.create(create_configuration_request=wrong))

    def settings(self, **more: Any) -> dict[str, Any]:
        given = {"displayName": "Support", "description": "d", "conversationGroupingType": "GROUP_BY_PROFILE"}
        return {**given, "memoryStoreId": self.store, **more}

    def conversations(self) -> None:
        conversations = self.v2.conversations
        people = [{"type": "CUSTOMER", "name": "Dana", "addresses": [DANA]}, {"type": "AGENT", "addresses": [SHOP]}]
        given = {"configurationId": self.configuration, "name": "Refund", "participants": people}
        new = ConversationList.CreateConversationWithConfigRequest(given)
        made = self.try_("conversations.create", lambda: conversations.create(new))
        self.conversation = made.id
        self.try_("conversations.create again", lambda: conversations.create(new))
        for name in ("other", "third"):
            other = {"configurationId": self.configuration, "name": name}
            request = ConversationList.CreateConversationWithConfigRequest(other)
            self.try_("conversations.create other", lambda request=request: conversations.create(request))  # type: ignore[misc]
        one = conversations.get(self.conversation)
        self.try_("conversations.fetch", one.fetch)
        status = ConversationList.UpdateConversationByIdRequest({"status": "INACTIVE"})
        self.try_("conversations.update", lambda: one.update(status))
        changes = {"name": "Refunded", "status": "ACTIVE", "configuration": {"statusCallbacks": []}}
        self.try_("conversations.patch", lambda: one.patch(ConversationList.PatchConversationByIdRequest(changes)))
        self.try_("conversations.list", lambda: conversations.list(page_size=1))
        self.try_("conversations.stream", lambda: list(conversations.stream(status=["ACTIVE", "CLOSED"], page_size=2)))
        self.try_("conversations.list closed", lambda: conversations.list(status=["CLOSED"]))

    def participants(self) -> None:
        participants = self.v2.participants(self.conversation)
        new = ParticipantList.CreateParticipantInConversationRequest({"type": "CUSTOMER", "addresses": [BEN]})
        ben = self.try_("participants.create", lambda: participants.create(new))
        self.try_("participants.create again", lambda: participants.create(new))
        self.try_("participants.list", lambda: participants.list(page_size=2))
        one = participants.get(ben.id)
        change = {"type": "CUSTOMER", "name": "Ben", "addresses": [{**BEN, "channelId": "SM1"}]}
        put = ParticipantList.UpdateParticipantInConversationRequest(change)
        self.try_("participants.update", lambda: one.update(put))
        self.try_("participants.fetch", one.fetch)

    def communications(self) -> None:
        communications = self.v2.communications(self.conversation)
        text = {"content": {"type": "TEXT", "text": "Hello"}, "channelId": "SM1", "resourceId": "SM1"}
        heard = {"channel": 0, "confidence": 0.9, "engine": "ours"}
        voice = {"content": {"type": "TRANSCRIPTION", "text": "Hi", "transcription": heard}, "occurredAt": NOON}
        for call, said in (("communications.create", text), ("communications.create heard", voice)):
            given = {"author": DANA, "recipients": [SHOP], **said}
            request = CommunicationList.CreateCommunicationInConversationRequest(given)
            made = self.try_(call, lambda request=request: communications.create(request))  # type: ignore[misc]
        self.try_("communications.list", lambda: communications.list(page_size=1))
        self.try_("communications.list channel", lambda: communications.list(channel_id="SM1"))
        self.try_("communications.fetch", lambda: communications.get(made.id).fetch())
        sent = {"from": {"address": SHOP["address"], "channel": "SMS"}, "to": [DANA], "content": {"text": "Hi"}}
        request = ActionList.CreateConversationActionRequest({"type": "SEND_MESSAGE", "payload": sent})
        self.try_("actions.create", lambda: self.v2.actions(self.conversation).create(request))

    def endings(self) -> None:
        one = self.v2.conversations.get(self.conversation)
        close = ConversationList.UpdateConversationByIdRequest({"status": "CLOSED"})
        self.try_("conversations.close", lambda: one.update(close))
        reopen = ConversationList.UpdateConversationByIdRequest({"status": "ACTIVE"})
        self.try_("conversations.reopen", lambda: one.update(reopen))
        self.try_("conversations.delete", one.delete)
        self.try_("conversations.fetch deleted", one.fetch)
        self.try_("configurations.delete", lambda: self.v2.configurations.get(self.configuration).delete())


if __name__ == "__main__":
    stay()
    Story(*arguments()).tell()
    say("done", wire=[], result=True, error=None)
