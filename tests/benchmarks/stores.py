"""Stores to measure on, filled straight through the backend: that is quick, and what is measured is the server."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_memory import app
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.ids import PROFILE
from mcp_memory.model import DEFAULT_STORE, NewObservation, Scope
from mcp_memory.settings import Settings

from . import wiring

BATCH = 500
FIRST_DAY = datetime(2024, 1, 1, 8, tzinfo=UTC)


class Filler:
    """Writes into the store that a server launched on this folder will serve."""

    def __init__(self, folder: Path, model: MiniLM) -> None:
        self._tenant = Settings(data_dir=folder).tenant
        self.backend = wiring.backend(folder, model)

    async def scope(self) -> Scope:
        return await self.backend.open_store(self._tenant, DEFAULT_STORE)

    async def profile(self, contents: Sequence[str]) -> str:
        """A new profile that remembers this, an hour apart."""
        scope = await self.scope()
        email = f"{app.make_id(PROFILE)}@example.com"
        made = await self.backend.upsert_traits(scope, {"Contact": {"email": email}}, None)
        new = [
            NewObservation(content=text, occurred_at=FIRST_DAY + timedelta(hours=at))
            for at, text in enumerate(contents)
        ]
        for start in range(0, len(new), BATCH):
            await self.backend.add_observations(scope, made.profile.profile_id, new[start : start + BATCH])
        return made.profile.profile_id
