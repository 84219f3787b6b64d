"""What every webhook of Twilio needs: its form read within bounds, its signature checked, an answer in TwiML.

Needs Starlette: pip install starlette
"""

import base64
import hashlib
import hmac
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import parse_qsl
from xml.etree import ElementTree as xml

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

log = logging.getLogger("webhooks")

MAX_BODY = 64 * 1024  # bytes; a message has 1,600 characters at most
MAX_FIELDS = 200
MAX_TEXT = 2_000  # characters of what is said at once
MAX_RECENT = 10_000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Door:
    """`token`: the account's auth token, which signs what Twilio sends; `public_url`: under which it reaches us.

    Without a token everybody may call: only for trying it out, on loopback.
    """

    token: str = ""
    public_url: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Door":
        token, url = environ.get("TWILIO_AUTH_TOKEN", ""), environ.get("PUBLIC_URL", "").rstrip("/")
        if token and not url:
            raise SystemExit("With TWILIO_AUTH_TOKEN set PUBLIC_URL as well: signatures are over the address called.")
        if not token:
            log.warning("TWILIO_AUTH_TOKEN is not set: whoever reaches this port may call")
        return cls(token=token, public_url=url)

    async def read(self, request: Request) -> dict[str, str]:
        """The fields of the form. Raises HTTPException: 400, 403, 413."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                raise HTTPException(413, "The form is too large.")
        try:
            fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError as exc:
            raise HTTPException(400, "The body is not a form.") from exc
        if self.token and not hmac.compare_digest(
            self._signature(request, fields), request.headers.get("x-twilio-signature", "").encode()
        ):
            raise HTTPException(403, "The signature is wrong.")
        return dict(fields)

    def _signature(self, request: Request, fields: list[tuple[str, str]]) -> bytes:
        query = f"?{request.url.query}" if request.url.query else ""
        signed = f"{self.public_url}{request.url.path}{query}" + "".join(name + value for name, value in sorted(fields))
        return base64.b64encode(hmac.new(self.token.encode(), signed.encode(), hashlib.sha1).digest())


def sid(fields: Mapping[str, str], name: str, prefixes: str) -> str:
    """Raises HTTPException 400: without it nothing can be told apart."""
    value = fields.get(name, "")
    if not re.fullmatch(f"({prefixes})[0-9a-f]{{32}}", value):
        raise HTTPException(400, f"{name} is missing or is none.")
    return value


def number(address: str) -> str | None:
    """None of an anonymous caller, a short code, a SIP address: nobody is recognised by those."""
    value = address.strip().removeprefix("whatsapp:").strip()
    return value if re.fullmatch(r"\+[1-9][0-9]{6,14}", value) else None


def text(value: str) -> str:
    """One line of bounded length, of characters that can be seen."""
    visible = "".join(letter if letter.isprintable() else " " for letter in value[:MAX_TEXT])
    return " ".join(visible.encode("utf-8", "replace").decode().split())


def twiml(*verbs: xml.Element, background: BackgroundTask | None = None) -> Response:
    """ElementTree escapes what was said by whomever."""
    root = xml.Element("Response")
    root.extend(verbs)
    return Response(
        xml.tostring(root, encoding="utf-8", xml_declaration=True), media_type="text/xml", background=background
    )


def verb(name: str, said: str = "", **attributes: str) -> xml.Element:
    element = xml.Element(name, attributes)
    element.text = text(said)
    return element


class Recent(Generic[T]):
    """What is under way, by SID: the latest, so that memory is bounded whoever calls how often."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, T] = OrderedDict()

    def get(self, sid: str, make: Callable[[], T]) -> T:
        """What there is of it, or else made now."""
        if sid not in self._found:
            self._found[sid] = make()
            if len(self._found) > MAX_RECENT:
                self._found.popitem(last=False)
        return self._found[sid]

    def find(self, sid: str) -> T | None:
        return self._found.get(sid)
