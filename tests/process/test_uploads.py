"""An import by upload, through a real server that is killed in the middle of it."""

import random
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from .servers import EXIT_SECONDS, SLACK_SECONDS, Home, Http, http_server, until

ROWS = 3_000
PEOPLE = 2_000
REFUSED = (1, 1_500, ROWS)  # rows; the first tells when the import has begun


def phone(person: int) -> str:
    return f"+1317{2_000_000 + person}"


def content() -> tuple[bytes, int]:
    """A file, and how many people are in it."""
    dice = random.Random(20261121)
    people = [dice.randrange(PEOPLE) for _ in range(ROWS)]
    rows = [f"{'' if n in REFUSED else phone(people[n - 1])},City {n}" for n in range(1, ROWS + 1)]
    known = {person for n, person in enumerate(people, start=1) if n not in REFUSED}
    return "\n".join(["Phone,Town", *rows]).encode(), len(known)


class Client:
    """Of one import."""

    def __init__(self, http: Http, path: str = "") -> None:
        self._address = http.address
        self.path = path

    def bring(self, file: bytes) -> httpx2.Response:
        made = httpx2.post(
            f"{self._address}/v1/ControlPlane/Stores", json={"displayName": "customers", "description": "Customers"}
        )
        assert made.status_code == 202, made.text
        stores = httpx2.get(f"{self._address}/v1/ControlPlane/Stores").json()["stores"]
        imports = f"/v1/Stores/{stores[0]}/Profiles/Imports"
        mappings = [("Phone", "phone"), ("Town", "city")]
        announced = httpx2.post(
            self._address + imports,
            json={
                "filename": "customers.csv",
                "fileSize": len(file),
                "columnMappings": [
                    {"columnName": column, "traitGroup": "Contact", "traitName": trait} for column, trait in mappings
                ],
            },
        )
        assert announced.status_code == 201, announced.text
        self.path = f"{imports}/{announced.json()['importId']}"
        return httpx2.put(announced.json()["url"], content=file)

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx2.get(self._address + self.path).json()
        return found

    def refused(self) -> list[int]:
        return [one["row"] for one in httpx2.get(f"{self._address}{self.path}/Remarks").json()["remarks"]]

    def count(self) -> int:
        profiles, token = 0, ""
        while token is not None:
            query = {"pageSize": "1000", **({"pageToken": token} if token else {})}
            page = httpx2.get(self._address + self.path.partition("/Imports")[0], params=query).json()
            profiles, token = profiles + len(page["profiles"]), page["meta"].get("nextToken")
        return profiles


def waiting(home: Home) -> list[Path]:
    return list((home.data / "uploads").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_an_upload_that_is_killed_in_the_middle_ends_after_the_next_start(home: Home) -> None:
    file, people = content()
    with http_server(home) as http:
        client = Client(http)
        brought = client.bring(file)
        until(client.refused)
        http.process.kill()
        http.process.wait()
    left = waiting(home)

    with http_server(home) as http:
        client = Client(http, client.path)
        halfway = client.count()
        until(lambda: client.shown()["status"] != "PROCESSING")
        shown, refused, count = client.shown(), client.refused(), client.count()
        until(lambda: not waiting(home))

    assert brought.status_code == 200 and len(left) == 1
    assert 0 < halfway < people  # or the kill came too late to prove a thing
    assert shown["status"] == "COMPLETED"
    assert shown["summary"] == {"errors": len(REFUSED), "warnings": 0}
    assert refused == list(REFUSED)
    assert count == people


def test_a_server_that_is_told_to_end_does_not_finish_the_file_first(home: Home) -> None:
    file, people = content()
    with http_server(home) as http:
        client = Client(http)
        client.bring(file)
        until(client.refused)
        http.process.terminate()
        code = http.process.wait(EXIT_SECONDS + SLACK_SECONDS)
        said = http.stderr
    left = waiting(home)

    with http_server(home) as http:
        client = Client(http, client.path)
        until(lambda: client.shown()["status"] == "COMPLETED")
        count = client.count()

    assert (len(left), count) == (1, people)
    assert "Traceback" not in said and "failed" not in said
    assert code in (0, -15)


def test_two_servers_on_one_data_folder_store_every_row_once(home: Home) -> None:
    file, people = content()
    with http_server(home) as first:
        client = Client(first)
        client.bring(file)
        with http_server(home) as second:  # which looks into the folder when it starts
            other = Client(second, client.path)
            until(lambda: other.shown()["status"] == "COMPLETED")
            until(lambda: not waiting(home))
            shown, count = other.shown(), other.count()
            said = first.stderr + second.stderr

    assert shown["summary"]["errors"] == len(REFUSED)
    assert count == people
    assert "Traceback" not in said
