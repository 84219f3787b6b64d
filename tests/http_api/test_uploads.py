"""Imports over HTTP: announced, brought to an address of their own, imported in the background."""

import json
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from mcp_memory import ids
from mcp_memory.edits import StoreChanges
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.http.api import bodies, uploads
from tests.http_api.uploads_server import BASE, CITY, GOOD, PHONE, Server, lines, refused, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(tmp_path: Path, embedder: MiniLM) -> AsyncIterator[Server]:
    async with serving(tmp_path / "data", embedder) as server:
        yield server


# The whole way


async def test_a_file_that_is_brought_becomes_profiles(server: Server) -> None:
    import_id, url = await server.created(GOOD)
    assert (await server.shown(import_id))["status"] == "PENDING"

    brought = await server.client.put(url, content=GOOD)
    await server.queue.sweep()

    assert (brought.status_code, brought.content) == (200, b"")
    assert brought.headers["etag"].strip('"')
    shown = await server.shown(import_id)
    assert (shown["status"], shown["summary"]) == ("COMPLETED", {"errors": 0, "warnings": 0})
    assert await server.traits("+13175550143") == {"phone": "+13175550143", "city": "Peru"}
    assert await server.count() == 2
    assert server.left() == []


async def test_cells_say_what_is_published(server: Server) -> None:
    await server.imported(GOOD)

    await server.imported(lines([["+13175550142", ""], ["+13175550143", r"\N"]]))

    assert await server.traits("+13175550142") == {"phone": "+13175550142", "city": ""}
    assert await server.traits("+13175550143") == {"phone": "+13175550143"}


async def test_what_is_not_mapped_is_not_imported_whatever_it_is_named(server: Server) -> None:
    await server.imported(b"Phone,City,email\n+13175550142,Gary,ann@example.com\n")

    assert await server.traits("+13175550142") == {"phone": "+13175550142", "city": "Gary"}


async def test_refused_rows_are_named_page_by_page(server: Server) -> None:
    rows = [["nobody", "Gary"] if number % 2 else [f"+1317555{number:04}", "Peru"] for number in range(10)]

    import_id = await server.imported(lines(rows))
    first = await server.remarks(import_id, pageSize=3)
    second = await server.remarks(import_id, pageSize=3, pageToken=first["meta"]["nextToken"])

    assert (await server.shown(import_id))["status"] == "COMPLETED"
    assert (await server.shown(import_id))["summary"]["errors"] == 5
    assert first["meta"]["key"] == "remarks"
    assert [one["row"] for one in first["remarks"] + second["remarks"]] == [2, 4, 6, 8, 10]
    assert "nextToken" not in second["meta"]
    assert first["remarks"][0]["refused"] is True and "phone" in first["remarks"][0]["reason"]
    assert "nobody" not in json.dumps([first, second])


async def test_a_hundred_refused_rows_fail_the_import(server: Server) -> None:
    almost = await server.imported(lines([["+13175550142", "Gary"], *[["", "Gary"]] * 99]))
    too_many = await server.imported(lines([["+13175550142", "Gary"], *[["", "Gary"]] * 100]))

    assert (await server.shown(almost))["status"] == "COMPLETED"
    assert (await server.shown(too_many))["status"] == "FAILED"
    assert (await server.shown(too_many))["summary"]["errors"] == 100
    assert len((await server.remarks(too_many, pageSize=1000))["remarks"]) == 100


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Phone,City\n", "no rows"),
        (b"\n\n", "only blank lines"),
        (b"Phone,City,Phone\n1,2,3\n", "both named Phone"),
        (b"Phone,Town\n+13175550142,Gary\n", "columnMappings[1] is about a column City"),
        (b"Phone,City\n+13175550142,M\xfcnchen\n", "Row 1 is not UTF-8"),
        (b'Phone,City\n+13175550142,"Gary\n', "is not CSV"),
        (b"Phone;City\n+13175550142;Gary\n", "by commas"),
    ],
)
async def test_a_file_that_breaks_a_rule_fails_whole_and_the_reason_is_told(
    server: Server, content: bytes, says: str
) -> None:
    import_id = await server.imported(content)

    (remark,) = (await server.remarks(import_id))["remarks"]
    shown = await server.shown(import_id)
    assert (shown["status"], shown["summary"]["errors"]) == ("FAILED", 1)
    assert (remark["row"], remark["refused"]) == (0, True)
    assert says in remark["reason"]
    assert str(server.folder) not in remark["reason"]
    assert (await server.count(), server.left()) == (0, [])


async def test_remarks_of_no_import_are_not_found(server: Server) -> None:
    foreign = f"{server.imports}/{server.clock.make_id(ids.IMPORT)}/Remarks"

    assert "no such import" in refused(await server.client.get(foreign), 404)


# What is announced


@pytest.mark.parametrize(
    ("mappings", "says"),
    [
        ((PHONE, ("Phone", "Contact", "city")), "columnMappings[1] maps the same column"),
        ((PHONE, ("Mobile", "contact", "Phone")), "columnMappings[1] maps the trait Contact.phone"),
        ((CITY, ("Name", "Contact", "firstName")), "no column that says who a customer is"),
        ((PHONE, ("Tier", "Pl an", "tier")), "columnMappings[1]"),
    ],
)
async def test_mappings_that_no_file_could_be_read_by_are_refused(
    server: Server, mappings: tuple[tuple[str, str, str], ...], says: str
) -> None:
    assert says in refused(await server.asked(100, *mappings), 400)


async def test_a_store_that_refuses_undeclared_traits_refuses_to_map_to_them(server: Server) -> None:
    await server.memory.update_store(server.caller, StoreChanges(undeclared_traits="refuse"))

    said = refused(await server.asked(100, PHONE, ("Points", "Loyalty", "points")), 400)

    assert said.startswith("columnMappings[1]: Loyalty.points is not declared")


@pytest.mark.parametrize("size", [0, 104_857_601])
async def test_a_file_over_the_limits_is_not_announced(server: Server, size: int) -> None:
    assert "fileSize" in refused(await server.asked(size), 400)


# What is brought


@pytest.mark.parametrize("content", [GOOD[:-1], GOOD + b"\n", b""])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_file_of_another_size_is_refused_and_can_be_brought_again(
    server: Server, content: bytes, chunked: bool
) -> None:
    import_id, url = await server.created(GOOD)

    async def parts() -> AsyncIterator[bytes]:
        yield content

    wrong = await server.client.put(url, content=parts() if chunked else content)
    left, status = server.left(), (await server.shown(import_id))["status"]
    right = await server.client.put(url, content=GOOD)

    assert str(len(GOOD)) in refused(wrong, 400)
    assert (left, status, right.status_code) == ([], "PENDING", 200)


async def test_a_file_that_never_ends_is_cut_off(server: Server) -> None:
    _, url = await server.created(GOOD)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1000

    assert str(len(GOOD)) in refused(await server.client.put(url, content=endless()), 400)
    assert sent < 3


async def test_a_file_that_comes_too_slowly_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.01)
    _, url = await server.created(GOOD)

    async def slowly() -> AsyncIterator[bytes]:
        yield GOOD[:5]
        await anyio.sleep_forever()

    assert "slower than" in refused(await server.client.put(url, content=slowly()), 408)
    assert server.left() == []


async def test_a_connection_that_ends_before_the_file_does_leaves_nothing(server: Server) -> None:
    import_id, url = await server.created(GOOD)
    messages: list[Any] = [
        {"type": "http.request", "body": GOOD[:9], "more_body": True},
        {"type": "http.disconnect"},
    ]
    path = url.removeprefix(BASE)
    scope = {
        "type": "http",
        "method": "PUT",
        "path": path,
        "raw_path": path.encode(),
        "headers": [],
        "query_string": b"",
    }

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        pass

    await server.api({**scope, "http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send)

    assert messages == []
    assert server.left() == []
    assert (await server.shown(import_id))["status"] == "PENDING"


async def test_a_large_file_goes_to_the_disk_step_by_step(server: Server) -> None:
    content = lines([[f"+1317{2_000_000 + number}", "x" * 400] for number in range(1000)])
    _, url = await server.created(content)

    def size() -> int:
        (path,) = server.folder.glob(".*/file.csv")
        return path.stat().st_size

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 10_000):
            if start > 3 * uploads.STEP:
                written.append(await anyio.to_thread.run_sync(size))
            yield content[start : start + 10_000]

    written: list[int] = []
    assert (await server.client.put(url, content=parts())).status_code == 200

    assert min(written) >= 2 * uploads.STEP  # what is held is a step at most; the file's own buffer is part of it
    (path,) = server.folder.glob("*/file.csv")
    assert path.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
async def test_what_was_brought_is_for_nobody_else_to_read(server: Server) -> None:
    _, url = await server.created(GOOD)

    await server.client.put(url, content=GOOD)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (server.folder, *server.folder.rglob("*"))}
    assert modes == {0o700, 0o600}


@pytest.mark.parametrize("encoding", ["gzip", "aws-chunked", "identity, gzip"])
async def test_an_encoded_file_is_refused(server: Server, encoding: str) -> None:
    _, url = await server.created(GOOD)

    assert "identity" in refused(
        await server.client.put(url, content=GOOD, headers={"content-encoding": encoding}), 415
    )


async def test_the_type_of_the_content_says_nothing(server: Server) -> None:
    _, url = await server.created(GOOD)

    brought = await server.client.put(url, content=GOOD, headers={"content-type": "application/octet-stream"})

    assert brought.status_code == 200


async def test_the_same_file_brought_twice_is_taken_once(server: Server) -> None:
    import_id, url = await server.created(GOOD)

    first, again = [await server.client.put(url, content=GOOD) for _ in range(2)]
    other = await server.client.put(url, content=GOOD.replace(b"Gary", b"Rome"))
    await server.queue.sweep()
    late = await server.client.put(url, content=GOOD)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.headers["etag"] == again.headers["etag"]
    assert "another import" in refused(other, 409)
    assert "another import" in refused(late, 409)
    assert (await server.shown(import_id))["status"] == "COMPLETED"
    assert (await server.traits("+13175550142") or {})["city"] == "Gary"
    assert server.left() == []


async def test_of_files_brought_at_once_one_is_taken(server: Server) -> None:
    _, url = await server.created(GOOD)
    files = [GOOD, GOOD, GOOD.replace(b"Gary", b"Rome")]
    answers: list[int] = []

    async def bring(content: bytes) -> None:
        answers.append((await server.client.put(url, content=content)).status_code)

    async with anyio.create_task_group() as tasks:
        for content in files:
            tasks.start_soon(bring, content)
    await server.queue.sweep()

    assert sorted(answers) in ([200, 200, 409], [200, 409, 409])
    assert (await server.count(), server.left()) == (2, [])


# What is told of it


async def test_another_method_is_none(server: Server) -> None:
    _, url = await server.created(GOOD)

    for answer in (await server.client.get(url), await server.client.post(url, content=GOOD)):
        refused(answer, 405)


async def test_the_document_tells_of_files_and_remarks(server: Server) -> None:
    document: dict[str, Any] = (await server.client.get("/openapi.json")).json()

    put = document["paths"]["/uploads/{ticket}"]["put"]
    remarks = document["paths"]["/v1/Stores/{storeId}/Profiles/Imports/{importId}/Remarks"]["get"]
    assert put["security"] == [] and "text/csv" in put["requestBody"]["content"]
    assert remarks["security"] == [{"key": []}]
