"""As much of the Conversation Orchestrator as an agent needs to answer an SMS: a configuration, and who talks."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .lines import say

Json = dict[str, Any]

ACCOUNT = "AC" + "0" * 32
CONFIGURATION = "conv_configuration_" + "0" * 26
OURS = "+13175550100"
NOON = "2026-05-04T12:00:00Z"


def participant(conversation_id: str, number: int, **more: Any) -> Json:
    return {
        "id": f"conv_participant_{number:026d}",
        "conversationId": conversation_id,
        "accountId": ACCOUNT,
        "name": "someone",
        "createdAt": NOON,
        "updatedAt": NOON,
        **more,
    }


class Orchestrator(ThreadingHTTPServer):
    """`participants` are those of each conversation; `sent` is what the agent said."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store_id = ""
        self.participants: dict[str, list[Json]] = {}
        self.sent: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def texted_by(self, conversation_id: str, number: str) -> Json:
        """Somebody unknown has written; the event that tells of it."""
        who = participant(conversation_id, 1, type="UNKNOWN", addresses=[{"channel": "SMS", "address": number}])
        self.participants[conversation_id] = [who]
        return {"address": number, "channel": "SMS", "participantId": who["id"]}

    def configuration(self) -> Json:
        return {
            "id": CONFIGURATION,
            "displayName": "support",
            "description": "",
            "conversationGroupingType": "GROUP_BY_PROFILE",
            "memoryStoreId": self.store_id,
            "version": 1,
        }


class _Handler(BaseHTTPRequestHandler):
    server: Orchestrator

    def do_GET(self) -> None:
        if "/Configurations/" in self.path:
            self._answer(200, self.server.configuration())
        elif self.path.endswith("/Participants"):
            there = self.server.participants.get(self._conversation(), [])
            self._answer(200, {"participants": there, "meta": {"key": "participants", "pageSize": 50}})
        else:
            say("orchestrator fallback", path=self.path)  # the agent gave up on memory
            self._answer(200, {"communications": [], "meta": {"key": "communications", "pageSize": 50}})

    def do_POST(self) -> None:
        body = self._body()
        if self.path.endswith("/Actions"):
            self.server.sent.append(body["payload"]["content"]["text"])
            action = {"id": "conv_action_1", "type": "SEND_MESSAGE", "status": "PENDING"}
            self._answer(202, {**action, "conversationId": self._conversation()})
            return
        there = self.server.participants[self._conversation()]
        there.append(participant(self._conversation(), len(there) + 1, **body))
        self._answer(201, there[-1])

    def do_PUT(self) -> None:
        there = self.server.participants[self._conversation()]
        index = next(n for n, one in enumerate(there) if self.path.endswith(one["id"]))
        there[index] = participant(self._conversation(), index + 1, **self._body())
        self._answer(200, there[index])

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the lines of the script are what counts."""

    def _conversation(self) -> str:
        found = re.search(r"/Conversations/([^/]+)", self.path)
        return found[1] if found else ""

    def _body(self) -> Json:
        body: Json = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return body

    def _answer(self, status: int, body: Json) -> None:
        written = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)


@contextmanager
def running() -> Iterator[Orchestrator]:
    with Orchestrator() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
