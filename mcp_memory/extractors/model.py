"""The language model as extraction needs it: a prompt in, a text out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

Schema = Mapping[str, Any]

CHECK: Final = "Check that {setting}url is an API of that kind and {setting}model a model that chats."
LIMITS: Final = frozenset({"maxItems", "maxLength", "pattern"})
LONGEST_ANSWER: Final = 4_000  # tokens; as many observations as there may be
LONGEST_MESSAGE: Final = 4_000  # characters of a message that a model is sent, and that count as evidence
LONGEST_REPLY: Final = 4 * 1024 * 1024  # bytes, with all that is around the answer


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """`rules` are ours, or the store's; `data` is what others said, and never an instruction."""

    rules: str
    data: str


class Model(Protocol):
    """May be used by several threads at once."""

    @property
    def name(self) -> str: ...

    def complete(self, prompt: Prompt, schema: Schema, *, seconds: float, attempts: int) -> str:
        """What it says, as it says it: it may be anything, of any length up to `LONGEST_REPLY`, or nothing.

        `seconds`: for all attempts together. Raises Unavailable.
        """
        ...


def without_limits(schema: Any) -> Any:
    if isinstance(schema, list):
        return [without_limits(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {name: without_limits(one) for name, one in schema.items() if name not in LIMITS}
