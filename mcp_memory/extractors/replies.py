"""Pure: what a model said, as the JSON it was asked for. Nothing of a reply gets into a message.

Mended is what cannot change what was meant: thoughts before the answer, a fence around it, prose before and after it,
and an end that is missing, of which the items that are whole are taken. What is anything else is refused.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

LONGEST: Final = 200_000  # characters
MOST_ITEMS: Final = 30
MOST_BEGINNINGS: Final = 20  # places at which the JSON may begin
THOUGHTS: Final = "</think>"  # of models that think aloud, before what they answer

_BEGINS = re.compile(r"[{\[]")
FENCE: Final = "```"
_BLANKS = re.compile(r"[\s,]*")


class Unusable(Exception):
    """Why a reply is none, in words that may be told to the model and be shown."""


def items(text: str) -> list[Any]:
    """The observations, each still whatever it is. Raises Unusable."""
    answer = _answer(text)
    try:
        value = _value(answer)
    except Unusable:
        found = list(_whole_items(answer))
        if not found:
            raise
        return _few(found)
    listed = value.get("observations") if isinstance(value, dict) else value
    if not isinstance(listed, list):
        raise Unusable("it has no list of observations")
    return _few(listed)


def summary(text: str) -> str:
    """Raises Unusable."""
    value = _value(_answer(text))
    said = value.get("summary") if isinstance(value, dict) else None
    if not isinstance(said, str) or not said.strip():
        raise Unusable("it has no summary")
    return said


def item(text: str) -> dict[str, Any]:
    """Of whatever fields. Raises Unusable."""
    value = _value(_answer(text))
    if not isinstance(value, dict):
        raise Unusable("it is no object")
    return value


def _few(found: list[Any]) -> list[Any]:
    if len(found) > MOST_ITEMS:
        raise Unusable(f"it has more than {MOST_ITEMS} observations")
    return found


def _answer(text: str) -> str:
    if len(text) > LONGEST:
        raise Unusable(f"it is longer than {LONGEST} characters")
    answer = text.rpartition(THOUGHTS)[2].strip()
    if not answer:
        raise Unusable("it is empty")
    before, fence, fenced = answer.partition(FENCE)
    return fenced.partition(FENCE)[0] if fence and not _BEGINS.search(before) else answer


def _value(answer: str) -> Any:
    """The first that is JSON, and an object or a list."""
    decoder = json.JSONDecoder()
    for count, match in enumerate(_BEGINS.finditer(answer)):
        if count == MOST_BEGINNINGS:
            break
        try:
            return decoder.raw_decode(answer, match.start())[0]
        except (ValueError, RecursionError):
            if count == 0 and answer.lstrip().startswith(match[0]):
                break  # it is the answer, and broken: what lies inside it is no other
    raise Unusable("it is not JSON")


def _whole_items(answer: str) -> Iterator[Any]:
    """Of a list of objects that breaks off."""
    listed = re.search(r"\"observations\"\s*:\s*\[|\A\s*\[", answer)
    at, decoder = (len(answer), None) if listed is None else (listed.end(), json.JSONDecoder())
    while decoder is not None and (match := _BLANKS.match(answer, at)) is not None:
        try:
            item, at = decoder.raw_decode(answer, match.end())
        except (ValueError, RecursionError):
            return
        yield item
