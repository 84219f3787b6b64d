"""A body of very many values is refused before anything is made of them; one of many commas in its text is not."""

import gzip
import tracemalloc

import pytest

from mcp_memory.http.api import bodies
from mcp_memory.http.api.problems import Refused
from tests.http_api.accounts import Account

pytestmark = pytest.mark.anyio

PACKED = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'""', b'"\\""'])
async def test_a_small_message_of_very_many_values_takes_no_room(shared: Account, value: bytes) -> None:
    body = b'{"profiles":[' + b",".join([value] * 1_000_000) + b"]}"
    tracemalloc.start()
    try:
        said = await shared.refused("PUT", f"{shared.data}/Profiles/Bulk", content=gzip.compress(body), headers=PACKED)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert said == f"The body has more than {bodies.MAX_VALUES} values: send less at once."
    assert peak < 6 * len(body)


@pytest.mark.parametrize("text", ["a, b: [c] " * 500_000, '\\", ' * 500_000, "\\\\" * 500_000 + ",:[" * 500_000])
def test_marks_within_a_text_are_no_values(text: str) -> None:
    assert list(bodies.parsed(f'{{"a": "{text}", "b": [1]}}'.encode(), "application/json")) == ["a", "b"]


def test_a_text_that_does_not_end_is_no_json() -> None:
    for body in (b'{"a": "' + b"," * 600_000, b'{"a": "' + b"\\" * 600_001 + b"," * 600_000):
        with pytest.raises(Refused):
            bodies.parsed(body, "application/json")
