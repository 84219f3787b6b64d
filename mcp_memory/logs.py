"""Logs go to stderr, a line each, and hold nothing that customers said."""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

UNSAFE: Final = "pydantic_core"  # its errors quote the value they refuse
LONGEST: Final = 500  # characters of a message: some of them come from outside
LONGEST_FIELD: Final = 128
CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029)}
FORMATS: Final = ("text", "json")
REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""Of the request that is being answered: every line that is logged meanwhile has it."""

_PLAIN = re.compile(r"[\w.:@/+-]+")


def fields(**values: object) -> dict[str, Any]:
    """What a line has beside its message, as `extra` of a call: `key=value` in text, members of the object in JSON."""
    return {"fields": values}


class OneLine(logging.Formatter):
    """Nobody forges a line of the log by a line end in what he sends, nor a field by a blank."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        said = [record.message, *(f"{name}={_as_text(value)}" for name, value in _fields(record).items())]
        record.message = " ".join(said).translate(CONTROL)[:LONGEST]
        return super().formatMessage(record)


class JsonLine(logging.Formatter):
    """An object a line, in ASCII; what is no word of ours is escaped twice, so that it stays one when it is shown."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().translate(CONTROL)[:LONGEST],
            **{
                name: value.translate(CONTROL) if isinstance(value, str) else value
                for name, value in _fields(record).items()
            },
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(level: str, form: str = "text") -> None:
    """`level` is for this package; others only warn, since at lower levels the SDK logs what it carries."""
    handler = logging.StreamHandler(sys.stderr)
    text = OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLine() if form == "json" else text)
    handler.addFilter(without_values)
    logging.basicConfig(handlers=[handler])
    logging.getLogger("mcp_memory").setLevel(level.upper())


def without_values(record: logging.LogRecord) -> bool:
    """Drops the traceback of an error that quotes what a caller sent, and what is only a stream cut at the end."""
    errors = list(_chain(record.exc_info[1] if record.exc_info else None))
    if any(isinstance(error, asyncio.CancelledError) for error in errors):
        return False
    if any(type(error).__module__.startswith(UNSAFE) for error in errors):
        record.exc_info = record.exc_text = None
    return True


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    given: Mapping[str, Any] = getattr(record, "fields", {})
    request_id = REQUEST_ID.get()
    known = given if request_id is None or "request_id" in given else {**given, "request_id": request_id}
    return {name: value[:LONGEST_FIELD] if isinstance(value, str) else value for name, value in known.items()}


def _as_text(value: object) -> str:
    if value is None:
        return "-"
    return str(value) if _PLAIN.fullmatch(str(value)) else json.dumps(value, ensure_ascii=False)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
