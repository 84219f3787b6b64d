"""The rules of a store: identity resolution, trait groups."""

from typing import Any, Literal

from pydantic.alias_generators import to_camel

from mcp_memory.definitions import TraitGroup, TraitGroupChanges
from mcp_memory.errors import Invalid
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
from mcp_memory.wire import Wire


class IdentifierConfigBody(Wire):
    id_type: str
    matching_algo: MatchingAlgo = "exact"
    matching_threshold: int = DEFAULT_THRESHOLD
    limit: int = MAX_VALUES
    limit_policy: LimitPolicy = "fifo"
    enforce_unique: bool = True
    normalization: Normalization = "trim"


class IdentitySettingsBody(Wire):
    """`version`: that of what was read, to change nothing else."""

    identifier_configs: list[IdentifierConfigBody]
    matching_rules: list[str]
    version: int | None = None

    @classmethod
    def of(cls, settings: IdentitySettings) -> "IdentitySettingsBody":
        return cls.model_validate(
            {
                "identifierConfigs": [
                    {to_camel(name): value for name, value in vars(one).items()} for one in settings.identifier_configs
                ],
                "matchingRules": list(settings.matching_rules),
                "version": settings.version,
            }
        )

    def settings(self) -> IdentitySettings:
        return IdentitySettings(
            identifier_configs=tuple(IdentifierConfig(**one.model_dump()) for one in self.identifier_configs),
            matching_rules=tuple(self.matching_rules),
        )


class ValidationRuleBody(Wire):
    rule_type: DataType
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    min_items: int | None = None
    max_items: int | None = None


class TraitDefinitionBody(Wire):
    """An empty `data_type` removes the trait."""

    data_type: DataType | Literal[""]
    description: str | None = None
    validation_rule: ValidationRuleBody | None = None
    id_type_promotion: str | None = None


class TraitGroupBody(Wire):
    display_name: str
    description: str | None = None
    traits: dict[str, TraitDefinitionBody] = {}
    version: int | None = None

    @classmethod
    def of(cls, group: TraitGroup) -> "TraitGroupBody":
        traits = {one.name: _definition_body(one) for one in group.definitions}
        return cls.model_validate(
            {
                "displayName": group.display_name,
                "description": group.description,
                "traits": traits,
                "version": group.version,
            }
        )

    def group(self) -> TraitGroup:
        definitions = tuple(one for one in self._definitions().values() if one is not None)
        return TraitGroup(display_name=self.display_name, description=self.description, definitions=definitions)

    def changes(self) -> TraitGroupChanges:
        return TraitGroupChanges(description=self.description, definitions=self._definitions())

    def _definitions(self) -> dict[str, TraitDefinition | None]:
        return {name: _definition(self.display_name, name, one) for name, one in self.traits.items()}


def _definition(group: str, name: str, body: TraitDefinitionBody) -> TraitDefinition | None:
    if body.data_type == "":
        return None
    rule = body.validation_rule
    if rule is not None and rule.rule_type != body.data_type:
        raise Invalid(f"traits.{name}.validationRule.ruleType must be {body.data_type}, as the dataType is.")
    return TraitDefinition(
        group=group,
        name=name,
        data_type=body.data_type,
        id_type_promotion=body.id_type_promotion,
        description=body.description,
        validation_rule=None if rule is None else ValidationRule(**rule.model_dump(exclude={"rule_type"})),
    )


def _definition_body(one: TraitDefinition) -> dict[str, Any]:
    rule = one.validation_rule
    bounds = {} if rule is None else {to_camel(name): value for name, value in vars(rule).items()}
    return {
        "dataType": one.data_type,
        "description": one.description,
        "validationRule": {"ruleType": one.data_type, **bounds} if bounds else None,
        "idTypePromotion": one.id_type_promotion,
    }
