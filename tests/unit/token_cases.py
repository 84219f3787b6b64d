"""Tokens that must not hold: each with the beginning of why, as the log has it. All but what a name says is sound."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mcp_memory.http.auth.tokens import MAX_TOKEN
from tests.issuers import (
    AUDIENCE,
    LEFT_OUT,
    URL,
    Clock,
    SigningKey,
    TokenIssuer,
    compact,
    encoded,
    hmac_signed,
    signing_key,
)

Case = tuple[str, Callable[[], str]]

NOW: Final = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
SECOND: Final = int(NOW.timestamp())
RSA = signing_key("rsa-1")
EC = signing_key("ec-1", "ES256")
ED = signing_key("ed-1", "EdDSA")
OWN = (RSA, EC, ED)
FOREIGN = signing_key("rsa-1-of-somebody-else")
FOR_MANY: Final[Mapping[str, Any]] = {"org": "acme", "store": "support"}
"""Claims of an issuer for many tenants."""

NO_JWS = "it is no signed JWT"
NO_JWT = "it is no JWT"
EXTENSION = "it asks for an extension"
TYPE = "its typ"
ALGORITHM = "its issuer may not sign with that algorithm"
KEY = "its issuer has no such key"
SIGNATURE = "its signature is wrong"
ISSUED_BY = "it is of an issuer that is not configured"
AUDIENCES = "it is for another audience"
EXPIRED = "it is expired"


def authority(*keys: SigningKey) -> TokenIssuer:
    return TokenIssuer(keys=list(keys or OWN), now=Clock(NOW))


def claiming(claims: Mapping[str, Any]) -> str:
    return authority().token(**{**FOR_MANY, **claims})


def headed(header: Mapping[str, Any], key: SigningKey = RSA) -> str:
    return authority().token(key, header=header)


def raw(header: bytes | None = None, payload: bytes | None = None) -> str:
    """Well signed, whatever it is."""
    return compact(head({}) if header is None else header, payload or json.dumps(usual()).encode(), RSA.sign)


def head(changes: Mapping[str, Any]) -> bytes:
    return json.dumps({"alg": "RS256", "typ": "JWT", "kid": RSA.kid, **changes}).encode()


def usual() -> dict[str, Any]:
    return authority().claims(**FOR_MANY)


def written(name: str, value: str) -> str:
    """`value`: JSON, also what Python's would not write."""
    return raw(payload=json.dumps({**usual(), name: "HERE"}).replace('"HERE"', value).encode())


def spliced(signature: str) -> str:
    return ".".join([*parts(raw())[:2], signature])


def parts(token: str) -> list[str]:
    return token.split(".")


def unsigned(algorithm: object, signature: str = "") -> str:
    return ".".join([*parts(headed({"alg": algorithm}))[:2], signature])


def as_shared(secret: bytes, algorithm: str = "HS256") -> str:
    """Signed with what everybody knows, for a verifier that takes it for a shared secret."""
    return compact(head({"alg": algorithm}), json.dumps(usual()).encode(), hmac_signed(secret))


def public(encoding: Encoding) -> bytes:
    return RSA.private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def signed_by(key: SigningKey, sign: Callable[[bytes], bytes]) -> str:
    return compact(head({"alg": key.algorithm, "kid": key.kid}), json.dumps(usual()).encode(), sign)


def zeros(message: bytes) -> bytes:
    return bytes(64)


def in_der(message: bytes) -> bytes:
    both = EC.sign(message)
    return encode_dss_signature(int.from_bytes(both[:32], "big"), int.from_bytes(both[32:], "big"))


SHAPES: Final[dict[str, Case]] = {
    "empty": (NO_JWS, str),
    "blank": (NO_JWS, lambda: " "),
    "two dots": (NO_JWS, lambda: ".."),
    "prose": (NO_JWS, lambda: "let me in"),
    "one part": (NO_JWS, lambda: parts(raw())[0]),
    "two parts": (NO_JWS, lambda: ".".join(parts(raw())[:2])),
    "four parts": (NO_JWS, lambda: raw() + ".more"),
    "five parts, as if encrypted": (NO_JWS, lambda: raw() + ".more.more"),
    "a JWS in JSON": (NO_JWS, lambda: json.dumps({"payload": parts(raw())[1], "signature": parts(raw())[2]})),
    "padding": (NO_JWS, lambda: raw() + "=="),
    "padding of the header": (NO_JWS, lambda: raw().replace(".", "=.", 1)),
    "a blank before": (NO_JWS, lambda: " " + raw()),
    "a line end after": (NO_JWS, lambda: raw() + "\n"),
    "a zero inside": (NO_JWS, lambda: raw().replace(".", "\0.", 1)),
    "a letter of plain base64": (NO_JWS, lambda: raw()[:-1] + "+"),
    "a letter that is no ASCII": (NO_JWS, lambda: raw()[:-1] + "\N{FULLWIDTH LATIN SMALL LETTER A}"),
    "a lone surrogate": (NO_JWS, lambda: raw()[:-1] + "\ud800"),
    "longer than 8 kB": (NO_JWS, partial(claiming, {"more": "x" * MAX_TOKEN})),
    "megabytes": (NO_JWS, lambda: "a" * 5_000_000),
    "a second spelling of its signature": (NO_JWT, lambda: raw()[:-1] + chr(ord(raw()[-1]) + 1)),
    "header: junk": (NO_JWT, partial(raw, b"\xff\xfe\x00junk")),
    "header: not JSON": (NO_JWT, partial(raw, b"alg=RS256")),
    "header: a list": (NO_JWT, partial(raw, b'["RS256"]')),
    "header: a text": (NO_JWT, partial(raw, b'"RS256"')),
    "header: null": (NO_JWT, partial(raw, b"null")),
    "header: deep": (NO_JWT, partial(raw, b"[" * 5000)),
    "payload: junk": (NO_JWT, partial(raw, payload=b"\xff\xfe\x00junk")),
    "payload: not JSON": (NO_JWT, partial(raw, payload=b"sub=ann")),
    "payload: a list": (NO_JWT, partial(raw, payload=b"[1]")),
    "payload: a number": (NO_JWT, partial(raw, payload=b"1")),
    "payload: null": (NO_JWT, partial(raw, payload=b"null")),
    "payload: deep": (NO_JWT, partial(raw, payload=b'{"a":' * 1100)),
    "payload: an endless number": (NO_JWT, partial(written, "exp", "9" * 5000)),
    "payload: says nothing": (ISSUED_BY, partial(raw, payload=b"{}")),
}

NO_TYPES: Final[Sequence[Any]] = (
    "",
    "JOSE",
    "JWE",
    "id+jwt",
    "dpop+jwt",
    "logout+jwt",
    "application/",
    "text/jwt",
    "JWT ",
    None,
    7,
    ["JWT"],
)
NO_ALGORITHMS: Final[Sequence[Any]] = (
    "None",
    "NONE",
    "",
    "rs256",
    "RS256 ",
    "RS384",
    "PS256",
    "HS256",
    None,
    256,
    ["RS256"],
    {},
)
UNKNOWN_CRITS: Final[Sequence[Any]] = (
    ["exp"],
    ["http://example.com/UNDEFINED"],
    ["b64", "exp"],
    [],
    "b64",
    None,
    {},
    [7],
)
PUBLIC: Final[dict[str, Callable[[], bytes]]] = {
    "PEM": partial(public, Encoding.PEM),
    "PEM without its last line end": lambda: public(Encoding.PEM).strip(),
    "DER": partial(public, Encoding.DER),
    "JWK": lambda: json.dumps(RSA.jwk()).encode(),
    "modulus": lambda: base64.urlsafe_b64decode(RSA.jwk()["n"] + "=="),
    "nothing": bytes,
}
THEIRS = {"kid": FOREIGN.kid}
HEADERS: Final[dict[str, Case]] = {
    **{f"typ: {typ!r}": (TYPE, partial(headed, {"typ": typ})) for typ in NO_TYPES},
    **{f"crit: {crit!r}": (NO_JWT, partial(headed, {"crit": crit, "b64": True})) for crit in UNKNOWN_CRITS},
    "crit: what the library knows": (EXTENSION, partial(headed, {"crit": ["b64"], "b64": True})),
    "b64 alone": (EXTENSION, partial(headed, {"b64": True})),
    "payload apart": (NO_JWT, lambda: raw(head({"b64": False, "crit": ["b64"]}))),
    "alg: none": (NO_JWS, partial(unsigned, "none")),
    "alg: none, with a signature": (ALGORITHM, lambda: unsigned("none", parts(raw())[2])),
    **{
        f"alg: {one!r}": (ALGORITHM, partial(unsigned, one, encoded(b"signature of 24 bytes ...")))
        for one in NO_ALGORITHMS
    },
    "alg: missing": (ALGORITHM, partial(headed, {"alg": LEFT_OUT})),
    "another algorithm of the same key": (ALGORITHM, lambda: authority().token(replace(RSA, algorithm="RS512"))),
    **{
        f"HS256 with the public key: {name}": (ALGORITHM, lambda known=known: as_shared(known()))  # type: ignore[misc]
        for name, known in PUBLIC.items()
    },
    "HMAC with the public key, called RS256": (SIGNATURE, lambda: as_shared(public(Encoding.PEM), "RS256")),
    "RS256 with the kid of an EC key": (KEY, partial(headed, {"kid": EC.kid})),
    "ES256 with the kid of an RSA key": (KEY, partial(headed, {"kid": RSA.kid}, EC)),
    "called RS256, signed with an EC key": (KEY, partial(headed, {"alg": "RS256"}, EC)),
    "called EdDSA, signed with an EC key": (KEY, partial(headed, {"alg": "EdDSA"}, EC)),
    "called RS256, signed as PS256": (SIGNATURE, partial(headed, {"alg": "RS256"}, replace(RSA, algorithm="PS256"))),
    "called RS256, signed as RS512": (SIGNATURE, partial(headed, {"alg": "RS256"}, replace(RSA, algorithm="RS512"))),
    "kid: unknown": (KEY, partial(headed, {"kid": "rsa-2"})),
    "kid: empty": (KEY, partial(headed, {"kid": ""})),
    "kid: in other letters": (KEY, partial(headed, {"kid": "RSA-1"})),
    "kid: a path": (KEY, partial(headed, {"kid": "../../../../dev/null"})),
    "kid: SQL": (KEY, partial(headed, {"kid": "' UNION SELECT 'key"})),
    "kid: long": (KEY, partial(headed, {"kid": "k" * 4000})),
    "kid: null": (NO_JWT, partial(headed, {"kid": None})),
    "kid: a number": (NO_JWT, partial(headed, {"kid": 1})),
    "kid: a list": (NO_JWT, partial(headed, {"kid": ["rsa-1"]})),
    "its own key in jwk": (KEY, partial(headed, {**THEIRS, "jwk": FOREIGN.jwk()}, FOREIGN)),
    "its own key in jwk, under a known kid": (
        SIGNATURE,
        partial(headed, {"kid": RSA.kid, "jwk": FOREIGN.jwk()}, FOREIGN),
    ),
    "its own keys at jku": (KEY, partial(headed, {**THEIRS, "jku": "https://evil.test/keys"}, FOREIGN)),
    "its own certificate at x5u": (KEY, partial(headed, {**THEIRS, "x5u": "https://evil.test/cert"}, FOREIGN)),
    "signed by another key": (SIGNATURE, partial(headed, {"kid": RSA.kid}, FOREIGN)),
    "another token's signature": (SIGNATURE, lambda: spliced(parts(claiming({"sub": "bob"}))[2])),
    "the public key as signature": (SIGNATURE, lambda: spliced(RSA.jwk()["n"])),
    "a signature of one byte": (SIGNATURE, lambda: spliced(encoded(b"\1"))),
    "ES256: r and s are zero": (SIGNATURE, partial(signed_by, EC, zeros)),
    "ES256: the signature in DER": (SIGNATURE, partial(signed_by, EC, in_der)),
    "ES256: half of the signature": (SIGNATURE, partial(signed_by, EC, lambda message: EC.sign(message)[:32])),
    "EdDSA: a signature of zeros": (SIGNATURE, partial(signed_by, ED, zeros)),
}

EXPIRIES: Final[dict[str, Any]] = {
    "missing": LEFT_OUT,
    "half a minute ago": SECOND - 30,
    "yesterday": SECOND - 86_400,
    "zero": 0,
    "before all time": -1,
}
NO_TIMES: Final[dict[str, str]] = {
    **{
        value: value for value in ("null", "true", '"1800000000"', "[1800000000]", "{}", "NaN", "Infinity", "-Infinity")
    },
    **{value: value for value in ("1e400", "1e300", "253402300800")},
    "4,000 digits": "9" * 4000,
}
NO_TEXTS: Final[dict[str, Any]] = {
    "null": None,
    "a number": 7,
    "a list": ["ann"],
    "an object": {"name": "ann"},
    "true": True,
    "empty": "",
    "with a line end": "ann\nroot",
    "with a zero": "ann\0",
    "a lone surrogate": "\ud800",
    "too long": "a" * 256,
}
NO_LISTS: Final[Sequence[Any]] = (None, 7, True, {AUDIENCE: True}, [AUDIENCE, 7], [[AUDIENCE]], [None])
OTHER_AUDIENCES: Final[Sequence[Any]] = (
    "",
    [],
    "https://elsewhere.test",
    ["https://elsewhere.test", "more"],
    AUDIENCE + "/",
    AUDIENCE[:-1],
    AUDIENCE.upper(),
    f"{AUDIENCE} other",
)
OTHER_ISSUERS: Final[Sequence[Any]] = (
    *(LEFT_OUT, None, "", 7, True, [URL], {URL: True}),
    *(URL + "/", URL.upper(), URL + ".evil.test", "https://evil.test", "http://issuer.test"),
)
NO_TENANTS: Final[Sequence[Any]] = (
    LEFT_OUT,
    None,
    7,
    True,
    "",
    ["acme"],
    {},
    "ACME",
    "a b",
    "../acme",
    "acme\n",
    "a" * 300,
)


def absent(name: str) -> dict[str, Any]:
    """What else there must not be, for the claim to be looked at."""
    return {"azp": {"client_id": LEFT_OUT}, "scp": {"scope": LEFT_OUT}}.get(name, {})


CLAIMS: Final[dict[str, Case]] = {
    **{f"exp: {name}": (EXPIRED, partial(claiming, {"exp": exp})) for name, exp in EXPIRIES.items()},
    **{
        f"{claim}: {name}": (f"its {claim} is no time", partial(written, claim, value))
        for claim in ("exp", "nbf", "iat")
        for name, value in NO_TIMES.items()
    },
    "nbf: in the future": ("its nbf is in the future", partial(claiming, {"nbf": SECOND + 31})),
    "iat: in the future": ("its iat is in the future", partial(claiming, {"iat": SECOND + 31})),
    **{f"aud: {one!r}": (AUDIENCES, partial(claiming, {"aud": one})) for one in OTHER_AUDIENCES},
    **{f"iss: {one!r}": (ISSUED_BY, partial(claiming, {"iss": one})) for one in OTHER_ISSUERS},
    **{
        f"{claim}: {one!r}": (f"its {claim} is neither", partial(claiming, {**absent(claim), claim: one}))
        for claim in ("aud", "scope", "scp")
        for one in NO_LISTS
    },
    "aud: missing": ("its aud is neither", partial(claiming, {"aud": LEFT_OUT})),
    **{
        f"{claim}: {name}": (f"it has no {claim} that is a text", partial(claiming, {**absent(claim), claim: one}))
        for claim in ("sub", "store", "client_id", "azp")
        for name, one in NO_TEXTS.items()
    },
    "sub: missing": ("it has no sub", partial(claiming, {"sub": LEFT_OUT})),
    "store: missing": ("it has no store", partial(claiming, {"store": LEFT_OUT})),
    **{f"org: {str(one)[:20]!r}": ("its org names no tenant", partial(claiming, {"org": one})) for one in NO_TENANTS},
}
