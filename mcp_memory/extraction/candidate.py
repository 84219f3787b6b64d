"""The values that extraction gives."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mcp_memory.model import Role

StatementKind = Literal["preference", "plan", "problem", "promise", "attribute", "outcome"]

MAX_CANDIDATE = 300  # characters
BY_RULES = "rules"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What may become an observation: one sentence that can be read alone, in the third person.

    `occurred_at`: of the message it came from. `evidence`: the ids of the messages that it came from, the earliest
    first. `said_by`: whose words it is made of.
    """

    content: str
    kind: StatementKind
    occurred_at: datetime
    evidence: tuple[str, ...]
    said_by: Role


@dataclass(frozen=True, kw_only=True)
class Extract:
    """`observations` in the order in which they were said. `summary`: None where nothing was said that is worth it, or
    none was asked for. `screened`: statements that were left out because they hold special-category data. `made_by`:
    the rules, or what stood in their place and why it did not. `refused`: what a model said without evidence."""

    observations: tuple[Candidate, ...]
    summary: str | None
    screened: int
    made_by: str = BY_RULES
    refused: int = 0


@dataclass(frozen=True, kw_only=True)
class StatedTrait:
    """What the customer says of himself in so many words. `evidence`: the id of the message, `occurred_at` its time."""

    group: str
    name: str
    value: str
    evidence: str
    occurred_at: datetime
