"""The Memory API and the Conversations API as one FastAPI app, with its own document at /openapi.json."""

from collections.abc import Iterator
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mcp_memory import __version__
from mcp_memory.http.api import (
    communications,
    configurations,
    conversations,
    document,
    extractions,
    histories,
    identifiers,
    imports,
    mappings,
    observations,
    participants,
    problems,
    profiles,
    proposals,
    recall,
    rules,
    stores,
    summaries,
    uploads,
)
from mcp_memory.http.api.route import PREFIX, Front, answered

ALIAS = f"{PREFIX}/Services"
# Imports and Lookup before {profileId}, whose place they stand in.
ROUTERS = (
    *(stores, rules, mappings, imports, identifiers, profiles, proposals, observations, summaries, histories, recall),
    extractions,
)
ORCHESTRATOR = (configurations, conversations, participants, communications)
NOT_ROUTED = "unknown"  # what is asked for where there is nothing
SMALLEST_GZIP = 4_096  # bytes: below, it costs more than it saves


def build_api(front: Front, *, services_alias: bool = False) -> FastAPI:
    """`services_alias`: /v1/Services for /v1/ControlPlane/Stores and /v1/Stores, as older documents have it."""
    api = FastAPI(
        title="mcp-memory",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=[*_routes(), *(_aliases() if services_alias else ())],
    )
    api.state.front = front
    api.add_exception_handler(HTTPException, _not_routed)
    api.add_middleware(GZipMiddleware, minimum_size=SMALLEST_GZIP, compresslevel=1)
    api.openapi = lambda: document.of(api)  # type: ignore[method-assign]  # as FastAPI documents it
    return api


def _routes() -> Iterator[BaseRoute]:
    """As they are: a router that is included is made once more for each app, which takes a third of a second."""
    for each in (*ROUTERS, *ORCHESTRATOR, uploads):
        yield from each.router.routes


@cache
def _aliases() -> list[BaseRoute]:
    """Every route under the older name: control plane and data alike begin with it."""
    router = APIRouter()
    for each in ROUTERS:
        for route in each.router.routes:
            path = getattr(route, "path", "")
            for plane in (f"{PREFIX}/ControlPlane/Stores", f"{PREFIX}/Stores"):
                if path.startswith(plane):
                    router.add_api_route(
                        ALIAS + path.removeprefix(plane),
                        route.endpoint,
                        methods=list(route.methods),
                        status_code=route.status_code,
                        operation_id=getattr(route, "operation_id", None),
                        include_in_schema=False,
                        route_class_override=type(route),
                    )
    return router.routes


async def _not_routed(request: Request, exc: Exception) -> Response:
    return await answered(request, NOT_ROUTED, request.url.path, lambda: _refused(request, exc))


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    said = {404: "There is no such path.", 405: "This path does not take that method: see /openapi.json."}
    code = problems.NOT_FOUND if exc.status_code == 404 else exc.status_code
    message = said.get(exc.status_code, str(exc.detail))
    headers = {"Allow": ", ".join(sorted(_methods(request)))} if exc.status_code == 405 else exc.headers
    raise problems.Refused(exc.status_code, code, message, headers)


def _methods(request: Request) -> set[str]:
    """All that the path takes: each of its methods is a route of its own. Profiles/Lookup is no profile."""
    path = request.url.path
    fit = [
        (route.path.count("{"), route.methods or set())
        for route in request.app.routes
        if isinstance(route, Route) and route.path_regex.match(path)
    ]
    fewest = min((count for count, _ in fit), default=0)
    return {method for count, methods in fit if count == fewest for method in methods}
