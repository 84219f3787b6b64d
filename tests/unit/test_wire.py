"""The published JSON, read and written."""

import json

import pytest

from mcp_memory.definitions import TraitGroup, new_group
from mcp_memory.errors import Error, Invalid
from mcp_memory.identity import DEFAULT_SETTINGS, check_settings
from mcp_memory.model import TraitDefinition, ValidationRule
from mcp_memory.wire import complaints
from mcp_memory.wire.mappings import NewDataMappingBody
from mcp_memory.wire.memories import NewObservationsBody, NewSummariesBody
from mcp_memory.wire.recall import RecallRequestBody
from mcp_memory.wire.rules import IdentitySettingsBody, NewTraitGroupBody, TraitGroupAnswer, TraitGroupBody
from mcp_memory.wire.stores import NewStoreBody

LOYALTY = TraitGroup(
    display_name="Loyalty",
    description="Who is how loyal",
    definitions=(
        TraitDefinition(group="Loyalty", name="points", data_type="NUMBER", validation_rule=ValidationRule(min=0)),
        TraitDefinition(group="Loyalty", name="tier", data_type="STRING", id_type_promotion="user_id"),
    ),
)


def test_settings_go_there_and_back() -> None:
    body = IdentitySettingsBody.of(DEFAULT_SETTINGS)

    assert IdentitySettingsBody.read(json.dumps(body.body())).settings() == DEFAULT_SETTINGS
    assert body.body()["identifierConfigs"][2] == {
        "idType": "phone",
        "matchingAlgo": "exact",
        "matchingThreshold": 75,
        "limit": 100,
        "limitPolicy": "fifo",
        "enforceUnique": True,
        "normalization": "phone",
    }


def test_a_group_goes_there_and_back() -> None:
    body = TraitGroupAnswer.of(LOYALTY, LOYALTY.definitions)

    assert TraitGroupBody.read(json.dumps(body.body())).group() == LOYALTY
    assert body.body()["traits"]["points"] == {
        "dataType": "NUMBER",
        "validationRule": {"ruleType": "NUMBER", "min": 0.0},
    }


def test_what_is_left_out_is_what_is_published() -> None:
    read = IdentitySettingsBody.read('{"identifierConfigs": [{"idType": "user_id"}], "matchingRules": ["user_id"]}')

    (config,) = read.settings().identifier_configs
    assert (config.normalization, config.limit, config.limit_policy, config.enforce_unique) == (
        "trim",
        100,
        "fifo",
        True,
    )


REQUESTS = (
    NewDataMappingBody,
    NewObservationsBody,
    NewSummariesBody,
    NewStoreBody,
    NewTraitGroupBody,
    RecallRequestBody,
)


def _patterns(schema: object) -> set[str]:
    if isinstance(schema, list):
        return {one for part in schema for one in _patterns(part)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return own | {one for part in schema.values() for one in _patterns(part)}


PATTERNS = {one for model in REQUESTS for one in _patterns(model.model_json_schema())}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{", "It is not JSON"),
        ("[]", "wrong"),
        ("{}", "identifierConfigs is required"),
        ('{"identifierConfigs": [], "matchingRules": []}', "identifierConfigs has too few: give at least 1"),
        ('{"identifierConfigs": [{"idType": 5}], "matchingRules": []}', r"identifierConfigs\[0\].idType is wrong"),
        ('{"identifierConfigs": [{"idType": "user_id", "limit": "5"}], "matchingRules": []}', "limit is wrong"),
        ('{"identifierConfigs": [{"idType": "user_id", "limit": true}], "matchingRules": []}', "limit is wrong"),
        (
            '{"identifierConfigs": [{"idType": "name", "matchingAlgo": "fuzzy"}], "matchingRules": ["name"]}',
            "fuzzy matching is not offered yet",
        ),
        (
            '{"identifierConfigs": [{"idType": "phone", "normalisation": "phone"}], "matchingRules": ["phone"]}',
            r"identifierConfigs\[0\].normalisation is unknown here",
        ),
    ],
)
def test_settings_against_the_rules_are_refused_by_name(body: str, complaint: str) -> None:
    with pytest.raises(Error, match=complaint):
        check_settings(IdentitySettingsBody.read(body).settings())


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('{"displayName": "A", "traits": {"x": {}}}', "traits.x.dataType is required"),
        ('{"displayName": "A", "traits": {"x": {"dataType": "DATE"}}}', "traits.x.dataType"),
        ('{"displayName": "A", "traits": {"x": null}}', "traits.x is wrong"),
        ('{"displayName": "A B"}', "displayName must be ASCII letters, digits, dots, dashes or underscores"),
        (
            '{"displayName": "A", "traits": {"x": {"dataType": "STRING", "validationRule": {"ruleType": "NUMBER"}}}}',
            "traits.x.validationRule.ruleType must be STRING",
        ),
        (
            '{"displayName": "A", "traits": {"x": {"dataType": "NUMBER", '
            '"validationRule": {"ruleType": "NUMBER", "min": NaN}}}}',
            "traits.x.validationRule.min is wrong",
        ),
    ],
)
def test_a_group_against_the_rules_is_refused_by_name(body: str, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        new_group(TraitGroupBody.read(body).group(), [])


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_every_published_pattern_is_told_in_words(pattern: str) -> None:
    said = complaints([{"loc": ("field",), "type": "string_pattern_mismatch", "ctx": {"pattern": pattern}, "msg": ""}])

    assert said.startswith("field must be ") and not set("^$[]{}\\") & set(said)
