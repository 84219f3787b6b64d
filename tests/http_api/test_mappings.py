"""Data mappings."""

from typing import Any

import pytest

from tests.http_api.accounts import Account

pytestmark = pytest.mark.anyio

TO = {"type": "TRAITS", "mappings": [{"expression": "name", "traitGroup": "Contact", "traitName": "firstName"}]}
COLUMNS = {"type": "INGRESS", "columns": ["name", "mail"]}
NEW = {"displayName": "Shop.export-1", "mappingFrom": COLUMNS, "mappingTo": TO}
DATASET = "tdi_dataset_01kammq7gwf5sb8d9r2hkjx3e4"


async def test_a_mapping_is_made_shown_changed_and_removed(acme: Account) -> None:
    path = f"{acme.control}/DataMappings"
    mapping_id = await acme.made(await acme.write("POST", path, {**NEW, "description": "d"}))
    shown = await acme.get(f"{path}/{mapping_id}")

    assert shown == {
        **NEW,
        "id": mapping_id,
        "description": "d",
        "isEnabled": True,
        "version": 1,
        "createdAt": shown["createdAt"],
        "updatedAt": shown["createdAt"],
    }
    listed = await acme.get(path)
    assert listed["dataMappings"] == [shown] and listed["meta"]["key"] == "dataMappings"

    mail = {"expression": "mail", "traitGroup": "Contact", "traitName": "email"}
    changes = {"isEnabled": False, "mappingTo": {"type": "TRAITS", "mappings": [mail]}}
    await acme.write("PATCH", f"{path}/{mapping_id}", changes)
    after = await acme.get(f"{path}/{mapping_id}")
    assert after["mappingTo"]["mappings"] == [mail] and after["isEnabled"] is False and after["version"] == 2

    await acme.write("DELETE", f"{path}/{mapping_id}")
    assert (await acme.ask("GET", f"{path}/{mapping_id}", 404)).json()["code"] == 520048
    assert (await acme.ask("DELETE", f"{path}/{mapping_id}", 404)).json()["code"] == 520048


@pytest.mark.parametrize("kind", ["DATASET_CLOUDAPP", "DATASET_WAREHOUSE"])
async def test_data_sets_are_refused_by_name(acme: Account, kind: str) -> None:
    path = f"{acme.control}/DataMappings"
    body = {**NEW, "mappingFrom": {"type": kind, "datasetId": DATASET}}

    said = await acme.refused("POST", path, json=body)
    assert kind in said and "INGRESS" in said
    assert (await acme.get(path, type=kind))["dataMappings"] == []


async def test_a_list_may_be_of_one_kind(acme: Account) -> None:
    path = f"{acme.control}/DataMappings"
    await acme.write("POST", path, NEW)

    assert len((await acme.get(path, type="INGRESS"))["dataMappings"]) == 1
    assert "type" in await acme.refused("GET", path, params={"type": "FILE"})


async def test_two_mappings_have_no_name_in_common(acme: Account) -> None:
    path = f"{acme.control}/DataMappings"
    await acme.write("POST", path, NEW)

    assert "displayName" in await acme.refused("POST", path, 409, json=NEW)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"displayName": "1st"}, "displayName"),
        ({"displayName": "x" * 65}, "displayName"),
        ({"description": ""}, "description"),
        ({"description": "d" * 513}, "description"),
        ({"isEnabled": "yes"}, "isEnabled"),
        ({"mappingFrom": {"type": "FILE"}}, "mappingFrom"),
        ({"mappingFrom": {"columns": ["name"]}}, "mappingFrom"),
        ({"mappingFrom": {"type": "INGRESS", "columns": []}}, "mappingFrom"),
        ({"mappingFrom": {"type": "INGRESS", "columns": ["x"] * 101}}, "mappingFrom"),
        ({"mappingFrom": {"type": "INGRESS", "columns": ["x" * 257]}}, "columns[0]"),
        ({"mappingFrom": {"type": "INGRESS", "columns": ["name", "name"]}}, "mappingFrom.columns"),
        ({"mappingFrom": {**COLUMNS, "more": 1}}, "more"),
        ({"mappingFrom": {"type": "DATASET_CLOUDAPP", "datasetId": "mine"}}, "datasetId"),
        ({"mappingTo": {"type": "TRAITS", "mappings": []}}, "mappingTo.mappings"),
        ({"mappingTo": {"type": "TRAITS", "mappings": TO["mappings"], "more": 1}}, "mappingTo.more"),
        ({"mappingTo": {"type": "TRAITS", "mappings": [{**TO["mappings"][0], "expression": "zip"}]}}, "expression"),  # type: ignore[dict-item]
        ({"mappingTo": None}, "mappingTo"),
    ],
)
async def test_a_mapping_that_breaks_a_rule_is_refused_by_the_name_of_the_field(
    shared: Account, change: Any, field: str
) -> None:
    assert field in await shared.refused("POST", f"{shared.control}/DataMappings", json={**NEW, **change})


async def test_unknown_fields_of_a_mapping_are_passed_over(acme: Account) -> None:
    await acme.write("POST", f"{acme.control}/DataMappings", {**NEW, "more": 1})
