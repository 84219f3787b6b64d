"""What every list carries, and what every refusal says."""

from typing import Annotated

from pydantic import Field

from mcp_memory.wire import Answer


class Meta(Answer):
    """`key` names the list beside it: clients look there. `pageSize`: how many there are on this page, at least 1."""

    key: str | None = None
    page_size: int | None = None
    next_token: str | None = None
    previous_token: str | None = None


class ErrorBody(Answer):
    """`more_info` keeps its name: it is the one that is not in camelCase."""

    code: int
    message: str
    more_info: Annotated[str | None, Field(alias="more_info")] = None
    status: int


class Accepted(Answer):
    """`statusUrl`: of the operation, in the control plane. `id`: of the profile that was created or found."""

    message: str = ""
    status_url: str | None = None
    id: str | None = None


class MovedBody(Answer):
    message: str = "This resource has moved."
    uri: str
