"""A strict fake of the managed service, made from the published document: what that does not allow is refused.

It is an ASGI app, for httpx2.ASGITransport or for uvicorn. Its rules are those of Twilio's pages, its ranking is not.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ..document import Document, Operation, memory_document
from ..rules import Request, request_complaints
from ..schemas import read_text
from ..streams import decoded
from . import groups, imports, memories, profiles, recall, stores
from .call import Call, Handler, Moved, Reply
from .effects import Effects
from .imports import Upload
from .refusals import Refusal, bad_request, not_found
from .state import PROMOTED, Account, Json
from .trouble import LOST, ConnectionLost, Trouble

KEY_ID, KEY_SECRET = "SK" + "0" * 32, "a-secret-of-nobody-but-the-fake"
UPLOADS = "/uploads/"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Fake:
    """`accounts`: key id → secret; what one has, no other sees.

    `spare`: leaves out of answers what the document lets it leave out.
    `transparent`: answers for a merged profile, where both that and a redirect are published.
    `null_profiles`: a lookup that finds nobody says null, as was seen live; the document has no null there.
    `promoted`: the traits of Contact that identify.
    """

    def __init__(
        self,
        *,
        accounts: Mapping[str, str] | None = None,
        spare: bool = True,
        transparent: bool = False,
        null_profiles: bool = False,
        promoted: Sequence[str] = PROMOTED,
        now: Callable[[], datetime] = _utc_now,
        document: Document | None = None,
    ) -> None:
        self._secrets = dict(accounts or {KEY_ID: KEY_SECRET})
        self._accounts = {key_id: Account(tuple(promoted)) for key_id in self._secrets}
        self.spare, self.transparent, self.null_profiles = spare, transparent, null_profiles
        self._now, self._document = now, document or memory_document()
        self._effects = Effects()
        self._last_id = self._to_fail = 0
        self._uploads: dict[str, Upload] = {}
        self._troubles: list[Trouble] = []
        self._handlers: dict[str, Handler] = {
            **stores.HANDLERS,
            **groups.HANDLERS,
            **profiles.HANDLERS,
            **memories.HANDLERS,
            **recall.HANDLERS,
            **imports.HANDLERS,
            "CreateProfilesImportV2": partial(imports.create_import, uploads=self._uploads),
        }
        self.requests: list[Request] = []  # what was asked, newest last

    def lag(self, requests: int | None) -> None:
        """From now on a write is done so many requests after it was accepted; None: when `settle` is called."""
        self._effects.lag = requests

    def settle(self) -> None:
        """Everything that was accepted is done."""
        self._effects.settle()

    def fail(
        self,
        status: int,
        *,
        times: int = 1,
        retry_after: int = 1,
        operation: str | None = None,
        after_effect: bool = False,
    ) -> None:
        """Answers 429, 500 or 503 to what comes next."""
        self._troubles.append(Trouble(status, times, retry_after, operation, after_effect))

    def drop(self, *, times: int = 1, operation: str | None = None, after_effect: bool = False) -> None:
        """Breaks the connection off."""
        self.fail(LOST, times=times, operation=operation, after_effect=after_effect)

    def fail_operation(self, times: int = 1) -> None:
        """The next writes of the control plane are accepted, and come to nothing."""
        self._to_fail = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        http = HttpRequest(scope, receive)
        body = await http.body()
        try:
            response = self._respond(http, body)
        except ConnectionLost:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            raise
        await response(scope, receive, send)

    def _respond(self, http: HttpRequest, body: bytes) -> Response:
        self._effects.another_request()
        if http.url.path.startswith(UPLOADS):
            return self._upload(http, body)
        request = _request(http, body)
        self.requests.append(request)
        try:
            reply = self._answer(request, f"{http.url.scheme}://{http.url.netloc}")
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.status, refusal.headers)
        return JSONResponse(reply.body, reply.status, reply.headers)

    def _upload(self, http: HttpRequest, body: bytes) -> Response:
        upload = self._uploads.pop(http.url.path.removeprefix(UPLOADS), None)
        if upload is None or http.method != "PUT":
            return Response(status_code=403)
        upload(body)
        return Response(status_code=200)

    def _answer(self, request: Request, base: str) -> Reply:
        account = self._account(request.headers.get("authorization", ""))
        operation = self._document.find(request.method, request.path)
        if operation is None:
            raise not_found("resource")
        trouble = next((one for one in self._troubles if one.hits(operation.id)), None)
        if trouble is not None and not trouble.after_effect:
            raise trouble.refusal()
        for complaint in request_complaints(self._document, request):
            raise bad_request(complaint)
        reply = self._handled(request, operation, account, base)
        if trouble is not None:
            raise trouble.refusal()
        return reply

    def _account(self, authorization: str) -> Account:
        kind, _, encoded = authorization.partition(" ")
        try:
            key_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            key_id, secret = "", ""
        if kind.lower() != "basic" or self._secrets.get(key_id) != secret:
            raise Refusal(401, 20003, "Authenticate")
        return self._accounts[key_id]

    def _handled(self, request: Request, operation: Operation, account: Account, base: str) -> Reply:
        call = self._call(request, operation, account, base)
        try:
            reply = self._handlers[operation.id](call)
        except Moved as moved:
            return _redirect(request, operation, base, call.path["profileId"], moved.to)
        if self.null_profiles and operation.id == "CreateProfilesLookup":
            return Reply(reply.status, {"profiles": None, **reply.body})
        return reply

    def _call(self, request: Request, operation: Operation, account: Account, base: str) -> Call:
        return Call(
            operation=operation,
            account=account,
            path={name: unquote(value) for name, value in (operation.match(request.path) or {}).items()},
            query=_query(operation, request.query),
            headers=dict(request.headers),
            body=json.loads(request.body) if request.body else {},
            base=base,
            at=self._now(),
            new_id=self._new_id,
            later=self._effects.add,
            spare=self.spare,
            doomed=self._dooms(operation),
            transparent=self.transparent,
        )

    def _dooms(self, operation: Operation) -> bool:
        doomed = self._to_fail > 0 and operation.method != "GET" and "/ControlPlane/" in operation.path
        self._to_fail -= doomed
        return doomed

    def _new_id(self, prefix: str) -> str:
        self._last_id += 1
        return f"{prefix}_{self._last_id:026d}"


def _request(http: HttpRequest, body: bytes) -> Request:
    headers = {name.lower(): value for name, value in http.headers.items()}
    raw: bytes = http.scope.get("raw_path") or http.scope["path"].encode()
    path = raw.decode("ascii").partition("?")[0]
    return Request(http.method, path, http.url.query, headers, decoded(body, headers.get("content-encoding")))


def _query(operation: Operation, text: str) -> Json:
    given = dict(parse_qsl(text, keep_blank_values=True))
    known = {one.name: one.schema for one in operation.parameters if one.place == "query"}
    defaults = {name: schema["default"] for name, schema in known.items() if "default" in schema}
    return defaults | {name: read_text(known[name], value) for name, value in given.items()}


def _redirect(request: Request, operation: Operation, base: str, old: str, new: str) -> Reply:
    status = 301 if 301 in operation.answers else 308
    uri = base + request.path.replace(old, new) + (f"?{request.query}" if request.query else "")
    body = {"message": "This resource has moved.", "uri": uri}
    return Reply(status, body, {"Location": uri, "Canonical-Profile-Id": new})
