"""Stores to measure on, filled straight through the backend: that is quick, and what is measured is the server."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from mcp_memory import app
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.embedding import Embedder, Embedding, without_tokens
from mcp_memory.embedding.minilm import DIMENSIONS, MiniLM
from mcp_memory.ids import PROFILE
from mcp_memory.model import DEFAULT_STORE, NewObservation, Scope
from mcp_memory.settings import Settings

BATCH = 500
FIRST_DAY = datetime(2024, 1, 1, 8, tzinfo=UTC)
FILLER_PROFILE = 200  # observations in each of the profiles that only fill a store


class Remembering:
    """The real model, asked once per text: a sentence in four profiles need not be embedded four times."""

    def __init__(self) -> None:
        self._model = MiniLM()
        self._known: dict[str, Embedding] = {}

    @property
    def model_id(self) -> str:
        return self._model.model_id

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._model.embed(new), strict=True))
        return [self._known[text] for text in texts]

    def close(self) -> None:
        self._model.close()


class Arbitrary:
    """Unit vectors at random, for texts that nobody will ask about."""

    model_id = "arbitrary"

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        vectors = self._random.standard_normal((len(texts), DIMENSIONS), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return [without_tokens(vector) for vector in vectors]

    def close(self) -> None:
        pass


class Filler:
    """Writes into the store that a server launched on this folder will serve."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        settings = Settings(data_dir=folder)
        self._tenant = settings.tenant
        self.backend = SqlBackend(
            SqliteDatabase(folder), embedder, now=app.now, make_id=app.make_id, region=settings.region
        )

    async def scope(self) -> Scope:
        return await self.backend.open_store(self._tenant, DEFAULT_STORE)

    async def profile(self, contents: Sequence[str], times: Callable[[int], datetime] | None = None) -> str:
        """A new profile that remembers this, an hour apart unless `times` says otherwise."""
        scope, when = await self.scope(), times or (lambda at: FIRST_DAY + timedelta(hours=at))
        email = f"{app.make_id(PROFILE)}@example.com"
        made = await self.backend.upsert_traits(scope, {"Contact": {"email": email}}, None)
        new = [NewObservation(content=text, occurred_at=when(at)) for at, text in enumerate(contents)]
        for start in range(0, len(new), BATCH):
            await self.backend.add_observations(scope, made.profile.profile_id, new[start : start + BATCH])
        return made.profile.profile_id

    async def others(self, contents: Sequence[str]) -> None:
        """The same, over as many profiles as it takes."""
        for start in range(0, len(contents), FILLER_PROFILE):
            await self.profile(contents[start : start + FILLER_PROFILE])
