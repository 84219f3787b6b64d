"""mcp-memory tenants: who is served here, where their data is, and how much they may ask and keep."""

from collections.abc import Sequence
from dataclasses import replace

from mcp_memory.commands import Console, Given
from mcp_memory.errors import Conflict, Invalid
from mcp_memory.listing import PageQuery
from mcp_memory.model import MAX_PAGE, Caller
from mcp_memory.service import Memory
from mcp_memory.tenancy import tenants
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tenancy.keys import Key
from mcp_memory.tenancy.tenants import HERE, LIMIT_NAMES, Limits, Tenant
from mcp_memory.views import time


async def add(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    """Refuses a name that data is there for, so that nobody inherits what was somebody else's unseen. Until that is
    known nobody is let in."""
    new = Tenant(
        name=tenants.checked_name(given["name"]),
        backend=given.get("in_backend", HERE),
        stores=tenants.checked_stores(given.get("store", list(Tenant.stores)), "--store"),
        limits=_limits(given.get("limit", ())),
        shared="shared" in given,
    )
    await directory.add_tenant(replace(new, suspended=True))
    if "adopt" not in given and await _store_ids(memory, directory, new):
        await directory.remove_tenant(new.name)
        raise Conflict(
            f"There are stores of {new.name} already, from another time: --adopt makes them this tenant's, another "
            "name leaves them alone."
        )
    console.show(shown(await directory.suspend_tenant(new.name, False)))
    return 0


async def list_(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    found = await directory.tenants()
    if "json" in given:
        console.show({"tenants": [shown(one) for one in found]})
    elif not found:
        console.say("There is no tenant yet: `mcp-memory tenants add NAME`.")
    else:
        console.say("\n".join(_line(one) for one in found))
    return 0


async def show(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    tenant = await _known(directory, given["name"])
    held = await directory.keys(tenant.name)
    stores = await _store_ids(memory, directory, tenant)
    console.show({**shown(tenant), "keys": [key_data(one) for one in held], "storeIds": stores})
    return 0


async def change(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    before = await directory.managed_tenant(given["name"])
    stores = tenants.checked_stores(given.get("store", list(before.stores)), "--store")
    held = await directory.keys(before.name)
    narrowed = [one for one in held if one.store not in (None, *stores) and not one.revoked_at]
    if narrowed:
        raise Conflict(f"Key {narrowed[0].key_id} is for the store {narrowed[0].store}: revoke it first.")
    after = replace(before, stores=stores, limits=_limits(given.get("limit", ()), before.limits))
    await directory.put_tenant(after)
    console.show(shown(after))
    return 0


async def suspend(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    console.show(shown(await directory.suspend_tenant(given["name"], True)))
    return 0


async def resume(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    console.show(shown(await directory.suspend_tenant(given["name"], False)))
    return 0


async def remove(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    """Its keys hold no longer from the first step on; the data goes last, so nobody writes what is being deleted."""
    tenant = await directory.managed_tenant(given["name"])
    stores = await _store_ids(memory, directory, tenant)
    if stores and "delete_data" not in given:
        raise Conflict(
            f"{tenant.name} has {len(stores)} stores: --delete-data deletes them for good, `tenants suspend` only "
            "turns it away."
        )
    await directory.suspend_tenant(tenant.name, True)
    if tenant.backend not in directory.hosting.accounts:
        await memory.delete_tenant(Caller(tenant=tenant.name))
    await directory.remove_tenant(tenant.name)
    console.say(f"Tenant {tenant.name} is gone, with its keys and {len(stores)} stores.")
    return 0


async def callback_secret(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    """Of the one that there is, where none is named."""
    name = given.get("name", directory.hosting.sole)
    if name is None:
        raise Invalid("Name the tenant: `mcp-memory tenants list` shows those there are.")
    tenant = await _known(directory, name)
    secret = await memory.callback_secret(Caller(tenant=tenant.name), rotate="rotate" in given)
    if "json" in given:
        console.show({"tenant": tenant.name, "callbackSecret": secret})
    else:
        console.say(secret)
    return 0


def shown(tenant: Tenant) -> dict[str, object]:
    return {
        "name": tenant.name,
        "backend": tenant.backend,
        "stores": list(tenant.stores),
        "limits": {name: value for name, value in vars(tenant.limits).items() if value is not None},
        "shared": tenant.shared,
        "suspended": tenant.suspended,
        "createdAt": None if tenant.created_at is None else time(tenant.created_at),
    }


def key_data(key: Key) -> dict[str, object]:
    """All but what could be tried against the secret."""
    times = {"createdAt": key.created_at, "expiresAt": key.expires_at, "revokedAt": key.revoked_at}
    return {
        "keyId": key.key_id,
        "tenant": key.tenant,
        "label": key.label,
        "store": key.store,
        "scopes": list(key.scopes),
        **{name: None if at is None else time(at) for name, at in times.items()},
    }


def _line(tenant: Tenant) -> str:
    state = "suspended" if tenant.suspended else "configured" if tenant.created_at is None else "active"
    return f"{tenant.name}  {state}  backend {tenant.backend}  stores {', '.join(tenant.stores)}"


async def _known(directory: Directory, name: str) -> Tenant:
    return await directory.tenant(name) or await directory.managed_tenant(name)


async def _store_ids(memory: Memory, directory: Directory, tenant: Tenant) -> list[str]:
    """Of what is kept here: those of a managed service are the service's own."""
    if tenant.backend in directory.hosting.accounts:
        return []
    return [*(await memory.list_stores(Caller(tenant=tenant.name), PageQuery(limit=MAX_PAGE))).items]


def _limits(given: Sequence[str], before: Limits = tenants.NO_LIMITS) -> Limits:
    """Each as NAME=NUMBER, or NAME=none for no limit."""
    changed = dict(vars(before))
    for one in given:
        name, _, value = one.partition("=")
        if name not in LIMIT_NAMES:
            raise Invalid(f"--limit {name[:50]}: choose one of {', '.join(LIMIT_NAMES)}, as NAME=NUMBER.")
        changed[name] = None if value == "none" else tenants.checked_limit(name, int(value) if value.isdecimal() else 0)
    return Limits(**changed)
