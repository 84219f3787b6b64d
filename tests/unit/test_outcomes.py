"""What became of a customer, in headers: what one end writes, the other reads."""

from datetime import UTC, datetime

import pytest

from mcp_memory.model import Identifier, KeptApart, Profile, Upserted
from mcp_memory.wire import outcomes
from mcp_memory.wire.outcomes import Apart, Told

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DANA, LEE = "mem_profile_01k00000000000000000000dan", "mem_profile_01k00000000000000000000lee"
PROFILE = Profile(
    profile_id=DANA,
    created_at=NOW,
    updated_at=NOW,
    last_activity_at=NOW,
    observation_count=0,
    summary_count=0,
    communication_count=0,
    traits={},
    identifiers={},
)


def said(upserted: Upserted) -> dict[str, str]:
    return {name.lower(): value for name, value in outcomes.headers(upserted).items()}


def test_what_is_written_is_read_without_values() -> None:
    apart = [
        KeptApart(identifier=Identifier("phone", "+13175550142"), holder_id=LEE, reason="limit", differ="user_id"),
        KeptApart(identifier=Identifier("email", "dana@example.com"), holder_id=LEE, reason="unmerged"),
    ]
    written = said(Upserted(outcome="updated", profile=PROFILE, before=None, kept_apart=apart))

    assert "317555" not in str(written) and "dana@" not in str(written)
    assert outcomes.read(written) == Told(
        outcome="updated",
        apart=[
            Apart(id_type="phone", holder_id=LEE, reason="limit"),
            Apart(id_type="email", holder_id=LEE, reason="unmerged"),
        ],
    )


def test_nothing_stays_with_others_as_a_rule() -> None:
    written = said(Upserted(outcome="created", profile=PROFILE, before=None))

    assert outcomes.read(written) == Told(outcome="created", apart=[])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"memory-outcome": "made"},
        {"memory-kept-apart": f"phone;held-by={LEE};reason=limit"},
        {"memory-outcome": "created", "memory-kept-apart": "phone"},
        {"memory-outcome": "created", "memory-kept-apart": f"phone;held-by={LEE};reason=spite"},
        {"memory-outcome": "created", "memory-kept-apart": f"phone;held-by={LEE};reason=limit, "},
    ],
)
def test_what_nobody_wrote_says_nothing(headers: dict[str, str]) -> None:
    assert outcomes.read(headers) is None
