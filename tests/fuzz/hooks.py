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

SEEDED = "FUZZ_SEEDED"  # names a file: what `seeded` of test_fuzz.py made
STAY = 0.1  # of all calls, the share that keeps its made-up ids

_seeded = json.loads(Path(os.environ[SEEDED]).read_text(encoding="utf-8"))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    part = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
    if part is None or part.mode is not GenerationMode.POSITIVE or random.random() < STAY:
        return
    for name in list(case.path_parameters):
        removed = case.method == "DELETE" and case.path.endswith("{" + name + "}")
        ids = _seeded["doomed" if removed else "kept"].get(name)
        if ids:
            case.path_parameters[name] = random.choice(ids)


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """What is as it should be, and a judge of documents alone can't know."""
    if response is not None and response.content == b"Invalid HTTP request received.":
        return False  # no HTTP, so it never reached the API
    sibling = case.path.rsplit("/", 1)[-1] in ("Bulk", "Imports", "Lookup")
    return not (sibling and "Unsupported method" in str(failure))  # there it is an id of a profile, and none
