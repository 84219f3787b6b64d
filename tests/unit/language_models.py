"""A scripted language model on loopback, which speaks both dialects; and conversations for it to read."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mcp_memory.model import Communication, Role

from .endpoints import Reply, Seen

MONDAY = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)

Say = Callable[[dict[str, Any]], str]
"""From the conversation as it was sent to what the model says of it."""


def conversation(*texts: str) -> list[Communication]:
    """Those that begin so are the agent's; a minute between them."""
    return [
        message(text.removeprefix("Agent: "), place, "agent" if text.startswith("Agent: ") else "customer")
        for place, text in enumerate(texts)
    ]


def message(text: str, place: int = 0, role: Role = "customer", author: str | None = None) -> Communication:
    at = MONDAY + timedelta(minutes=place)
    return Communication(
        id=f"mem_communication_{place:05d}",
        content=text,
        source="chat",
        occurred_at=at,
        created_at=at,
        updated_at=at,
        conversation_id="c-1",
        role=role,
        author=author,
    )


def observation(content: str, *evidence: str, kind: str = "attribute") -> dict[str, Any]:
    return {"content": content, "kind": kind, "evidence": list(evidence)}


def saying(*items: Any) -> str:
    return json.dumps({"observations": list(items)})


def completion(said: str | None) -> bytes:
    message = {"role": "assistant", "content": said}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


def tool_use(said: str) -> bytes:
    content = [{"type": "text", "text": "Here."}, {"type": "tool_use", "name": "answer", "input": json.loads(said)}]
    return json.dumps({"type": "message", "role": "assistant", "content": content}).encode()


class LanguageModel(ThreadingHTTPServer):
    """Gives the scripted replies in turn, then what `say` makes of the conversation."""

    daemon_threads = True

    def __init__(self, script: Sequence[Reply], say: Say) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.say, self.seen = list(script), say, list[Seen]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def conversations(self) -> list[dict[str, Any]]:
        """As they were sent."""
        return [sent(one.body) for one in self.seen]


def sent(request: dict[str, Any]) -> dict[str, Any]:
    said = request["messages"][-1]["content"]
    return dict(json.loads(said)) if said.startswith("{") else {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LanguageModel

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(Seen(path=self.path, headers=dict(self.headers), body=request))
        script = self.server.script
        reply = script.pop(0) if script else self._of_the_model(request)
        if reply.hold is not None:
            reply.hold.wait(timeout=30)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if reply.claimed is None else reply.claimed))
        self.end_headers()
        if reply.trickle is not None:
            while not reply.trickle.wait(0.02):
                self.wfile.write(b" ")
        self.wfile.write(reply.body)
        self.close_connection = reply.claimed is not None

    def _of_the_model(self, request: dict[str, Any]) -> Reply:
        said = self.server.say(sent(request))
        return Reply(body=tool_use(said) if self.path.endswith("/messages") else completion(said))

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(*script: Reply, say: Say = lambda conversation: saying()) -> Iterator[LanguageModel]:
    with LanguageModel(script, say) as model:
        thread = threading.Thread(target=model.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield model
        finally:
            model.shutdown()
            thread.join(timeout=30)
