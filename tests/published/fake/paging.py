"""Lists in pages."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from .call import Call
from .refusals import bad_request
from .state import Json

MOST = 50  # what the schemas allow in a page of observations, revisions, summaries and trait groups


def paged(call: Call, key: str, items: Sequence[tuple[str, Any]], most: int = MOST) -> Json:
    """`items` with what they are sorted by, which is theirs alone: a page goes on after the last one that was seen."""
    newest_first = call.query.get("orderBy", "DESC") == "DESC"
    size = min(call.query["pageSize"], most)
    rows = sorted(items, key=lambda item: item[0], reverse=newest_first)
    after = _read(call.query.get("pageToken"), key)
    if after is not None:
        rows = [row for row in rows if (row[0] < after if newest_first else row[0] > after)]
    meta: Json = {"key": key, "pageSize": size}
    if len(rows) > size:
        meta["nextToken"] = _token(key, rows[size - 1][0])
    return {key: [item for _, item in rows[:size]], "meta": meta}


def _token(key: str, after: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([key, after]).encode()).decode().rstrip("=")


def _read(token: str | None, key: str) -> str | None:
    if token is None:
        return None
    try:
        of, after = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        of, after = None, None
    if of != key or not isinstance(after, str):
        raise bad_request("pageToken is not one that this list gave")
    return after
