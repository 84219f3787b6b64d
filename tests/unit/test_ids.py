from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import ids
from mcp_memory.errors import Invalid

MOMENT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("uuid", "suffix"),
    [  # the valid examples of the TypeID specification 0.3
        ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
        ("00000000-0000-0000-0000-000000000001", "00000000000000000000000001"),
        ("00000000-0000-0000-0000-00000000000a", "0000000000000000000000000a"),
        ("00000000-0000-0000-0000-000000000020", "00000000000000000000000010"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
        ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
    ],
)
def test_ids_are_type_ids(uuid: str, suffix: str) -> None:
    raw = bytes.fromhex(uuid.replace("-", ""))

    assert ids.from_bytes("mem_store", raw) == f"mem_store_{suffix}"
    assert ids.to_bytes(f"mem_store_{suffix}") == raw


@given(st.binary(min_size=16, max_size=16))
def test_the_bytes_of_an_id_come_back(raw: bytes) -> None:
    id = ids.from_bytes(ids.PROFILE, raw)

    assert ids.to_bytes(ids.check(id, ids.PROFILE, "profile_id")) == raw


@given(st.binary(min_size=10, max_size=10))
def test_a_new_id_is_a_version_7_uuid_of_its_moment(entropy: bytes) -> None:
    raw = ids.to_bytes(ids.new_id(ids.PROFILE, MOMENT, entropy))

    assert int.from_bytes(raw[:6], "big") == int(MOMENT.timestamp() * 1000)
    assert (raw[6] >> 4, raw[8] >> 6) == (7, 0b10)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))
)
def test_ids_sort_by_the_millisecond(one: datetime, other: datetime) -> None:
    early, late = sorted((one.replace(tzinfo=UTC), other.replace(tzinfo=UTC)))
    before, after = ids.new_id("x", early, b"\xff" * 10), ids.new_id("x", late, bytes(10))

    assert before < after or int(early.timestamp() * 1000) == int(late.timestamp() * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mem_profile_",
        "mem_store_" + "0" * 26,
        "mem_profile_" + "0" * 25,
        "mem_profile_" + "0" * 27,
        "mem_profile_8" + "0" * 25,
        "mem_profile_" + "I" * 26,
        "mem_profile_" + "0" * 25 + "u",
        "mem_profile_" + "0" * 25 + "\n",
        "MEM_PROFILE_" + "0" * 26,
        "mem_profile_" + "\u0660" * 26,
        "x" * 5_000_000,
    ],
)
def test_what_is_no_id_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(Invalid, match="profile_id is not a mem_profile id"):
        ids.check(text, ids.PROFILE, "profile_id")


@given(st.binary(min_size=16, max_size=16), st.integers(0, 38))
def test_the_start_of_an_id_has_it_in_its_range(raw: bytes, length: int) -> None:
    id = ids.from_bytes(ids.PROFILE, raw)
    span = ids.prefix_range(ids.PROFILE, id[:length])

    assert span is not None and span[0] <= id <= span[1]


@given(st.text())
def test_any_start_gives_a_range_of_ids_or_none(start: str) -> None:
    span = ids.prefix_range(ids.PROFILE, start)

    assert span is None or all(ids.check(end, ids.PROFILE, "x") for end in span)
