"""Tokens that hold, and every way in which one does not (those are in token_cases.py)."""

import base64
import json
import logging
import traceback
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.errors import Invalid, Unauthorized, Unavailable
from mcp_memory.http.auth.jwks import KeySets
from mcp_memory.http.auth.key_set import PublicKey, chosen_key, usable_keys
from mcp_memory.http.auth.tokens import MAX_TOKEN, WRONG, Tokens
from mcp_memory.tenancy.issuers import ALGORITHMS, Claims, Issuer
from tests.issuers import (
    AUDIENCE,
    LEFT_OUT,
    URL,
    Clock,
    SigningKey,
    TokenIssuer,
    compact,
    encoded,
    signing_key,
    transport,
)
from tests.unit import token_cases as cases
from tests.unit.token_cases import EC, ED, FOR_MANY, FOREIGN, NOW, OWN, RSA, SECOND, authority

ISSUER = Issuer(url=URL, audiences=("other", AUDIENCE), algorithms=("RS256", "ES256", "EdDSA"), tenant="acme")
CLAIMING = replace(ISSUER, tenant=None, tenant_claim="org", store_claim="store")

pytestmark = pytest.mark.anyio


def tokens_of(authority: TokenIssuer, issuer: Issuer = ISSUER, *more: Issuer) -> Tokens:
    keys = KeySets(now=authority.now, transport=authority.transport())
    return Tokens([issuer, *more], keys.key, now=authority.now)


async def verified(token: str, issuer: Issuer = ISSUER, by: TokenIssuer | None = None) -> Claims:
    return await tokens_of(by or authority(), issuer).verify(token)


async def refused(token: str, caplog: pytest.LogCaptureFixture, issuer: Issuer = ISSUER) -> str:
    """Why, as the log has it. Nobody else is told, and neither holds anything of the token."""
    with caplog.at_level(logging.INFO, "mcp_memory"), pytest.raises(Unauthorized) as caught:
        await verified(token, issuer)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert str(caught.value) == WRONG
    assert not [part for part in token.split(".") if len(part) > 20 and part in told]
    (record,) = [one for one in caplog.records if one.name == "mcp_memory.http.auth.tokens"]
    return record.getMessage().removeprefix("A token was refused: ")


# ---- Those that hold


async def test_a_token_says_who_asks_for_whom_and_what_they_may() -> None:
    token = authority().token(scope="memory:read  memory:write other", exp=SECOND + 60)

    assert await verified(token) == Claims(
        issuer=URL,
        subject="ann",
        client_id="desk",
        tenant="acme",
        store=None,
        scopes=frozenset({"memory:read", "memory:write", "other"}),
        expires_at=NOW + timedelta(seconds=60),
    )


async def test_an_issuer_for_many_names_tenant_and_store_in_claims() -> None:
    claims = await verified(authority().token(org="globex", store="support", tenant="acme"), CLAIMING)

    assert (claims.tenant, claims.store) == ("globex", "support")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_algorithm_that_may_be_allowed_is_checked(algorithm: str) -> None:
    key = signing_key(f"of-{algorithm[:2]}-{algorithm[2:]}", algorithm)
    allowing = replace(ISSUER, algorithms=(algorithm,))
    own = authority(key)

    assert (await verified(own.token(), allowing, own)).subject == "ann"
    with pytest.raises(Unauthorized):
        await verified(own.token(replace(signing_key("not-it", algorithm), kid=key.kid)), allowing, own)


@pytest.mark.parametrize(
    "typ", [LEFT_OUT, "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"], ids=str
)
async def test_a_token_is_of_a_type_for_access_or_of_none(typ: object) -> None:
    assert await verified(authority().token(header={"typ": typ}))


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["elsewhere", AUDIENCE], "other"], ids=repr)
async def test_one_of_its_audiences_is_enough(audience: object) -> None:
    assert await verified(authority().token(aud=audience))


@pytest.mark.parametrize(
    "times",
    [
        {"exp": SECOND - 29},
        {"exp": SECOND + 0.5},
        {"exp": float(SECOND + 300)},
        {"nbf": SECOND + 30},
        {"iat": SECOND + 30},
        {"iat": LEFT_OUT},
        {"iat": 0},
        {"iat": -1.5},
    ],
    ids=repr,
)
async def test_clocks_may_differ_by_half_a_minute(times: dict[str, Any]) -> None:
    assert await verified(authority().token(**times))


@pytest.mark.parametrize(
    ("claims", "client_id"),
    [
        ({"client_id": "desk", "azp": "web"}, "desk"),
        ({"client_id": LEFT_OUT, "azp": "web"}, "web"),
        ({"client_id": LEFT_OUT}, "ann"),
    ],
    ids=["client_id", "azp", "sub"],
)
async def test_the_client_is_whoever_the_token_was_given_to(claims: dict[str, Any], client_id: str) -> None:
    assert (await verified(authority().token(**claims))).client_id == client_id


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "a b"}, ["a", "b"]),
        ({"scope": ["a", "b"]}, ["a", "b"]),
        ({"scope": ""}, []),
        ({"scope": []}, []),
        ({"scope": LEFT_OUT}, []),
        ({"scope": LEFT_OUT, "scp": "a b"}, ["a", "b"]),
        ({"scope": LEFT_OUT, "scp": ["a"]}, ["a"]),
        ({"scope": "", "scp": "a"}, []),
        ({"scope": "a", "scp": "b"}, ["a"]),
    ],
    ids=repr,
)
async def test_scopes_are_words_or_a_list(claims: dict[str, Any], scopes: list[str]) -> None:
    assert sorted((await verified(authority().token(**claims))).scopes) == scopes


async def test_where_scopes_have_a_claim_of_their_own_no_other_counts() -> None:
    naming = replace(ISSUER, scope_claim="permissions")

    assert (await verified(authority().token(permissions=["a"], scope="b", scp="c"), naming)).scopes == {"a"}
    assert (await verified(authority().token(scope="b", scp="c"), naming)).scopes == set()
    assert (await verified(authority().token(scope=LEFT_OUT, scp="c"), naming)).scopes == set()


async def test_a_token_of_the_greatest_length_holds() -> None:
    least = len(authority().token(more=""))
    longest = next(
        token
        for count in range((MAX_TOKEN - least) // 4 * 3, MAX_TOKEN)
        if len(token := authority().token(more="x" * count)) >= MAX_TOKEN - 1
    )

    assert len(longest) <= MAX_TOKEN
    assert await verified(longest)


async def test_a_token_without_a_kid_holds_where_one_key_alone_could_be_meant() -> None:
    one_of_each = authority(RSA, EC)

    assert await verified(one_of_each.token(RSA, header={"kid": LEFT_OUT}), by=one_of_each)
    assert await verified(one_of_each.token(EC, header={"kid": LEFT_OUT}), by=one_of_each)


async def test_what_a_header_says_of_keys_is_not_looked_at() -> None:
    own = authority()
    elsewhere = {"jku": "https://evil.test/keys", "x5u": "https://evil.test/cert", "x5c": ["junk"], "jwk": ED.jwk()}

    assert await verified(own.token(header=elsewhere), by=own)
    assert own.fetches == ["/.well-known/openid-configuration", "/keys"]


async def test_a_claim_that_is_there_twice_counts_as_json_says() -> None:
    payload = json.dumps(authority().claims())[:-1] + ', "sub": "bob"}'

    assert (await verified(compact(cases.head({}), payload.encode(), RSA.sign))).subject == "bob"


# ---- Those that do not


@pytest.mark.parametrize("name", cases.SHAPES)
async def test_what_has_not_the_shape_of_a_token_is_refused(name: str, caplog: pytest.LogCaptureFixture) -> None:
    why, token = cases.SHAPES[name]

    assert (await refused(token(), caplog)).startswith(why)


@pytest.mark.parametrize("name", cases.HEADERS)
async def test_what_is_not_signed_as_its_issuer_signs_is_refused(name: str, caplog: pytest.LogCaptureFixture) -> None:
    why, token = cases.HEADERS[name]

    assert (await refused(token(), caplog)).startswith(why)


@pytest.mark.parametrize("name", cases.CLAIMS)
async def test_what_claims_what_it_must_not_is_refused(name: str, caplog: pytest.LogCaptureFixture) -> None:
    why, token = cases.CLAIMS[name]

    assert (await refused(token(), caplog, CLAIMING)).startswith(why)


async def test_what_those_cases_change_is_a_token_that_holds() -> None:
    for token in (
        cases.raw(),
        cases.written("exp", f"{SECOND + 60}.5"),
        cases.claiming({}),
        cases.claiming({**cases.absent("azp"), "azp": "web"}),
        cases.claiming({**cases.absent("scp"), "scp": "memory:read"}),
        cases.signed_by(EC, EC.sign),
        cases.signed_by(ED, ED.sign),
    ):
        assert (await verified(token, CLAIMING)).tenant == "acme"
    for key in OWN:
        assert await verified(cases.headed({}, key))


async def test_a_key_too_short_to_trust_checks_nothing() -> None:
    own = authority(signing_key("short", bits=1024))

    with pytest.raises(Unauthorized):
        await verified(own.token(), by=own)


async def test_an_issuer_speaks_for_itself_alone() -> None:
    """Each has a key of the same kid; one signs for the other, and for another tenant."""
    theirs = replace(RSA, private=FOREIGN.private)
    first, second = authority(RSA), TokenIssuer(url="https://second.test", keys=[theirs], now=Clock(NOW))
    keys = KeySets(now=first.now, transport=transport(first, second))
    tokens = Tokens([ISSUER, replace(ISSUER, url=second.url, tenant="globex")], keys.key, now=first.now)

    assert (await tokens.verify(first.token())).tenant == "acme"
    assert (await tokens.verify(second.token())).tenant == "globex"
    for token in (first.token(theirs), second.token(RSA), second.token(iss=first.url), first.token(iss=second.url)):
        with pytest.raises(Unauthorized):
            await tokens.verify(token)


async def test_a_token_that_could_not_hold_makes_nobody_fetch_keys() -> None:
    own = authority()
    tokens = tokens_of(own, CLAIMING)
    for token in (
        *(build() for why, build in cases.CLAIMS.values()),
        *(build() for why, build in cases.SHAPES.values()),
        own.token(header={"alg": "RS512"}, **FOR_MANY),
        own.token(header={"typ": "JOSE"}, **FOR_MANY),
    ):
        with pytest.raises(Unauthorized):
            await tokens.verify(token)

    assert own.fetches == []
    assert await tokens.verify(own.token(**FOR_MANY))


async def test_where_the_keys_cannot_be_had_it_is_not_the_tokens_fault() -> None:
    own = authority()
    own.down = True
    tokens = tokens_of(own)

    with pytest.raises(Unavailable) as caught:
        await tokens.verify(own.token())
    with pytest.raises(Unauthorized):
        await tokens.verify(own.token(exp=SECOND - 60))
    assert "issuer.test" not in str(caught.value)


async def test_a_token_holds_until_it_expires() -> None:
    own = authority()
    tokens = tokens_of(own)
    token = own.token(exp=SECOND + 60)
    assert isinstance(own.now, Clock)

    await tokens.verify(token)
    own.now.forward(89)
    await tokens.verify(token)
    own.now.forward(1)
    with pytest.raises(Unauthorized):
        await tokens.verify(token)


async def test_an_issuer_is_configured_once() -> None:
    with pytest.raises(Invalid):
        tokens_of(authority(), ISSUER, replace(ISSUER, tenant="globex"))


# ---- Laws


def held(*signing: SigningKey) -> Tokens:
    """Without a network."""
    keys = usable_keys({"keys": [one.jwk() for one in signing]}, ISSUER.algorithms)

    async def key_of(issuer: Issuer, algorithm: str, kid: str | None) -> PublicKey | None:
        return chosen_key(keys, algorithm, kid)

    return Tokens([ISSUER], key_of, now=lambda: NOW)


TOKENS = [authority().token(one) for one in OWN]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.+/ \n\0"


def is_refused(token: str) -> bool:
    try:
        anyio.run(held(*OWN).verify, token)
    except Unauthorized:
        return True
    return False


@given(st.sampled_from(TOKENS), st.integers(min_value=0), st.sampled_from(LETTERS))
def test_a_token_with_one_letter_changed_is_refused(token: str, at: int, letter: str) -> None:
    at %= len(token)
    changed = token[:at] + letter + token[at + 1 :]

    assert is_refused(changed) is (changed != token)


@given(st.sampled_from(TOKENS), st.integers(min_value=0), st.text(LETTERS, max_size=3), st.integers(0, 3))
def test_a_token_with_a_piece_added_or_gone_is_refused(token: str, at: int, piece: str, gone: int) -> None:
    at %= len(token)
    changed = token[:at] + piece + token[at + gone :]

    assert is_refused(changed) is (changed != token)


@given(st.sampled_from(TOKENS), st.integers(0, 2), st.integers(min_value=0), st.integers(0, 7))
def test_a_token_with_one_bit_of_what_it_says_or_of_its_signature_turned_is_refused(
    token: str, part: int, at: int, bit: int
) -> None:
    decoded = [bytearray(base64.urlsafe_b64decode(one + "==")) for one in cases.parts(token)]
    decoded[part][at % len(decoded[part])] ^= 1 << bit

    assert is_refused(".".join(encoded(bytes(one)) for one in decoded))


@given(st.text() | st.binary().map(encoded) | st.lists(st.binary(max_size=40).map(encoded)).map(".".join))
def test_whatever_is_sent_it_is_refused_and_nothing_else_happens(text: str) -> None:
    assert is_refused(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
    max_leaves=5,
)
KNOWN = ("iss", "sub", "aud", "exp", "nbf", "iat", "client_id", "azp", "scope", "scp", "jti", "org", "store")


@given(st.dictionaries(st.sampled_from(KNOWN), JSON), st.dictionaries(st.sampled_from(("typ", "kid", "crit")), JSON))
def test_whatever_its_issuer_signs_it_holds_or_is_refused(claims: dict[str, Any], header: dict[str, Any]) -> None:
    token = authority().token(EC, header=header, **claims)
    try:
        found = anyio.run(held(*OWN).verify, token)
    except Unauthorized:
        return
    assert (found.issuer, found.tenant) == (URL, "acme")
    assert found.subject.isprintable() and found.client_id.isprintable()
    assert found.expires_at > NOW - timedelta(seconds=30)


def test_the_library_agrees_that_what_is_signed_here_is_signed() -> None:
    """The builder of these tests is not PyJWT's: that one refuses to make most of what is refused above."""
    for key in OWN:
        read = jwt.decode(
            authority().token(key),
            key.private.public_key(),
            algorithms=[key.algorithm],
            audience=AUDIENCE,
            options={"verify_exp": False, "verify_iat": False},
        )
        assert read["sub"] == "ann"
        assert read["exp"] == SECOND + 300
