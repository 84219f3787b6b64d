"""Logs go to stderr, a line each, and hold nothing that customers said."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from typing import Final

UNSAFE: Final = "pydantic_core"  # its errors quote the value they refuse
LONGEST: Final = 500  # characters of a message: some of them come from outside
CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029)}


class OneLine(logging.Formatter):
    """Nobody forges a line of the log by a line end in what he sends."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.translate(CONTROL)[:LONGEST]
        return super().formatMessage(record)


def configure(level: str) -> None:
    """`level` is for this package; others only warn, since at lower levels the SDK logs what it carries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
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


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
