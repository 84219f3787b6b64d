"""The rules of a store as a service answers them: whoever reads them passes over what it does not know."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from mcp_memory.definitions import TraitGroup
from mcp_memory.identity import (
    DEFAULT_THRESHOLD,
    MAX_VALUES,
    IdentifierConfig,
    IdentitySettings,
    LimitPolicy,
    MatchingAlgo,
    Normalization,
)
from mcp_memory.model import DataType, TraitDefinition, ValidationRule
from mcp_memory.wire import Answer
from mcp_memory.wire.pages import Meta


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Lower = BeforeValidator(_lower)  # older documents of the service write these in capitals


class IdentifierConfigAnswer(Answer):
    id_type: str
    matching_algo: Annotated[MatchingAlgo, Lower] = "exact"
    matching_threshold: int = DEFAULT_THRESHOLD
    limit: int = MAX_VALUES
    limit_policy: Annotated[LimitPolicy, Lower] = "fifo"
    enforce_unique: bool = True
    normalization: Annotated[Normalization, Lower] = "trim"


class IdentitySettingsAnswer(Answer):
    identifier_configs: list[IdentifierConfigAnswer]
    matching_rules: list[str]
    version: int

    def settings(self) -> IdentitySettings:
        return IdentitySettings(
            identifier_configs=tuple(IdentifierConfig(**one.model_dump()) for one in self.identifier_configs),
            matching_rules=tuple(self.matching_rules),
            version=self.version,
        )


class ValidationRuleAnswer(Answer):
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    min_items: int | None = None
    max_items: int | None = None


class TraitDefinitionAnswer(Answer):
    data_type: DataType
    description: str | None = None
    validation_rule: ValidationRuleAnswer | None = None
    id_type_promotion: str | None = None


class TraitGroupAnswer(Answer):
    display_name: str
    description: str | None = None
    traits: dict[str, TraitDefinitionAnswer] | None = None
    version: int

    def group(self) -> TraitGroup:
        return TraitGroup(
            display_name=self.display_name,
            description=self.description,
            definitions=tuple(self._definition(name, one) for name, one in sorted((self.traits or {}).items())),
            version=self.version,
        )

    def _definition(self, name: str, one: TraitDefinitionAnswer) -> TraitDefinition:
        rule: dict[str, Any] = {} if one.validation_rule is None else one.validation_rule.model_dump(exclude_none=True)
        return TraitDefinition(
            group=self.display_name,
            name=name,
            data_type=one.data_type,
            id_type_promotion=one.id_type_promotion,
            description=one.description,
            validation_rule=ValidationRule(**rule) if rule else None,
        )


class FetchedTraitGroupAnswer(Answer):
    trait_group: TraitGroupAnswer
    meta: Meta = Meta()


class TraitGroupsAnswer(Answer):
    trait_groups: list[TraitGroupAnswer] = []
    meta: Meta = Meta()
