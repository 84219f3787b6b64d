"""Lists in pages: nothing lost, nothing doubled, whatever arrives meanwhile; and tokens that only one list takes."""

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from mcp_memory import app as wiring
from mcp_memory.http.api.app import build_api
from mcp_memory.http.api.route import Front
from mcp_memory.http.auth.authenticator import Authenticator
from mcp_memory.service import Memory
from tests.doors import guarded
from tests.http_api.accounts import Account, Json, note, recap
from tests.http_api.conftest import Open
from tests.http_api.talks import CONFIGURATIONS, CONVERSATIONS, begun, customer, said, settings
from tests.http_api.talks import at as within

pytestmark = pytest.mark.anyio

INGRESS = {"type": "INGRESS", "columns": ["a"]}
TO = {"type": "TRAITS", "mappings": [{"expression": "a", "traitGroup": "Contact", "traitName": "city"}]}
COLUMNS = [{"columnName": name, "traitGroup": "Contact", "traitName": name} for name in ("phone", "city")]


class Lists:
    """Each list of an account: where it is, how another item gets in, by what an item is known."""

    def __init__(self, account: Account) -> None:
        self.account, self.profile_id, self.observation_id, self._count = account, "", "", 0
        self.talk: Json = {}

    async def begin(self) -> None:
        self.profile_id = await self.account.profile()
        (self.observation_id,) = await self.account.observed(self.profile_id, "Is the first")
        self.talk = await begun(self.account)

    async def add(self, key: str) -> None:
        self._count += 1
        at, account = self._count, self.account
        data, control = f"{account.data}/Profiles", account.control
        profile = f"{data}/{self.profile_id}"
        new: dict[str, tuple[str, str, Any]] = {
            "stores": ("POST", "/v1/ControlPlane/Stores", {"displayName": f"store-{at}"}),
            "traitGroups": ("POST", f"{control}/TraitGroups", {"displayName": f"Group{at:03}"}),
            "traits": ("PATCH", f"{control}/TraitGroups/Contact", {"traits": {f"more{at:03}": {"dataType": "STRING"}}}),
            "dataMappings": (
                *("POST", f"{control}/DataMappings"),
                {"displayName": f"Map{at}", "mappingFrom": INGRESS, "mappingTo": TO},
            ),
            "profiles": ("POST", data, {"traits": {"Contact": {"email": f"a{at}@example.com"}}}),
            "imports": (
                *("POST", f"{data}/Imports"),
                {"filename": f"{at}.csv", "fileSize": 10, "columnMappings": COLUMNS},
            ),
            "observations": ("POST", f"{profile}/Observations", {"observations": [note(f"Number {at}")]}),
            "summaries": ("POST", f"{profile}/ConversationSummaries", {"summaries": [recap(f"Number {at}")]}),
            "revisions": ("PATCH", f"{profile}/Observations/{self.observation_id}", {"content": f"Number {at}"}),
            "configurations": ("POST", CONFIGURATIONS, settings(account, displayName=f"Number {at}")),
            "conversations": (
                *("POST", CONVERSATIONS),
                {"configurationId": self.talk["configurationId"], "participants": [customer(f"+131755502{at:02}")]},
            ),
            "participants": ("POST", within(self.talk, "Participants"), customer(f"+131755503{at:02}")),
            "communications": ("POST", within(self.talk, "Communications"), said(f"Number {at}")),
        }
        method, path, body = new[key]
        await account.write(method, path, body, 201 if key in CREATED else 202)

    def path(self, key: str) -> str:
        data, control = f"{self.account.data}/Profiles", self.account.control
        return {
            "stores": "/v1/ControlPlane/Stores",
            "traitGroups": f"{control}/TraitGroups",
            "traits": f"{control}/TraitGroups/Contact",
            "dataMappings": f"{control}/DataMappings",
            "profiles": data,
            "imports": f"{data}/Imports",
            "observations": f"{data}/{self.profile_id}/Observations",
            "summaries": f"{data}/{self.profile_id}/ConversationSummaries",
            "revisions": f"{data}/{self.profile_id}/Observations/{self.observation_id}/Revisions",
            "configurations": CONFIGURATIONS,
            "conversations": CONVERSATIONS,
            "participants": within(self.talk, "Participants"),
            "communications": within(self.talk, "Communications"),
        }[key]

    async def page(self, key: str, **asked: Any) -> tuple[list[str], str | None]:
        body = await self.account.get(self.path(key), **asked)
        assert body["meta"]["key"] == key and body["meta"]["pageSize"] >= 1
        items = body["traitGroup"]["traits"] if key == "traits" else body[key]
        return [one if isinstance(one, str) else json.dumps(one) for one in items], body["meta"].get("nextToken")


KEYS = [
    "stores",
    "traitGroups",
    "traits",
    "dataMappings",
    "profiles",
    "imports",
    "observations",
    "summaries",
    "revisions",
    "configurations",
    "conversations",
    "participants",
    "communications",
]
CREATED = {"imports", "conversations", "participants", "communications"}
ORDERED = {"stores", "traitGroups", "traits", "dataMappings", "profiles", "imports", "observations"}


@pytest.fixture
async def lists(acme: Account) -> Lists:
    lists = Lists(acme)
    await lists.begin()
    return lists


async def walked(
    lists: Lists, key: str, between: Callable[[], Awaitable[None]] | None = None, **asked: Any
) -> list[list[str]]:
    pages, token = [], None
    while True:
        items, token = await lists.page(key, **asked, **({"pageToken": token} if token else {}))
        pages.append(items)
        if token is None:
            return pages
        if between is not None:
            await between()


@pytest.mark.parametrize("key", KEYS)
async def test_pages_are_the_whole_list_in_its_order(lists: Lists, key: str) -> None:
    for _ in range(7):
        await lists.add(key)
    whole, token = await lists.page(key)
    pages = await walked(lists, key, pageSize=3)

    assert token is None and len(whole) >= 7
    assert [one for page in pages for one in page] == whole
    assert all(len(page) == 3 for page in pages[:-1]) and 1 <= len(pages[-1]) <= 3
    if key in ORDERED:
        backwards = await walked(lists, key, pageSize=3, orderBy="ASC")
        assert [one for page in backwards for one in page] == whole[::-1]


@pytest.mark.parametrize("key", KEYS)
async def test_what_arrives_meanwhile_moves_no_page(lists: Lists, key: str) -> None:
    for _ in range(5):
        await lists.add(key)
    whole, _ = await lists.page(key)

    pages = await walked(lists, key, lambda: lists.add(key), pageSize=2)
    seen = [one for page in pages for one in page]
    assert [one for one in seen if one in whole] == whole and len(set(seen)) == len(seen)


@pytest.mark.parametrize("key", KEYS)
async def test_what_is_no_page_is_refused(lists: Lists, key: str) -> None:
    wrong = [
        ("pageSize", size)
        for size in ("0", "1001", "many", "5.5", "", "9" * 5000, "-1", "1e2", "\n2", " 2", "1_0", "٣")
    ]
    wrong += [("pageToken", token) for token in ("nonsense", "W10", "x" * 4097, "ä\x00", "[" * 4000)]
    wrong += [("orderBy", order) for order in ("asc", "UP", "")] if key in ORDERED else []
    for name, value in wrong:
        assert name in await lists.account.refused("GET", lists.path(key), params={name: value})


@pytest.mark.parametrize("key", ["stores", "traitGroups", "traits", "dataMappings"])
async def test_pages_of_the_control_plane_hold_a_hundred(lists: Lists, key: str) -> None:
    await lists.page(key, pageSize=100)
    assert "100" in await lists.account.refused("GET", lists.path(key), params={"pageSize": 101})


async def test_a_page_of_observations_holds_fifty_as_its_schema_does(lists: Lists) -> None:
    for batch in range(6):
        many = [note(f"Number {batch} {at}") for at in range(10)]
        await lists.account.write("POST", lists.path("observations"), {"observations": many})

    assert [len(page) for page in await walked(lists, "observations", pageSize=1000)] == [50, 11]


async def test_a_token_is_of_one_list_alone(lists: Lists, globex: Account, opened: Open) -> None:
    for _ in range(3):
        await lists.add("observations")
    _, token = await lists.page("observations", pageSize=1)
    path, account = lists.path("observations"), lists.account
    other = await account.profile("+13175550199")
    assert token is not None

    foreign: list[tuple[Account, str, dict[str, Any]]] = [
        (account, path, {"orderBy": "ASC"}),
        (account, path, {"source": "test"}),
        (account, path, {"createdAfter": "2020-01-01T00:00:00Z"}),
        (account, path.replace(lists.profile_id, other), {}),
        (account, lists.path("summaries"), {}),
        (account, lists.path("revisions"), {}),
        (account, f"{account.data}/Profiles", {}),
        (globex, "/v1/ControlPlane/Stores", {}),
    ]
    for asker, where, asked in foreign:
        assert "pageToken" in await asker.refused("GET", where, params={**asked, "pageToken": token, "pageSize": 1})
    await lists.page("observations", pageSize=2, pageToken=token)


async def test_a_token_of_another_account_is_foreign(acme: Account, globex: Account) -> None:
    for account in (acme, globex):
        for at in range(2):
            await account.write("POST", "/v1/ControlPlane/Stores", {"displayName": f"store-{at}"})
    token = (await acme.get("/v1/ControlPlane/Stores", pageSize=1))["meta"]["nextToken"]

    said = await globex.refused("GET", "/v1/ControlPlane/Stores", params={"pageToken": token, "pageSize": 1})
    assert "pageToken" in said


async def test_a_token_that_somebody_changed_is_refused_or_harmless(lists: Lists) -> None:
    for _ in range(3):
        await lists.add("observations")
    _, token = await lists.page("observations", pageSize=1)
    assert token is not None
    digest, made, cursor = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    changed: list[Any] = [[digest, made], [digest, "x", cursor], [digest, made, 5], [digest, made, "x"], [None] * 3]
    changed += [[digest, made, cursor + "x"], [digest, True, cursor], [digest, 1e999, cursor], {"a": 1}, 5, None]
    changed += [[digest, made, json.dumps([10**40, "x"])], [digest, made, ""], [digest, made + 10**9, cursor]]
    changed += [[digest, 10**400, cursor], [digest, -(10**400), cursor]]
    for inside in changed:
        made_up = base64.urlsafe_b64encode(json.dumps(inside).encode()).decode().rstrip("=")
        said = await lists.account.refused("GET", lists.path("observations"), params={"pageToken": made_up})
        assert "pageToken" in said


async def test_a_token_holds_for_a_day(lists: Lists, memory: Memory, credentials: Authenticator, opened: Open) -> None:
    for _ in range(3):
        await lists.add("observations")
    _, token = await lists.page("observations", pageSize=1)

    def later(**duration: float) -> Account:
        def now() -> datetime:
            return wiring.now() + timedelta(**duration)

        api = guarded(build_api(Front(memory=memory, now=now)), credentials)
        return opened(api, like=lists.account)

    asked: dict[str, Any] = {"pageToken": token, "pageSize": 1}
    assert len((await later(hours=23).get(lists.path("observations"), **asked))["observations"]) == 1
    assert "expired" in await later(hours=25).refused("GET", lists.path("observations"), params=asked)


async def test_a_full_last_page_is_the_last(lists: Lists) -> None:
    for _ in range(3):
        await lists.add("observations")

    assert [len(page) for page in await walked(lists, "observations", pageSize=2)] == [2, 2]
