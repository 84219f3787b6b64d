"""The queue of files that were brought: what becomes of them when a process dies, or another one works beside it."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
from blockbuster import BlockBuster

from mcp_memory import import_file
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Conflict, Unavailable
from mcp_memory.import_file import BATCH
from mcp_memory.import_queue import QUIET, ImportQueue
from mcp_memory.imports import Import, ImportRow
from mcp_memory.model import Caller
from mcp_memory.uploads import ABANDONED_SECONDS, Upload, Uploads
from tests.http_api.uploads_server import GOOD, Server, lines, serving

pytestmark = pytest.mark.anyio

ROWS = 3 * BATCH
MANY = lines([[f"+1317{2_000_000 + number}", "Gary"] for number in range(ROWS)])

Stored = Callable[[Caller, str, int, Sequence[ImportRow]], Any]


@pytest.fixture
async def server(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[Server]:
    async with serving(tmp_path / "data", embedder) as server:
        yield server


@pytest.fixture
def before_batch(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], None]:
    """What happens once, before the rows behind that one are stored."""

    def plan(row: int, happens: Callable[[], Any]) -> None:
        store, done = server.memory.add_import_rows, False

        async def add(caller: Caller, import_id: str, after: int, rows: Sequence[ImportRow]) -> Import:
            nonlocal done
            if after == row and not done:
                done = True
                await happens()
            return await store(caller, import_id, after, rows)

        monkeypatch.setattr(server.memory, "add_import_rows", add)

    return plan


Before = Callable[[int, Callable[[], Any]], None]


async def brought(server: Server, content: bytes = MANY) -> str:
    import_id, url = await server.created(content)
    assert (await server.client.put(url, content=content)).status_code == 200
    return import_id


def anew(server: Server) -> ImportQueue:
    """As another process has it."""
    return ImportQueue(server.memory, Uploads(server.folder))


async def test_it_works_in_the_background_and_is_woken(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    send, receive = anyio.create_memory_object_stream[str](10)
    remove = server.queue.uploads.remove

    def removed(upload: Upload) -> None:
        remove(upload)
        anyio.from_thread.run_sync(send.send_nowait, upload.import_id)

    monkeypatch.setattr(server.queue.uploads, "remove", removed)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.queue.run)
            await anyio.wait_all_tasks_blocked()
            for _ in range(2):
                import_id = await brought(server, GOOD)
                assert await receive.receive() == import_id
                assert (await server.shown(import_id))["status"] == "COMPLETED"
            tasks.cancel_scope.cancel()
    send.close()
    receive.close()


async def test_who_is_stopped_in_the_middle_leaves_the_rest_to_the_next(server: Server, before_batch: Before) -> None:
    import_id = await brought(server)
    with anyio.CancelScope() as running:

        async def stop() -> None:
            running.cancel()

        before_batch(BATCH, stop)
        await server.queue.sweep()
    halfway, status = await server.count(), (await server.shown(import_id))["status"]

    await anew(server).sweep()

    assert running.cancelled_caught and halfway in (BATCH, 2 * BATCH) and status == "PROCESSING"
    found = await server.memory.get_import(server.caller, import_id)
    assert (found.status, found.created, found.updated, found.refused) == ("COMPLETED", ROWS, 0, 0)
    assert server.left() == []


async def test_two_processes_on_one_folder_store_every_row_once(server: Server) -> None:
    import_id = await brought(server)

    async with anyio.create_task_group() as tasks:
        for queue in (server.queue, anew(server), anew(server)):
            tasks.start_soon(queue.sweep)

    found = await server.memory.get_import(server.caller, import_id)
    assert (found.status, found.created, found.updated) == ("COMPLETED", ROWS, 0)
    await server.queue.sweep()
    assert server.left() == []


async def test_what_another_process_had_is_taken_up_when_that_one_is_silent(
    server: Server, before_batch: Before
) -> None:
    import_id = await brought(server)

    async def another() -> None:
        raise Conflict("Another process imports the same file.")

    before_batch(BATCH, another)
    await server.queue.sweep()
    await server.queue.sweep()
    at_once = await server.count()
    server.clock.pass_(seconds=QUIET.total_seconds() + 1)
    await server.queue.sweep()

    assert at_once == BATCH
    assert (await server.shown(import_id))["status"] == "COMPLETED"
    assert await server.count() == ROWS


async def test_a_machine_that_cannot_write_now_is_waited_for(server: Server, before_batch: Before) -> None:
    import_id = await brought(server)

    async def full() -> None:
        raise Unavailable("The disk is full.")

    before_batch(BATCH, full)
    await server.queue.sweep()
    status = (await server.shown(import_id))["status"]
    await server.queue.sweep()

    assert status == "PROCESSING"
    assert (await server.shown(import_id))["status"] == "COMPLETED"
    assert await server.count() == ROWS


async def test_what_fails_here_keeps_nobody_waiting_and_is_told(
    server: Server, before_batch: Before, caplog: pytest.LogCaptureFixture
) -> None:
    broken = await brought(server)
    server.clock.pass_(seconds=1)
    other = await brought(server, GOOD)

    async def bug() -> None:
        raise ZeroDivisionError

    before_batch(0, bug)
    await server.queue.sweep()
    await server.queue.sweep()

    assert (await server.shown(other))["status"] == "COMPLETED"
    assert (await server.shown(broken))["status"] == "FAILED"
    assert "not with you" in (await server.remarks(broken))["remarks"][0]["reason"]
    assert "ZeroDivisionError" in caplog.text
    assert server.left() == []


async def test_files_of_a_store_that_is_gone_are_removed(server: Server) -> None:
    await brought(server)
    await server.memory.delete_store(server.caller)

    await server.queue.sweep()

    assert server.left() == []


async def test_a_file_that_was_spoiled_on_the_disk_fails_its_import(server: Server, before_batch: Before) -> None:
    import_id = await brought(server)

    def spoil() -> None:
        (path,) = server.folder.glob("*/file.csv")
        path.write_bytes(MANY.replace(b"Gary", b"Peru"))

    async def spoiled() -> None:
        await anyio.to_thread.run_sync(spoil)

    before_batch(0, spoiled)
    await server.queue.sweep()
    server.clock.pass_(seconds=QUIET.total_seconds() + 1)
    await server.queue.sweep()

    assert (await server.shown(import_id))["status"] == "FAILED"
    assert "not the one" in (await server.remarks(import_id))["remarks"][0]["reason"]
    assert server.left() == []


async def test_what_is_half_there_since_a_day_is_removed(server: Server, never_block_the_loop: BlockBuster) -> None:
    never_block_the_loop.deactivate()
    for name, age in ((".old", ABANDONED_SECONDS + 60), (".new", 0.0)):
        (server.folder / name).mkdir(parents=True)
        (server.folder / name / "file.csv").write_bytes(b"Pho")
        then = (server.folder / name).stat().st_mtime - age
        os.utime(server.folder / name, (then, then))
    never_block_the_loop.activate()

    await server.queue.sweep()

    assert server.left() == [".new"]


async def test_what_is_none_of_ours_is_left_alone(server: Server, never_block_the_loop: BlockBuster) -> None:
    never_block_the_loop.deactivate()
    for name, whose in (("notes", None), ("mem_import_x", "7"), ("more", "{")):
        (server.folder / name).mkdir(parents=True)
        if whose is not None:
            (server.folder / name / "whose.json").write_text(whose, encoding="utf-8")
    never_block_the_loop.activate()

    await server.queue.sweep()

    assert sorted(server.left()) == ["mem_import_x", "more", "notes"]


async def test_a_disk_that_takes_no_file_is_said_so_and_nothing_stays(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id, url = await server.created(GOOD)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    response = await server.client.put(url, content=GOOD)

    assert response.status_code == 503 and response.headers["retry-after"]
    assert "No space left" in response.json()["message"]
    assert (await server.shown(import_id))["status"] == "PENDING"
    assert server.left() == []


async def test_a_folder_that_vanishes_is_no_obstacle(server: Server, never_block_the_loop: BlockBuster) -> None:
    await brought(server, GOOD)
    never_block_the_loop.deactivate()
    shutil.rmtree(server.folder)
    never_block_the_loop.activate()

    await server.queue.sweep()

    assert await server.count() == 0


async def test_whoever_ends_the_program_does_not_wait_for_a_long_file(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await brought(server)
    monkeypatch.setattr(import_file, "LOOKING", 1)
    cancelled = anyio.Event()
    check = anyio.from_thread.check_cancelled
    seen = 0

    def first() -> None:
        nonlocal seen
        seen += 1
        anyio.from_thread.run_sync(running.cancel)
        check()

    monkeypatch.setattr(anyio.from_thread, "check_cancelled", first)
    with anyio.CancelScope() as running:
        await server.queue.sweep()
        cancelled.set()

    assert seen == 1 and not cancelled.is_set()
