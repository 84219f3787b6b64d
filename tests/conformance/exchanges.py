"""What went over the wire while a client was driven, held against the published documents."""

from tests.published.document import document_of
from tests.published.rules import Response, response_complaints

from .conftest import Line, Lines


def statuses(line: Line) -> list[int]:
    return [exchange["status"] for exchange in line["wire"]]


def assert_published(lines: Lines, *, also: frozenset[int] = frozenset()) -> set[str]:
    """Every answer that the client saw; returns the operations that it asked for.

    `also`: statuses of failures that are no surprise though nobody lists them.
    """
    seen: set[str] = set()
    wrong: list[str] = []
    for one in (exchange for those in lines.values() for line in those for exchange in line["wire"]):
        document = document_of(one["path"])
        response = Response(one["status"], one["headers"], one["text"].encode())
        wrong += response_complaints(document, one["method"], one["path"], response, also)
        found = document.find(one["method"], one["path"])
        seen.add(found.id if found else one["path"])
    assert wrong == []
    return seen
