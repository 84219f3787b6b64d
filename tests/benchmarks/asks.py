"""What clients of a host ask, as requests: the same three things over MCP of both eras and over the Memory API."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .memories import Writer

Transport = Literal["mcp", "handshake", "api"]
Call = Literal["recall", "write", "lookup"]

TITLES: Mapping[Transport, str] = {
    "mcp": "MCP 2026-07-28",
    "handshake": "MCP of the handshake era",
    "api": "Memory API",
}
TOOLS: Mapping[Call, str] = {"recall": "recall", "write": "add_observation", "lookup": "lookup_profile"}
PHONE = "+13175550160"  # of the profile that is looked up and written to
AT = "2026-05-01T10:00:00Z"
LIMITS = {"observations_limit": 20, "summaries_limit": 5}  # what the API takes where it is told none

_MODERN, _HANDSHAKE = "2026-07-28", "2025-11-25"
_META = {"io.modelcontextprotocol/protocolVersion": _MODERN, "io.modelcontextprotocol/clientCapabilities": {}}
_ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
SESSION = "Mcp-Session-Id"


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a client of one tenant knows. Without a token it shows no credential."""

    token: str | None
    store_id: str
    profile_id: str
    """Who is recalled."""
    other_id: str
    """Who is written to."""


@dataclass(frozen=True, kw_only=True)
class Request:
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Script:
    """Requests without end, no write like another. `session`: headers of a session of the handshake era."""

    transport: Transport
    writer: Writer
    session: Mapping[str, str] = field(default_factory=dict)

    def requests(self, call: Call, questions: Iterator[str]) -> Callable[[Access], Request]:
        def request(access: Access) -> Request:
            if self.transport == "api":
                return _of_api(call, access, self.writer, questions)
            return _of_mcp(self.transport, call, _arguments(call, access, self.writer, questions), access, self.session)

        return request


def _of_api(call: Call, access: Access, writer: Writer, questions: Iterator[str]) -> Request:
    path, body = "/Lookup", dict[str, Any](idType="phone", value=PHONE)
    if call == "recall":
        path, body = f"/{access.profile_id}/Recall", {"query": next(questions)}
    elif call == "write":
        path, body = f"/{access.other_id}/Observations", {"observations": [_new(writer, "occurredAt")]}
    headers = {"Content-Type": "application/json", **_credential(access)}
    return Request(path=f"/v1/Stores/{access.store_id}/Profiles{path}", body=json.dumps(body).encode(), headers=headers)


def _arguments(call: Call, access: Access, writer: Writer, questions: Iterator[str]) -> dict[str, Any]:
    if call == "recall":
        return {"profile_id": access.profile_id, "query": next(questions), **LIMITS}
    if call == "write":
        return {"profile_id": access.other_id, "observations": [_new(writer, "occurred_at")]}
    return {"value": PHONE}


def _of_mcp(
    transport: Transport, call: Call, arguments: dict[str, Any], access: Access, session: Mapping[str, str]
) -> Request:
    params: dict[str, Any] = {"name": TOOLS[call], "arguments": arguments}
    headers = {**_ACCEPT, **_credential(access), **session}
    if transport == "mcp":
        params["_meta"] = _META
        headers |= {"MCP-Protocol-Version": _MODERN, "Mcp-Method": "tools/call", "Mcp-Name": TOOLS[call]}
    return _message("tools/call", params, headers, id=2)


def handshake(access: Access) -> Request:
    client = {"name": "benchmark", "version": "0"}
    params = {"protocolVersion": _HANDSHAKE, "capabilities": {}, "clientInfo": client}
    return _message("initialize", params, {**_ACCEPT, **_credential(access)}, id=1)


def initialized(access: Access, session: Mapping[str, str]) -> Request:
    return _message("notifications/initialized", {}, {**_ACCEPT, **_credential(access), **session}, id=None)


def of_session(session_id: str) -> Mapping[str, str]:
    return {SESSION: session_id, "MCP-Protocol-Version": _HANDSHAKE}


def _message(method: str, params: dict[str, Any], headers: Mapping[str, str], *, id: int | None) -> Request:
    numbered = {} if id is None else {"id": id}
    body = {"jsonrpc": "2.0", **numbered, "method": method, "params": params}
    return Request(path="/mcp", body=json.dumps(body).encode(), headers=headers)


def _credential(access: Access) -> dict[str, str]:
    return {} if access.token is None else {"Authorization": f"Bearer {access.token}"}


def _new(writer: Writer, time_name: str) -> dict[str, str]:
    return {"content": writer.sentence()[0], "source": "sms", time_name: AT}


def trouble(transport: Transport, status: int, body: bytes) -> str | None:
    """Why this is no answer; None where it is one. An error of MCP comes with status 200."""
    if not 200 <= status < 300:
        return f"{status}: {body[:200].decode(errors='replace')}"
    if transport == "api" or not body:
        return None
    data = body.rpartition(b"data: ")[2] if body.startswith((b"event:", b"data:", b"id:", b":")) else body
    answer = json.loads(data)
    if "result" not in answer or answer["result"].get("isError"):
        return f"{status}: {data[:200].decode(errors='replace')}"
    return None
