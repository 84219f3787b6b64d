"""The official conformance suite, in both eras: every scenario, warnings included.

What is expected to fail stands in the files beside this one, check by check and with the reason; the suite fails what
is not listed there, and what is listed and passes. It speaks Streamable HTTP only, and sends no key.
"""

import re
from pathlib import Path

import pytest

from tests.protocol.conftest import CONFORMANCE, Run, need_checkers

need_checkers()

HERE = Path(__file__).parent
VERSIONS = ["2025-06-18", "2025-11-25", "2026-07-28"]
SETS = ["2025-11-25", "2026-07-28"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_official_suite_finds_nothing_wrong_with_what_is_served(
    run: Run, product: str, version: str, tmp_path: Path
) -> None:
    check(run, product, version, "product.yml", tmp_path)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_official_suite_finds_nothing_wrong_with_what_its_fixtures_reach(
    run: Run, with_fixtures: str, version: str, tmp_path: Path
) -> None:
    check(run, with_fixtures, version, "fixtures.yml", tmp_path)


@pytest.mark.parametrize("revision", SETS)
def test_all_that_a_revision_of_the_protocol_requires_of_a_server_is_met(
    run: Run, with_fixtures: str, revision: str, tmp_path: Path
) -> None:
    """As it was frozen with the revision. No failure can be excused here; warnings are no failures."""
    ended = run(
        CONFORMANCE, "server", "--url", f"{with_fixtures}/mcp", "--requirements", revision, "-o", str(tmp_path / "out")
    )

    assert ended.returncode == 0
    assert tried(ended.stdout) >= listed(run, "--requirements", revision)


def check(run: Run, address: str, version: str, expected: str, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    options = ["--spec-version", version, "--suite", "all", "--expected-failures", str(HERE / expected), "-o", out]
    ended = run(CONFORMANCE, "server", "--url", f"{address}/mcp", *options)

    assert ended.returncode == 0
    assert tried(ended.stdout) == listed(run, "--spec-version", version)


def tried(printed: str) -> set[str]:
    return set(re.findall(r"^[✓✗] ([\w-]+): \d+ passed", printed, flags=re.MULTILINE))


def listed(run: Run, *which: str) -> set[str]:
    """What the suite itself says is to be tried."""
    printed = run(CONFORMANCE, "list", "--server", *which).stdout
    servers = printed.partition("Server scenarios")[2].partition("Client scenarios")[0]
    found = set(re.findall(r"^  - ([\w-]+)", servers, flags=re.MULTILINE))
    assert found
    return found
