"""Imports that were uploaded to the service, as they are told of here."""

import httpx2
import pytest

from mcp_memory.backends.twilio.backend import TwilioBackend
from mcp_memory.listing import PageQuery
from mcp_memory.model import Scope
from tests.published.fake.app import KEY_ID, KEY_SECRET, Fake
from tests.twilio.conftest import NOW

pytestmark = pytest.mark.anyio

FILE = "Phone,City\n+13175550142,Gary\nnobody's,Gary\n"
COLUMNS = [
    {"columnName": "Phone", "traitGroup": "Contact", "traitName": "phone"},
    {"columnName": "City", "traitGroup": "Contact", "traitName": "city"},
]


async def test_what_was_brought_is_imported_and_what_was_refused_counted() -> None:
    transport = httpx2.ASGITransport(Fake(now=lambda: NOW))
    backend = TwilioBackend(
        "http://memory.test",
        KEY_ID,
        KEY_SECRET,
        tenant="acme",
        store="default",
        create_store=True,
        region="US",
        timeout=5.0,
        now=lambda: NOW,
        transport=transport,
    )
    scope: Scope = await backend.open_store("acme", "default")
    async with httpx2.AsyncClient(transport=transport, base_url="http://memory.test") as http:
        announced = {"filename": "customers.csv", "fileSize": len(FILE), "columnMappings": COLUMNS}
        path, auth = f"/v1/Stores/{scope.store_id}/Profiles/Imports", httpx2.BasicAuth(KEY_ID, KEY_SECRET)
        made = (await http.post(path, json=announced, auth=auth)).json()
        assert (await backend.get_import(scope, made["importId"])).status == "PENDING"
        await http.put(made["url"], content=FILE.encode())

    done = await backend.get_import(scope, made["importId"])
    assert (done.status, done.refused, done.updated_at) == ("COMPLETED", 1, NOW)
    assert (await backend.list_imports(scope, PageQuery(limit=10))).items == [made["importId"]]
    found = (await backend.lookup_profile(scope, "+13175550142", "phone")).profile
    assert found is not None and found.traits["Contact"]["city"] == "Gary"
    await backend.close()
