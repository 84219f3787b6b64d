"""Logs go to stderr and hold nothing that customers said."""

import logging
import sys
from typing import Final

UNSAFE: Final = "pydantic_core"  # its errors quote the value they refuse


def configure(level: str) -> None:
    """`level` is for this package; others only warn, since at lower levels the SDK logs what it carries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(without_values)
    logging.basicConfig(handlers=[handler])
    logging.getLogger("mcp_memory").setLevel(level.upper())


def without_values(record: logging.LogRecord) -> bool:
    """Drops the traceback of an error that quotes what a caller sent; the message stays."""
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        if type(error).__module__.startswith(UNSAFE):
            record.exc_info = record.exc_text = None
            return True
        error = error.__cause__ or error.__context__
    return True
