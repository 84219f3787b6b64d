"""What may be configured of an issuer, and how it is refused."""

from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.errors import Invalid
from mcp_memory.tenancy.issuers import ALGORITHMS, MAX_AUDIENCES, Issuer, checked_issuer, checked_url, is_loopback

WHOLE = {
    "url": "https://login.acme.test/realms/main",
    "audiences": ["https://memory.acme.test/mcp", "memory"],
    "algorithms": ["ES256", "EdDSA"],
    "jwks_url": "https://login.acme.test/keys?p=main",
    "tenant_claim": "https://acme.test/tenant",
    "store_claim": "store",
    "scope_claim": "permissions",
}


def table(**changes: Any) -> dict[str, Any]:
    """The least there must be, with changes."""
    return {"url": "https://issuer.test", "audiences": ["memory"], "tenant": "acme", **changes}


def refused(given: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as caught:
        checked_issuer(given, "issuers")
    return str(caught.value)


def test_an_issuer_is_read_as_it_was_written() -> None:
    assert checked_issuer(WHOLE, "issuers") == Issuer(
        url="https://login.acme.test/realms/main",
        audiences=("https://memory.acme.test/mcp", "memory"),
        algorithms=("ES256", "EdDSA"),
        jwks_url="https://login.acme.test/keys?p=main",
        tenant_claim="https://acme.test/tenant",
        store_claim="store",
        scope_claim="permissions",
    )


def test_what_is_left_out_has_its_default() -> None:
    assert checked_issuer(table(), "issuers") == Issuer(
        url="https://issuer.test", audiences=("memory",), algorithms=("RS256", "ES256"), tenant="acme"
    )


@pytest.mark.parametrize("given", [table(), WHOLE], ids=["least", "whole"])
def test_what_was_checked_is_found_sound_again(given: dict[str, Any]) -> None:
    issuer = checked_issuer(given, "issuers")

    assert checked_issuer(asdict(issuer), "issuers") == issuer


def test_a_slash_at_the_end_of_the_url_stays_since_the_tokens_have_it() -> None:
    assert checked_issuer(table(url="https://acme.auth.test/"), "issuers").url == "https://acme.auth.test/"


@pytest.mark.parametrize("name", ["uri", "Url", "audience", "client_secret", "x" * 1000, ""])
def test_a_name_that_is_no_setting_is_refused(name: str) -> None:
    message = refused(table(**{name: "value"}))

    assert message.startswith(f"issuers.{name[:50]} is no setting")
    assert len(message) < 300


@pytest.mark.parametrize("name", ["url", "audiences"])
def test_what_must_be_there_is_asked_for(name: str) -> None:
    given = table()
    del given[name]

    assert refused(given).startswith(f"issuers.{name} is missing")


@pytest.mark.parametrize("given", [table(tenant=None), table(tenant_claim="tenant")], ids=["neither", "both"])
def test_a_tenant_is_either_named_or_claimed(given: dict[str, Any]) -> None:
    assert refused(given).startswith("issuers must have either tenant")


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.test",
        "http://127.0.0.1.issuer.test",
        "http://localhost.test/",
        "http://127.0.0.2/",
        "ftp://issuer.test",
        "HTTPS://issuer.test",
        "issuer.test",
        "https://",
        "https:///path",
        "https://user@issuer.test",
        "https://user:secret@issuer.test",
        "https://issuer.test/#part",
        "https://issuer.test:0",
        "https://issuer.test:65536",
        "https://issuer.test:port",
        "https://[::1",
        "https://issuer.test/a b",
        " https://issuer.test",
        "https://issuer.test\n",
        "https://issuer.test\\@evil.test",
        "https://issu\u00e9r.test",
        "https://issuer.test/" + "a" * 500,
        "",
        7,
        ["https://issuer.test"],
        {"url": "https://issuer.test"},
        True,
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["url", "jwks_url"])
def test_a_url_is_encrypted_or_on_this_machine(name: str, url: object) -> None:
    message = refused(table(**{name: url}))

    assert message.startswith(f"issuers.{name} must be")
    assert "secret" not in message and "evil" not in message


def test_only_the_keys_url_may_have_a_query() -> None:
    with_query = "https://issuer.test/keys?p=main"

    assert checked_issuer(table(jwks_url=with_query), "issuers").jwks_url == with_query
    assert refused(table(url=with_query)).startswith("issuers.url must be")


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "[::1]"])
def test_a_url_on_this_machine_may_be_unencrypted(host: str) -> None:
    for url in (f"http://{host}:8080/realm", f"http://{host}", f"https://{host}"):
        assert checked_issuer(table(url=url), "issuers").url == url
        assert is_loopback(url)


@pytest.mark.parametrize("url", ["https://localhost.test", "https://issuer.test/localhost", "https://[::2]", "no url"])
def test_elsewhere_is_not_this_machine(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize(
    "audiences",
    [[], "memory", [""], ["a b"], ["tab\t"], ["x" * 501], [1], [None], [["memory"]], {"a": 1}, 1, ["a"] * 51],
    ids=lambda value: repr(value)[:20],
)
def test_audiences_are_a_list_of_texts_that_is_not_empty(audiences: object) -> None:
    assert refused(table(audiences=audiences)).startswith(f"issuers.audiences must be a list of 1 to {MAX_AUDIENCES}")


@pytest.mark.parametrize(
    "algorithms",
    [
        [],
        "RS256",
        ["none"],
        ["None"],
        ["HS256"],
        ["HS384"],
        ["RS256", "HS512"],
        ["rs256"],
        ["ES256K"],
        ["RSA-OAEP"],
        [""],
        [256],
        [["RS256"]],
        {"RS256": 1},
    ],
    ids=repr,
)
def test_only_signatures_by_a_private_key_may_be_allowed(algorithms: object) -> None:
    message = refused(table(algorithms=algorithms))

    assert message == f"issuers.algorithms must be a list of one or more of {', '.join(ALGORITHMS)}."


def test_every_algorithm_may_be_allowed_and_each_counts_once() -> None:
    issuer = checked_issuer(table(algorithms=[*ALGORITHMS, *ALGORITHMS]), "issuers")

    assert issuer.algorithms == ALGORITHMS


@pytest.mark.parametrize("tenant", ["Acme", "", "-acme", "a" * 200, "a b", "../etc", 7, ["acme"], True], ids=repr)
def test_a_tenant_has_the_name_of_one(tenant: object) -> None:
    assert refused(table(tenant=tenant)).startswith("issuers.tenant must be a name")


@pytest.mark.parametrize("claim", ["", " ", "a b", "a\n", "x" * 201, "exp", "iss", "aud", "iat", 7, ["tenant"], True])
@pytest.mark.parametrize("name", ["tenant_claim", "store_claim", "scope_claim"])
def test_a_claim_has_a_name_and_says_something_of_who_asks(name: str, claim: object) -> None:
    given = table(**{name: claim}) if name != "tenant_claim" else table(tenant=None, tenant_claim=claim)

    assert refused(given).startswith(f"issuers.{name} must be the name of a claim")


@pytest.mark.parametrize(
    "claims",
    [
        {"tenant_claim": "org", "store_claim": "org"},
        {"tenant_claim": "scope"},
        {"tenant_claim": "org", "scope_claim": "org"},
        {"tenant_claim": "org", "store_claim": "scope"},
    ],
    ids=repr,
)
def test_one_claim_does_not_say_two_things(claims: dict[str, str]) -> None:
    assert refused(table(tenant=None, **claims)).startswith("issuers names one claim twice")


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["https://issuer.test", "memory", "RS256", "acme"])
)


@given(
    st.dictionaries(
        st.sampled_from([*WHOLE, "tenant"]) | st.text(max_size=12),
        VALUES | st.lists(VALUES, max_size=3) | st.dictionaries(st.text(max_size=3), VALUES, max_size=2),
        max_size=9,
    )
)
def test_whatever_is_configured_it_is_an_issuer_or_invalid(found: dict[str, object]) -> None:
    try:
        issuer = checked_issuer(found, "issuers")
    except Invalid as exc:
        assert str(exc).startswith("issuers")
    else:
        assert checked_url(issuer.url, "url") == issuer.url


@given(st.text(alphabet="ab1.:/@[]?#%\\_-~ \t", min_size=1, max_size=30).map("https://".__add__))
def test_a_url_that_is_taken_goes_where_every_parser_says(url: str) -> None:
    """Two readings of one URL are how a check of its host is got around."""
    try:
        taken = checked_url(url, "url", query=True)
    except Invalid:
        return
    assert (httpx2.URL(taken).host or "").strip("[]") == urlsplit(taken).hostname
