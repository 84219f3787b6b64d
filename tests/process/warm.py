"""An interpreter that has imported the server and forks it for each start: the imports are most of what a start takes.

What is forked is a process of its own, given the arguments, environment, folder and pipes that a new interpreter would
be given, and it goes the way of `python -m mcp_memory` from there on. Where starting is what is tested, a test starts
a new interpreter all the same: its home is `cold`.

    test ── a start, by socket ──> warm interpreter ── forks ──> keeper ── forks ──> server
      ^──────────── the server's pid, then its exit code, by pipe ──┘
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
POSSIBLE = sys.platform == "linux"
SERVER = "mcp_memory"
AT_THE_START = ("app", "commands", "doctor", "server", "serve", "served", "stdio")
LATE = ("ranking", "statements", "reconciliation", "backends.sql.sqlite.packing", "backends.twilio.backend")
MOST = 1 << 17  # bytes of a start
NUMBER = struct.Struct("i")


class Forked:
    """As much of `subprocess.Popen` as the tests need, for a process that is nobody's child here."""

    def __init__(self, told: int) -> None:
        """`told`: the pipe from its keeper."""
        self._told = told
        self._asking = Lock()
        self._code: int | None = None
        self.pid = _read(told)

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(SERVER, timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, seconds: float | None) -> int | None:
        with self._asking:
            if self._code is None and select.select([self._told], [], [], seconds)[0]:
                self._code = _read(self._told)
                os.close(self._told)
            return self._code


class Warm:
    def __init__(self) -> None:
        self._asking = Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.process.warm", str(theirs.fileno())],
                env={"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1"},  # who forks has no threads
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def start(
        self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, stdin: int, stdout: int, stderr: int
    ) -> Forked:
        """The streams are as Popen takes them, but for PIPE."""
        told, tells = os.pipe()
        asked = json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}).encode()
        try:
            with self._asking, open(os.devnull, "r+b", buffering=0) as nothing:
                streams = [nothing.fileno() if one == subprocess.DEVNULL else one for one in (stdin, stdout, stderr)]
                socket.send_fds(self._socket, [asked], [tells, *streams])
        finally:
            os.close(tells)
        return Forked(told)


@cache
def warm() -> Warm:
    """One for all tests of this process, with which it ends."""
    return Warm()


def _read(pipe: int) -> int:
    said = os.read(pipe, NUMBER.size)
    assert said, "the warm interpreter has ended"
    number: int
    (number,) = NUMBER.unpack(said)
    return number


# In the warm interpreter


def serve(asking: socket.socket) -> None:
    """Returns in each server, once it has what it was given. Exits when there is nobody left who could ask."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a keeper
    while True:
        asked, given, _, _ = socket.recv_fds(asking, MOST, 4)
        if not asked:
            sys.exit()
        tells, *streams = given
        if os.fork() == 0:
            asking.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server = os.fork()
            if server != 0:
                _keep(server, tells)
            os.close(tells)
            return _become(json.loads(asked), streams)
        for one in given:
            os.close(one)


def _keep(server: int, tells: int) -> NoReturn:
    """Holds none of what the server holds: whoever reads from it is told when it ends."""
    os.closerange(0, tells)
    os.closerange(tells + 1, 64)
    os.write(tells, NUMBER.pack(server))
    _, status = os.waitpid(server, 0)
    os.write(tells, NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(asked: dict[str, Any], streams: Sequence[int]) -> None:
    for at, one in enumerate(streams):
        os.dup2(one, at)
        os.close(one)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv[1:] = asked["arguments"]
    sys.path[0] = asked["cwd"]


def main() -> None:
    gc.disable()
    for name in (*AT_THE_START, *LATE):
        import_module(f"{SERVER}.{name}")
    gc.freeze()
    gc.enable()
    serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module(SERVER, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
