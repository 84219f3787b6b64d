"""Thousands of calls that nobody would think of, made up from our own document and from the published ones.

Schemathesis has an environment of its own: `make fuzz` sets it up, and fails where `make test` skips.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fuzz.seeds import seeded
from tests.process.servers import Http, http_server, make_home
from tests.published.document import CONVERSATIONS, MEMORY, REASON

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BIN = ROOT / ".venv-fuzz" / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = BIN / ("python.exe" if sys.platform == "win32" else "python")
REQUIRED = "FUZZ_REQUIRED"  # set by `make fuzz`
KEY_ID, SECRET = "SKfuzz", "only-for-the-fuzzer"
EXAMPLES = 40  # per operation, besides those at the limits of each field: 4,500 calls in all
RUN_SECONDS = 900

PUBLISHED = {"memory": MEMORY, "conversations": CONVERSATIONS}
# That a call is accepted is promised by no document: an id may be of nothing, a trait undeclared.
UNDECIDED = "positive_data_acceptance"

if not PYTHON.exists():
    reason = "Schemathesis is not installed: run `make fuzz` to install it and to check with it"
    if os.environ.get(REQUIRED):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Http]:
    env = {"MCP_MEMORY_API_KEY_ID": KEY_ID, "MCP_MEMORY_API_KEY_SECRET": SECRET, "ORT_DISABLE_TELEMETRY": "1"}
    with http_server(make_home(tmp_path / "machine"), env=env) as http:
        yield http


@pytest.mark.parametrize("document", ["own", *PUBLISHED])
def test_no_call_that_can_be_made_up_is_answered_wrongly(server: Http, document: str, tmp_path: Path) -> None:
    if document != "own" and not PUBLISHED[document].exists():
        pytest.skip(REASON)
    seeds = tmp_path / "seeds.json"
    with httpx2.Client(base_url=server.address, auth=(KEY_ID, SECRET), timeout=30) as http:
        seeds.write_text(json.dumps(seeded(http)), encoding="utf-8")
    location = f"{server.address}/openapi.json" if document == "own" else str(PUBLISHED[document])
    options: list[Any] = ["--config-file", HERE / "schemathesis.toml", "run", location, "--url", server.address]
    options += ["--auth", f"{KEY_ID}:{SECRET}", "--max-examples", EXAMPLES, "--exclude-checks", UNDECIDED]
    options += ["--continue-on-failure", "--phases", "examples,coverage,fuzzing", "--warnings", "off"]
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    loaded = {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_SEEDED": str(seeds), "FUZZ_DOCUMENT": document}
    run = subprocess.run(
        [str(PYTHON), "-m", "schemathesis.cli", *map(str, options)],
        env={**kept, **loaded, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=RUN_SECONDS,
    )
    print(run.stdout[run.stdout.find("= SUMMARY") :])

    assert run.returncode == 0, run.stdout[-20_000:]
    assert "Traceback" not in server.stderr


def test_our_document_is_one(server: Http, tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_bytes(httpx2.get(f"{server.address}/openapi.json").content)
    run = subprocess.run(
        [str(PYTHON), "-m", "openapi_spec_validator", "--schema", "3.1", str(document)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )

    assert run.returncode == 0, run.stdout + run.stderr
