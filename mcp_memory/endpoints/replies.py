"""Pure: what an HTTP endpoint replied, as JSON, or why it is none. Nothing of a reply gets into a message."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
OF_THE_REQUEST: Final = frozenset({400, 413, 422})  # said of these texts: the next ones may be welcome
LONGEST_WAIT: Final = 60.0  # seconds, whatever Retry-After says


@dataclass(frozen=True, kw_only=True)
class Called:
    """How messages tell of an endpoint. `settings`: how the names of its settings begin. `path`: what is added to its
    URL. `knows`: what it may not know of a request. `longest`: bytes of a reply."""

    what: str
    settings: str
    path: str
    knows: str
    longest: int

    def advice(self, status: int) -> str:
        given: Mapping[int, str] = {
            400: f"It may not know {self.knows}, or the text is longer than the model takes.",
            401: f"Check {self.settings}key.",
            403: f"Check {self.settings}key, and what it may be used for.",
            404: f"Check {self.settings}model, and {self.settings}url, to which {self.path} is added.",
            405: f"Check {self.settings}url, to which {self.path} is added.",
            413: "The text is longer than it takes.",
            422: f"It may not know {self.knows}.",
            429: "It wants to be asked less often, or the account is used up.",
        }
        return given.get(status, f"Check {self.settings}url.")


class Failed(Exception):
    """Why the endpoint gave nothing, in sentences that say what to do. `status`: of its reply, if it was that."""

    def __init__(
        self, message: str, *, again: bool = False, wait: float = 0.0, lasts: bool = True, status: int | None = None
    ) -> None:
        """`again`: another attempt may do, after `wait` seconds; `lasts`: the next request is likely to fail too."""
        super().__init__(message)
        self.again, self.wait, self.lasts, self.status = again, wait, lasts, status


def read(status: int, headers: Mapping[str, str], body: bytes, now: datetime, called: Called) -> Any:
    """The JSON of a reply of success. Raises Failed. `headers`: names in lower case."""
    if status != 200:
        raise _refused(status, headers.get("retry-after", ""), now, called)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise Failed(f"{called.what} did not answer in JSON. Check {called.settings}url.") from exc


def _refused(status: int, retry_after: str, now: datetime, called: Called) -> Failed:
    if 300 <= status < 400:
        advice = f"Set {called.settings}url to where it leads: redirects are not followed."
    elif status >= 500:
        advice = "Look at its log, or try again later."
    else:
        advice = called.advice(status)
    return Failed(
        f"{called.what} answered with HTTP {status}. {advice}",
        again=status in PASSING,
        wait=_seconds(retry_after, now),
        lasts=status not in OF_THE_REQUEST,
        status=status,
    )


def _seconds(retry_after: str, now: datetime) -> float:
    """Both forms of RFC 9110: a number of seconds, or a date."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((aware - now).total_seconds(), 0.0), LONGEST_WAIT)
