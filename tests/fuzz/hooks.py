"""Loaded by Schemathesis: ids that were made up become ids that exist, or most calls would end at "no such store".

Only where the case is about something else: a path that is wrong on purpose stays so.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

STAY = 0.1  # of all calls, the share that keeps its made-up ids

# Real, though the published document lists them nowhere or not everywhere; and a server says them for good reason.
UNLISTED = {401, 408, 412, 413, 415, 431}

_seeded = json.loads(Path(os.environ["FUZZ_SEEDED"]).read_text(encoding="utf-8"))
_strict = os.environ["FUZZ_DOCUMENT"] == "own"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    part = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
    if part is None or part.mode is not GenerationMode.POSITIVE or random.random() < STAY:
        return
    for name in list(case.path_parameters):
        doomed = _is_removed(case, name) or (name == "storeId" and _is_removed(case, "profileId"))
        noun = case.path.rpartition("/{id}")[0].rpartition("/")[2] if name == "id" else ""
        ids = _seeded["doomed" if doomed else "kept"].get(f"{noun}/{{id}}" if noun else name)
        if ids:
            case.path_parameters[name] = random.choice(ids)


def _is_removed(case: Any, name: str) -> bool:
    return bool(case.method == "DELETE" and case.path.endswith("{" + name + "}"))


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether it is one. What is left out is as it should be, and a judge of documents alone can't know."""
    if response is not None and response.content == b"Invalid HTTP request received.":
        return False  # it was no HTTP, and never reached the API
    if "Unsupported method" in str(failure) and case.path.rsplit("/", 1)[-1] in ("Bulk", "Imports", "Lookup"):
        return False  # there this is an id of a profile, and none
    if response is not None and response.status_code in (412, 431) and "Schema-violating" in failure.title:
        return False  # an If-Match that is too long is refused, as none of ours; and a head that is too long
    if case.body is None and "in body" in str(failure) and "Schema-violating" in failure.title:
        return False  # where none is asked for, JSON's null is as good as no body
    if response is not None and b"Idempotency-Key must be" in response.content and not _strict:
        return False  # refused, which the documents list nowhere for what is deleted
    if "Accept-Encoding" in str(failure) and "Schema-violating" in failure.title:
        return False  # a wish that nobody can read is none
    if "Schema-violating" in failure.title and _harmless(str(failure)):
        return False
    unlisted = response is not None and response.status_code in UNLISTED
    return _strict or not (unlisted and "Undocumented" in failure.title)


def _harmless(said: str) -> bool:
    """On the wire any `traitGroups` is text, and so a name; a `pageToken` that is taken though none was given out is
    empty there, which is the first page; what was made up for `Authorization` is not sent, since Schemathesis puts the
    key in its place; and an `Idempotency-Key` may be any text here, for both APIs, where one document wants a UUID."""
    wrong = [line for line in said.splitlines() if "violates" in line or "incorrect type" in line]
    spoken_of = ("/traitGroups", "/pageToken", "Authorization", "Idempotency-Key")
    return bool(wrong) and all(any(name in line for name in spoken_of) for line in wrong)
