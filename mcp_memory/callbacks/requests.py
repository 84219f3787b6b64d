"""Pure: a callback as a request, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mcp_memory.callbacks import Method
from mcp_memory.callbacks.signing import SIGNATURE, signature, with_body_hash, with_query
from mcp_memory.callbacks.urls import Target

TOKEN = "I-Twilio-Idempotency-Token"  # of the event, and the same whenever it is sent again
AGENT = "mcp-memory"


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    method: Method
    target: Target
    headers: Mapping[str, str]
    content: bytes | None


@dataclass(frozen=True)
class Outcome:
    """`error`: why it is not delivered, without a word of the receiver's. `final`: it is not to be sent again.
    `silent`: there was no answer, so that others won't have one either."""

    error: str | None = None
    final: bool = False
    silent: bool = False


DELIVERED = Outcome()


def outgoing(target: Target, method: Method, token: str, conversation_id: str, body: str, secret: str) -> Outgoing:
    """POST has the event as its body. GET has none: what it is about is in the query, and the resource can be asked
    for. The signature is of the whole URL."""
    headers = {TOKEN: token, "User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
    if method == "POST":
        content = body.encode()
        url = with_body_hash(target.url, content)
        headers["Content-Type"] = "application/json"
    else:
        told = json.loads(body)
        fields = {"eventType": told["eventType"], "timestamp": told["timestamp"], "conversationId": conversation_id}
        url, content = with_query(target.url, fields.items()), None
    asked = replace(target, path=url.removeprefix(f"{target.scheme}://{target.authority}"))
    return Outgoing(
        method=method, target=asked, headers={**headers, SIGNATURE: signature(secret, url)}, content=content
    )


def outcome(status: int) -> Outcome:
    """Of a reply. Redirects are not followed: where they lead nobody has checked."""
    if 200 <= status < 300:
        return DELIVERED
    if status == 410:
        return Outcome("HTTP 410: the receiver is gone for good.", final=True)
    if 300 <= status < 400:
        return Outcome(f"HTTP {status}: redirects are not followed.")
    return Outcome(f"HTTP {status}.")
