"""A token issuer for tests: real keys, tokens with any header and claims, its two documents over any transport."""

import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import httpx2
import jwt
from anyio.lowlevel import checkpoint
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

URL: Final = "https://issuer.test"
AUDIENCE: Final = "https://memory.test/mcp"
DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS: Final = "/keys"


class _LeftOut:
    def __repr__(self) -> str:  # the same in every process: it is part of tests' names
        return "LEFT_OUT"


LEFT_OUT: Final = _LeftOut()
"""The value of a claim or header that a token is to be without."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}


class Clock:
    """A time that passes when it is told to."""

    def __init__(self, now: datetime = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)) -> None:
        self.time = now

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    kid: str | None
    algorithm: str
    private: PrivateKey

    def sign(self, message: bytes) -> bytes:
        signature: bytes = jwt.PyJWS().get_algorithm_by_name(self.algorithm).sign(message, self.private)
        return signature

    def jwk(self, **more: Any) -> dict[str, Any]:
        """The public half; `more`: members in addition, or in place."""
        named = {} if self.kid is None else {"kid": self.kid}
        return {**_jwk(self.private.public_key()), "use": "sig", "alg": self.algorithm, **named, **more}

    def private_jwk(self) -> dict[str, Any]:
        return {**self.jwk(), **_jwk(self.private)}


def _jwk(key: Any) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(key, as_dict=True)
    return OKPAlgorithm.to_jwk(key, as_dict=True)


@cache
def signing_key(kid: str | None = "rsa-1", algorithm: str = "RS256", bits: int = 2048) -> SigningKey:
    """Made once per process: RSA takes its time. Another kid is another key."""
    private: PrivateKey
    if algorithm in _CURVES:
        private = ec.generate_private_key(_CURVES[algorithm])
    elif algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(65537, bits)
    return SigningKey(kid=kid, algorithm=algorithm, private=private)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def compact(header: bytes, payload: bytes, sign: Callable[[bytes], bytes]) -> str:
    """A JWS of whatever bytes it is given."""
    message = f"{encoded(header)}.{encoded(payload)}"
    return f"{message}.{encoded(sign(message.encode()))}"


def hmac_signed(secret: bytes, digest: str = "sha256") -> Callable[[bytes], bytes]:
    """As HS256 signs: with what a careless verifier takes for a shared secret."""
    return lambda message: hmac.digest(secret, message, digest)


def _without(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not LEFT_OUT}


@dataclass(kw_only=True)
class TokenIssuer:
    """What it publishes may be changed at any time: `keys`, or any answer in `answers`. `fetches`: the paths that were
    asked for. `down`: nobody answers. `before`: is awaited, or called, before each answer."""

    url: str = URL
    keys: list[SigningKey] = field(default_factory=lambda: [signing_key()])
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    answers: dict[str, httpx2.Response] = field(default_factory=dict)
    fetches: list[str] = field(default_factory=list)
    down: bool = False
    before: Callable[[], Any] | None = None

    def claims(self, **claims: Any) -> dict[str, Any]:
        """Those of a token that holds for five minutes."""
        now = int(self.now().timestamp())
        usual = {"iss": self.url, "sub": "ann", "aud": AUDIENCE, "iat": now, "exp": now + 300}
        return _without({**usual, "client_id": "desk", "scope": "memory:read", **claims})

    def token(self, key: SigningKey | None = None, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Signed by `key`, else by the first of its own, whatever `header` says of the algorithm."""
        key = key or self.keys[0]
        usual = {"typ": "JWT", "alg": key.algorithm, "kid": LEFT_OUT if key.kid is None else key.kid}
        head = _without({**usual, **(header or {})})
        return compact(json.dumps(head).encode(), json.dumps(self.claims(**claims)).encode(), key.sign)

    def configuration(self, **more: Any) -> dict[str, Any]:
        known = {"issuer": self.url, "jwks_uri": f"{self.url.rstrip('/')}{KEYS}"}
        return {**known, "id_token_signing_alg_values_supported": ["RS256"], **more}

    def key_set(self) -> dict[str, Any]:
        return {"keys": [one.jwk() for one in self.keys]}

    def answer(self, path: str) -> httpx2.Response:
        if path in self.answers:
            return self.answers[path]
        if path.endswith(DISCOVERY):
            return httpx2.Response(200, json=self.configuration())
        return httpx2.Response(200, json=self.key_set()) if path.endswith(KEYS) else httpx2.Response(404)

    def transport(self) -> httpx2.MockTransport:
        return transport(self)

    async def answered(self, request: httpx2.Request) -> httpx2.Response:
        self.fetches.append(request.url.path)
        if self.before is not None:
            await self.before()
        if self.down:
            raise httpx2.ConnectError("nobody is there", request=request)
        await checkpoint()
        found = self.answer(request.url.path)
        return httpx2.Response(found.status_code, headers=found.headers, stream=httpx2.ByteStream(found.content))


def transport(first: TokenIssuer, *others: TokenIssuer) -> httpx2.MockTransport:
    """Each under its own host; the first also under all that are nobody's."""
    hosts = {httpx2.URL(one.url).host: one for one in others}
    return httpx2.MockTransport(lambda request: hosts.get(request.url.host, first).answered(request))


@contextmanager
def serving(keys: Sequence[SigningKey] = ()) -> Iterator[TokenIssuer]:
    """An issuer on loopback, in a thread; its `url` says where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            issuer.fetches.append(self.path)
            if issuer.before is not None:
                issuer.before()
            found = httpx2.Response(503) if issuer.down else issuer.answer(self.path)
            self.send_response(found.status_code)
            for name, value in {**found.headers, "content-length": str(len(found.content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        issuer = TokenIssuer(url=f"http://127.0.0.1:{server.server_port}", keys=list(keys) or [signing_key()])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join(timeout=30)
