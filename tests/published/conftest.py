import pytest

from .document import Document, memory_document


@pytest.fixture
def document() -> Document:
    return memory_document()
