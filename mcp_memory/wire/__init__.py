"""The Memory API's JSON dialect: camelCase, and nothing that is not published.

A `Wire` is what is asked: it refuses what the published documents refuse, in their words. An `Answer` is what is
answered: whoever reads one passes over what it does not know.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic.alias_generators import to_camel

from mcp_memory.conversation_ids import PATTERN as CONVERSATION_ID
from mcp_memory.errors import Error, Invalid
from mcp_memory.inputs import parse_time
from mcp_memory.text import clean

WireT = TypeVar("WireT", bound="Wire")

MOST = 10  # complaints at once
LONGEST_TIME = 40  # characters of a time: more is none


class Base(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, strict=True, allow_inf_nan=False)

    def body(self) -> dict[str, Any]:
        """As JSON has it, without what is None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _as_asked(schema: dict[str, Any]) -> None:
    for one in schema.get("properties", {}).values():
        if one.get("default", "") is None:
            del one["default"]


OMITTED: Any = None
"""The default of what may be left out, but is no null where it is given: nobody could tell what that should change."""


class Wire(Base):
    model_config = ConfigDict(extra="forbid", json_schema_extra=_as_asked)

    @classmethod
    def read(cls: type[WireT], text: str | bytes) -> WireT:
        """Raises Invalid, a line per field that is wrong, without the value."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as exc:
            raise Invalid(complaints(exc.errors(include_url=False))) from exc


class Open(Wire):
    """The documents let clients send more than they describe."""

    model_config = ConfigDict(extra="ignore")


def as_answered(schema: dict[str, Any]) -> None:
    """What is None is left out of an answer; all else is always there."""
    always = []
    for name, one in schema["properties"].items():
        kinds = one.pop("anyOf", [])
        rest = [kind for kind in kinds if kind != {"type": "null"}]
        one |= rest[0] if len(rest) == 1 else {"anyOf": rest} if rest else {}
        if len(rest) == len(kinds):
            always.append(name)
        one.pop("default", None)
    schema["required"] = always


class Answer(Base):
    model_config = ConfigDict(
        extra="ignore",
        strict=False,
        validate_by_name=True,
        validate_by_alias=True,
        json_schema_extra=as_answered,
    )


def complaints(errors: Iterable[Any]) -> str:
    """A line per field that is wrong, of pydantic's errors."""
    return "\n".join([_complaint(error) for error in errors][:MOST])


def _complaint(error: Any) -> str:
    where = [part for part in error["loc"] if part != "[key]"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
    return f"{clean(path)[:100] or 'It'} {_said(error['type'], error.get('ctx', {}), error['msg'])}"


def _said(kind: str, ctx: Mapping[str, Any], message: str) -> str:
    """What is wrong and what is right, without the value."""
    match kind:
        case "extra_forbidden":
            return "is unknown here: leave it out."
        case "missing":
            return "is required."
        case "json_invalid":
            return "is not JSON."
        case "string_too_short" | "string_too_long":
            most, least = ctx.get("max_length"), ctx.get("min_length")
            return f"is too long: give at most {most} characters." if most else f"is too short: give at least {least}."
        case "too_short" | "too_long":
            most, least = ctx.get("max_length"), ctx.get("min_length")
            return f"has too many entries: the limit is {most}." if most else f"has too few: give at least {least}."
        case "string_pattern_mismatch":
            return f"must be {_in_words(str(ctx.get('pattern')))}."
    return f"is wrong: {message.removeprefix('Value error, ').replace('Input should', 'it should')}."


_WORDS = {
    r"^[a-zA-Z0-9-]+$": "ASCII letters, digits or dashes",
    r"^[a-zA-Z0-9_\-\.]+$": "ASCII letters, digits, dots, dashes or underscores",
    r"^[a-zA-Z0-9 _.-]+$": "ASCII letters, digits, blanks, dots, dashes or underscores",
    r"^[a-zA-Z0-9_ -]+$": "ASCII letters, digits, blanks, dashes or underscores",
    r"^IS[0-9a-f]{32}$": "an id: IS and 32 digits or letters from a to f",
    r"^[a-zA-Z][a-zA-Z0-9-.]*$": "ASCII letters, digits, dots or dashes, the first a letter",
    r"^[a-z][a-zA-Z0-9_\-\.]*$": "ASCII letters, digits, dots, dashes or underscores, the first a small letter",
}


def _in_words(pattern: str) -> str:
    """What a published pattern takes."""
    if pattern in _WORDS:
        return _WORDS[pattern]
    prefix = pattern.removeprefix("^").removesuffix("_[0-7][0-9a-z]{25}$").replace("(store|service)", "store")
    return f"an id: {prefix}_ and 26 letters and digits"


def read_time(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) > LONGEST_TIME or "T" not in value.upper():
        raise ValueError("it should be a time like 2026-05-03T14:30:00Z")
    try:
        return parse_time(value, "it")
    except Error as exc:
        raise ValueError(str(exc)) from exc


def write_time(time: datetime) -> str:
    """Whole seconds and a Z: clients drop what is longer, or leave other forms unread."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[datetime, BeforeValidator(read_time), PlainSerializer(write_time, return_type=str)]
ConversationId = Annotated[str, Field(pattern=CONVERSATION_ID)]


def _without_null(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it should have no null characters")
    return text


Text = Annotated[str, AfterValidator(_without_null)]
