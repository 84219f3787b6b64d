"""Real servers in processes of their own, driven from outside: JSON-RPC lines over stdio, HTTP on loopback."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from tests.process.warm import POSSIBLE, Forked, warm

ANSWER_SECONDS = 30.0  # nobody promises a time for an answer; this only bounds the wait for one that never comes
EXIT_SECONDS = 2.0  # promised
SLACK_SECONDS = (
    1.0  # for the interpreter's own end, and for the turn of a process on a machine that is busy with others
)

READ_AT_IMPORT = ("PYTHON", "PROMETHEUS_")  # settings that come too late for what is imported already

Json = dict[str, Any]
Process = subprocess.Popen[bytes] | Forked


@dataclass(frozen=True)
class Home:
    """All that a server is given: an empty home, an empty working folder, and a folder for its data.

    `cold`: each start is that of a new interpreter.
    """

    root: Path
    cold: bool = False

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def elsewhere(self) -> list[Path]:
        """Where a program might leave something without being asked to."""
        return [self.root / name for name in ("home", "cwd", "temp")]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Clean: what a desktop host passes on, and nothing of the developer's own settings."""
        home, _, temp = (str(folder) for folder in self.elsewhere)
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        return {**kept, "HOME": home, "USERPROFILE": home, "TMPDIR": temp, "TEMP": temp, **(more or {})}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mcp_memory", *arguments]

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """A command to its end, which is near: what waits for anything fails."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            process = self.start(arguments, env, stdin=subprocess.DEVNULL, stdout=out.fileno(), stderr=errors.fileno())
            try:
                code = process.wait(ANSWER_SECONDS)
            finally:
                process.kill()
                process.wait()
            said = [_said(one) for one in (out, errors)]
        return subprocess.CompletedProcess(self.command(*arguments), code, *said)

    def start(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        under: Sequence[str] = (),
        stdin: int,
        stdout: int,
        stderr: int,
    ) -> Process:
        """`under`: a command, like strace, that runs it."""
        environment, cwd = self.environment(env), self.root / "cwd"
        if POSSIBLE and not (self.cold or under or any(name.startswith(READ_AT_IMPORT) for name in environment)):
            return warm().start(arguments, environment, cwd, stdin, stdout, stderr)
        command = [*under, *self.command(*arguments)]
        return subprocess.Popen(command, env=environment, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr)


def _said(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8").replace(os.linesep, "\n")


def make_home(root: Path, cold: bool = False) -> Home:
    home = Home(root, cold)
    for folder in home.elsewhere:
        folder.mkdir(parents=True)
    return home


class Refused(Exception):
    """An error result of a tool; the text is what a model would read."""


class Stdio:
    """A server on pipes, as a host runs it. A thread keeps every line that it prints."""

    def __init__(self, process: Process, stdin: IO[bytes], stdout: IO[bytes], stderr: Path) -> None:
        self.process, self._stderr = process, stderr
        self._stdin, self._stdout = stdin, stdout
        self.lines: list[bytes] = []
        self._answers: dict[int, Json] = {}
        self._news = threading.Condition()
        self._closed = False
        self._last_id = 0
        self._asking = threading.Lock()  # several clients may share the pipes
        self._reader = threading.Thread(target=self._keep_lines)
        self._reader.start()

    @property
    def stderr(self) -> str:
        return self._stderr.read_text(encoding="utf-8", errors="replace")

    # Speaking

    def send_line(self, line: bytes) -> None:
        self._stdin.write(line + b"\n")
        self._stdin.flush()

    def ask(self, method: str, params: Json | None = None) -> int:
        """Sends a request and does not wait. Returns its id, for `answer`."""
        with self._asking:
            self._last_id += 1
            request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params or {}}
            self.send_line(json.dumps(request).encode())
            return self._last_id

    def ask_tool(self, tool: str, arguments: Json) -> int:
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def answer(self, id: int, within: float = ANSWER_SECONDS) -> Json:
        """The whole response, be it a result or an error."""
        with self._news:
            self._news.wait_for(lambda: id in self._answers or self._closed, within)
        assert id in self._answers, f"no answer to request {id}; stderr: {self.stderr[-2000:]}"
        return self._answers[id]

    def answered(self) -> dict[int, Json]:
        with self._news:
            return dict(self._answers)

    def wait_for_answers(self, number: int) -> None:
        """Until so many requests in all have been answered."""
        with self._news:
            assert self._news.wait_for(lambda: len(self._answers) >= number or self._closed, ANSWER_SECONDS)

    def request(self, method: str, params: Json | None = None) -> Json:
        response = self.answer(self.ask(method, params))
        assert "result" in response, response
        result: Json = response["result"]
        return result

    def call(self, tool: str, **arguments: Any) -> Json:
        return structured(self.answer(self.ask_tool(tool, arguments)))

    def read(self, uri: str) -> str:
        text: str = self.request("resources/read", {"uri": uri})["contents"][0]["text"]
        return text

    def hand_shake(self) -> None:
        client = {"name": "process-tests", "version": "0"}
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client})
        self.send_line(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')

    # Ending

    def close_stdin(self) -> None:
        with suppress(BrokenPipeError):  # what was not yet written goes nowhere: the server is gone
            self._stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def exit_code(self) -> int:
        """Of a server that was told to end. Raises TimeoutExpired when it takes longer than promised."""
        return self.process.wait(EXIT_SECONDS + SLACK_SECONDS)

    def end(self) -> int:
        self.close_stdin()
        code = _ended(self.process)
        self._reader.join()
        self._stdout.close()
        return code

    def _keep_lines(self) -> None:
        for line in self._stdout:
            with self._news:
                self.lines.append(line)
                with suppress(ValueError):  # a test looks at lines that are no JSON
                    message = json.loads(line)
                    if isinstance(message, dict) and isinstance(message.get("id"), int) and "method" not in message:
                        self._answers[message["id"]] = message
                self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()


def structured(response: Json) -> Json:
    """What a tool answered. Raises Refused when it is an error result."""
    assert "result" in response, response
    result: Json = response["result"]
    if result.get("isError"):
        raise Refused(result["content"][0]["text"])
    found: Json = result["structuredContent"]
    return found


def error_text(response: Json) -> str:
    """The text of an error result; fails on anything else."""
    assert response.get("result", {}).get("isError") is True, response
    text: str = response["result"]["content"][0]["text"]
    return text


@contextmanager
def stdio_server(
    home: Home, *, env: Mapping[str, str] | None = None, under: Sequence[str] = (), greeted: bool = True
) -> Iterator[Stdio]:
    """A server that is ready, on `home.data`; ended by the end of its stdin if it still runs.

    `under`: a command, like strace, that runs it.
    """
    stderr = home.root / f"stderr-{len(list(home.root.glob('stderr-*')))}.txt"
    (theirs_in, ours_in), (ours_out, theirs_out) = os.pipe(), os.pipe()
    try:
        with stderr.open("wb") as errors:
            arguments = ["--data-dir", str(home.data)]
            process = home.start(
                arguments, env, under=under, stdin=theirs_in, stdout=theirs_out, stderr=errors.fileno()
            )
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    server = Stdio(process, os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb"), stderr)
    try:
        if greeted:
            server.hand_shake()
        yield server
    finally:
        server.end()


@dataclass(frozen=True)
class Http:
    """`serve` on a port of its own."""

    process: Process
    address: str
    _stderr: Path

    @property
    def stderr(self) -> str:
        return self._stderr.read_text(encoding="utf-8", errors="replace")

    def exit_code(self) -> int:
        return self.process.wait(EXIT_SECONDS + SLACK_SECONDS)


@contextmanager
def http_server(home: Home, env: Mapping[str, str] | None = None, *arguments: str) -> Iterator[Http]:
    stderr = home.root / f"stderr-{len(list(home.root.glob('stderr-*')))}.txt"
    with stderr.open("wb") as errors:
        process = home.start(
            ["serve", "--port", "0", *(arguments or ("--data-dir", str(home.data)))],
            env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors.fileno(),
        )
    try:
        yield Http(process, _announced(process, stderr), stderr)
    finally:
        process.terminate()
        _ended(process)


def _announced(process: Process, stderr: Path) -> str:
    """The address it prints: its socket is bound before, so whoever connects now is served."""

    def address() -> "re.Match[str] | None":
        assert process.poll() is None, stderr.read_text(encoding="utf-8")
        return re.search(r"(https?://\S+)/health", stderr.read_text(encoding="utf-8"))

    until(address)
    found = address()
    assert found is not None
    return found[1]


def _ended(process: Process) -> int:
    """The exit code; a process that does not end is killed, and fails the test."""
    try:
        return process.wait(ANSWER_SECONDS / 3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def until(condition: Callable[[], object]) -> None:
    """For what no event tells of, such as a file that appears. Bounded."""
    give_up = time.monotonic() + ANSWER_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.0005)


# What the tests do with a server


def new_profile(server: Stdio, phone: str = "+13175550142") -> str:
    profile_id: str = server.call("upsert_traits", traits={"Contact": {"phone": phone}})["profile_id"]
    return profile_id


def batch(profile_id: str, contents: Sequence[str]) -> Json:
    return {"profile_id": profile_id, "observations": [{"content": content} for content in contents]}


def ids_of(added: Json) -> list[str]:
    return [one["id"] for one in added["observations"]]


def timeline(server: Stdio, profile_id: str) -> list[Json]:
    """All that is remembered of a profile."""
    items: list[Json] = []
    query = "?limit=100"
    while query:
        page = json.loads(server.read(f"memory://profiles/{profile_id}/timeline{query}"))
        items += page["timeline"]
        query = f"?limit=100&before={quote(page['next_before'])}" if "next_before" in page else ""
    return items
