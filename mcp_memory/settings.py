"""Every setting, its default and what it means. Unknown names are refused, whoever sets them.

A setting comes from the command line, else the environment (MCP_MEMORY_ and the name in capitals), else the TOML
file, else its default.
"""

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from mcp_memory.errors import Invalid
from mcp_memory.identity import DEFAULT_REGION
from mcp_memory.model import MAX_TENANT

PREFIX = "MCP_MEMORY_"
TOOLSETS = ("agent", "conversation", "curator")
SWITCH = ("on", "off")
TEXTS = (
    "tenant",
    "host",
    "toolsets",
    "region",
    "log_level",
    "embedder",
    "late_interaction",
    "merged_profiles",
    "services_alias",
)
MERGED = ("redirect", "transparent")
MIN_SECRET = 16  # characters; shorter ones are guessed
LEVELS = ("debug", "info", "warning", "error")
EMBEDDERS = ("bundled", "multilingual", "endpoint")
OF_THE_ENDPOINT = "embedding_"  # settings that begin like this say nothing to the other embedders
MAX_DIMENSIONS = 16_384  # four times what today's largest models give
MAX_TIMEOUT = 300.0
MAX_MODEL = 200  # characters; the name is stored beside each vector


def _setting(default: Any, meaning: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class Settings:
    data_dir: Path = field(
        default_factory=lambda: Path(platformdirs.user_data_dir("mcp-memory", appauthor=False)),
        metadata={"meaning": "Folder of the stores. Default: the platform's user data folder."},
    )
    tenant: str = _setting("local", "Whose data this process works with.")
    host: str = _setting("127.0.0.1", "Address `serve` binds to. Without authentication only a loopback address.")
    port: int = _setting(8765, "Port `serve` binds to.")
    api_key_id: str | None = _setting(
        None, "Id of the API key that `/v1` asks for, the user of HTTP Basic. Without one it takes any, on loopback."
    )
    api_key_secret: str | None = _setting(None, "Its secret, the password. Best in the environment.", secret=True)
    merged_profiles: str = _setting(
        "redirect", "What `/v1` does when asked for a merged profile's old id: `redirect`, or answer `transparent`ly."
    )
    services_alias: str = _setting("off", "`on`: `/v1/Services` works for `/v1/ControlPlane/Stores` and `/v1/Stores`.")
    toolsets: str = _setting("agent", "Which tools a model gets: `agent`, `conversation`, `curator`; with commas.")
    region: str = _setting(DEFAULT_REGION, "Country of phone numbers written without one, as two letters.")
    log_level: str = _setting("warning", "debug, info, warning or error; logs go to stderr.")
    embedder: str = _setting(
        "bundled", "What turns text into vectors: `bundled` (English), `multilingual` (an extra) or `endpoint`."
    )
    late_interaction: str = _setting(
        "on", "`off` keeps no vectors of single words: a sixth of the disk space, and recall finds less."
    )
    embedding_url: str | None = _setting(
        None,
        "An OpenAI-compatible API, up to `/embeddings`: `http://localhost:11434/v1`. It is sent what is remembered.",
    )
    embedding_model: str | None = _setting(None, "The endpoint's model. A change makes older vectors incomparable.")
    embedding_dimensions: int | None = _setting(
        None, "How many numbers to ask the endpoint for; most models: leave out."
    )
    embedding_key: str | None = _setting(None, "The endpoint's API key. Best in the environment.", secret=True)
    embedding_timeout: float = _setting(10.0, "Seconds the endpoint has to answer in.")


NAMES = tuple(one.name for one in fields(Settings))


def load(given: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """`given`: what the command line says, without what it leaves open; `config` names the TOML file.

    Raises Invalid naming the setting, where it was set, and what it takes.
    """
    environment = _from_environ(environ)
    config = given.get("config", environment.pop("config", None))
    values = {
        **({} if config is None else _from_toml(_folder(config, "config"))),
        **environment,
        **{name: value for name, value in given.items() if name != "config"},
    }
    return _checked(values)


def toolset_names(settings: Settings) -> list[str]:
    return [name.strip() for name in settings.toolsets.split(",")]


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    found = {name[len(PREFIX) :].lower(): value for name, value in environ.items() if name.upper().startswith(PREFIX)}
    for name in found:
        if name not in (*NAMES, "config"):
            known = ", ".join(PREFIX + one.upper() for one in (*NAMES, "config"))
            raise Invalid(f"{PREFIX}{name.upper()} in the environment is no setting. Settings: {known}.")
    return found


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise Invalid(f"The configuration {path} can't be read: {exc.strerror}.") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise Invalid(f"The configuration {path} is not TOML: {exc}.") from exc
    for name in found:
        if name not in NAMES:
            raise Invalid(f"{name} in {path} is no setting. Settings: {', '.join(NAMES)}.")
    if isinstance(found.get("data_dir"), str):
        found["data_dir"] = path.parent / _folder(found["data_dir"], "data_dir")  # relative to the file that says so
    return found


def _checked(values: Mapping[str, Any]) -> Settings:
    checked = dict(values)
    if "data_dir" in checked:
        checked["data_dir"] = _folder(checked["data_dir"], "data_dir")
    if "port" in checked:
        checked["port"] = _port(checked["port"])
    checked |= _embedding(checked)
    for name in TEXTS:
        if name in checked and not (isinstance(checked[name], str) and checked[name].strip()):
            raise Invalid(f"{name} must be a text that is not empty.")
    for name, folded in (("region", str.upper), ("log_level", str.lower)):
        if name in checked:
            checked[name] = folded(checked[name])
    settings = Settings(**checked)
    if len(settings.tenant) > MAX_TENANT or not settings.tenant.isprintable():
        raise Invalid(f"tenant must be 1 to {MAX_TENANT} printable characters.")
    if not (len(settings.region) == 2 and settings.region.isascii() and settings.region.isupper()):
        raise Invalid("region must be a country as two letters, like US or DE.")
    if unknown := set(toolset_names(settings)) - set(TOOLSETS):
        raise Invalid(
            f"toolsets names {sorted(unknown)[0][:50]!r}. Toolsets: {', '.join(TOOLSETS)}, with commas between."
        )
    if settings.log_level not in LEVELS:
        raise Invalid(f"log_level must be one of {', '.join(LEVELS)}.")
    for name, words in (("late_interaction", SWITCH), ("services_alias", SWITCH), ("merged_profiles", MERGED)):
        if getattr(settings, name) not in words:
            raise Invalid(f"{name} must be {words[0]} or {words[1]}.")
    _check_key(settings)
    _check_embedder(settings, [name for name in checked if name.startswith(OF_THE_ENDPOINT)])
    return settings


def _check_key(settings: Settings) -> None:
    key_id, secret = settings.api_key_id, settings.api_key_secret
    if (key_id is None) != (secret is None):
        raise Invalid("api_key_id and api_key_secret must be set both, or neither.")
    if key_id is not None and (":" in _word("api_key_id", key_id)):
        raise Invalid("api_key_id must not hold a colon: HTTP Basic ends the id there.")
    if secret is not None and len(_word("api_key_secret", secret)) < MIN_SECRET:
        raise Invalid(f"api_key_secret must be at least {MIN_SECRET} characters long.")


def _check_embedder(settings: Settings, given: Sequence[str]) -> None:
    if settings.embedder not in EMBEDDERS:
        raise Invalid(f"embedder must be one of {', '.join(EMBEDDERS)}.")
    if settings.embedder != "endpoint" and given:
        raise Invalid(f"{given[0]} would do nothing: embedder is {settings.embedder}, not endpoint.")
    if settings.embedder == "endpoint" and not (settings.embedding_url and settings.embedding_model):
        raise Invalid("embedder is endpoint, so embedding_url and embedding_model must be set.")


def _embedding(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that are about the endpoint, checked. A key is not repeated, however wrong it is."""
    checks: Mapping[str, Callable[[Any], Any]] = {
        "embedding_url": _url,
        "embedding_model": _model,
        "embedding_key": lambda value: _word("embedding_key", value),
        "embedding_dimensions": _dimensions,
        "embedding_timeout": _timeout,
    }
    return {name: check(values[name]) for name, check in checks.items() if name in values}


def _url(value: object) -> str:
    text = _word("embedding_url", value).rstrip("/")
    try:
        url = urlsplit(text)
        sound = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number, a bracket left open
        sound = False
    if not sound or "?" in text or "#" in text:
        raise Invalid("embedding_url must begin with http:// or https://, name a host, and have neither ? nor #.")
    if "@" in url.netloc:
        raise Invalid("embedding_url must not hold a user or a password: the key goes into embedding_key.")
    return text


def _word(name: str, value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not (text and text.isascii() and text.isprintable() and " " not in text):
        raise Invalid(f"{name} must be a text of printable ASCII characters, without blanks and not empty.")
    return text


def _model(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > MAX_MODEL:
        raise Invalid(f"embedding_model must be a text of 1 to {MAX_MODEL} printable characters.")
    return value.strip()


def _dimensions(value: object) -> int:
    text = str(value)
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0
    if isinstance(value, bool) or not 1 <= number <= MAX_DIMENSIONS:
        raise Invalid(f"embedding_dimensions must be a whole number from 1 to {MAX_DIMENSIONS}.")
    return number


def _timeout(value: object) -> float:
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # that is the question
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0.1 <= seconds <= MAX_TIMEOUT:
        raise Invalid(f"embedding_timeout must be a number of seconds from 0.1 to {MAX_TIMEOUT:g}.")
    return seconds


def _folder(value: object, name: str) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise Invalid(f"{name} must be a path.")
    try:
        return Path(value).expanduser()
    except RuntimeError as exc:
        raise Invalid(f"{name} begins with the home of a user who is not there.") from exc


def _port(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65_535):
        raise Invalid("port must be a number from 0 to 65535; 0 takes any free one.")
    return int(text)
