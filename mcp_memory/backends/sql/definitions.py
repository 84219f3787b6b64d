"""The rules of a store, inside a transaction: by what people are matched, which traits there are, how it learns."""

from collections.abc import Sequence
from dataclasses import replace

from mcp_memory import definitions, identity, mappings
from mcp_memory.backends.sql import identifiers
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.stores import check_version
from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.errors import Conflict, NotFound
from mcp_memory.identity import IdentitySettings
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.model import TraitDefinition


def update_settings(tx: Transaction, new: IdentitySettings, if_version: int | None) -> IdentitySettings:
    old = tx.identity_settings(lock=True)
    check_version(old.version, if_version)
    identity.check_settings(new)
    identity.check_change(old, new, tx.count_identifiers)
    stored = replace(new, version=old.version + 1)
    tx.put_identity_settings(stored)
    identifiers.settle_all(tx, stored)
    return stored


def update_learning(tx: Transaction, new: LearningSettings, if_version: int | None) -> LearningSettings:
    old = tx.learning_settings(lock=True)
    check_version(old.version, if_version)
    stored = replace(new, version=old.version + 1)
    tx.put_learning_settings(stored)
    return stored


def get_group(tx: Transaction, name: str) -> TraitGroup:
    group = definitions.find(tx.trait_groups(), name)
    if group is None:
        raise NotFound("There is no such trait group in this store.")
    return group


def create_group(tx: Transaction, given: TraitGroup) -> TraitGroup:
    tx.definitions(lock=True)
    group = definitions.new_group(given, tx.trait_groups())
    tx.put_trait_group(group)
    return group


def update_group(tx: Transaction, name: str, changes: TraitGroupChanges, if_version: int | None) -> TraitGroup:
    tx.definitions(lock=True)
    before = get_group(tx, name)
    check_version(before.version, if_version)
    after = definitions.changed_group(before, changes)
    for trait in definitions.retyped(before, after):
        if tx.has_values(before.display_name, trait):
            raise Conflict(
                f"{before.display_name}.{trait} has values, so its data_type can't change: declare another trait."
            )
    tx.put_trait_group(after)
    _forget(tx, [one for one in before.definitions if after.definition(one.name) is None])
    return after


def delete_group(tx: Transaction, name: str) -> None:
    tx.definitions(lock=True)
    group = get_group(tx, name)
    definitions.check_removable(group.display_name)
    mapping = next((one for one in tx.data_mappings() if mappings.speaks_of(one, group.display_name)), None)
    if mapping is not None:
        raise Conflict(f"The data mapping {mapping.display_name} speaks of the group: change or delete that first.")
    tx.remove_trait_group(group.display_name)
    _forget(tx, group.definitions)


def _forget(tx: Transaction, removed: Sequence[TraitDefinition]) -> None:
    left = tx.definitions()
    for one in removed:
        heirs = [
            (other.group, other.name)
            for other in left
            if other.id_type_promotion and other.id_type_promotion == one.id_type_promotion
        ]
        tx.forget_trait(one.group, one.name, heirs)
    identifiers.settle_all(tx, tx.identity_settings())
