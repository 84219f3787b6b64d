"""The package `twilio` verifies our callbacks as it does Twilio's own: what came to a receiver, and nothing else."""

import json
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from mcp_memory.callbacks import Method, event
from mcp_memory.callbacks.addresses import reach
from mcp_memory.callbacks.requests import DELIVERED, outgoing
from mcp_memory.callbacks.sending import Sender
from mcp_memory.callbacks.urls import target
from tests.callbacks.receiver import receiving

from .conftest import CLIENT_SECONDS, PYTHON, ROOT, need_clients

need_clients()

SECRET = "0123456789abcdef0123456789abcdef"
HERE = reach(["127.0.0.0/8"])
BODY = event("COMMUNICATION_CREATED", datetime.now(UTC), {"id": "x", "content": {"text": "Grüße, “Dana” + &=?"}})
PATHS = ("", "/", "/hook", "/hook?tenant=1", "/hook?a=%20b&c=d+e&f", "/hook?")
METHODS: tuple[Method, ...] = ("POST", "GET")


def verdicts(lines: list[dict[str, Any]], secret: str = SECRET) -> list[bool]:
    run = subprocess.run(
        [str(PYTHON), "-m", "tests.conformance.callback_validator", secret],
        input="".join(f"{json.dumps(line)}\n" for line in lines),
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=CLIENT_SECONDS,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.fixture(scope="module")
def came() -> list[dict[str, Any]]:
    """As a receiver sees it, and puts the URL together that it was asked by."""
    with receiving() as receiver:
        for path in PATHS:
            for method in METHODS:
                where = target(receiver.url(path), reach=HERE)
                assert Sender(HERE).send(outgoing(where, method, "token", "c-1", BODY, SECRET)) == DELIVERED
    return [
        {
            "method": seen.method,
            "url": f"http://{seen.headers['Host']}{seen.path}",
            "body": seen.body.decode(),
            "signature": seen.headers["X-Twilio-Signature"],
        }
        for seen in receiver.seen
    ]


def test_what_came_is_verified(came: list[dict[str, Any]]) -> None:
    assert verdicts(came) == [True] * len(PATHS) * len(METHODS)


def test_what_was_changed_on_the_way_is_not(came: list[dict[str, Any]]) -> None:
    assert not any(verdicts([{**line, "url": f"{line['url']}&more=1"} for line in came]))
    assert not any(verdicts([{**line, "body": f"{line['body']} "} for line in came if line["method"] == "POST"]))
    assert not any(verdicts(came, secret="another"))
