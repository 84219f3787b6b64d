"""What the measurements share: the folder they work in, the model, and the one store that is slow to fill."""

from dataclasses import dataclass, field
from pathlib import Path

from .memories import Writer
from .stores import Filler, Remembering

SIZES = (10, 100, 1_000, 5_000)
QUICK_SIZES = (10, 100, 1_000)
SEED = 1  # of the sentences that have their vectors already, when they are written again


@dataclass
class Lab:
    folder: Path
    quick: bool
    locomo: Path | None = None
    """LoCoMo's file, where there is one."""
    embedder: Remembering = field(default_factory=Remembering)
    _sized: tuple[Path, dict[int, str]] | None = None

    def path(self, name: str) -> Path:
        return self.folder / name

    async def sized(self) -> tuple[Path, dict[int, str]]:
        """A data folder, and in its one store a profile of each size."""
        if self._sized is None:
            sizes = QUICK_SIZES if self.quick else SIZES
            contents = Writer(SEED).sentences(max(sizes))
            filler = Filler(self.path("sized"), self.embedder)
            profiles = {size: await filler.profile(contents[:size]) for size in sizes}
            await filler.backend.close()
            self._sized = self.path("sized"), profiles
        return self._sized
