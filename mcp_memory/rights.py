"""What who asks may do. The words are OAuth scopes; each right holds those before it."""

from collections.abc import Iterable
from typing import Final

from mcp_memory.errors import Forbidden, Invalid

READ: Final = "memory:read"
WRITE: Final = "memory:write"
ADMIN: Final = "memory:admin"
RIGHTS: Final = (READ, WRITE, ADMIN)
"""From the least: who may write may read, since a write answers with what is there; who may administer may do both."""

ALL: Final = frozenset(RIGHTS)


def granted(scopes: Iterable[str]) -> frozenset[str]:
    """All that these scopes give. Those of other programs give nothing here."""
    highest = max((RIGHTS.index(one) for one in scopes if one in RIGHTS), default=-1)
    return frozenset(RIGHTS[: highest + 1])


def check(held: frozenset[str], right: str) -> None:
    if right not in held:
        raise Forbidden(f"This credential may not do that: it takes the scope {right}.", right)


def checked(scopes: Iterable[str], name: str) -> tuple[str, ...]:
    """As they are to be kept. Raises Invalid for one that gives nothing, or none at all."""
    found = tuple(dict.fromkeys(scopes))
    if not found or any(one not in RIGHTS for one in found):
        raise Invalid(f"{name} must be one or more of {', '.join(RIGHTS)}.")
    return found
