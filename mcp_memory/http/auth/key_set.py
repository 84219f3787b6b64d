"""Pure: the keys that an issuer publishes (a JSON Web Key Set, RFC 7517), and which of them a token is checked with.

The law of this file: a key that is not certainly meant for signatures by an allowed algorithm is as good as absent.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

MAX_KEYS: Final = 100  # those who rotate daily publish a handful
RSA_BITS: Final = range(2048, 16_384 + 1)  # below: RFC 7518, section 3.3; above, OpenSSL checks nothing
_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_OF_KEYS: Final[Mapping[tuple[str, str | None], frozenset[str]]] = {
    ("RSA", None): _RSA,
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}
_READ_BY: Final[Mapping[str, type[Algorithm]]] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
_PUBLIC: Final = ("kty", "crv", "n", "e", "x", "y")
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})


class Unusable(Exception):
    """What an issuer answered is not what was asked for. Says why, for the log, and repeats nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Key:
    kid: str | None
    algorithms: frozenset[str]
    public: PublicKey


def usable_keys(document: object, allowed: Collection[str]) -> tuple[Key, ...]:
    """Those for signatures by an allowed algorithm; what else is in the set is passed over. Raises Unusable for what is
    no set of keys."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise Unusable("it has no list of keys")
    if len(listed) > MAX_KEYS:
        raise Unusable(f"it has more than {MAX_KEYS} keys")
    return tuple(_keys(listed, frozenset(allowed)))


def chosen_key(keys: Sequence[Key], algorithm: str, kid: str | None) -> PublicKey | None:
    """None as well where several could be meant: nothing is tried out."""
    fitting = [one for one in keys if algorithm in one.algorithms]
    if kid is not None:
        named = [one for one in fitting if one.kid == kid]
        alone = fitting if all(one.kid is None for one in fitting) else []
        fitting = named or alone
    different: list[PublicKey] = []
    for one in fitting:
        if one.public not in different:  # the same one may be listed twice
            different.append(one.public)
    return different[0] if len(different) == 1 else None


def _keys(listed: Iterable[object], allowed: frozenset[str]) -> Iterable[Key]:
    for one in listed:
        if isinstance(one, dict) and (algorithms := _algorithms(one) & allowed):
            public = _public(one)
            if public is not None:
                yield Key(kid=one.get("kid"), algorithms=algorithms, public=public)


def _algorithms(jwk: Mapping[str, Any]) -> frozenset[str]:
    """Those it may be used with. None for one whose private half was published with it: it is anybody's."""
    kty, crv, kid = (jwk.get(name) for name in ("kty", "crv", "kid"))
    use, operations = jwk.get("use", "sig"), jwk.get("key_ops", ["verify"])
    if not isinstance(kty, str) or not isinstance(crv, str | None) or not isinstance(kid, str | None):
        return frozenset()
    if _PRIVATE & jwk.keys() or use != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return frozenset()
    fitting = _OF_KEYS.get((kty, None if kty == "RSA" else crv), frozenset())
    named = jwk.get("alg")
    return fitting if named is None else frozenset(one for one in fitting if one == named)


def _public(jwk: Mapping[str, Any]) -> PublicKey | None:
    members = {name: jwk[name] for name in _PUBLIC if name in jwk}
    try:
        key = _READ_BY[jwk["kty"]].from_jwk(members)
    except (PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):  # no text, no number, no point of the curve
        return None
    if isinstance(key, RSAPublicKey) and key.key_size not in RSA_BITS:
        return None
    return key if isinstance(key, PublicKey) else None
