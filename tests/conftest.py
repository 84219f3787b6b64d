"""Shared by all tests: one event loop flavour unless a test asks for both, and nothing may block it."""

from collections.abc import Iterator, Sequence

import hypothesis
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from mcp_memory.embedding import Embedding
from mcp_memory.embedding.minilm import MiniLM

KEPT = 500  # texts; a long one with its tokens takes 400 kB

# No deadline: time is measured by `make bench`, and a busy machine is no reason to fail.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for servers comes first: at the end of a run it would be one worker's, and all others wait for it."""
    items.sort(key=lambda item: "process" not in item.path.parts)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def never_block_the_loop() -> Iterator[BlockBuster]:
    """Any blocking call of our code on the event loop fails the test."""
    with blockbuster_ctx("mcp_memory") as blockbuster:
        yield blockbuster


class Remembering(MiniLM):
    """The real one, seldom asked for a text twice: a vector depends on the text alone, and many tests say the same."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, Embedding] = {}

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        found = self._known | dict(zip(new, super().embed(new), strict=True))
        self._known = found if len(found) <= KEPT else {}
        return [found[text] for text in texts]


@pytest.fixture(scope="session")
def embedder() -> MiniLM:
    return Remembering()
