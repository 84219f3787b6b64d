"""The language model as extraction needs it: a prompt in, a text out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

Schema = Mapping[str, Any]

CHECK: Final = "Check that {setting}url is an API of that kind and {setting}model a model that chats."
LONGEST_ANSWER: Final = 4_000  # tokens; some 50 observations
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
