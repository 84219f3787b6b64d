"""Pure: what the memory service replied, or why it is no reply.

The law of this file: what the service says is untrusted. It is read as what is published or not at all, and what of it
gets into a message is short, visible and without anything secret.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from mcp_memory.errors import Conflict, Error, Full, Invalid, NotFound, Stale, Taken, Unavailable
from mcp_memory.text import clean
from mcp_memory.wire import Answer
from mcp_memory.wire.pages import ErrorBody, Meta

AnswerT = TypeVar("AnswerT", bound=Answer)

log = logging.getLogger(__name__)

MAX_TOKEN: Final = 4096
LONGEST: Final = 300  # characters of what the service says of an error
PROFILE_ID: Final = re.compile(r"mem_profile_[0-7][0-9a-z]{25}(?![0-9a-z])")
ID: Final = re.compile(r"[a-z]+(_[a-z]+)*_[0-7][0-9a-z]{25}")
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED: Final = "The memory service refused the key: check twilio_key_id and twilio_key_secret, and what they may do."
DOWN: Final = "The memory service can't answer now. Try again later."

# The dictionary of the service's errors, where it says more than the status.
BY_CODE: Final[Mapping[int, type[Error]]] = {
    20409: Conflict,  # also with a status that is published where 409 is not
    520041: NotFound,
    520042: Unavailable,
    520043: Stale,
    520044: Full,
    520045: Taken,
    520046: Invalid,
    520047: NotFound,
    520048: NotFound,
    520049: Invalid,
    520051: Invalid,
    520052: NotFound,
    520053: Full,
    520055: Taken,
}
BY_STATUS: Final[Mapping[int, type[Error]]] = {
    400: Invalid,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Stale,
    413: Invalid,
    415: Invalid,
    422: Invalid,
}
SAID: Final[Mapping[type[Error], str]] = {
    Invalid: "The memory service refused what was given.",
    NotFound: "There is no such thing in this store.",
    Conflict: "It contradicts what the memory service has.",
    Stale: "It was changed meanwhile: read it again.",
    Taken: "There is one of this name already.",
    Full: "There are as many as there may be.",
    Unavailable: DOWN,
}


# What tools call otherwise than the document does.
_FIELDS: Final = re.compile(
    r"\b(conversationIds|displayName|enforceUnique|idType|idTypePromotion|identifierConfigs|limitPolicy|matchingAlgo"
    r"|matchingRules|matchingThreshold|maxItems|maxLength|minItems|minLength|occurredAt|pageToken|validationRule)\b"
)


class Listed(Answer):
    """What every list has."""

    meta: Meta = Meta()


@dataclass(frozen=True, kw_only=True)
class Reply:
    """`name`: of the call. `path`: where it was answered in the end. Names of `headers` are in lower case."""

    name: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    path: str = ""

    def read(self, answer: type[AnswerT]) -> AnswerT:
        """Raises Unavailable for what is not published."""
        try:
            return answer.model_validate_json(self.body)
        except ValidationError:
            raise self.unpublished() from None  # it quotes what the service said

    def unpublished(self) -> Unavailable:
        return unpublished(self.name, self.status)

    def next_token(self) -> str | None:
        """Of a list; None on the last page."""
        token = self.read(Listed).meta.next_token or None
        return token if token is None or len(token) <= MAX_TOKEN else None

    def profile_id(self, asked: str) -> str:
        """Whose answer it is: `asked`, or the profile that it is part of."""
        canonical = self.headers.get("canonical-profile-id", "")
        if is_id(canonical, "mem_profile"):
            return canonical
        found = PROFILE_ID.search(self.path)
        return found[0] if found else asked

    def refusal(self, now: datetime, secrets: Iterable[str] = ()) -> Error:
        """The error that a status of failure is. `secrets`: what no message may repeat."""
        if self.status in (401, 403):
            return Unavailable(f"{REFUSED} (HTTP {self.status})")
        if self.status == 429:
            return Unavailable(f"The memory service wants to be asked less often. {later(self.wait(now))}")
        code, message = self._said(secrets)
        if code == 520042:
            return Unavailable("The store of the memory service is not ready: look at its status. Try again later.")
        if self.status >= 500:
            return Unavailable(f"The memory service failed with HTTP {self.status}. {later(self.wait(now))}")
        kind = BY_CODE.get(code) or BY_STATUS.get(self.status)
        return self.unpublished() if kind is None else kind(_named(message) or SAID[kind])

    def wait(self, now: datetime) -> float | None:
        """Seconds that the service asks for. Both forms of RFC 9110: a number, or a date."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal() and len(text) <= 9:
            return float(text)
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max((aware - now).total_seconds(), 0.0)

    def _said(self, secrets: Iterable[str]) -> tuple[int, str]:
        try:
            body = ErrorBody.model_validate_json(self.body)
        except ValidationError:
            return 0, ""
        return body.code, shown(body.message, secrets)


def is_id(text: object, prefix: str) -> bool:
    return isinstance(text, str) and text.startswith(f"{prefix}_") and ID.fullmatch(text) is not None


def shown(text: str, secrets: Iterable[str] = ()) -> str:
    """What the service says, as it may be repeated."""
    for secret in secrets:
        text = text.replace(secret, "…")
    words = " ".join(clean(text[: LONGEST * 4]).split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def _named(message: str) -> str:
    """With the names of what is given here, where the service says its own."""
    return _FIELDS.sub(lambda found: "cursor" if found[0] == "pageToken" else to_snake(found[0]), message)


def unpublished(name: str, status: int) -> Unavailable:
    log.warning("%s: answered in a way that is not published (HTTP %s)", name, status)
    return Unavailable(f"The memory service answered {name} in a way that is not published (HTTP {status}).")


def later(wait: float | None) -> str:
    return "Try again later." if wait is None else f"Try again in {max(round(wait), 1)} s."


def failed_with(code: int | None, said: str) -> Error:
    """The error that an operation ended with."""
    number = code or 0
    kind = BY_CODE.get(number) or BY_STATUS.get(number % 1000 if 20_000 <= number < 21_000 else number) or Unavailable
    return kind(said or SAID[kind])
