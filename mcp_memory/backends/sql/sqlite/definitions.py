"""Trait groups and their definitions, and how the store learns."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from mcp_memory.backends.sql.database import Trait
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.definitions import TraitGroup
from mcp_memory.learning_settings import DEFAULT, LearningSettings
from mcp_memory.model import TraitDefinition, ValidationRule


class SqliteDefinitions(Rows):
    def definitions(self, lock: bool = False) -> list[TraitDefinition]:
        return [_definition(row) for row in self._rows("definitions")]

    def declare(self, definitions: Iterable[TraitDefinition]) -> None:
        for one in definitions:
            self._rows("add_trait_group", name=one.group)
            self._put("declare", one)

    def trait_groups(self) -> list[TraitGroup]:
        definitions = self.definitions()
        return [
            TraitGroup(
                display_name=name,
                description=description,
                version=version,
                definitions=tuple(one for one in definitions if one.group == name),
            )
            for name, description, version in self._rows("trait_groups")
        ]

    def put_trait_group(self, group: TraitGroup) -> None:
        self._rows("put_trait_group", name=group.display_name, description=group.description, version=group.version)
        self._rows("remove_definitions", group=group.display_name)
        for one in group.definitions:
            self._put("declare", one)

    def remove_trait_group(self, name: str) -> None:
        self._rows("remove_definitions", group=name)
        self._rows("remove_trait_group", name=name)

    def has_values(self, group: str, name: str) -> bool:
        return bool(self._rows("has_values", group=group, name=name)[0][0])

    def forget_trait(self, group: str, name: str, heirs: Iterable[Trait]) -> None:
        self._rows("forget_values", group=group, name=name)
        self._rows("forget_trait_revisions", group=group, name=name)
        for heir_group, heir_name in heirs:
            self._rows("inherit_identifiers", group=group, name=name, heir_group=heir_group, heir_name=heir_name)
        self._rows("forget_identifiers", group=group, name=name)

    def learning_settings(self, lock: bool = False) -> LearningSettings:
        rows = self._rows("learning_settings")
        if not rows:
            return DEFAULT
        version, reconcile_api_writes, traits = rows[0]
        return LearningSettings(reconcile_api_writes=bool(reconcile_api_writes), traits=traits, version=version)

    def put_learning_settings(self, new: LearningSettings) -> None:
        self._rows("put_learning_settings", **asdict(new))

    def _put(self, query: str, one: TraitDefinition) -> None:
        self._rows(
            query,
            group=one.group,
            name=one.name,
            data_type=one.data_type,
            id_type_promotion=one.id_type_promotion,
            description=one.description,
            validation_rule=json.dumps(asdict(one.validation_rule)) if one.validation_rule else None,
        )


def _definition(row: Row) -> TraitDefinition:
    group, name, data_type, promotion, description, rule = row
    return TraitDefinition(
        group=group,
        name=name,
        data_type=data_type,
        id_type_promotion=promotion,
        description=description,
        validation_rule=None if rule is None else ValidationRule(**json.loads(rule)),
    )
