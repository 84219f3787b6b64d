"""API keys: what holds, and until when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mcp_memory import rights
from mcp_memory.errors import Forbidden, Invalid
from mcp_memory.tenancy import keys
from mcp_memory.tenancy.keys import Key, digest, holds, rotated

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
SECRET, OTHER = "a-secret-of-tests", "another-of-them!"
KEY = Key(key_id="mem_key_1", tenant="acme", digest=digest(SECRET))


def test_a_key_holds_with_its_secret_alone() -> None:
    assert holds(KEY, SECRET, NOW)
    assert not any(holds(KEY, wrong, NOW) for wrong in ("", OTHER, SECRET + " ", SECRET.upper(), "\ud800"))


def test_a_key_ends_when_it_is_said_to() -> None:
    dated = replace(KEY, expires_at=NOW)

    assert holds(dated, SECRET, NOW - timedelta(microseconds=1)) and not holds(dated, SECRET, NOW)


def test_a_revoked_key_never_holds_nor_its_secret_before() -> None:
    revoked = replace(rotated(KEY, OTHER, NOW, timedelta(days=1)), revoked_at=NOW)

    assert not holds(revoked, OTHER, NOW) and not holds(revoked, SECRET, NOW)
    with pytest.raises(Invalid, match="create another key"):
        rotated(revoked, "x" * 20, NOW, timedelta(0))


def test_a_rotation_ends_the_secret_before_at_once_unless_told_otherwise() -> None:
    at_once, graced = rotated(KEY, OTHER, NOW, timedelta(0)), rotated(KEY, OTHER, NOW, timedelta(minutes=5))

    assert holds(at_once, OTHER, NOW) and not holds(at_once, SECRET, NOW)
    assert holds(graced, OTHER, NOW) and holds(graced, SECRET, NOW + timedelta(minutes=4))
    assert not holds(graced, SECRET, NOW + timedelta(minutes=5))


@pytest.mark.parametrize("grace", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
def test_a_grace_has_its_limits(grace: timedelta) -> None:
    with pytest.raises(Invalid, match="grace must be from 0 to 7 days"):
        rotated(KEY, OTHER, NOW, grace)


def test_nobodys_key_holds_for_nobody() -> None:
    assert not any(holds(keys.NOBODYS, secret, NOW) for secret in ("", "\0" * 32, SECRET))


def test_no_text_of_a_key_shows_what_could_be_tried_against_its_secret() -> None:
    assert digest(SECRET).hex() not in repr(KEY) and "digest" not in repr(rotated(KEY, OTHER, NOW, timedelta(1)))


@pytest.mark.parametrize("wrong", ["", "a.b", "a:b", "a b", "x" * 65, "eyJhbGciOiJub25lIn0", "ä", None, 5])
def test_an_id_that_could_be_taken_for_something_else_is_refused(wrong: object) -> None:
    with pytest.raises(Invalid, match="id must be 1 to 64"):
        keys.checked_id(wrong, "id")


@pytest.mark.parametrize("wrong", ["", "short", "with blanks in it, and long", "ä" * 20, "x" * 513, None, 5 * 10**20])
def test_a_secret_that_could_be_guessed_or_not_be_sent_is_refused_and_not_repeated(wrong: object) -> None:
    with pytest.raises(Invalid, match="must be 16 to 512 printable") as refused:
        keys.checked_secret(wrong, "secret_env")
    assert not wrong or str(wrong) not in str(refused.value)


@pytest.mark.parametrize(
    ("scopes", "held"),
    [
        ((), ()),
        (("openid", "memory:*", "MEMORY:READ"), ()),
        (("memory:read",), (rights.READ,)),
        (("memory:write",), (rights.READ, rights.WRITE)),
        (("memory:admin", "openid"), rights.RIGHTS),
    ],
)
def test_a_scope_gives_what_is_below_it_and_strange_ones_nothing(
    scopes: tuple[str, ...], held: tuple[str, ...]
) -> None:
    assert rights.granted(scopes) == set(held)


def test_what_a_right_is_missing_for_is_told() -> None:
    with pytest.raises(Forbidden, match="it takes the scope memory:admin") as refused:
        rights.check(rights.granted(["memory:write"]), rights.ADMIN)
    assert refused.value.right == rights.ADMIN
