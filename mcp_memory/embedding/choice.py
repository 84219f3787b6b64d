"""Which embedder the settings ask for."""

from mcp_memory.embedding import Embedder
from mcp_memory.embedding.endpoint import Endpoint
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.embedding.multilingual import Multilingual
from mcp_memory.errors import Invalid
from mcp_memory.settings import Settings


def chosen(settings: Settings) -> Embedder:
    """Loads nothing and asks nobody before the first text."""
    if settings.embedder == "multilingual":
        return Multilingual()
    if settings.embedder != "endpoint":
        return MiniLM()
    if settings.embedding_url is None or settings.embedding_model is None:
        raise Invalid("embedding_url and embedding_model must be set.")
    return Endpoint(
        settings.embedding_url,
        settings.embedding_model,
        dimensions=settings.embedding_dimensions,
        key=settings.embedding_key,
        timeout=settings.embedding_timeout,
    )
