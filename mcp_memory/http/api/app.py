"""The Memory API as one FastAPI app, with its own document at /openapi.json."""

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mcp_memory import __version__
from mcp_memory.http.api import (
    document,
    identifiers,
    imports,
    mappings,
    observations,
    problems,
    profiles,
    proposals,
    recall,
    rules,
    stores,
    summaries,
    uploads,
)
from mcp_memory.http.api.route import Front, answered

PREFIX, ALIAS = "/v1", "/v1/Services"
# Imports and Lookup before {profileId}, whose place they stand in.
ROUTERS = (stores, rules, mappings, imports, identifiers, profiles, proposals, observations, summaries, recall)
NOT_ROUTED = "unknown"  # what is asked for where there is nothing
SMALLEST_GZIP = 4_096  # bytes: below, it costs more than it saves


def build_api(front: Front, *, services_alias: bool = False) -> FastAPI:
    """`services_alias`: /v1/Services for /v1/ControlPlane/Stores and /v1/Stores, as older documents have it."""
    api = FastAPI(title="mcp-memory", version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False)
    api.state.front = front
    for each in ROUTERS:
        api.include_router(each.router, prefix=PREFIX)
    api.include_router(uploads.router)
    api.state.routers = [("", uploads.router), *((PREFIX, each.router) for each in ROUTERS)]
    if services_alias:
        aliased = _aliased()
        api.include_router(aliased, include_in_schema=False)
        api.state.routers.append(("", aliased))
    api.add_exception_handler(HTTPException, _not_routed)
    api.add_middleware(GZipMiddleware, minimum_size=SMALLEST_GZIP, compresslevel=1)
    api.openapi = lambda: document.of(api)  # type: ignore[method-assign]  # as FastAPI documents it
    return api


def _aliased() -> APIRouter:
    """Every route under the older name: control plane and data alike begin with it."""
    router = APIRouter()
    for each in ROUTERS:
        for route in each.router.routes:
            path = getattr(route, "path", "")
            for plane in ("/ControlPlane/Stores", "/Stores"):
                if path.startswith(plane):
                    router.add_api_route(
                        ALIAS + path.removeprefix(plane),
                        route.endpoint,
                        methods=list(route.methods),
                        status_code=route.status_code,
                        operation_id=getattr(route, "operation_id", None),
                        route_class_override=type(route),
                    )
    return router


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
        for prefix, router in request.app.state.routers
        for route in router.routes
        if isinstance(route, Route) and route.path_regex.match(path.removeprefix(prefix))
    ]
    fewest = min((count for count, _ in fit), default=0)
    return {method for count, methods in fit if count == fewest for method in methods}
