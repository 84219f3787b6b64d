"""Tokens of an issuer on loopback, shown to a server in a process of its own."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.auth import TokenStorage
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.auth.utils import (
    build_protected_resource_metadata_discovery_urls,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
    handle_protected_resource_response,
)
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_memory.rights import RIGHTS
from tests.issuers import AUDIENCE, LEFT_OUT, SigningKey, TokenIssuer, compact, hmac_signed, serving, signing_key
from tests.published.serving import serving as app_serving

from .servers import ANSWER_SECONDS, Home, Http, http_server, make_home
from .tenants import (
    DOORS,
    STORES,
    asking,
    becomes,
    end,
    logged,
    mcp,
    recalled,
    remember,
    status,
    streams,
)
from .test_ends import open_session
from .test_shutdown import BOTH, MODERN, call

pytestmark = pytest.mark.anyio

METADATA = "/.well-known/oauth-protected-resource/mcp"
WRITES = "memory:read memory:write"
CONFIGURATION = """\
data_dir = "data"

[tenants.acme]
stores = ["store-production", "store-development"]
[tenants.globex]
[tenants.away]
suspended = true

[[issuers]]
url = "{many}"
audiences = ["{audience}"]
tenant_claim = "tenant"

[[issuers]]
url = "{one}"
audiences = ["{audience}"]
tenant = "acme"
store_claim = "env"
"""


def configured(home: Home, **values: str) -> Path:
    path = home.root / "memory.toml"
    path.write_text(CONFIGURATION.format(**{"audience": AUDIENCE, **values}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def many() -> Iterator[TokenIssuer]:
    """An issuer that may speak for any tenant."""
    with serving([signing_key("many")]) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def one() -> Iterator[TokenIssuer]:
    """An issuer whose tokens are all acme's, each for one store."""
    with serving([signing_key("one")]) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, many: TokenIssuer, one: TokenIssuer) -> Iterator[Http]:
    home = make_home(tmp_path_factory.mktemp("issuers") / "machine")
    with http_server(home, None, "--config", str(configured(home, many=many.url, one=one.url))) as http:
        yield http


@pytest.mark.parametrize(("transport", "mode"), DOORS)
async def test_a_token_opens_every_door_of_its_tenant_and_no_others(
    host: Http, many: TokenIssuer, transport: str, mode: str
) -> None:
    phone = f"+1317555020{DOORS.index((transport, mode))}"
    acme, globex = [many.token(tenant=name, scope=WRITES) for name in ("acme", "globex")]

    async with mcp(host, acme, transport, mode) as client:
        await remember(client, "Told acme", phone)
        assert "Told acme" in await recalled(client, phone)
    async with mcp(host, globex, transport, mode) as client:
        assert await recalled(client, phone) == ""
    assert [await status(host, acme), await status(host, globex)] == [200, 200]


def forged(issuer: TokenIssuer) -> dict[str, str]:
    """Tokens that do not hold, by what is wrong with them."""
    other = signing_key("many")  # the same kid, for what is signed with another key
    stranger = SigningKey(kid="many", algorithm="RS256", private=signing_key("stranger").private)
    public = json.dumps(issuer.key_set()["keys"][0]).encode()
    claims = json.dumps(issuer.claims(tenant="acme")).encode()
    assert other is issuer.keys[0]
    return {
        "audience": issuer.token(tenant="acme", aud="https://elsewhere.example/mcp"),
        "no audience": issuer.token(tenant="acme", aud=LEFT_OUT),
        "issuer": issuer.token(tenant="acme", iss="https://evil.example"),
        "expired": issuer.token(tenant="acme", exp=1_700_000_000),
        "no end": issuer.token(tenant="acme", exp=LEFT_OUT),
        "not yet": issuer.token(tenant="acme", nbf=4_000_000_000),
        "none": compact(b'{"alg":"none"}', claims, lambda message: b""),
        "none, with its name": compact(b'{"alg":"none","kid":"many"}', claims, lambda message: b""),
        "key confusion": compact(b'{"alg":"HS256","kid":"many"}', claims, hmac_signed(public)),
        "key of its own": compact(json.dumps({"alg": "RS256", "jwk": stranger.jwk()}).encode(), claims, stranger.sign),
        "another's signature": issuer.token(stranger, tenant="acme"),
        "no tenant": issuer.token(),
        "unknown tenant": issuer.token(tenant="nobody"),
        "suspended tenant": issuer.token(tenant="away"),
    }


async def test_tokens_that_do_not_hold_are_refused_alike_and_the_way_is_shown(host: Http, many: TokenIssuer) -> None:
    texts = set()
    for what, token in forged(many).items():
        async with asking(host, token) as client:
            for answer in (await client.post("/mcp", json={}), await client.get("/sse"), await client.get(STORES)):
                assert answer.status_code == 401, what
                challenge = answer.headers["www-authenticate"]
                assert 'error="invalid_token"' in challenge, what
                assert f'resource_metadata="{host.address}{METADATA}"' in challenge, what
            texts.add(answer.text)

    assert len(texts) == 1  # nobody learns what was wrong
    assert "Traceback" not in host.stderr


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
async def test_a_token_without_the_scope_is_told_which_it_takes(host: Http, many: TokenIssuer, modern: bool) -> None:
    reading, foreign = many.token(tenant="acme"), many.token(tenant="acme", scope="openid email")
    async with asking(host, reading) as client:
        headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "add_observation"}
        headers = {**BOTH, **headers} if modern else await open_session(client)
        body = call("mem_profile_00000000000000000000000000", MODERN if modern else None)
        refused = await client.post("/mcp", json=body, headers=headers)

    assert refused.status_code == 403
    assert 'error="insufficient_scope", scope="memory:write"' in refused.headers["www-authenticate"]
    assert [await status(host, reading), await status(host, foreign)] == [200, 403]


async def test_an_issuer_of_one_tenant_speaks_for_no_other(host: Http, many: TokenIssuer, one: TokenIssuer) -> None:
    phone = "+13175550210"
    async with mcp(host, many.token(tenant="globex", scope=WRITES)) as client:
        await remember(client, "Told globex", phone)

    claiming = one.token(tenant="globex", env="store-production", scope=WRITES)
    async with mcp(host, claiming) as client:
        assert await recalled(client, phone) == ""
    as_the_other = one.token(iss=many.url, tenant="globex", kid="one")
    under_its_kid = one.token(iss=many.url, tenant="globex", header={"kid": "many"})
    assert [await status(host, as_the_other), await status(host, under_its_kid)] == [401, 401]


async def test_a_claim_narrows_a_token_to_one_store(host: Http, many: TokenIssuer, one: TokenIssuer) -> None:
    phone = "+13175550211"
    async with mcp(host, many.token(tenant="acme", scope=WRITES)) as client:
        await remember(client, "Told production", phone)

    async with mcp(host, one.token(env="store-development", scope=WRITES)) as client:
        assert await recalled(client, phone) == ""
    async with mcp(host, one.token(env="store-production")) as client:
        assert "Told production" in await recalled(client, phone)
    nowhere = [one.token(), one.token(env="elsewhere"), one.token(env="")]
    assert [await status(host, token) for token in nowhere] == [401, 401, 401]


async def test_streams_end_when_their_token_does(host: Http, many: TokenIssuer) -> None:
    now = int(many.now().timestamp())
    async with streams(host, many.token(tenant="acme", exp=now - 10)) as opened:  # clocks may differ by half a minute
        await end(opened)


async def test_keys_of_the_issuer_change_without_a_restart(home: Home) -> None:
    with serving([signing_key("first")]) as issuer:
        path = configured(home, many=issuer.url, one="https://one.example")
        with http_server(home, None, "--config", str(path)) as http:
            old = issuer.token(tenant="acme")
            assert await status(http, old) == 200

            issuer.keys = [signing_key("second")]
            new = issuer.token(tenant="acme")

            async def held() -> bool:
                return await status(http, new) == 200

            await becomes(held)
            assert await status(http, old) == 401


async def test_an_issuer_that_is_down_at_the_start_is_believed_once_it_is_up(home: Home) -> None:
    with serving() as issuer:
        issuer.down = True
        path = configured(home, many=issuer.url, one="https://one.example")
        with http_server(home, None, "--config", str(path)) as http:
            token = issuer.token(tenant="acme")
            async with asking(http, token) as client:
                early = [await client.get(STORES), await client.post("/mcp", json={})]
                issuer.down = False

                async def up() -> bool:
                    return (await client.get(STORES)).status_code == 200

                await becomes(up)

    assert [one.status_code for one in early] == [503, 503]
    assert all(int(one.headers["retry-after"]) > 0 for one in early)
    assert token not in http.stderr and "Traceback" not in http.stderr


async def test_whoever_asks_is_told_who_gives_out_tokens(host: Http, many: TokenIssuer, one: TokenIssuer) -> None:
    """RFC 9728, as the helpers of the official client read it."""
    async with asking(host) as client:
        challenged = await client.post("/mcp", json={})
        where = extract_resource_metadata_from_www_auth(challenged)
        assert where == f"{host.address}{METADATA}"
        assert extract_scope_from_www_auth(challenged) == "memory:read"
        tried = build_protected_resource_metadata_discovery_urls(None, f"{host.address}/mcp")
        documents = [await client.get(url) for url in (where, *tried)]
        metadata = await handle_protected_resource_response(documents[0])

    assert [one.status_code for one in documents] == [200] * len(documents)
    assert metadata is not None and str(metadata.resource) == f"{host.address}/mcp"
    assert [str(url).rstrip("/") for url in metadata.authorization_servers] == [many.url, one.url]
    assert metadata.scopes_supported == list(RIGHTS) and metadata.bearer_methods_supported == ["header"]


class Kept(TokenStorage):
    """Of a client, in memory."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def authorization_server(issuer: TokenIssuer, asked: list[dict[str, Any]]) -> Starlette:
    """Gives whoever shows the secret of the client a token for the resource that it names."""

    async def document(request: Request) -> Response:
        endpoints = {"token_endpoint": f"{issuer.url}/token", "authorization_endpoint": f"{issuer.url}/authorize"}
        grants = {"response_types_supported": ["code"], "grant_types_supported": ["client_credentials"]}
        return JSONResponse({**issuer.configuration(), **endpoints, **grants})

    async def token(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        asked.append(form)
        if request.headers.get("authorization", "") != httpx2.BasicAuth("desk", "of-the-desk")._auth_header:
            return JSONResponse({"error": "invalid_client"}, 401)
        scope = f"{form.get('scope', '')} memory:write".strip()
        given = issuer.token(tenant="globex", aud=form.get("resource", ""), scope=scope)
        return JSONResponse({"access_token": given, "token_type": "Bearer", "expires_in": 300, "scope": scope})

    async def keys(request: Request) -> Response:
        return JSONResponse(issuer.key_set())

    return Starlette(
        routes=[
            Route("/.well-known/oauth-authorization-server", document),
            Route("/.well-known/openid-configuration", document),
            Route("/token", token, methods=["POST"]),
            Route("/keys", keys),
        ]
    )


@asynccontextmanager
async def signed_in(http: Http, issuer: TokenIssuer, mode: str) -> AsyncIterator[Client]:
    """The official client, which is told our address and its own secret, and finds out all else."""
    auth = ClientCredentialsOAuthProvider(
        f"{http.address}/mcp", Kept(), client_id="desk", client_secret="of-the-desk", issuer=issuer.url
    )
    async with (
        httpx2.AsyncClient(auth=auth, timeout=ANSWER_SECONDS) as sent,
        Client(streamable_http_client(f"{http.address}/mcp", http_client=sent), mode=mode) as client,
    ):
        yield client


async def test_the_official_client_finds_its_way_from_the_challenge_to_a_token(home: Home) -> None:
    asked: list[dict[str, Any]] = []
    issuer = TokenIssuer(keys=[signing_key("server")])
    with app_serving(authorization_server(issuer, asked)) as issuer.url:
        path = configured(home, many=issuer.url, one="https://one.example")
        with http_server(home, None, "--config", str(path)) as http:
            configured(home, many=issuer.url, one="https://one.example", audience=f"{http.address}/mcp")
            logged(http, "holds now")
            for mode in ("legacy", "auto"):
                async with signed_in(http, issuer, mode) as client:
                    await remember(client, f"Signed in, {mode}")
                    assert f"Signed in, {mode}" in await recalled(client)

    assert {one["resource"] for one in asked} == {f"{http.address}/mcp"}
    assert {one["scope"] for one in asked} == {"memory:read"}
