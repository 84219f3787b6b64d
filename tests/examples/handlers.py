"""The examples as processes of their own, between a customer who calls and a real memory that may be slow or gone."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import httpx2

from tests.process.servers import EXIT_SECONDS, SLACK_SECONDS, Home, make_home, until

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

Json = dict[str, Any]


class Memory:
    """What is stored, as anybody sees it who asks the API."""

    def __init__(self, address: str, store_id: str = "", auth: tuple[str, str] | None = None) -> None:
        self.address, self.store_id, self._auth = address, store_id or _new_store(address, auth), auth

    def environment(self) -> dict[str, str]:
        key_id, secret = self._auth or ("", "")
        named = {"MEMORY_URL": self.address, "MEMORY_STORE_ID": self.store_id}
        return {**named, "MEMORY_KEY_ID": key_id, "MEMORY_KEY_SECRET": secret}

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        url = f"{self.address}/v1/Stores/{self.store_id}/Profiles{path}"
        answer = httpx2.request(method, url, json=body, auth=self._auth)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def holders(self, phone: str) -> list[str]:
        found: list[str] = self.ask("POST", "/Lookup", {"idType": "phone", "value": phone}).get("profiles") or []
        return found

    def contents(self, phone: str, kind: str = "observations") -> list[str]:
        """Of the one who has this number; nothing of somebody unknown."""
        part = {"observations": "Observations", "summaries": "ConversationSummaries"}[kind]
        return [one["content"] for id in self.holders(phone) for one in self.ask("GET", f"/{id}/{part}")[kind]]


def _new_store(address: str, auth: tuple[str, str] | None) -> str:
    with httpx2.Client(base_url=address, auth=auth) as client:
        created = client.post("/v1/ControlPlane/Stores", json={"displayName": "calls"})
        store_id: str = client.get(created.json()["statusUrl"]).json()["result"]["id"]
        return store_id


@dataclass(frozen=True)
class Handler:
    """One of the examples, and Twilio in front of it."""

    process: "subprocess.Popen[bytes]"
    address: str
    _stderr: Path

    @property
    def log(self) -> str:
        return self._stderr.read_text(encoding="utf-8", errors="replace")

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx2.Response:
        return httpx2.post(self.address + path, data=dict(fields), headers=headers, timeout=30)

    def said(self, path: str, fields: Mapping[str, str]) -> str:
        """What the customer hears or reads. Fails unless the answer is one sound document that says one thing."""
        answer = self.post(path, fields)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/xml"), answer.text
        root = xml.fromstring(answer.content)
        assert {element.tag for element in root.iter()} <= {"Response", "Gather", "Say", "Message"}
        (said,) = [element.text or "" for element in root.iter() if element.tag in ("Say", "Message")]
        return said

    def wait_for_log(self, text: str) -> None:
        until(lambda: text in self.log)


@contextmanager
def running(
    program: str, root: Path, memory: Memory, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[Handler]:
    """The example on a port of its own."""
    home: Home = make_home(root)
    stderr = root / "stderr.txt"
    with stderr.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / program), "--port", "0", *arguments],
            env=home.environment({**memory.environment(), **(env or {})}),
            cwd=root / "cwd",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        yield Handler(process, _announced(process, stderr), stderr)
    finally:
        process.terminate()
        try:
            process.wait(10 * (EXIT_SECONDS + SLACK_SECONDS))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _announced(process: "subprocess.Popen[bytes]", stderr: Path) -> str:
    """Uvicorn says where it is once its socket is bound."""
    found: list[str] = []

    def announced() -> bool:
        printed = stderr.read_text(encoding="utf-8")
        assert process.poll() is None, printed
        found.extend(re.findall(r"running on (http://\S+)", printed))
        return bool(found)

    until(announced)
    return found[0]


class Gate(ThreadingHTTPServer):
    """On the way to the memory: it lets requests wait, or loses the answers to writes after they were made."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target = target
        self.opened = threading.Event()
        self.opened.set()
        self.to_lose = 0
        self.replayed: list[str] = []
        """The keys of writes that the memory had made already."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gate

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.opened.wait()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        try:
            answer = httpx2.request(self.command, self.server.target + self.path, content=body, headers=headers)
        except httpx2.HTTPError:
            self.close_connection = True
            return
        key = self.headers.get("idempotency-key")
        if key and self.server.to_lose:
            self.server.to_lose -= 1
            self.close_connection = True
            return
        if key and "idempotency-replayed" in answer.headers:
            self.server.replayed.append(key)
        self.send_response(answer.status_code)
        self.send_header("content-type", answer.headers["content-type"])
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = _pass

    def log_message(self, format: str, *args: Any) -> None:
        """The test says what went wrong."""


@contextmanager
def gate(target: str) -> Iterator[Gate]:
    with Gate(target) as found:
        serving = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield found
        finally:
            found.opened.set()
            found.shutdown()
            serving.join()
