"""Where the metrics of several processes are added up: a folder that all of them count into.

The library for metrics decides at its import whether it counts there. So whoever starts the processes sets the variable
in their environment before, to `folder()`. This file does not import it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def folder() -> Iterator[str]:
    """For as long as the processes run, and theirs alone: what an earlier run counted would be counted again."""
    with tempfile.TemporaryDirectory(prefix="mcp-memory-metrics-", ignore_cleanup_errors=True) as path:
        yield path
