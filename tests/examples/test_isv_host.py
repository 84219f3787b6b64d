"""examples/isv_host.py as a process of its own, and what it and its servers talk to."""

import re
import subprocess
import sys

import pytest

from tests.process.servers import make_home

from .handlers import EXAMPLES

RUN_SECONDS = 300

# Runs in every Python of it before anything else: which hosts are looked up, and which addresses are connected to.
WATCH = """
import os, sys

report = os.open(os.environ["REPORT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        os.write(report, f"{arguments[0]}\\n".encode())
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        os.write(report, f"{arguments[1][0]}\\n".encode())

sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[str]]:
    """What it printed, and whom it talked to."""
    home = make_home(tmp_path_factory.mktemp("host") / "machine")
    report = home.root / "report.txt"
    (home.root / "hooks").mkdir()
    (home.root / "hooks" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    # With a key, as on the machine of whoever works with that SDK: it would send what is said to its maker.
    watched = {"PYTHONPATH": str(home.root / "hooks"), "REPORT": str(report), "OPENAI_API_KEY": "sk-of-nobody"}
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / "isv_host.py")],
        env=home.environment({**watched, "PYTHONIOENCODING": "utf-8"}),
        cwd=home.root / "cwd",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_SECONDS,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    return ended.stdout, set(report.read_text(encoding="utf-8").splitlines())


def said_by(agent: str, printed: str) -> list[str]:
    return re.findall(rf"^{agent}: (.*)$", printed, flags=re.MULTILINE)


def test_each_tenants_agent_recalls_what_it_was_told_itself_by_the_same_caller(ran: tuple[str, set[str]]) -> None:
    printed, _ = ran
    acme, globex = said_by("acme", printed), said_by("globex", printed)

    assert acme[1] == "Welcome back, Jo. I remember: Wants the sofa delivered to the office: the flat has no lift."
    assert globex[1] == "Welcome back, Jo. I remember: Is allergic to penicillin."
    assert printed.count("agent calls lookup_profile, upsert_traits, add_observation]") == 2


def test_an_agent_that_asks_for_another_tenants_customer_learns_nothing(ran: tuple[str, set[str]]) -> None:
    printed, _ = ran

    assert said_by("acme", printed)[2].startswith("My memory says: not_found: There is no such profile")


def test_the_host_and_its_agents_talk_to_this_machine_only(ran: tuple[str, set[str]]) -> None:
    _, talked_to = ran

    assert talked_to == {"127.0.0.1"}
