"""Every setting, its default and what it means. Unknown names are refused, whoever sets them.

A setting comes from the command line, else the environment (MCP_MEMORY_ and the name in capitals), else the TOML
file, else its default.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import platformdirs

from mcp_memory import logs
from mcp_memory.errors import Invalid
from mcp_memory.identity import DEFAULT_REGION
from mcp_memory.model import MAX_TENANT
from mcp_memory.setting_values import folder, model_name, port, seconds, store, url, whole_number, word

PREFIX = "MCP_MEMORY_"
TOOLSETS = ("agent", "conversation", "curator")
SWITCH = ("on", "off")
TEXTS = (
    "tenant",
    "host",
    "toolsets",
    "region",
    "log_level",
    "log_format",
    "metrics_by_tenant",
    "backend",
    "embedder",
    "late_interaction",
    "merged_profiles",
    "services_alias",
)
MERGED = ("redirect", "transparent")
CHOICES = (
    ("late_interaction", SWITCH),
    ("services_alias", SWITCH),
    ("merged_profiles", MERGED),
    ("log_format", logs.FORMATS),
    ("metrics_by_tenant", SWITCH),
    ("backend", ("sqlite", "twilio")),
    ("twilio_create_store", SWITCH),
)
MIN_SECRET = 16  # characters; shorter ones are guessed
LEVELS = ("debug", "info", "warning", "error")
EMBEDDERS = ("bundled", "multilingual", "endpoint")
OF_THE_ENDPOINT = "embedding_"  # settings that begin like this say nothing to the other embedders
MAX_DIMENSIONS = 16_384  # four times what today's largest models give
OF_THE_SERVICE = "twilio_"
REGIONS = ("au1", "ie1")
SERVICE = "https://memory.twilio.com"


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
    log_level: str = _setting("warning", "debug, info (a line for each operation), warning or error; to stderr.")
    log_format: str = _setting("text", "`json`: each line of the log is a JSON object.")
    metrics_key: str | None = _setting(
        None,
        "What `/metrics` asks for, as a Bearer. Without one, it is for direct connections from this machine.",
        secret=True,
    )
    metrics_by_tenant: str = _setting("off", "`on`: metrics name the tenants, a few series for each.")
    backend: str = _setting(
        "sqlite", "Where the memory is: `sqlite`, on this machine, or `twilio`, the managed service or one like it."
    )
    twilio_key_id: str | None = _setting(None, "Id of the API key of the managed service: `SK…`.")
    twilio_key_secret: str | None = _setting(None, "Its secret. Best in the environment.", secret=True)
    twilio_store: str | None = _setting(None, "Which of its stores: an id, `mem_store_…`, or a name.")
    twilio_create_store: str = _setting("off", "`on`: a store of that name is created where there is none.")
    twilio_region: str | None = _setting(None, "Where the service is, if not in the US: `au1` or `ie1`.")
    twilio_base_url: str | None = _setting(
        None, "Another address of the service, in place of a region. Without encryption only on this machine."
    )
    twilio_timeout: float = _setting(30.0, "Seconds the service has to answer in; a recall may take ten.")
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
        **({} if config is None else _from_toml(folder(config, "config"))),
        **environment,
        **{name: value for name, value in given.items() if name != "config"},
    }
    return _checked(values)


def toolset_names(settings: Settings) -> list[str]:
    return [name.strip() for name in settings.toolsets.split(",")]


def service_url(settings: Settings) -> str:
    if settings.twilio_region is not None:
        return f"https://memory.{settings.twilio_region}.twilio.com"
    return settings.twilio_base_url or SERVICE


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
        found["data_dir"] = path.parent / folder(found["data_dir"], "data_dir")  # relative to the file that says so
    return found


def _checked(values: Mapping[str, Any]) -> Settings:
    checked = dict(values)
    if "data_dir" in checked:
        checked["data_dir"] = folder(checked["data_dir"], "data_dir")
    if "port" in checked:
        checked["port"] = port(checked["port"])
    if "metrics_key" in checked:
        checked["metrics_key"] = _long_enough("metrics_key", checked["metrics_key"])
    checked |= _embedding(checked) | _service(checked)
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
    for name, words in CHOICES:
        if getattr(settings, name) not in words:
            raise Invalid(f"{name} must be {words[0]} or {words[1]}.")
    _check_key(settings)
    _check_embedder(settings, [name for name in checked if name.startswith(OF_THE_ENDPOINT)])
    _check_service(settings, list(checked))
    return settings


def _check_key(settings: Settings) -> None:
    key_id, secret = settings.api_key_id, settings.api_key_secret
    if (key_id is None) != (secret is None):
        raise Invalid("api_key_id and api_key_secret must be set both, or neither.")
    if key_id is not None and (":" in word("api_key_id", key_id)):
        raise Invalid("api_key_id must not hold a colon: HTTP Basic ends the id there.")
    if secret is not None:
        _long_enough("api_key_secret", secret)


def _long_enough(name: str, value: object) -> str:
    secret = word(name, value)
    if len(secret) < MIN_SECRET:
        raise Invalid(f"{name} must be at least {MIN_SECRET} characters long.")
    return secret


def _check_embedder(settings: Settings, given: Sequence[str]) -> None:
    if settings.embedder not in EMBEDDERS:
        raise Invalid(f"embedder must be one of {', '.join(EMBEDDERS)}.")
    if settings.embedder != "endpoint" and given:
        raise Invalid(f"{given[0]} would do nothing: embedder is {settings.embedder}, not endpoint.")
    if settings.embedder == "endpoint" and not (settings.embedding_url and settings.embedding_model):
        raise Invalid("embedder is endpoint, so embedding_url and embedding_model must be set.")


def _check_service(settings: Settings, given: Sequence[str]) -> None:
    of_it = [name for name in given if name.startswith(OF_THE_SERVICE)]
    if settings.backend != "twilio":
        if of_it:
            raise Invalid(f"{of_it[0]} would do nothing: backend is {settings.backend}, not twilio.")
        return
    for name in given:
        if name in ("embedder", "late_interaction") or name.startswith(OF_THE_ENDPOINT):
            raise Invalid(f"{name} would do nothing: backend is twilio, which makes its own vectors.")
    if not (settings.twilio_key_id and settings.twilio_key_secret and settings.twilio_store):
        raise Invalid("backend is twilio, so twilio_key_id, twilio_key_secret and twilio_store must be set.")
    if settings.twilio_region is not None and settings.twilio_base_url is not None:
        raise Invalid("twilio_region and twilio_base_url both say where the service is: set one of them.")


def _service(values: Mapping[str, Any]) -> dict[str, Any]:
    """As `_embedding`, of those that are about the managed service."""
    checks: Mapping[str, Callable[[Any], Any]] = {
        "twilio_key_id": _key_id,
        "twilio_key_secret": lambda value: word("twilio_key_secret", value),
        "twilio_store": lambda value: store("twilio_store", value),
        "twilio_region": _region,
        "twilio_base_url": lambda value: url("twilio_base_url", value, "twilio_key_id", plain="loopback"),
        "twilio_timeout": lambda value: seconds("twilio_timeout", value),
    }
    return {name: check(values[name]) for name, check in checks.items() if name in values}


def _key_id(value: object) -> str:
    key_id = word("twilio_key_id", value)
    if ":" in key_id:
        raise Invalid("twilio_key_id must not hold a colon: HTTP Basic ends the id there.")
    return key_id


def _region(value: object) -> str:
    if value not in REGIONS:
        raise Invalid(f"twilio_region must be one of {', '.join(REGIONS)}; leave it out for the US.")
    return str(value)


def _embedding(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that are about the endpoint, checked. A key is not repeated, however wrong it is."""
    checks: Mapping[str, Callable[[Any], Any]] = {
        "embedding_url": lambda value: url("embedding_url", value, "embedding_key"),
        "embedding_model": lambda value: model_name("embedding_model", value),
        "embedding_key": lambda value: word("embedding_key", value),
        "embedding_dimensions": lambda value: whole_number("embedding_dimensions", value, MAX_DIMENSIONS),
        "embedding_timeout": lambda value: seconds("embedding_timeout", value),
    }
    return {name: check(values[name]) for name, check in checks.items() if name in values}
