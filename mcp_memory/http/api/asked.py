"""What routes are handed: who asks of which store, which profile, which page."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Path, Query, Request
from pydantic import BeforeValidator

from mcp_memory import ids
from mcp_memory.errors import NoStore, NotFound
from mcp_memory.http.api import page_tokens
from mcp_memory.http.api.answers import Answer, answer
from mcp_memory.http.api.route import ApiRequest, Moved
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.wire.pages import Accepted, ErrorBody, Meta, MovedBody

T = TypeVar("T")

SUFFIX = "_[0-7][0-9a-z]{25}$"
ALIAS = "mem_service"  # what older clients call a store
PUBLISHED_PAGE = 50  # of observations, revisions and summaries: the schema of their lists holds no more
MAX_TOKEN = 4096

StoreId = Annotated[str, Path(alias="storeId", pattern="^mem_(store|service)" + SUFFIX)]
ProfileId = Annotated[str, Path(alias="profileId", pattern=f"^{ids.PROFILE}{SUFFIX}")]
ObservationId = Annotated[str, Path(alias="observationId", pattern=f"^{ids.OBSERVATION}{SUFFIX}")]
SummaryId = Annotated[str, Path(alias="summaryId", pattern=f"^{ids.SUMMARY}{SUFFIX}")]
ImportId = Annotated[str, Path(alias="importId", pattern=f"^{ids.IMPORT}{SUFFIX}")]
ProposalId = Annotated[str, Path(alias="proposalId", pattern=f"^{ids.TRAIT_PROPOSAL}{SUFFIX}")]
DataMappingId = Annotated[str, Path(alias="dataMappingId", pattern=f"^{ids.DATA_MAPPING}{SUFFIX}")]
IdTypeName = Annotated[str, Path(alias="idType", min_length=2, max_length=30)]
OrderBy = Annotated[Literal["ASC", "DESC"], Query(alias="orderBy")]


def _digits(text: object) -> object:
    """Refuses what `int` reads all the same: blanks around it, underscores in it, digits of other scripts."""
    if isinstance(text, str) and re.fullmatch("-?[0-9]+", text) is None:
        raise ValueError("it should be a whole number, in digits alone")
    return text


Digits = BeforeValidator(_digits)
PageToken = Annotated[str | None, Query(alias="pageToken", max_length=MAX_TOKEN)]


async def _request(request: Request) -> ApiRequest:
    assert isinstance(request, ApiRequest)
    return request


async def _memory(request: Request) -> Memory:
    return (await _request(request)).front.memory


async def _caller(request: Request, store_id: StoreId) -> Caller:
    if ids.spelled_otherwise(store_id):
        raise NoStore("There is no such store.")
    return replace((await _request(request)).caller, store=store_id.replace(ALIAS, ids.STORE, 1))


Asked = Annotated[ApiRequest, Depends(_request)]
MemoryOf = Annotated[Memory, Depends(_memory)]
CallerOf = Annotated[Caller, Depends(_caller)]


async def _resolved(request: Asked, memory: MemoryOf, caller: CallerOf, profile_id: ProfileId) -> str:
    """For those routes that are published without a redirect."""
    live = await memory.live_profile_id(caller, known(profile_id, "profile"))
    request.canonical = live if live != profile_id else None
    return live


async def _live(request: Asked, profile_id: ProfileId, live: Annotated[str, Depends(_resolved)]) -> str:
    """Raises Moved where it is part of another profile, unless that goes unseen."""
    if live != profile_id and not request.front.transparent:
        request.canonical = None
        raise Moved(profile_id, live)
    return live


LiveProfile = Annotated[str, Depends(_live)]
ResolvedProfile = Annotated[str, Depends(_resolved)]


def known(id: str, noun: str) -> str:
    """Raises NotFound for an id that has the published form, but letters that none has."""
    if ids.spelled_otherwise(id):
        raise NotFound(f"There is no such {noun}.")
    return id


@dataclass(frozen=True, kw_only=True)
class Paging:
    """`asked`: all that says which list it is. Pages are of `size`, and of `most` where that is less."""

    request: ApiRequest
    size: int
    token: str | None
    newest_first: bool = True

    def query(self, most: int | None = None) -> PageQuery:
        front, token = self.request.front, self.token
        return PageQuery(
            limit=min(self.size, most or self.size),
            cursor=page_tokens.read(token, self._asked, front.now()) if token else None,
            newest_first=self.newest_first,
        )

    def meta(self, key: str, query: PageQuery, page: Page[Any]) -> Meta:
        after = page.next_cursor
        token = None if after is None else page_tokens.write(after, self._asked, self.request.front.now())
        return Meta(key=key, page_size=query.limit, next_token=token)

    @property
    def _asked(self) -> Sequence[object]:
        filters = sorted(one for one in self.request.query_params.multi_items() if not one[0].startswith("page"))
        return [self.request.caller.tenant, self.request.url.path, *filters]


def _paging(most: int) -> Callable[..., Any]:
    async def paging(
        request: Asked,
        size: Annotated[int, Digits, Query(alias="pageSize", ge=1, le=most)] = 50,
        token: PageToken = None,
        order: OrderBy = "DESC",
    ) -> Paging:
        return Paging(request=request, size=size, token=token, newest_first=order == "DESC")

    return paging


async def _unordered(
    request: Asked, size: Annotated[int, Digits, Query(alias="pageSize", ge=1, le=1000)] = 50, token: PageToken = None
) -> Paging:
    return Paging(request=request, size=size, token=token)


DataPaging = Annotated[Paging, Depends(_paging(1000))]
ControlPaging = Annotated[Paging, Depends(_paging(100))]
UnorderedPaging = Annotated[Paging, Depends(_unordered)]


async def accepted(request: ApiRequest, resource_id: str, message: str) -> Answer:
    """Of the control plane: it is done, and there is an operation that says so."""
    operation = await request.front.memory.record_operation(request.caller, resource_id)
    url = operation_url(request, operation.operation_id)
    headers = {"Operation-Id": operation.operation_id, "Location": url, "Retry-After": "0"}
    return answer(Accepted(message=message, status_url=url), 202, headers)


def operation_url(request: ApiRequest, operation_id: str) -> str:
    return f"{request.asker.base_url}/v1/ControlPlane/Operations/{operation_id}"


FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": said}
    for status, said in {
        400: "Something that was sent is wrong: the message names it",
        401: "The key is missing or wrong",
        404: "There is no such thing",
        408: "The body did not arrive in time",
        413: "The body is too large",
        415: "The body is in another form than JSON",
        500: "It failed here: the log says why",
        503: "Try again later",
    }.items()
}
MOVED: dict[int | str, dict[str, Any]] = {
    status: {"model": MovedBody, "description": "The profile is part of another one now"} for status in (301, 308)
}


def replies(status: int, model: Any, *others: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer, for the OpenAPI document. `others`: 301 and 308 for those of profiles, 409, 412."""
    more: dict[int | str, dict[str, Any]] = {
        other: MOVED.get(other, {"model": ErrorBody, "description": "It contradicts what is stored"})
        for other in others
    }
    return {status: {"model": model, "description": "As asked"}, **FAILURES, **more}
