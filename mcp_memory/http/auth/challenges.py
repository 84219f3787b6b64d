"""What those are told who may not: challenges (RFC 6750, RFC 9728), in the shape of where they asked."""

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response

from mcp_memory import __version__
from mcp_memory.errors import Error, Forbidden, Limited, Unauthorized, Unavailable
from mcp_memory.http.api import problems
from mcp_memory.rights import READ, RIGHTS

METADATA = "/.well-known/oauth-protected-resource"
MCP = "/mcp"  # the resource that tokens are for
APIS = ("/v1/", "/v2/")


def refused(error: Error, path: str, base_url: str) -> Response:
    """`base_url`: how clients reach us, without a slash at the end."""
    if path.startswith(APIS):
        return _of_api(error, base_url)
    status, code = _STATUS.get(type(error), (500, "server_error"))
    body = {"error": code, "error_description": str(error)}
    return JSONResponse(body, status, _headers(error, base_url))


def metadata(base_url: str, issuers: Sequence[str]) -> Response:
    """RFC 9728: what the resource is, and who gives out tokens for it."""
    body: dict[str, object] = {
        "resource": f"{base_url}{MCP}",
        "scopes_supported": list(RIGHTS),
        "bearer_methods_supported": ["header"],
        "resource_name": f"mcp-memory {__version__}",
    }
    if issuers:
        body["authorization_servers"] = list(issuers)
    return JSONResponse(body, headers={"Cache-Control": "max-age=300", "Access-Control-Allow-Origin": "*"})


_STATUS: dict[type[Error], tuple[int, str]] = {
    Unauthorized: (401, "invalid_token"),
    Forbidden: (403, "insufficient_scope"),
    Limited: (429, "too_many_requests"),
    Unavailable: (503, "temporarily_unavailable"),
}


def _of_api(error: Error, base_url: str) -> Response:
    status = _STATUS.get(type(error), (500, ""))[0]
    headers = _headers(error, base_url)
    if status == 401:  # what the official clients send
        headers["WWW-Authenticate"] = f'Basic realm="memory", charset="UTF-8", {headers["WWW-Authenticate"]}'
    codes = {401: problems.UNAUTHORIZED, 403: problems.FORBIDDEN, 429: problems.LIMITED, 503: problems.UNAVAILABLE}
    return problems.refusal(status, codes.get(status, problems.INTERNAL), str(error), headers)


def _headers(error: Error, base_url: str) -> dict[str, str]:
    match error:
        case Unauthorized(sent=sent):
            known = 'error="invalid_token", ' if sent else ""
            return {"WWW-Authenticate": f'Bearer realm="memory", {known}scope="{READ}", {_where(base_url)}'}
        case Forbidden(right=right):
            lacking = f'error="insufficient_scope", scope="{right or READ}"'
            return {"WWW-Authenticate": f'Bearer realm="memory", {lacking}, {_where(base_url)}'}
        case Limited(retry_after=seconds):
            return {"Retry-After": str(seconds)}
        case Unavailable():
            return {"Retry-After": "5"}
    return {}


def _where(base_url: str) -> str:
    return f'resource_metadata="{base_url}{METADATA}{MCP}"'
