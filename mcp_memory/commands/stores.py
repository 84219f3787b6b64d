"""mcp-memory store, stores, identity, trait-groups: the rules of a store, shown and changed."""

from collections.abc import Sequence
from dataclasses import replace

from mcp_memory import definitions, records
from mcp_memory.commands import Console, Given, content
from mcp_memory.definitions import TraitGroup
from mcp_memory.edits import StoreChanges
from mcp_memory.errors import Invalid
from mcp_memory.identity import IdentitySettings
from mcp_memory.model import Caller
from mcp_memory.service import Memory
from mcp_memory.wire import WireT
from mcp_memory.wire.rules import IdentitySettingsBody, LearningSettingsBody, TraitGroupAnswer, TraitGroupBody


async def store(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    changes = StoreChanges(undeclared_traits=given.get("undeclared_traits"))
    if "embed" in given:
        await _embed(memory, caller, console)
    console.show(records.store_data(await memory.update_store(caller, changes)))
    return 0


async def identity(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    if "set" in given:
        body = _read(IdentitySettingsBody, given["set"])
        settings = await memory.update_identity_settings(caller, body.settings(), body.version)
    else:
        settings = await memory.get_identity_settings(caller)
    console.show(IdentitySettingsBody.of(settings).body())
    return 0


async def learning(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    settings = await memory.get_learning_settings(caller)
    wanted = {name: given[name] for name in ("reconcile_api_writes", "traits") if name in given}
    if "reconcile_api_writes" in wanted:
        wanted["reconcile_api_writes"] = wanted["reconcile_api_writes"] == "on"
    if wanted:
        settings = await memory.update_learning_settings(caller, replace(settings, **wanted), settings.version)
    console.show(LearningSettingsBody.of(settings).body())
    return 0


async def trait_groups(memory: Memory, caller: Caller, given: Given, console: Console) -> int:
    if "delete" in given:
        await memory.delete_trait_group(caller, given["delete"])
    if "set" in given:
        await _set_trait_group(memory, caller, _read(TraitGroupBody, given["set"]))
    groups = await memory.list_trait_groups(caller)
    _warn_of_types_that_are_not_there(groups, await memory.get_identity_settings(caller), console)
    console.show({"traitGroups": [TraitGroupAnswer.of(one, one.definitions).body() for one in groups]})
    return 0


async def _embed(memory: Memory, caller: Caller, console: Console) -> None:
    """Can be broken off: what is done is done."""
    if damaged := await memory.mend(caller):
        console.tell(f"{damaged} items have damaged vectors")
    total, done = (await memory.get_store(caller)).unembedded_count, 0
    while made := await memory.reembed(caller):
        done += made
        console.tell(f"{done} of {max(total, done)} items")


def _read(body: type[WireT], path: str) -> WireT:
    try:
        return body.read(content(path))
    except Invalid as exc:
        raise Invalid(f"{path}: {exc}") from exc


def _warn_of_types_that_are_not_there(
    groups: Sequence[TraitGroup], settings: IdentitySettings, console: Console
) -> None:
    for group in groups:
        for one in group.definitions:
            if one.id_type_promotion and settings.config(one.id_type_promotion) is None:
                console.tell(
                    f"{group.display_name}.{one.name} identifies nobody yet: {one.id_type_promotion} is no id_type of "
                    "this store. `mcp-memory identity` shows those there are, --set adds one."
                )


async def _set_trait_group(memory: Memory, caller: Caller, body: TraitGroupBody) -> None:
    if definitions.find(await memory.list_trait_groups(caller), body.display_name):
        await memory.update_trait_group(caller, body.display_name, body.changes(), body.version)
    else:
        await memory.create_trait_group(caller, body.group())
