"""A disk that is full or can't be written: said so plainly, nothing half written, and over when it is over."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .servers import Home, Stdio, batch, error_text, ids_of, new_profile, stdio_server, structured, timeline

MOUNTS = "needs root and the right to mount (docker run --privileged)"
TEXT = "A sentence that the customer said about the order. " * 10
ROOM = 1_000_000  # bytes left: for some batches, of which each takes 200 kB, not for many


@pytest.fixture
def small_disk(home: Home) -> Iterator[Path]:
    """The data folder as a disk of its own, of four megabytes."""
    if sys.platform != "linux":
        pytest.skip("NOT CHECKED: a full disk; needs Linux")
    home.data.mkdir()
    mounted = mount("-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(home.data))
    if not mounted:
        pytest.skip(f"NOT CHECKED: a full disk; {MOUNTS}")
    yield home.data
    subprocess.run(["umount", "--lazy", str(home.data)], check=True)


def mount(*arguments: str) -> bool:
    with suppress(FileNotFoundError):
        return subprocess.run(["mount", *arguments], capture_output=True).returncode == 0
    return False


def remount(folder: Path, options: str) -> None:
    assert mount("-o", f"remount,{options}", str(folder))


def fill(folder: Path, but: int = 0) -> None:
    """As another program would: to the last byte, or but for some of them."""
    with (folder / "other program's file").open("wb", buffering=0) as file:
        with suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        file.truncate(file.tell() - but)


def write_until_refused(server: Stdio, profile_id: str) -> tuple[set[str], str]:
    """The ids that were acknowledged, and how the first write was refused that was not."""
    acknowledged: set[str] = set()
    for number in range(1000):
        response = server.answer(
            server.ask_tool("add_observation", batch(profile_id, [f"{number}.{n} {TEXT}" for n in range(5)]))
        )
        if response["result"].get("isError"):
            return acknowledged, error_text(response)
        acknowledged.update(ids_of(structured(response)))
    raise AssertionError("the disk did not fill up")


def assert_whole(home: Home, profile_id: str, acknowledged: set[str]) -> None:
    """What was acknowledged is there, once, nothing else is, and the files are sound."""
    with stdio_server(home) as server:
        items = timeline(server, profile_id)
    examined = home.run("doctor", "--data-dir", str(home.data))

    assert acknowledged == {item["id"] for item in items}
    assert len(items) == len(acknowledged)
    assert examined.returncode == 0, examined.stdout


def test_a_full_disk_is_said_to_be_full_and_the_server_goes_on_when_there_is_room(home: Home, small_disk: Path) -> None:
    with stdio_server(home) as server:
        profile_id = new_profile(server)
        fill(small_disk, but=ROOM)
        acknowledged, refusal = write_until_refused(server, profile_id)
        known_meanwhile = {item["id"] for item in timeline(server, profile_id)}

        remount(small_disk, "size=256m")
        later = ids_of(server.call("add_observation", **batch(profile_id, ["There is room again"])))

    assert refusal.startswith("unavailable: The disk is full and nothing was written")
    assert "free some space" in refusal
    assert acknowledged
    assert known_meanwhile == acknowledged
    assert_whole(home, profile_id, {*acknowledged, *later})


def test_a_server_that_starts_on_a_full_disk_works_when_there_is_room(home: Home, small_disk: Path) -> None:
    fill(small_disk)
    with stdio_server(home) as server:
        refusal = error_text(server.answer(server.ask_tool("lookup_profile", {"value": "+13175550142"})))

        remount(small_disk, "size=256m")
        profile_id = new_profile(server)
        acknowledged = set(ids_of(server.call("add_observation", **batch(profile_id, ["There is room again"]))))

    assert refusal.startswith("unavailable: The disk is full")
    assert_whole(home, profile_id, acknowledged)


def test_a_store_on_a_full_disk_can_still_be_read_or_says_why_not(home: Home, small_disk: Path) -> None:
    with stdio_server(home) as server:
        new_profile(server)
    fill(small_disk)

    with stdio_server(home) as server:
        response = server.answer(server.ask_tool("lookup_profile", {"value": "+13175550142"}))

    if response["result"].get("isError"):
        assert error_text(response).startswith("unavailable: The disk is full")
    else:
        assert structured(response)["found"]


def test_doctor_on_a_full_disk_blames_the_disk_and_not_the_store(home: Home, small_disk: Path) -> None:
    with stdio_server(home) as server:
        new_profile(server)
    fill(small_disk)

    examined = home.run("doctor", "--data-dir", str(home.data))

    bad = [line for line in examined.stdout.splitlines() if line.startswith("BAD")]
    assert examined.returncode == 1
    assert any("No space left" in line for line in bad)
    assert "Restore it from a backup" not in examined.stdout
    assert "Traceback" not in examined.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="NOT CHECKED: a quota; needs Linux's prlimit")
def test_a_file_that_may_not_grow_is_an_error_that_passes(home: Home) -> None:
    """What a quota does, and what anybody can try: no root, no mount."""
    import resource

    with stdio_server(home) as server:
        profile_id = new_profile(server)
        pid, (_, hard) = server.process.pid, resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        largest = max(path.stat().st_size for path in home.data.rglob("*"))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + ROOM, hard))
        acknowledged, refusal = write_until_refused(server, profile_id)
        known_meanwhile = {item["id"] for item in timeline(server, profile_id)}

        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        later = ids_of(server.call("add_observation", **batch(profile_id, ["There is room again"])))

    assert refusal.startswith("unavailable: ")
    assert "nothing was written" in refusal
    assert acknowledged
    assert known_meanwhile == acknowledged
    assert_whole(home, profile_id, {*acknowledged, *later})


@pytest.fixture
def stored(home: Home, read_only_possible: str) -> tuple[str, set[str]]:
    """A profile and what is known of it, on a disk that can be made read-only."""
    with stdio_server(home) as server:
        profile_id = new_profile(server)
        return profile_id, set(ids_of(server.call("add_observation", **batch(profile_id, ["Prefers evenings"]))))


@pytest.fixture
def read_only_possible(home: Home) -> Iterator[str]:
    """How: by a mount for root, whom no mode binds; by modes for everybody else."""
    if sys.platform == "win32":
        pytest.skip("NOT CHECKED: a read-only folder; Windows has no such modes")
    home.data.mkdir()
    if os.geteuid() != 0:
        yield "modes"
        lock(home, "modes", False)
        return
    if not mount("-t", "tmpfs", "-o", "size=256m,mode=700", "tmpfs", str(home.data)):
        pytest.skip(f"NOT CHECKED: a read-only folder; as root it {MOUNTS}")
    yield "mount"
    subprocess.run(["umount", "--lazy", str(home.data)], check=True)


def lock(home: Home, how: str, locked: bool) -> None:
    if how == "mount":
        remount(home.data, "ro" if locked else "rw")
        return
    for path in (home.data, *home.data.rglob("*")):
        path.chmod((0o500 if locked else 0o700) if path.is_dir() else (0o400 if locked else 0o600))


def test_a_folder_that_cannot_be_written_is_named_and_the_server_goes_on_when_it_can(
    home: Home, stored: tuple[str, set[str]], read_only_possible: str
) -> None:
    profile_id, acknowledged = stored
    lock(home, read_only_possible, True)
    with stdio_server(home) as server:
        refusals = [
            error_text(server.answer(server.ask_tool(tool, arguments)))
            for tool, arguments in (
                ("upsert_traits", {"traits": {"Contact": {"phone": "+13175550199"}}}),
                ("add_observation", batch(profile_id, ["Nobody will ever know"])),
            )
        ]
        examined = home.run("doctor", "--data-dir", str(home.data))

        lock(home, read_only_possible, False)
        acknowledged.update(ids_of(server.call("add_observation", **batch(profile_id, ["It can be written again"]))))

    assert all(refusal.startswith("unavailable: The data folder can't be written") for refusal in refusals)
    assert all("mcp-memory doctor" in refusal for refusal in refusals)
    assert examined.returncode == 1
    assert any(line.startswith("BAD") and str(home.data) in line for line in examined.stdout.splitlines())
    assert "Traceback" not in examined.stderr
    assert_whole(home, profile_id, acknowledged)


def test_doctor_does_not_call_a_read_only_store_damaged(
    home: Home, stored: tuple[str, set[str]], read_only_possible: str
) -> None:
    lock(home, read_only_possible, True)

    examined = home.run("doctor", "--data-dir", str(home.data))

    assert examined.returncode == 1
    assert "Restore it from a backup" not in examined.stdout
