"""How a store learns, over HTTP; and what a store that reconciles says became of what was posted."""

from typing import Any

import pytest

from tests.http_api.accounts import Account, note, receipts

pytestmark = pytest.mark.anyio

RECONCILING = {"reconcileApiWrites": True, "traits": "propose"}
LATER = "2026-05-11T09:30:00Z"


async def test_they_are_shown_and_replaced_as_a_whole(acme: Account, globex: Account) -> None:
    path = f"{acme.control}/LearningSettings"
    first = await acme.get(path)
    written = await acme.write("PUT", path, {"reconcileApiWrites": True, "traits": "off"})

    assert first == {"reconcileApiWrites": False, "traits": "propose", "version": 1}
    assert written.status_code == 202 and written.json()["statusUrl"]
    assert await acme.made(written) == acme.store_id
    assert await acme.get(path) == {"reconcileApiWrites": True, "traits": "off", "version": 2}
    assert await globex.get(f"{globex.control}/LearningSettings") == first
    await acme.write("PUT", path, await acme.get(path))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reconcileApiWrites"),
        ({"reconcileApiWrites": True}, "traits"),
        ({"reconcileApiWrites": "yes", "traits": "off"}, "reconcileApiWrites"),
        ({"reconcileApiWrites": True, "traits": "guess"}, "traits"),
        ({**RECONCILING, "reconcileAPIWrites": False}, "reconcileAPIWrites"),
    ],
)
async def test_what_they_are_not_is_refused(shared: Account, body: Any, field: str) -> None:
    path = f"{shared.control}/LearningSettings"
    before = await shared.get(path)

    assert field in await shared.refused("PUT", path, json=body)
    assert await shared.get(path) == before


async def test_what_is_posted_to_a_store_that_reconciles_is_answered_alike_and_told_of_in_the_header(
    acme: Account,
) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Observations"
    await acme.write("PUT", f"{acme.control}/LearningSettings", RECONCILING)
    (porto,) = await acme.observed(path.split("/")[5], "Lives in Porto.")
    new = [
        note("Moved to Lisbon.", occurredAt=LATER),
        note("Lives in Porto."),
        note("Something has changed.", occurredAt=LATER),
        note("Has two cats."),
    ]
    written = await acme.write("POST", path, {"observations": new})
    listed = (await acme.get(path))["observations"]
    told = receipts(written)

    assert written.status_code == 202 and written.json() == {"message": "Observations creation accepted"}
    assert told[:3] == [(porto, "updated"), (porto, "discarded"), ("none", "discarded")]
    assert {one["id"]: one["content"] for one in listed} == {porto: "Moved to Lisbon.", told[3][0]: "Has two cats."}
    assert told[3][1] == "added"
    revisions = (await acme.get(f"{path}/{porto}/Revisions"))["revisions"]
    assert [one["content"] for one in revisions] == ["Moved to Lisbon.", "Lives in Porto."]


async def test_what_is_posted_to_a_store_as_it_begins_is_stored_as_it_is_given(acme: Account) -> None:
    path = f"{acme.data}/Profiles/{await acme.profile()}/Observations"
    await acme.observed(path.split("/")[5], "Lives in Porto.")

    written = await acme.write("POST", path, {"observations": [note("Moved to Lisbon.", occurredAt=LATER)]})

    assert [outcome for _, outcome in receipts(written)] == ["added"]
    assert len((await acme.get(path))["observations"]) == 2
