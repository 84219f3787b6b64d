"""The server over stdio talks to nobody and writes nowhere but into its data folder: measured, not promised."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .servers import Home, Stdio, batch, new_profile, stdio_server

linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT CHECKED: needs Linux's /proc or strace")

# Runs in the server before anything else; asyncio's own pair of AF_UNIX sockets, which has no address, is not a talk.
WATCH = """
import os, socket, sys

report = os.open(os.environ["REPORT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
local = getattr(socket, "AF_UNIX", None)

def watch(event, arguments):
    if event == "socket.__new__" and arguments[1] == local:
        return
    if event.startswith("socket."):
        os.write(report, f"{event} {arguments[1:]}\\n".encode())
    elif event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] & writing:
        os.write(report, f"open {arguments[0]}\\n".encode())
    elif event in ("os.mkdir", "os.rename", "subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"):
        os.write(report, f"{event} {arguments[0]}\\n".encode())

sys.addaudithook(watch)
os.write(report, b"watching\\n")
"""


def work(server: Stdio) -> None:
    """A bit of everything, with the model loaded."""
    profile_id = new_profile(server)
    server.call("add_observation", **batch(profile_id, ["Prefers evenings", "Is allergic to wool"]))
    server.call("write_summary", profile_id=profile_id, conversation_id="1", content="Asked where the order is")
    server.call("recall", profile_id=profile_id, query="When is a good time to call?")
    server.read(f"memory://profiles/{profile_id}/context")


def outside(paths: list[str], home: Home) -> list[str]:
    return [path for path in paths if path != "/dev/null" and not Path(path).is_relative_to(home.data)]


def test_python_opens_no_socket_and_no_file_outside_the_data_folder(cold: Home, tmp_path: Path) -> None:
    hooks, report = tmp_path / "hooks", tmp_path / "report.txt"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    env = {"PYTHONPATH": str(hooks), "REPORT": str(report), "PYTHONDONTWRITEBYTECODE": "1"}

    with stdio_server(cold, env=env) as server:
        work(server)

    events = [line.split(" ", 1) for line in report.read_text(encoding="utf-8").splitlines()]
    assert events[0] == ["watching"]
    assert [event for event in events[1:] if event[0] not in ("open", "os.mkdir")] == []
    assert outside([event[1] for event in events[1:]], cold) == []


@linux
def test_native_code_opens_no_socket_and_no_file_outside_the_data_folder(cold: Home, tmp_path: Path) -> None:
    strace = usable_strace()
    report = tmp_path / "strace.txt"
    calls = "%network,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,execve"
    under = [strace, "-f", "-y", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(report)]

    with stdio_server(cold, env={"PYTHONDONTWRITEBYTECODE": "1"}, under=under) as server:
        work(server)

    lines = report.read_text(encoding="utf-8").splitlines()
    made = [line for line in lines if re.search(r"O_WRONLY|O_RDWR|O_CREAT|\b(creat|mkdir(at)?|rename\w*)\(", line)]
    made = [line for line in made if " = -1 " not in line]
    assert any("all-minilm" in line for line in lines)  # the model was loaded before our eyes
    assert any(str(cold.data) in line for line in made)
    assert [line for line in lines if re.search(r"AF_INET|AF_NETLINK|\b(connect|bind|listen|accept4?)\(", line)] == []
    assert outside([match[1] for line in made if (match := re.search(r'"([^"]*)"', line))], cold) == []
    assert sum("execve(" in line and " = 0" in line for line in lines) == 1  # the server itself


@linux
def test_a_server_at_work_holds_no_socket_with_an_address(server: Stdio) -> None:
    work(server)

    process = Path(f"/proc/{server.process.pid}")
    held = {found[1] for one in (process / "fd").iterdir() if (found := re.match(r"socket:\[(\d+)\]", _target(one)))}
    tables = [process / "net" / name for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "netlink", "packet")]
    addressed = {word for table in tables if table.exists() for word in table.read_text(encoding="utf-8").split()}

    assert held & addressed == set()


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed since it was listed
        return ""


def test_nothing_is_left_in_the_home_the_working_or_the_temporary_folder(cold: Home) -> None:
    with stdio_server(cold) as server:
        work(server)
        after_work = [str(path) for folder in cold.elsewhere for path in folder.rglob("*")]

    assert after_work == []
    assert [str(path) for folder in cold.elsewhere for path in folder.rglob("*")] == []
    assert {path.name for path in cold.data.iterdir()} >= {"catalog.db", "stores"}


def usable_strace() -> str:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("NOT CHECKED: native code's sockets. Install strace to check them (apt-get install strace).")
    if subprocess.run([strace, "-f", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        pytest.skip("NOT CHECKED: native code's sockets. strace may not trace here (give the container SYS_PTRACE).")
    return strace
