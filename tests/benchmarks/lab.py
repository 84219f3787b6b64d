"""What the measurements share: the folder they work in, the model, and the stores that are slow to fill."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from mcp_memory.embedding.minilm import MiniLM

from . import pages
from .diaries import Diary
from .memories import Writer
from .stores import Filler

T = TypeVar("T")
Size = Literal["quick", "ordinary", "full"]

SEED = 1  # of the sentences in the sized profiles
BYSTANDER = 10  # observations of the profile that loads the model, and is not measured


@dataclass(frozen=True, kw_only=True)
class SizedStore:
    """One store, and in it a profile of each size."""

    folder: Path
    profiles: dict[int, str]
    bystander: str
    bytes: int

    @property
    def observations(self) -> int:
        return sum(self.profiles) + BYSTANDER


@dataclass
class Lab:
    folder: Path
    size: Size = "ordinary"
    data: Path | None = None
    """A file of LoCoMo's shape, where there is one."""
    model: MiniLM = field(default_factory=MiniLM)
    diaries: dict[str, Sequence[Diary]] = field(default_factory=dict)
    """Those that have been written already, by the folder in the lab that they are in."""
    _sized: SizedStore | None = None

    @property
    def quick(self) -> bool:
        return self.size == "quick"

    def choose(self, *, quick: T, ordinary: T, full: T) -> T:
        return {"quick": quick, "ordinary": ordinary, "full": full}[self.size]

    def path(self, name: str) -> Path:
        return self.folder / name

    async def sized(self) -> SizedStore:
        if self._sized is None:
            ordinary = (10, 100, 1_000, 5_000)
            sizes = self.choose(quick=(10, 100, 1_000), ordinary=ordinary, full=(*ordinary, 20_000))
            contents, filler = Writer(SEED).sentences(max(sizes)), Filler(self.path("sized"), self.model)
            profiles = {size: await filler.profile(contents[:size]) for size in sizes}
            bystander = await filler.profile(Writer(SEED + 1).sentences(BYSTANDER))
            await filler.backend.close()
            weight = pages.size(self.path("sized"))
            self._sized = SizedStore(folder=self.path("sized"), profiles=profiles, bystander=bystander, bytes=weight)
        return self._sized
