"""Imports: a file that is announced, put at the address that was given, and read then."""

import csv
import io
from collections.abc import Callable

from .call import Call, Handler, Reply
from .paging import paged
from .profiles import resolve
from .refusals import Refusal, not_found
from .state import Json
from .traits import Traits, check_traits

DELETES = "\\N"
MOST_ERRORS = 100  # with as many rows that failed, all of it failed

Upload = Callable[[bytes], None]


def list_imports(call: Call) -> Reply:
    return Reply(200, paged(call, "imports", [(id, id) for id in call.store.imports], most=100))


def create_import(call: Call, uploads: dict[str, Upload]) -> Reply:
    store, id = call.store, call.new_id("mem_import")
    job = {**call.body, "status": "PENDING", "createdAt": call.now}
    store.imports[id] = job

    def uploaded(file: bytes) -> None:
        job["status"] = "PROCESSING"
        call.later(lambda: _read(call, job, file))

    uploads[id] = uploaded
    return Reply(201, {"importId": id, "url": f"{call.base}/uploads/{id}?X-Amz-Expires=1800"})


def fetch_import(call: Call) -> Reply:
    job = call.store.imports.get(call.path["importId"])
    if job is None:
        raise not_found("import")
    return Reply(200, job)


def _read(call: Call, job: Json, file: bytes) -> None:
    errors = 0
    for row in csv.DictReader(io.StringIO(file.decode("utf-8"))):
        try:
            traits = _traits(job, row)
            check_traits(call.store, traits)
            resolve(call, call.store, traits)
        except Refusal:
            errors += 1
    status = "FAILED" if errors >= MOST_ERRORS else "COMPLETED"
    job.update(status=status, updatedAt=call.now, summary={"errors": errors, "warnings": 0})


def _traits(job: Json, row: dict[str, str]) -> Traits:
    traits: Traits = {}
    for mapping in job["columnMappings"]:
        cell = row.get(mapping["columnName"]) or ""
        traits.setdefault(mapping["traitGroup"], {})[mapping["traitName"]] = None if cell == DELETES else cell
    return traits


HANDLERS: dict[str, Handler] = {"ListProfileImportsV2": list_imports, "FetchProfileImportV2": fetch_import}
