"""The rules of a store: identity resolution, trait groups, how it learns."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.alias_generators import to_camel

from mcp_memory.definitions import MAX_DESCRIPTION, TraitGroup, TraitGroupChanges
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
from mcp_memory.learning_settings import LearningSettings, Traits
from mcp_memory.model import DataType, TraitDefinition, ValidationRule
from mcp_memory.traits import MAX_NAME, MAX_TRAITS
from mcp_memory.wire import Answer, Open, Text, Wire
from mcp_memory.wire.pages import Meta

MAX_RULES = 15  # published, of types and of rules


class IdentifierConfigBody(Wire):
    id_type: Annotated[str, Field(min_length=2, max_length=30)]
    matching_algo: MatchingAlgo = "exact"
    matching_threshold: Annotated[int, Field(ge=50, le=99)] = DEFAULT_THRESHOLD
    limit: Annotated[int, Field(ge=1, le=MAX_VALUES)] = MAX_VALUES
    limit_policy: LimitPolicy = "fifo"
    enforce_unique: bool = True
    normalization: Normalization = "trim"


class IdentitySettingsBody(Open):
    """`version`: that of what was read, to change nothing else."""

    identifier_configs: Annotated[list[IdentifierConfigBody], Field(min_length=1, max_length=MAX_RULES)]
    matching_rules: Annotated[list[Annotated[str, Field(max_length=30)]], Field(min_length=1, max_length=MAX_RULES)]
    version: Annotated[int, Field(ge=1)] | None = None

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


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_Lower = BeforeValidator(_lower)  # older documents of the managed service have these in capitals


class IdentifierConfigAnswer(Answer):
    id_type: str
    matching_algo: Annotated[MatchingAlgo, _Lower] = "exact"
    matching_threshold: int = DEFAULT_THRESHOLD
    limit: int = MAX_VALUES
    limit_policy: Annotated[LimitPolicy, _Lower] = "fifo"
    enforce_unique: bool = True
    normalization: Annotated[Normalization, _Lower] = "trim"


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


class LearningSettingsBody(Wire):
    """`version`: that of what was read, to change nothing else."""

    reconcile_api_writes: bool
    traits: Traits
    version: Annotated[int, Field(ge=1)] | None = None

    @classmethod
    def of(cls, settings: LearningSettings) -> "LearningSettingsBody":
        return cls.model_validate({to_camel(name): value for name, value in vars(settings).items()})

    def settings(self) -> LearningSettings:
        return LearningSettings(reconcile_api_writes=self.reconcile_api_writes, traits=self.traits)


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
    """An empty `dataType` removes the trait."""

    data_type: DataType | Literal[""]
    description: Annotated[Text, Field(max_length=MAX_DESCRIPTION)] | None = None
    validation_rule: ValidationRuleBody | None = None
    id_type_promotion: Annotated[str, Field(max_length=30)] | None = None


Definitions = Annotated[dict[str, TraitDefinitionBody], Field(max_length=MAX_TRAITS)]
Description = Annotated[Text, Field(max_length=MAX_DESCRIPTION)]


class TraitGroupChangesBody(Wire):
    """What is left out stays."""

    description: Description | None = None
    traits: Definitions = {}

    def changes(self, display_name: str) -> TraitGroupChanges:
        return TraitGroupChanges(description=self.description, definitions=definitions(display_name, self.traits))


class NewTraitGroupBody(Wire):
    display_name: Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=r"^[a-zA-Z0-9_\-\.]+$")]
    description: Description | None = None
    traits: Definitions = {}

    def group(self) -> TraitGroup:
        given = definitions(self.display_name, self.traits).values()
        return TraitGroup(
            display_name=self.display_name,
            description=self.description,
            definitions=tuple(one for one in given if one is not None),
        )


class TraitGroupBody(NewTraitGroupBody):
    """As it was shown, so that what is shown can be given back."""

    version: int | None = None

    def changes(self) -> TraitGroupChanges:
        return TraitGroupChanges(description=self.description, definitions=definitions(self.display_name, self.traits))


class ValidationRuleAnswer(Answer):
    rule_type: DataType
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

    @classmethod
    def of(cls, one: TraitDefinition) -> "TraitDefinitionAnswer":
        rule = one.validation_rule
        bounds = {} if rule is None else {name: value for name, value in vars(rule).items() if value is not None}
        return cls(
            data_type=one.data_type,
            description=one.description,
            validation_rule=ValidationRuleAnswer(rule_type=one.data_type, **bounds) if bounds else None,
            id_type_promotion=one.id_type_promotion,
        )

    def definition(self, group: str, name: str) -> TraitDefinition:
        rule = self.validation_rule
        return TraitDefinition(
            group=group,
            name=name,
            data_type=self.data_type,
            id_type_promotion=self.id_type_promotion,
            description=self.description,
            validation_rule=None if rule is None else ValidationRule(**rule.model_dump(exclude={"rule_type"})),
        )


class TraitGroupAnswer(Answer):
    """`traits` are left out where they were not asked for."""

    display_name: str
    description: str | None = None
    traits: dict[str, TraitDefinitionAnswer] | None = None
    version: int = 1

    @classmethod
    def of(cls, group: TraitGroup, shown: Iterable[TraitDefinition] | None) -> "TraitGroupAnswer":
        return cls(
            display_name=group.display_name,
            description=group.description,
            traits=None if shown is None else {one.name: TraitDefinitionAnswer.of(one) for one in shown},
            version=group.version,
        )

    def group(self) -> TraitGroup:
        traits = self.traits or {}
        return TraitGroup(
            display_name=self.display_name,
            description=self.description,
            definitions=tuple(one.definition(self.display_name, name) for name, one in traits.items()),
            version=self.version,
        )


class TraitGroupsBody(Answer):
    trait_groups: list[TraitGroupAnswer] = []
    meta: Meta = Meta()


class TraitGroupFetchedBody(Answer):
    trait_group: TraitGroupAnswer
    meta: Meta = Meta()


def definitions(group: str, traits: Mapping[str, TraitDefinitionBody]) -> dict[str, TraitDefinition | None]:
    """By name; None removes one."""
    return {name: _definition(group, name, one) for name, one in traits.items()}


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
