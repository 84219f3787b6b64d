"""Where the file of an import is brought: a PUT to an address that holds for that import alone, without a key."""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from mcp_memory import columns, ids
from mcp_memory.errors import Invalid, NotFound, Taken, Unsupported
from mcp_memory.http.api import bodies
from mcp_memory.http.api.asked import FAILURES
from mcp_memory.http.api.problems import CONFLICT, FORBIDDEN, INVALID, NOT_JSON, Refused
from mcp_memory.http.api.route import Front, answered
from mcp_memory.import_file import rules
from mcp_memory.import_queue import ImportQueue
from mcp_memory.imports import Import, NewUpload
from mcp_memory.metering import asked_by
from mcp_memory.model import Caller, Scope
from mcp_memory.service import Memory
from mcp_memory.uploads import Part
from mcp_memory.wire.pages import ErrorBody

PATH = "/uploads"
VALID = timedelta(minutes=30)  # as published addresses are
STEP = 64 * 1024  # bytes, which have to arrive within bodies.SECONDS
WHOLE_SECONDS = VALID.total_seconds()
MAX_TICKET = 4096  # characters


class UploadRoute(APIRoute):
    """Without a key and without a body that is read ahead."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        call, path, name = super().get_route_handler(), self.path_format, self.operation_id or self.path_format

        async def handle(request: Request) -> Response:
            return await answered(request, name, path, lambda: call(request))

        return handle


router = APIRouter(route_class=UploadRoute, tags=["Imports"])


# Tickets


@dataclass(frozen=True, kw_only=True)
class Ticket:
    caller: Caller
    import_id: str
    secret_digest: bytes


def ticket(scope: Scope, import_id: str, secret: str) -> str:
    """Says which import, and that whoever brings the file was told to. It holds for nothing else."""
    inside = json.dumps([scope.tenant, scope.store_id, import_id, secret], separators=(",", ":"))
    return base64.urlsafe_b64encode(inside.encode()).decode().rstrip("=")


def read(text: str) -> Ticket:
    """Raises Refused for what is no ticket. Whether it holds is another question."""
    try:
        padded = text[:MAX_TICKET] + "=" * (-len(text) % 4)
        tenant, store_id, import_id, secret = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        tenant.encode()
        return Ticket(
            caller=Caller(tenant=tenant, store=ids.check(store_id, ids.STORE, "store_id")),
            import_id=ids.check(import_id, ids.IMPORT, "import_id"),
            secret_digest=sha256(secret.encode()).digest(),
        )
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError, Invalid) as exc:
        raise Refused(
            400, INVALID, "This is no address that an import was given: create an import, use its url."
        ) from exc


async def _announced(front: Front, shown: Ticket) -> Import:
    """Raises Refused, alike for an import that is not there and a secret that is another's."""
    found = None
    if await front.active(shown.caller.tenant):  # first: nobody is to be looked for in the name of another
        with suppress(NotFound):
            found = await front.memory.get_import(shown.caller, shown.import_id)
    expected = found.secret_digest if found is not None else None
    fits = hmac.compare_digest(shown.secret_digest, expected or bytes(32))
    if found is None or expected is None or not fits:
        raise _unknown()
    if front.now() - found.created_at > VALID:
        raise Refused(
            403, FORBIDDEN, "This address has expired: create another import, bring the file within 30 minutes."
        )
    return found


# Files


@router.put(
    PATH + "/{ticket}",
    operation_id="PutProfilesImportFile",
    response_class=Response,
    responses={
        200: {"description": "The file is kept: it will be imported", "content": {}},
        **{status: FAILURES[status] for status in (400, 415, 503)},
        403: {"model": ErrorBody, "description": "The address does not hold, or no longer"},
        408: {"model": ErrorBody, "description": "The file came too slowly"},
        409: {"model": ErrorBody, "description": "The import has another file already"},
    },
    openapi_extra={
        "security": [],
        "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def put_file(request: Request, ticket: str) -> Response:
    """The file of an import, once, in the size that was announced. What is announced again is answered again."""
    front: Front = request.app.state.front
    queue, shown = queue_of(front), read(ticket)
    announced = await _announced(front, shown)
    asked_by(shown.caller)
    _check_headers(request, announced.file_size)
    if announced.status != "PENDING" and await anyio.to_thread.run_sync(queue.uploads.find, shown.import_id) is None:
        raise _used()
    part = await anyio.to_thread.run_sync(queue.uploads.begin)
    try:
        await _receive(request, part, announced.file_size)
        if not await front.active(shown.caller.tenant):  # any more
            raise _unknown()
        await _keep(front.memory, queue, shown, part)
        return Response(headers={"ETag": f'"{part.digest}"'})
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(part.discard)


def queue_of(front: Front) -> ImportQueue:
    if front.imports is None:
        raise Unsupported("Files of imports are not taken here: the server that is asked keeps none.")
    return front.imports


def _check_headers(request: Request, size: int) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused(415, NOT_JSON, "Content-Encoding must be identity: send the file as it is.")
    if (length := request.headers.get("content-length")) is not None and length != str(size):
        raise _another_size(size)


async def _receive(request: Request, part: Part, size: int) -> None:
    """To the disk, a step at a time."""
    held = bytearray()
    end = anyio.current_time() + WHOLE_SECONDS
    with anyio.CancelScope(deadline=anyio.current_time() + bodies.SECONDS) as waiting:
        async for content in request.stream():
            held += content
            if part.size + len(held) > size:
                raise _another_size(size)
            if len(held) >= STEP:
                await anyio.to_thread.run_sync(part.write, bytes(held))
                held.clear()
                waiting.deadline = min(end, anyio.current_time() + bodies.SECONDS)
    if waiting.cancelled_caught:
        raise Refused(
            408, INVALID, f"The file came slower than {STEP} bytes in {bodies.SECONDS} seconds: send it again."
        )
    await anyio.to_thread.run_sync(part.write, bytes(held))
    if part.size != size:
        raise _another_size(size)


async def _keep(memory: Memory, queue: ImportQueue, shown: Ticket, part: Part) -> None:
    """Or find that it is kept: of several who bring the same file at once, all are told so."""
    import_id = shown.import_id
    if (await memory.get_import(shown.caller, import_id)).status == "PENDING":
        try:
            await anyio.to_thread.run_sync(queue.uploads.keep, part, shown.caller.tenant, shown.caller.store, import_id)
        except Taken:
            pass
        else:
            return queue.wake()
    kept = await anyio.to_thread.run_sync(queue.uploads.find, import_id)
    if kept is None or kept.digest != part.digest:
        raise _used()


def _unknown() -> Refused:
    return Refused(403, FORBIDDEN, "This address holds for no import: use the url as it was given.")


def _used() -> Refused:
    return Refused(
        409,
        CONFLICT,
        "The import has had its file, and its result is there to be read: create another import only for another file.",
    )


def _another_size(size: int) -> Refused:
    return Refused(
        400, INVALID, f"The file must have {size} bytes, as fileSize said: send that one, or create an import."
    )


# What is announced


async def check_mappings(memory: Memory, caller: Caller, new: NewUpload) -> None:
    """Raises Invalid for a mapping that no file could be read by."""
    columns.check_mappings(new.column_mappings, *await rules(memory, caller))
