"""What every list carries, and what every refusal says."""

from mcp_memory.wire import Answer


class Meta(Answer):
    """`key` names the list beside it: clients look there. `page_size`: how many there are on this page, at least 1."""

    key: str | None = None
    page_size: int | None = None
    next_token: str | None = None
    previous_token: str | None = None


class ErrorBody(Answer):
    """`more_info` keeps its name: it is the one that is not in camelCase."""

    code: int
    message: str
    more_info: str | None = None
    status: int

    def body(self) -> dict[str, object]:
        return self.model_dump(mode="json", exclude_none=True)


class Accepted(Answer):
    message: str = ""
    status_url: str | None = None
    id: str | None = None
