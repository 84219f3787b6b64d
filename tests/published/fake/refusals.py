"""What the service says when it says no."""

from typing import Any

MORE = "https://www.twilio.com/docs/api/errors/"


class Refusal(Exception):
    """`code` is Twilio's, which knows more reasons than there are statuses."""

    def __init__(self, status: int, code: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def body(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message[:1024],
            "more_info": f"{MORE}{self.code}",
            "status": self.status,
        }


def bad_request(message: str, code: int = 400) -> Refusal:
    return Refusal(400, code, message)


def not_found(what: str, code: int = 20404) -> Refusal:
    return Refusal(404, code, f"The requested {what} was not found")


def conflict(message: str) -> Refusal:
    return Refusal(409, 20409, message)
