"""mcp-memory store, identity, trait-groups: the rules of a store, shown and changed."""

from mcp_memory import views
from mcp_memory.commands import Console, Given, content
from mcp_memory.model import Caller, StoreChanges
from mcp_memory.service import Memory
from mcp_memory.wire import IdentitySettingsBody, TraitGroupBody


async def store(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    changes = StoreChanges(undeclared_traits=given.get("undeclared_traits"))
    console.show(views.store_data(await memory.update_store(caller, changes)))
    return 0


async def identity(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    if "set" in given:
        body = IdentitySettingsBody.read(content(given["set"]))
        settings = await memory.update_identity_settings(caller, body.settings(), body.version)
    else:
        settings = await memory.get_identity_settings(caller)
    console.show(IdentitySettingsBody.of(settings).body())
    return 0


async def trait_groups(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    if "delete" in given:
        await memory.delete_trait_group(caller, given["delete"])
    if "set" in given:
        await _set_trait_group(memory, caller, TraitGroupBody.read(content(given["set"])))
    groups = await memory.list_trait_groups(caller)
    console.show({"traitGroups": [TraitGroupBody.of(one).body() for one in groups]})
    return 0


async def _set_trait_group(memory: Memory, caller: Caller, body: TraitGroupBody) -> None:
    names = {one.display_name.lower() for one in await memory.list_trait_groups(caller)}
    if body.display_name.lower() in names:
        await memory.update_trait_group(caller, body.display_name, body.changes(), body.version)
    else:
        await memory.create_trait_group(caller, body.group())
