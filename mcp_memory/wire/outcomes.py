"""What became of a customer who was written to, in headers: the published answers have no place for it.

Whether there was a profile before, which it is, and which identifiers stay with others:
`phone;held-by=mem_profile_…;reason=limit, email;held-by=mem_profile_…;reason=unmerged`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from mcp_memory.model import ApartReason, Upserted

OUTCOME: Final = "Memory-Outcome"
PROFILE: Final = "Memory-Profile-Id"
APART: Final = "Memory-Kept-Apart"
_ONE: Final = re.compile(r"([^;,\s]{2,30});held-by=(mem_profile_[0-9a-z]{26});reason=(limit|unmerged|no_rule|size)")


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Without the value, which is not for logs of headers."""

    id_type: str
    holder_id: str
    reason: ApartReason


@dataclass(frozen=True, kw_only=True)
class Told:
    outcome: Literal["created", "updated"]
    apart: Sequence[Apart] = ()


def headers(upserted: Upserted) -> dict[str, str]:
    said = {OUTCOME: upserted.outcome, PROFILE: upserted.profile.profile_id}
    apart = [f"{one.identifier.id_type};held-by={one.holder_id};reason={one.reason}" for one in upserted.kept_apart]
    return said | ({APART: ", ".join(apart)} if apart else {})


def read(said: Mapping[str, str]) -> Told | None:
    """Names are in lower case. None where nothing is said, or not as above."""
    outcome, apart = said.get(OUTCOME.lower()), said.get(APART.lower(), "")
    found = [_ONE.fullmatch(part.strip()) for part in apart.split(",")] if apart else []
    if outcome not in ("created", "updated") or None in found:
        return None
    each = [Apart(id_type=one[1], holder_id=one[2], reason=cast(ApartReason, one[3])) for one in found if one]
    return Told(outcome=cast(Literal["created", "updated"], outcome), apart=each)
