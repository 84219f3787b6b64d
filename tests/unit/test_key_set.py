"""Which of the keys that an issuer publishes check a signature."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.http.auth.key_set import MAX_KEYS, Unusable, chosen_key, usable_keys
from mcp_memory.tenancy.issuers import ALGORITHMS
from tests.issuers import SigningKey, signing_key

RSA, OTHER = signing_key("rsa-1"), signing_key("rsa-2")
EC, ED = signing_key("ec-1", "ES256"), signing_key("ed-1", "EdDSA")
ED448 = SigningKey(kid="ed-448", algorithm="EdDSA", private=Ed448PrivateKey.generate())
P384, P521 = signing_key("ec-384", "ES384"), signing_key("ec-521", "ES512")

Jwk = dict[str, Any]


def chosen(*jwks: object, algorithm: str = "RS256", kid: str | None = "rsa-1", allowed: Any = ALGORITHMS) -> object:
    return chosen_key(usable_keys({"keys": list(jwks)}, allowed), algorithm, kid)


def without(jwk: Jwk, *names: str) -> Jwk:
    return {name: value for name, value in jwk.items() if name not in names}


@pytest.mark.parametrize("key", [RSA, EC, P384, P521, ED, ED448], ids=lambda key: key.kid)
def test_a_key_checks_what_its_private_half_signed(key: Any) -> None:
    public = chosen(key.jwk(), algorithm=key.algorithm, kid=key.kid)

    assert public == key.private.public_key()


@pytest.mark.parametrize(
    "jwk",
    [
        RSA.jwk(),
        without(RSA.jwk(), "use", "alg"),
        RSA.jwk(key_ops=["verify"]),
        RSA.jwk(x5c=["junk"], x5t="junk", extra={"a": 1}),
    ],
    ids=["whole", "without use and alg", "for verifying", "with more"],
)
def test_a_key_is_used_whatever_else_is_said_of_it(jwk: Jwk) -> None:
    assert chosen(jwk) == RSA.private.public_key()


def test_a_key_of_no_one_algorithm_is_good_for_all_of_its_kind_that_are_allowed() -> None:
    jwk = without(RSA.jwk(), "alg")

    assert chosen(jwk, algorithm="PS512")
    assert chosen(jwk, algorithm="PS512", allowed=["RS256"]) is None
    assert chosen(RSA.jwk(alg="RS256"), algorithm="PS512") is None


TOO_SHORT = signing_key("rsa-1", bits=1024)
UNUSABLE: dict[str, tuple[str, Callable[[], object]]] = {
    "a shared secret": ("HS256", lambda: {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa-1", "alg": "HS256"}),
    "a shared secret, called RS256": ("RS256", lambda: {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa-1", "alg": "RS256"}),
    "a private RSA key": ("RS256", lambda: {**RSA.private_jwk()}),
    "a private RSA key without its exponent": ("RS256", lambda: without(RSA.private_jwk(), "d")),
    "a private EC key": ("ES256", lambda: {**EC.private_jwk(), "kid": "rsa-1"}),
    "a private Ed25519 key": ("EdDSA", lambda: {**ED.private_jwk(), "kid": "rsa-1"}),
    "for encryption": ("RS256", lambda: RSA.jwk(use="enc")),
    "for a use that is no text": ("RS256", lambda: RSA.jwk(use=["sig"])),
    "for signing alone": ("RS256", lambda: RSA.jwk(key_ops=["sign"])),
    "for operations that are no list": ("RS256", lambda: RSA.jwk(key_ops="verify")),
    "of an encryption algorithm": ("RS256", lambda: RSA.jwk(alg="RSA-OAEP")),
    "of another kind's algorithm": ("ES256", lambda: RSA.jwk(alg="ES256")),
    "of an algorithm that is no text": ("RS256", lambda: RSA.jwk(alg=["RS256"])),
    "RSA of 1024 bits": ("RS256", TOO_SHORT.jwk),
    "RSA of a million bits": ("RS256", lambda: RSA.jwk(n="A" * 170_000)),
    "RSA of 20,000 bits": ("RS256", lambda: RSA.jwk(n="_" * 2799)),
    "RSA without modulus": ("RS256", lambda: without(RSA.jwk(), "n")),
    "RSA without exponent": ("RS256", lambda: without(RSA.jwk(), "e")),
    "RSA with exponent 1": ("RS256", lambda: RSA.jwk(e="AQ")),
    "RSA with an even exponent": ("RS256", lambda: RSA.jwk(e="Ag")),
    "RSA whose modulus is empty": ("RS256", lambda: RSA.jwk(n="")),
    "RSA whose modulus is a number": ("RS256", lambda: RSA.jwk(n=7)),
    "RSA whose modulus is null": ("RS256", lambda: RSA.jwk(n=None)),
    "RSA whose modulus is no base64": ("RS256", lambda: RSA.jwk(n="é" * 342)),
    "a point off the curve": ("ES256", lambda: EC.jwk(kid="rsa-1", y=EC.jwk()["x"])),
    "a point at infinity": ("ES256", lambda: EC.jwk(kid="rsa-1", x="A" * 43, y="A" * 43)),
    "a point of another length": ("ES256", lambda: EC.jwk(kid="rsa-1", x=P384.jwk()["x"])),
    "EC of another curve": ("ES256", lambda: P384.jwk(kid="rsa-1", alg="ES256")),
    "EC of no curve": ("ES256", lambda: without(EC.jwk(kid="rsa-1"), "crv")),
    "EC of Bitcoin's curve": ("ES256", lambda: EC.jwk(kid="rsa-1", crv="secp256k1")),
    "EC of a curve that is no text": ("ES256", lambda: EC.jwk(kid="rsa-1", crv=["P-256"])),
    "EC without a coordinate": ("ES256", lambda: without(EC.jwk(kid="rsa-1"), "y")),
    "OKP for key agreement": ("EdDSA", lambda: ED.jwk(kid="rsa-1", crv="X25519")),
    "OKP of another length": ("EdDSA", lambda: ED.jwk(kid="rsa-1", x="AAAA")),
    "OKP without its point": ("EdDSA", lambda: without(ED.jwk(kid="rsa-1"), "x")),
    "of no kind": ("RS256", lambda: without(RSA.jwk(), "kty")),
    "of an unknown kind": ("RS256", lambda: RSA.jwk(kty="AKP")),
    "of a kind in other letters": ("RS256", lambda: RSA.jwk(kty="rsa")),
    "of a kind that is no text": ("RS256", lambda: RSA.jwk(kty=["RSA"])),
    "whose kid is a number": ("RS256", lambda: RSA.jwk(kid=1)),
    "a text": ("RS256", lambda: "rsa-1"),
    "a list": ("RS256", lambda: ["rsa-1"]),
    "null": ("RS256", lambda: None),
    "an empty object": ("RS256", dict),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_public_key_for_signatures_is_passed_over(name: str) -> None:
    algorithm, jwk = UNUSABLE[name]
    beside = usable_keys({"keys": [jwk(), OTHER.jwk(), jwk()]}, [*ALGORITHMS, "HS256"])

    assert [one.kid for one in beside] == ["rsa-2"]
    assert chosen_key(beside, algorithm, "rsa-1") is None


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "keys",
        7,
        {},
        {"keys": None},
        {"keys": {}},
        {"keys": "RSA"},
        {"keys": RSA.jwk()},
        [RSA.jwk()],
        RSA.jwk(),
    ],
    ids=lambda document: repr(document)[:30],
)
def test_what_is_no_set_of_keys_is_said_to_be_none(document: object) -> None:
    with pytest.raises(Unusable):
        usable_keys(document, ALGORITHMS)


def test_a_set_may_be_empty_and_has_an_end() -> None:
    assert usable_keys({"keys": []}, ALGORITHMS) == ()
    assert len(usable_keys({"keys": [EC.jwk()] * MAX_KEYS}, ALGORITHMS)) == MAX_KEYS
    with pytest.raises(Unusable):
        usable_keys({"keys": [EC.jwk()] * (MAX_KEYS + 1)}, ALGORITHMS)


def test_the_same_key_may_be_there_twice() -> None:
    assert chosen(RSA.jwk(), without(RSA.jwk(), "alg"), OTHER.jwk()) == RSA.private.public_key()


def test_of_two_keys_of_one_name_neither_is_tried() -> None:
    assert chosen(RSA.jwk(), OTHER.jwk(kid="rsa-1")) is None


def test_two_keys_of_one_name_are_told_apart_by_their_algorithms() -> None:
    both = (RSA.jwk(), EC.jwk(kid="rsa-1"))

    assert chosen(*both, algorithm="RS256") == RSA.private.public_key()
    assert chosen(*both, algorithm="ES256") == EC.private.public_key()


def test_without_a_name_a_key_is_found_where_it_is_the_only_one_that_fits() -> None:
    assert chosen(RSA.jwk(), EC.jwk(), ED.jwk(), kid=None) == RSA.private.public_key()
    assert chosen(RSA.jwk(), OTHER.jwk(), kid=None) is None
    assert chosen(EC.jwk(), kid=None) is None


def test_a_key_without_a_name_is_meant_where_no_other_fits() -> None:
    nameless, another = without(RSA.jwk(), "kid"), without(OTHER.jwk(), "kid")

    assert chosen(nameless, EC.jwk()) == RSA.private.public_key()
    assert chosen(nameless, EC.jwk(), kid=None) == RSA.private.public_key()
    assert chosen(nameless, another) is None
    assert chosen(nameless, OTHER.jwk()) is None
    assert chosen(nameless, OTHER.jwk(), kid="rsa-2") == OTHER.private.public_key()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(("kty", "crv", "kid", "use", "key_ops", "alg", "n", "e", "x", "y", "d", "x5c"))
SIGNERS = st.sampled_from((RSA, EC, ED))


@given(ANY | st.fixed_dictionaries({"keys": st.lists(st.dictionaries(MEMBERS, ANY) | ANY, max_size=4)}))
def test_whatever_is_published_it_is_read_or_said_to_be_none(document: object) -> None:
    with suppress(Unusable):
        assert usable_keys(document, ALGORITHMS) == ()


@given(
    SIGNERS, st.dictionaries(MEMBERS, ANY | st.sampled_from(("RSA", "EC", "OKP", "P-256", "sig", "AQAB")), min_size=1)
)
def test_whatever_is_changed_of_a_key_it_is_a_key_or_passed_over(key: Any, changes: Jwk) -> None:
    found = usable_keys({"keys": [{**key.jwk(), **changes}, OTHER.jwk()]}, ALGORITHMS)

    assert found[-1].kid == "rsa-2"
    assert all(one.kid is None or isinstance(one.kid, str) for one in found)
