"""The fake, held to the document in all that it is asked here."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from .checked import Checked
from .document import Document, memory_document
from .fake.app import KEY_ID, KEY_SECRET, Fake
from .world import World, furnished


@pytest.fixture
def document() -> Document:
    return memory_document()


@pytest.fixture
def fake(document: Document) -> Fake:
    return Fake(document=document)


@pytest.fixture
async def http(fake: Fake) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(fake) as http:
        yield http


def client(fake: Fake, *, requests: bool = True, auth: tuple[str, str] = (KEY_ID, KEY_SECRET)) -> httpx2.AsyncClient:
    """`requests=False`: may ask wrongly."""
    transport = httpx2.ASGITransport(Checked(fake, requests=requests))
    return httpx2.AsyncClient(transport=transport, base_url="http://memory.test", auth=auth)


@pytest.fixture
async def world(http: httpx2.AsyncClient) -> World:
    return await furnished(http)
