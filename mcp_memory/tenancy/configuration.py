"""The tables of a configuration about tenants: read and checked, with the place of what is wrong.

[limits]            of every tenant that has none of its own
[backends.NAME]     where data can be: settings that stand in place of those at the top
[tenants.NAME]      a tenant, its backend, stores, limits and keys
[[issuers]]         whose tokens are believed
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from mcp_memory import rights
from mcp_memory.errors import Invalid
from mcp_memory.tenancy import keys, tenants
from mcp_memory.tenancy.hosting import Hosting
from mcp_memory.tenancy.issuers import Issuer, checked_issuer
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import Limits, Tenant

T = TypeVar("T")
Place = tuple[str | int, ...]

TABLES = ("limits", "backends", "tenants", "issuers")
_TENANT = ("backend", "stores", "limits", "shared", "suspended", "keys")
_KEY = ("id", "secret", "secret_env", "secret_sha256", "label", "store", "scopes")
_ENV = "_env"  # NAME_env = "X": the value of NAME is in the environment, under X


class Misplaced(Invalid):
    """`path`: where in the file that is."""

    def __init__(self, message: str, path: Place = ()) -> None:
        super().__init__(message, path)
        self.message, self.path = message, path

    def __str__(self) -> str:
        return self.message


def read(found: Mapping[str, Any], environ: Mapping[str, str]) -> Hosting:
    """Raises Misplaced."""
    backends = {name: _backend(name, table, environ) for name, table in _tables(found, "backends")}
    limits = _limits(found.get("limits", {}), ("limits",))
    issuers = tuple(_issuers(found))
    configured, known = {}, dict[str, Key]()
    for name, table in _tables(found, "tenants"):
        configured[name] = _tenant(name, table)
        for at, key in enumerate(_keys(name, table, environ)):
            with _at("tenants", name, "keys", at):
                if known.setdefault(key.key_id, key) is not key:
                    raise Invalid(f"there are two keys {key.key_id}.")
    _check_issuers(issuers)
    return Hosting(tenants=configured, keys=known, issuers=issuers, backends=backends, limits=limits)


def from_environment(table: Mapping[str, Any], environ: Mapping[str, str], where: Place) -> dict[str, Any]:
    """With what stands in the environment put in place of the names it has there."""
    result = {}
    for name, value in table.items():
        if not name.endswith(_ENV):
            result[name] = value
            continue
        plain = name.removesuffix(_ENV)
        if plain in table:
            raise Misplaced(f"{_dotted(where)}: {plain} and {name} are both set: leave one out.", (*where, name))
        if not isinstance(value, str) or not environ.get(value):
            raise Misplaced(
                f"{_dotted(where)}: {name} names {str(value)[:100]}, which the environment does not have.",
                (*where, name),
            )
        result[plain] = environ[value]
    return result


def _backend(name: str, table: Mapping[str, Any], environ: Mapping[str, str]) -> Mapping[str, Any]:
    if name == tenants.HERE:
        raise Misplaced(
            f"backends.{name} is what the settings at the top describe: choose another name.", ("backends", name)
        )
    with _at("backends", name):
        tenants.checked_name(name, "a backend's name")
    return from_environment(table, environ, ("backends", name))


def _tenant(name: str, table: Mapping[str, Any]) -> Tenant:
    where = ("tenants", name)
    _refuse_unknown(table, _TENANT, where)
    with _at(*where):
        tenants.checked_name(name, "a tenant's name")
    with _at(*where, "stores"):
        stores = tenants.checked_stores(table.get("stores", list(Tenant.stores)))
    return Tenant(
        name=name,
        backend=_of(table, "backend", str, tenants.HERE, where),
        stores=stores,
        limits=_limits(table.get("limits", {}), (*where, "limits")),
        shared=_of(table, "shared", bool, False, where),
        suspended=_of(table, "suspended", bool, False, where),
    )


def _keys(tenant: str, table: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Key]:
    given = table.get("keys", [])
    where = ("tenants", tenant, "keys")
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Misplaced(f"{_dotted(where)} must be a list of tables.", where)
    for at, one in enumerate(given):
        place = (*where, at)
        _refuse_unknown(one, _KEY, place)
        with _at(*place):
            key = _key(tenant, from_environment(one, environ, place), table, place)
        yield key


def _key(tenant: str, given: Mapping[str, Any], of: Mapping[str, Any], place: Place) -> Key:
    if ("secret" in given) == ("secret_sha256" in given):
        raise Invalid("a key must have one of secret_env, secret_sha256 and secret.")
    with _at(*place, "secret" if "secret" in given else "secret_sha256"):
        digest = _digest(given)
    store = given.get("store")
    if store is not None and store not in of.get("stores", Tenant.stores):
        raise Invalid(f"store must be one of the tenant's stores: {', '.join(of.get('stores', Tenant.stores))}.")
    scopes = given.get("scopes", list(rights.RIGHTS))
    if not isinstance(scopes, list):
        raise Invalid(f"scopes must be a list of {', '.join(rights.RIGHTS)}.")
    return Key(
        key_id=keys.checked_id(given.get("id"), "id"),
        tenant=tenant,
        digest=digest,
        label=keys.checked_label(given.get("label", ""), "label"),
        store=store,
        scopes=rights.checked(scopes, "scopes"),
    )


def _digest(given: Mapping[str, Any]) -> bytes:
    if "secret" in given:
        return keys.digest(keys.checked_secret(given["secret"], "the key's secret"))
    try:
        digest = bytes.fromhex(given["secret_sha256"])
    except (TypeError, ValueError):
        digest = b""
    if len(digest) != 32:
        raise Invalid("secret_sha256 must be the SHA-256 of the secret, in 64 hexadecimal digits.")
    return digest


def _limits(table: object, where: Place) -> Limits:
    if not isinstance(table, dict):
        raise Misplaced(f"{_dotted(where)} must be a table.", where)
    checked = {}
    for name, value in table.items():
        with _at(*where, name):
            checked[name] = tenants.checked_limit(name, value)
    return Limits(**checked)


def _issuers(found: Mapping[str, Any]) -> Iterator[Issuer]:
    given = found.get("issuers", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Misplaced("issuers must be tables, each begun with [[issuers]].", ("issuers",))
    urls: set[str] = set()
    for at, one in enumerate(given):
        with _at("issuers", at):
            issuer = checked_issuer(one, "issuers")
            if issuer.url in urls:
                raise Invalid(f"{issuer.url} is there twice.")
        urls.add(issuer.url)
        yield issuer


def _check_issuers(issuers: tuple[Issuer, ...]) -> None:
    """One that is bound to a tenant of the catalog is found out when its first token comes."""
    for at, one in enumerate(issuers):
        if one.tenant is not None:
            with _at("issuers", at, "tenant"):
                tenants.checked_name(one.tenant)


def _tables(found: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    given = found.get(name, {})
    if not isinstance(given, dict):
        raise Misplaced(f"{name} must be tables, each begun with [{name}.NAME].", (name,))
    for inner, table in given.items():
        if not isinstance(table, dict):
            raise Misplaced(f"{name}.{inner[:50]} must be a table, begun with [{name}.NAME].", (name, inner))
        yield inner, table


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], where: Place) -> None:
    for name in table:
        if name not in known:
            raise Misplaced(
                f"{_dotted(where)}: {name[:50]} is no setting. Settings: {', '.join(known)}.", (*where, name)
            )


def _of(table: Mapping[str, Any], name: str, kind: type[T], default: T, where: Place) -> T:
    value = table.get(name, default)
    if not isinstance(value, kind):
        raise Misplaced(
            f"{_dotted(where)}: {name} must be {'true or false' if kind is bool else 'a text'}.", (*where, name)
        )
    return value


@contextmanager
def _at(*path: str | int) -> Iterator[None]:
    try:
        yield
    except Misplaced:
        raise
    except Invalid as exc:
        raise Misplaced(f"{_dotted(path)}: {exc}", path) from exc


def _dotted(path: Place) -> str:
    return ".".join(str(one) for one in path)
