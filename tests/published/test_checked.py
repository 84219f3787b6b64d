"""Who is wrapped is watched: an answer that is not published does not get through, on either side of the wire."""

import gzip
import json

import httpx2
import pytest
from starlette.responses import JSONResponse, Response

from .checked import Checked, CheckedTransport
from .document import Document

pytestmark = pytest.mark.anyio

STORES = "/v1/ControlPlane/Stores"
PAGE = {"stores": [], "meta": {"key": "stores", "pageSize": 50}}


def around(app: httpx2.ASGITransport | Checked) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app) if isinstance(app, Checked) else CheckedTransport(app)
    return httpx2.AsyncClient(transport=transport, base_url="http://memory.test")


@pytest.fixture(params=["app", "transport"])
def wrap(request: pytest.FixtureRequest, document: Document) -> object:
    return {"app": Checked, "transport": httpx2.ASGITransport}[request.param]


async def ask(wrap: type, response: Response, path: str = STORES) -> httpx2.Response:
    async with around(wrap(response)) as http:
        return await http.get(path)


async def test_what_is_right_gets_through(wrap: type) -> None:
    assert (await ask(wrap, JSONResponse(PAGE))).json() == PAGE


async def test_what_is_wrong_does_not(wrap: type) -> None:
    with pytest.raises(AssertionError, match="ListStores: response 200 body /: Additional properties"):
        await ask(wrap, JSONResponse({**PAGE, "total": 0}))
    with pytest.raises(AssertionError, match="ListStores: request query: 'limit' is no parameter"):
        await ask(wrap, JSONResponse(PAGE), f"{STORES}?limit=5")


async def test_an_answer_may_come_compressed(wrap: type) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await ask(wrap, Response(gzip.compress(json.dumps(PAGE).encode()), headers=headers))

    assert answer.json() == PAGE


async def test_what_is_not_of_the_api_is_not_looked_at(wrap: type) -> None:
    assert (await ask(wrap, Response("well"), "/health")).text == "well"


async def test_what_only_we_have_is_looked_at_nowhere_else(document: Document) -> None:
    app = Checked(JSONResponse({}, 418), ours=("/LearningSettings",))
    async with around(app) as http:
        assert (await http.get(f"{STORES}/any/LearningSettings")).status_code == 418
        with pytest.raises(AssertionError):
            await http.get(f"{STORES}/LearningSettings/more")


async def test_complaints_are_kept_for_who_does_not_see_them_raised(document: Document) -> None:
    app = Checked(JSONResponse({}, 418), requests=False, also=frozenset({409}))
    async with around(app) as http:
        with pytest.raises(AssertionError):
            await http.get(STORES)

    assert app.complaints == ["ListStores: response 418: this status is not published"]
