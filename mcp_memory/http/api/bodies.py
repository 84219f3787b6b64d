"""Reading what a client sends: bounded in size, in time and in depth, whatever it claims to be."""

import json
import re
import zlib
from itertools import islice
from typing import Any, NoReturn

import anyio
from starlette.requests import Request

from mcp_memory.http.api.problems import INVALID, NOT_JSON, WRONG_SCHEMA, Refused

MAX_BODY = 16 * 1024 * 1024  # bytes, decompressed: a bulk of 1,000 profiles of the largest size is rarely a tenth
SECONDS = 30  # for the whole of it
MAX_DEPTH = 32  # the published bodies have 8 levels at most
MAX_VALUES = 500_000  # 500 a profile in the largest bulk; each takes a hundred bytes of memory, for two that are sent
_JSON = re.compile(r"application/(json|[a-z0-9!#$&^_.+-]+\+json)\s*(;.*)?", re.IGNORECASE)
_TEXT_OR_MARK = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[,:]', re.DOTALL)
_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


async def read(request: Request, most: int = MAX_BODY) -> bytes:
    """Raises Refused: 408, 413, 415, or 400 for what can't be decompressed."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in (*_WINDOWS, "identity"):
        raise Refused(415, NOT_JSON, "Content-Encoding must be gzip, deflate or identity: send it in one of them.")
    if int(_digits(request.headers.get("content-length"))) > most:
        raise _too_large(most)
    with anyio.move_on_after(SECONDS) as waiting:
        sent = await _received(request, most)
    if waiting.cancelled_caught:
        raise Refused(408, INVALID, f"The body did not arrive within {SECONDS} seconds: send it again, faster.")
    return sent if encoding == "identity" else _decompressed(sent, encoding, most)


def parsed(body: bytes, content_type: str | None) -> Any:
    """Raises Refused: 415 for another content type, 400 for what is not JSON as it should be."""
    if content_type is None or not _JSON.fullmatch(content_type.strip()):
        raise Refused(
            415, NOT_JSON, "Content-Type must be application/json: the body is read as JSON and nothing else."
        )
    _check_count(body)
    try:
        text = body.decode("utf-8-sig")  # json would take other encodings, and halves of letters, for what it is given
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
        _check_depth(value)
    except RecursionError as exc:
        raise _too_deep() from exc
    except (UnicodeDecodeError, ValueError) as exc:  # JSONDecodeError is one, as is a number of too many digits
        raise Refused(400, WRONG_SCHEMA, "The body is not JSON in UTF-8: correct it and send it again.") from exc
    return value


async def _received(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


def _decompressed(sent: bytes, encoding: str, most: int) -> bytes:
    try:
        return _inflated(sent, _WINDOWS[encoding], most)
    except zlib.error as exc:
        if encoding == "deflate":  # some send it bare, without its header
            try:
                return _inflated(sent, -zlib.MAX_WBITS, most)
            except zlib.error:
                pass
        raise Refused(
            400, INVALID, f"The body is not {encoding}, as Content-Encoding says: send it as it says."
        ) from exc


def _inflated(sent: bytes, window: int, most: int) -> bytes:
    stream = zlib.decompressobj(window)
    body = stream.decompress(sent, most + 1)
    if len(body) > most:
        raise _too_large(most)
    if not stream.eof or stream.unused_data:
        raise zlib.error("cut off, or more behind it")
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused(400, WRONG_SCHEMA, "The body has an object with a key twice: give each key once.")
    return found


def _no_number(name: str) -> NoReturn:
    raise Refused(400, WRONG_SCHEMA, "The body has NaN or Infinity, which are no numbers in JSON: leave them out.")


def _check_count(body: bytes) -> None:
    """Before anything is made of it: what has been made is kept while others are waited for."""
    if sum(body.count(mark) for mark in (b"[", b",", b":")) <= MAX_VALUES:
        return
    marks = (one for one in _TEXT_OR_MARK.finditer(body) if one.end() == one.start() + 1)
    if next(islice(marks, MAX_VALUES, None), None) is not None:  # each value but the first stands behind one
        raise Refused(400, WRONG_SCHEMA, f"The body has more than {MAX_VALUES} values: send less at once.")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> Refused:
    return Refused(400, WRONG_SCHEMA, f"The body is nested more than {MAX_DEPTH} levels deep: flatten it.")


def _too_large(most: int) -> Refused:
    return Refused(413, INVALID, f"The body is larger than {most} bytes: send less at once.")


def _digits(length: str | None) -> str:
    return length if length is not None and length.isascii() and length.isdigit() and len(length) < 20 else "0"
