"""What goes wrong because it was told to."""

from dataclasses import dataclass

import httpx2

from .refusals import Refusal

LOST = 0  # the status of no answer at all

REFUSALS = {
    429: Refusal(429, 20429, "Too many requests"),
    500: Refusal(500, 20500, "Internal server error"),
    503: Refusal(503, 20503, "Service unavailable"),
}


class ConnectionLost(httpx2.RemoteProtocolError):
    """In process this reaches the client as it is; behind a server the connection is closed."""


@dataclass
class Trouble:
    """For the next `times` requests, or those of one operation. `after_effect`: what was asked for is done first."""

    status: int
    times: int
    retry_after: int
    operation: str | None
    after_effect: bool

    def hits(self, operation: str) -> bool:
        return self.times > 0 and self.operation in (None, operation)

    def refusal(self) -> Refusal:
        self.times -= 1
        if self.status == LOST:
            raise ConnectionLost("the connection was lost")
        usual = REFUSALS[self.status]
        headers = {"Retry-After": str(self.retry_after)} if self.status == 429 else {}
        return Refusal(usual.status, usual.code, usual.message, headers)
