"""A signature is what Twilio's own would be: held against published ones, and made again by hand."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from mcp_memory.callbacks import Method, event
from mcp_memory.callbacks.requests import Outgoing, outgoing
from mcp_memory.callbacks.signing import signature, with_body_hash, with_query
from mcp_memory.callbacks.urls import target

MONDAY = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
BODY = event("COMMUNICATION_CREATED", MONDAY, {"id": "conv_communication_1", "content": {"text": "Grüße, “Dana”"}})
SECRET = "0123456789abcdef0123456789abcdef"

# What the documentation of Twilio's webhooks and the tests of its libraries show.
TOKEN, URL = "12345", "https://mycompany.com/myapp.php?foo=1&bar=2"
JSON = b'{"property": "value", "boolean": true}'
FORM = "CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212"


def test_a_signature_is_what_is_published() -> None:
    assert signature(TOKEN, URL + FORM) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert signature(TOKEN, with_body_hash(URL, JSON)) == "a9nBmqA0ju/hNViExpshrM61xv4="


def test_the_hash_of_a_body_is_what_is_published() -> None:
    hashed = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"

    assert with_body_hash(URL, JSON) == f"{URL}&bodySHA256={hashed}"
    assert with_body_hash("https://example.com/x", JSON) == f"https://example.com/x?bodySHA256={hashed}"


def test_what_is_added_to_a_query_changes_nothing_of_it() -> None:
    assert with_query("https://example.com/?a=%20&a=+", [("t", "a b&c=ü")]) == (
        "https://example.com/?a=%20&a=+&t=a%20b%26c%3D%C3%BC"
    )


def sent(url: str, method: Method) -> tuple[Outgoing, str]:
    """And the URL as whoever receives it puts it together."""
    made = outgoing(target(url), method, "conv_callback_1", "conv_conversation_1", BODY, SECRET)
    return made, f"https://{made.target.authority}{made.target.path}"


@pytest.mark.parametrize(
    "url",
    ["https://example.com", "https://Example.com:8443/a/b?c=d", "https://example.com?c", "https://[2606:4700::1]/"],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_whoever_knows_the_secret_verifies_what_came(url: str, method: Method) -> None:
    made, seen = sent(url, method)

    signed = base64.b64decode(made.headers["X-Twilio-Signature"])
    assert hmac.compare_digest(signed, hmac.digest(SECRET.encode(), seen.encode(), "sha1"))
    assert made.headers["I-Twilio-Idempotency-Token"] == "conv_callback_1"


def test_a_post_has_the_event_as_its_body_and_the_hash_of_it() -> None:
    made, seen = sent("https://example.com/hook?tenant=1", "POST")

    assert made.content is not None and made.headers["Content-Type"] == "application/json"
    assert json.loads(made.content) == {
        "eventType": "COMMUNICATION_CREATED",
        "timestamp": "2026-11-23T09:30:00.123Z",
        "data": {"id": "conv_communication_1", "content": {"text": "Grüße, “Dana”"}},
    }
    query = parse_qsl(urlsplit(seen).query)
    assert query == [("tenant", "1"), ("bodySHA256", hashlib.sha256(made.content).hexdigest())]


def test_a_get_tells_what_it_is_about_and_no_text() -> None:
    made, seen = sent("https://example.com/hook?tenant=1", "GET")

    assert made.content is None and "Content-Type" not in made.headers and "Dana" not in seen
    assert parse_qsl(urlsplit(seen).query) == [
        ("tenant", "1"),
        ("eventType", "COMMUNICATION_CREATED"),
        ("timestamp", "2026-11-23T09:30:00.123Z"),
        ("conversationId", "conv_conversation_1"),
    ]
