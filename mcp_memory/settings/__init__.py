"""Every setting, its default and what it means. Unknown names are refused, whoever sets them.

A setting comes from the command line, else the environment (MCP_MEMORY_ and the name in capitals), else the TOML
file, else its default.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from mcp_memory import logs
from mcp_memory.errors import Invalid
from mcp_memory.identity import DEFAULT_REGION
from mcp_memory.model import MAX_TENANT
from mcp_memory.setting_values import folder, port, word
from mcp_memory.settings.remote import OF_THE_SERVICE, check_remote, embedding, extraction, service
from mcp_memory.settings.transport import check_transport, transport
from mcp_memory.tenancy import configuration
from mcp_memory.tenancy.configuration import TABLES, Misplaced
from mcp_memory.tenancy.hosting import EMPTY, Contradiction, Hosting
from mcp_memory.tenancy.keys import Key, digest
from mcp_memory.tenancy.tenants import HERE, Tenant
from mcp_memory.tenancy.toml_lines import line_of

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
    "extraction",
    "reconciliation",
    "late_interaction",
    "merged_profiles",
    "services_alias",
    "authentication",
)
MERGED = ("redirect", "transparent")
CHOICES = (
    ("late_interaction", SWITCH),
    ("services_alias", SWITCH),
    ("authentication", ("auto", *SWITCH)),
    ("merged_profiles", MERGED),
    ("reconciliation", ("rules", "model")),
    ("log_format", logs.FORMATS),
    ("metrics_by_tenant", SWITCH),
    ("backend", ("sqlite", "twilio")),
    ("twilio_create_store", SWITCH),
    ("cors", SWITCH),
    ("plain_http", SWITCH),
)
PATHS = ("data_dir", "tls_certificate", "tls_key", "extraction_prompts")
MIN_SECRET = 16  # characters; shorter ones are guessed
LEVELS = ("debug", "info", "warning", "error")
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
    allowed_hosts: tuple[str, ...] | None = _setting(
        None,
        "Names it is asked by, besides loopback ones, with a port or without (any). Requests by others are refused.",
    )
    allowed_origins: tuple[str, ...] | None = _setting(
        None, "Origins whose pages may call it, `https://app.example.com`, besides those of loopback and its own."
    )
    cors: str = _setting("off", "`on`: browsers let pages of `allowed_origins` read the answers, without cookies.")
    public_url: str | None = _setting(
        None, "How clients reach it, `https://mem.example.com`: a name it is asked by, and the start of links it gives."
    )
    trusted_proxies: tuple[str, ...] | None = _setting(
        None, "Addresses or networks whose `X-Forwarded-For`, `-Proto` and `-Host` are believed. Others' are ignored."
    )
    tls_certificate: Path | None = field(
        default=None,
        metadata={"meaning": "A PEM file, with the chain: `serve` then speaks TLS 1.2 or newer, and nothing else."},
    )
    tls_key: Path | None = field(default=None, metadata={"meaning": "Its key, a PEM file without a passphrase."})
    plain_http: str = _setting(
        "off", "`on`: others than this machine may connect without encryption, in a network where nobody listens."
    )
    max_connections: int = _setting(1000, "Connections at once, of each worker. One tenant has half of them at most.")
    workers: int = _setting(
        1,
        "Processes that share the port (not on Windows). More than one: no `/sse`, no sessions in `/mcp`, and changes "
        "are not told.",
    )
    shutdown_seconds: int = _setting(
        10, "How long what is under way may take when the server is told to end. Open streams end at once."
    )
    api_key_id: str | None = _setting(
        None, "Id of the one API key of a server without tenants. Without it nobody is asked, on loopback."
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
    extraction: str = _setting(
        "rules", "What learns from conversations: `rules`, offline, or a model: `openai` (or compatible), `anthropic`."
    )
    extraction_url: str | None = _setting(
        None,
        "Its API, up to `/chat/completions`: `http://localhost:11434/v1`; of `anthropic` up to `/v1/messages`. It is "
        "sent what is said.",
    )
    extraction_model: str | None = _setting(None, "The model, by the API's name for it.")
    extraction_key: str | None = _setting(None, "The API's key. Best in the environment.", secret=True)
    extraction_timeout: float = _setting(60.0, "Seconds it has for a conversation, and as many for its summary.")
    extraction_budget: int = _setting(60_000, "Characters of a conversation it is sent; the rest is read by the rules.")
    extraction_prompts: Path | None = field(
        default=None, metadata={"meaning": "Folder of prompts of your own, in place of those that come with it."}
    )
    reconciliation: str = _setting(
        "rules", "`model`: that of `extraction` is asked what becomes of a new observation, where rules find nothing."
    )
    callback_hosts: tuple[str, ...] | None = _setting(
        None, "Hosts, addresses or networks that callbacks may go to though they are not public, also without TLS."
    )
    authentication: str = _setting(
        "auto", "Whether `serve` asks for credentials: `on`, `off`, or `auto`: as soon as there is a tenant or a key."
    )
    hosting: Hosting = EMPTY  # the tables; see tenancy/configuration.py
    config: Path | None = None  # the file they are from


NAMES = tuple(one.name for one in fields(Settings) if one.metadata)
OF_A_BACKEND = ("backend", "data_dir", "region")  # besides those that are about the managed service


def load(given: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """`given`: what the command line says, without what it leaves open; `config` names the TOML file.

    Raises Invalid naming the setting, where it was set, and what it takes.
    """
    environment = _from_environ(environ)
    config = given.get("config", environment.pop("config", None))
    path = None if config is None else folder(config, "config")
    text = "" if path is None else _read(path)
    try:
        found = _parsed(text, path)
        values = {name: value for name, value in found.items() if name not in TABLES}
        given = {name: value for name, value in given.items() if name != "config"}
        settings = _checked({**values, **environment, **given})
        return _with_own_key(replace(settings, config=path, hosting=_hosting(settings, found, environ)))
    except Misplaced as exc:
        raise Invalid(f"{path}, line {line_of(text, exc.path)}: {exc}") from exc


def located(settings: Settings, exc: Contradiction) -> Invalid:
    """With its place, where it is about what the file says and not only about the catalog."""
    if settings.config is None or exc.tenant.name not in settings.hosting.tenants:
        return exc
    path = ("tenants", exc.tenant.name, *([exc.field] if exc.field else []))
    return Invalid(f"{settings.config}, line {line_of(_read(settings.config), path)}: {exc}")


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


def of_backend(settings: Settings, tenant: Tenant) -> Settings:
    """What holds for a tenant's backend."""
    if tenant.backend == HERE:
        held = settings
    else:
        held = _backend(settings, settings.hosting.backends[tenant.backend], tenant.backend)
    if held.backend != "twilio" or tenant.name == settings.hosting.sole:
        return held
    return replace(held, tenant=tenant.name, twilio_store=tenant.stores[0])


def _with_own_key(settings: Settings) -> Settings:
    """A server with one key has one tenant, whose key that is."""
    hosting = settings.hosting
    if settings.api_key_id is None or settings.api_key_secret is None:
        return replace(settings, hosting=replace(hosting, sole=settings.tenant if hosting.is_empty() else None))
    tenant = hosting.tenants.get(settings.tenant, Tenant(name=settings.tenant))
    key = Key(key_id=settings.api_key_id, tenant=tenant.name, digest=digest(settings.api_key_secret))
    return replace(
        settings,
        hosting=replace(
            hosting,
            tenants={**hosting.tenants, tenant.name: tenant},
            keys={**hosting.keys, key.key_id: key},
            sole=None if tenant.name in hosting.tenants else tenant.name,
        ),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise Invalid(f"The configuration {path} can't be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise Invalid(f"The configuration {path} is not TOML: {exc}.") from exc


def _parsed(text: str, path: Path | None) -> dict[str, Any]:
    """Raises Misplaced for what is no setting. Folders are relative to the file that names them."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise Invalid(f"The configuration {path} is not TOML: {exc}.") from exc
    for name in found:
        if name not in (*NAMES, *TABLES):
            raise Misplaced(f"{name} is no setting. Settings: {', '.join((*NAMES, *TABLES))}.", (name,))
    for table, name in ((found, name) for name in PATHS):
        if path is not None and isinstance(table.get(name), str):
            table[name] = path.parent / folder(table[name], name)
    for table in _tables(found):
        if path is not None and isinstance(table.get("data_dir"), str):
            table["data_dir"] = path.parent / folder(table["data_dir"], "data_dir")
    return found


def _hosting(settings: Settings, found: Mapping[str, Any], environ: Mapping[str, str]) -> Hosting:
    hosting = configuration.read(found, environ)
    held = {name: _backend(settings, table, name) for name, table in hosting.backends.items()}
    _refuse_one_folder(settings, held)
    held[HERE] = settings
    managed = {name: one for name, one in held.items() if one.backend == "twilio"}
    accounts = {name: f"{service_url(one)} {one.twilio_key_id}" for name, one in managed.items()}
    hosting = replace(hosting, accounts=accounts)
    try:
        hosting.check(hosting.tenants.values())
    except Contradiction as exc:
        raise Misplaced(str(exc), ("tenants", exc.tenant.name, exc.field)) from exc
    return hosting


def _tables(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    backends = found.get("backends")
    yield from (one for one in (backends.values() if isinstance(backends, dict) else ()) if isinstance(one, dict))


def _backend(settings: Settings, table: Mapping[str, Any], name: str) -> Settings:
    """As the settings at the top, but for what the table says."""
    for one in table:
        if (one not in OF_A_BACKEND and not one.startswith(OF_THE_SERVICE)) or one == "twilio_store":
            raise Misplaced(
                f"backends.{name}: {one[:50]} can't be set here. A tenant's stores are named by its own table.",
                ("backends", name, one),
            )
    kind = table.get("backend", settings.backend)
    passed_on = {"region": settings.region, "data_dir": settings.data_dir}
    if kind == settings.backend:
        passed_on |= {one: getattr(settings, one) for one in NAMES if one.startswith(_OF[kind])}
    given = {one: value for one, value in passed_on.items() if value != getattr(Settings(), one)}
    given |= {**table, "backend": kind}
    try:
        return _checked(given | ({"twilio_store": "any"} if kind == "twilio" else {}))
    except Invalid as exc:
        wrong = str(exc).partition(" ")[0]  # messages begin with the setting they are about
        raise Misplaced(f"backends.{name}: {exc}", ("backends", name, wrong)) from exc


_OF: Mapping[str, str | tuple[str, ...]] = {
    "sqlite": ("callback", "embed", "extraction", "late_interaction", "reconciliation"),
    "twilio": OF_THE_SERVICE,
}  # how the settings of each kind begin


def _refuse_one_folder(settings: Settings, backends: Mapping[str, Settings]) -> None:
    folders = {settings.data_dir.resolve(): HERE}
    for name, one in backends.items():
        if one.backend == "sqlite" and folders.setdefault(one.data_dir.resolve(), name) != name:
            raise Misplaced(f"backends.{name}: data_dir must be a folder of its own.", ("backends", name, "data_dir"))


def _checked(values: Mapping[str, Any]) -> Settings:
    checked = dict(values)
    if "data_dir" in checked:
        checked["data_dir"] = folder(checked["data_dir"], "data_dir")
    if "port" in checked:
        checked["port"] = port(checked["port"])
    if "metrics_key" in checked:
        checked["metrics_key"] = _long_enough("metrics_key", checked["metrics_key"])
    checked |= transport(checked) | embedding(checked) | extraction(checked) | service(checked)
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
            raise Invalid(f"{name} must be {', '.join(words[:-1])} or {words[-1]}.")
    check_transport(checked)
    _check_key(settings)
    check_remote(vars(settings), list(checked))
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
