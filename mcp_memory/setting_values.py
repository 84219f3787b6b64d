"""Pure: values of settings, each read or refused by the name of its setting. None is repeated, however wrong it is."""

import math
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mcp_memory.errors import Invalid
from mcp_memory.model import MAX_STORE_NAME

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_TIMEOUT = 300.0
MAX_MODEL = 200  # characters; the name is stored beside each vector
_STORE = re.compile(rf"mem_(store|service)_[0-7][0-9a-z]{{25}}|[a-zA-Z0-9-]{{1,{MAX_STORE_NAME}}}")


def url(name: str, value: object, key: str, plain: Literal["anywhere", "loopback"] = "anywhere") -> str:
    """`key`: the setting that a key belongs into. `plain`: where it may be without encryption."""
    text = word(name, value).rstrip("/")
    try:
        found = urlsplit(text)
        sound = found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:  # a port that is no number, a bracket left open
        sound = False
    if not sound or "?" in text or "#" in text:
        raise Invalid(f"{name} must begin with http:// or https://, name a host, and have neither ? nor #.")
    if "@" in found.netloc:
        raise Invalid(f"{name} must not hold a user or a password: the key goes into {key}.")
    if plain == "loopback" and found.scheme == "http" and found.hostname not in LOOPBACK:
        raise Invalid(f"{name} must begin with https://: without encryption, others on the way could read the key.")
    return text


def word(name: str, value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not (text and text.isascii() and text.isprintable() and " " not in text):
        raise Invalid(f"{name} must be a text of printable ASCII characters, without blanks and not empty.")
    return text


def store(name: str, value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _STORE.fullmatch(text):
        raise Invalid(f"{name} must be an id, mem_store_…, or a name of letters, digits and dashes.")
    return text


def model_name(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > MAX_MODEL:
        raise Invalid(f"{name} must be a text of 1 to {MAX_MODEL} printable characters.")
    return value.strip()


def whole_number(name: str, value: object, most: int) -> int:
    text = str(value)
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else 0
    if isinstance(value, bool) or not 1 <= number <= most:
        raise Invalid(f"{name} must be a whole number from 1 to {most}.")
    return number


def seconds(name: str, value: object) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # that is the question
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0.1 <= number <= MAX_TIMEOUT:
        raise Invalid(f"{name} must be a number of seconds from 0.1 to {MAX_TIMEOUT:g}.")
    return number


def folder(value: object, name: str) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise Invalid(f"{name} must be a path.")
    try:
        return Path(value).expanduser()
    except RuntimeError as exc:
        raise Invalid(f"{name} begins with the home of a user who is not there.") from exc


def port(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65_535):
        raise Invalid("port must be a number from 0 to 65535; 0 takes any free one.")
    return int(text)
