"""mcp-memory keys: what clients show. A secret is printed once, when it is made."""

from dataclasses import replace
from datetime import timedelta

from mcp_memory import rights
from mcp_memory.commands import Console, Given
from mcp_memory.commands.tenants import key_data
from mcp_memory.errors import Invalid
from mcp_memory.service import Memory
from mcp_memory.tenancy import keys
from mcp_memory.tenancy.directory import Directory
from mcp_memory.tenancy.keys import Key
from mcp_memory.views import time

DEFAULT = (rights.READ, rights.WRITE)  # what an agent needs
MAX_DAYS = 3650


async def create(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    tenant = await directory.managed_tenant(given["of_tenant"])
    store = given.get("store")
    if store is not None and store not in tenant.stores:
        raise Invalid(f"--store must be one of the stores of {tenant.name}: {', '.join(tenant.stores)}.")
    secret = directory.make_secret()
    key = Key(
        key_id=directory.make_id(keys.PREFIX),
        tenant=tenant.name,
        digest=keys.digest(secret),
        label=keys.checked_label(given.get("label", ""), "--label"),
        store=store,
        scopes=rights.checked(given.get("scope", DEFAULT), "--scope"),
        expires_at=directory.now() + _days(given["days"]) if "days" in given else None,
    )
    _show(await directory.add_key(key), secret, given, console)
    return 0


async def rotate(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    secret, grace = directory.make_secret(), timedelta(minutes=_whole(given.get("grace", "0"), "--grace", 10_080))
    key = keys.rotated(await directory.managed_key(given["key_id"]), secret, directory.now(), grace)
    await directory.put_key(key)
    _show(key, secret, given, console)
    return 0


async def revoke(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    key = await directory.managed_key(given["key_id"])
    await directory.put_key(replace(key, revoked_at=key.revoked_at or directory.now(), previous_until=None))
    console.say(f"Key {key.key_id} of tenant {key.tenant} is revoked.")
    return 0


async def list_(memory: Memory, directory: Directory, given: Given, console: Console) -> int:
    if "of_tenant" in given and await directory.tenant(given["of_tenant"]) is None:
        await directory.managed_tenant(given["of_tenant"])
    found = await directory.keys(given.get("of_tenant"))
    if "json" in given:
        console.show({"keys": [key_data(one) for one in found]})
    elif not found:
        console.say("There is no key yet: `mcp-memory keys create TENANT`.")
    for one in [] if "json" in given else found:
        console.say(_line(one))
    return 0


def _show(key: Key, secret: str, given: Given, console: Console) -> None:
    token = keys.token(key.key_id, secret)
    if "json" in given:
        console.show({**key_data(key), "secret": secret, "token": token})
        return
    reach = f"store {key.store}" if key.store else "all its stores"
    console.say(
        f"Key    {key.key_id}\nFor    {key.tenant}, {reach}, {' '.join(key.scopes)}\nToken  {token}\nSecret {secret}\n"
        "Send the token as `Authorization: Bearer`, or the key and the secret as user and password of HTTP Basic. "
        "They are shown this once."
    )


def _line(key: Key) -> str:
    state = f"until {time(key.expires_at)}" if key.expires_at else "active"
    if key.revoked_at is not None:
        state = f"revoked {time(key.revoked_at)}"
    reach = key.store or "all stores"
    return "  ".join(one for one in (key.key_id, key.tenant, reach, " ".join(key.scopes), state, key.label) if one)


def _days(value: str) -> timedelta:
    return timedelta(days=_whole(value, "--days", MAX_DAYS, least=1))


def _whole(value: str, name: str, most: int, least: int = 0) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 6 and least <= int(value) <= most):
        raise Invalid(f"{name} must be a whole number from {least} to {most}.")
    return int(value)
