"""What identifies a profile."""

from typing import Any

import pytest

from tests.http_api.accounts import PHONE, Account

pytestmark = pytest.mark.anyio

ANN = "ann@example.com"


async def test_identifiers_are_added_listed_replaced_and_removed(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Identifiers"
    added = await acme.write("POST", path, {"idType": "email", "value": " Ann@Example.COM "})

    assert added.json() == {"message": "Identifier accepted for processing."}
    listed = (await acme.get(path))["identifiers"]
    assert sorted(listed, key=lambda one: str(one["idType"])) == [
        {"idType": "email", "values": [ANN]},
        {"idType": "phone", "values": [PHONE]},
    ]

    body = {"idType": "email", "oldValue": ANN, "newValue": "a@example.org"}
    assert "update accepted" in (await acme.write("PATCH", f"{path}/email", body)).json()["message"]
    assert await acme.get(f"{path}/email") == {"idType": "email", "values": ["a@example.org"]}

    await acme.write("DELETE", f"{path}/email")
    await acme.refused("GET", f"{path}/email", 404)
    await acme.refused("DELETE", f"{path}/email", 404)


async def test_removing_takes_one_value_unless_all_are_meant(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Identifiers"
    for at in range(3):
        await acme.write("POST", path, {"idType": "email", "value": f"a{at}@example.com"})
    await acme.write("DELETE", f"{path}/email")
    assert (await acme.get(f"{path}/email"))["values"] == ["a1@example.com", "a2@example.com"]

    await acme.write("DELETE", f"{path}/email?removeAll=true")
    await acme.refused("GET", f"{path}/email", 404)
    assert "removeAll" in await acme.refused("DELETE", f"{path}/phone?removeAll=perhaps")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"idType": "email", "oldValue": "nobody@example.com", "newValue": "b@example.com"}, 404, ""),
        ({"idType": "email", "oldValue": ANN, "newValue": "second@example.com"}, 409, ""),
        ({"idType": "phone", "oldValue": ANN, "newValue": PHONE}, 400, "idType"),
        ({"idType": "email", "oldValue": ANN}, 400, "newValue"),
        ({"idType": "email", "newValue": ANN}, 400, "oldValue"),
        ({"oldValue": ANN, "newValue": ANN}, 400, "idType"),
        ({"idType": "email", "oldValue": ANN, "newValue": "x" * 256}, 400, "newValue"),
        ({"idType": "email", "oldValue": ANN, "newValue": "no mail"}, 400, ""),
        ({"idType": "email", "oldValue": ANN, "newValue": "b@example.com", "more": 1}, 400, "more"),
    ],
)
async def test_a_replacement_that_cannot_be_is_refused(shared: Account, body: Any, status: int, field: str) -> None:
    path = f"{shared.data}/Profiles/{await shared.profile()}/Identifiers"
    for value in (ANN, "second@example.com"):
        await shared.write("POST", path, {"idType": "email", "value": value})

    said = await shared.refused("PATCH", f"{path}/email", status, json=body)
    assert field in said and "second@" not in said
    assert (await shared.get(f"{path}/email"))["values"] == [ANN, "second@example.com"]


async def test_a_value_of_somebody_else_joins_both(acme: Account) -> None:
    first, second = await acme.profile(), await acme.profile("+13175550199")
    path = f"{acme.data}/Profiles"
    added = await acme.write("POST", f"{path}/{second}/Identifiers", {"idType": "phone", "value": PHONE})

    assert added.headers["memory-profile-id"] == first
    assert set((await acme.get(f"{path}/{first}/Identifiers/phone"))["values"]) == {PHONE, "+13175550199"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"value": PHONE}, "idType"),
        ({"idType": "phone"}, "value"),
        ({"idType": "p", "value": PHONE}, "idType"),
        ({"idType": "p" * 31, "value": PHONE}, "idType"),
        ({"idType": "phone", "value": "9" * 256}, "value"),
        ({"idType": "phone", "value": ""}, ""),
        ({"idType": "phone", "value": None}, "value"),
        ({"idType": "phone", "value": 13175550142}, "value"),
        ({"idType": "nothing", "value": PHONE}, ""),
        ({"idType": "phone", "value": PHONE, "more": 1}, "more"),
    ],
)
async def test_an_identifier_that_breaks_a_rule_is_refused(shared: Account, body: Any, field: str) -> None:
    path = f"{shared.data}/Profiles"

    assert field in await shared.refused("POST", f"{path}/Lookup", json=body)
    assert field in await shared.refused("POST", f"{path}/{await shared.profile()}/Identifiers", json=body)


async def test_a_lookup_normalises_and_finds_or_finds_nobody(acme: Account) -> None:
    profile_id = await acme.profile()
    path = f"{acme.data}/Profiles/Lookup"
    found = await acme.ask("POST", path, json={"idType": "phone", "value": "1-317-555-0142"})
    whatsapp = await acme.ask("POST", path, json={"idType": "phone", "value": f"whatsapp:{PHONE}"})
    nobody = await acme.ask("POST", path, json={"idType": "email", "value": " NOBODY@example.com"})

    assert found.json() == whatsapp.json() == {"normalizedValue": PHONE, "profiles": [profile_id]}
    assert nobody.json() == {"normalizedValue": "nobody@example.com", "profiles": []}


async def test_a_lookup_finds_the_profile_that_another_is_part_of(acme: Account) -> None:
    live, _ = await acme.merged()
    body = {"idType": "email", "value": ANN}

    assert (await acme.ask("POST", f"{acme.data}/Profiles/Lookup", json=body)).json()["profiles"] == [live]
