"""What the measurements share: the folder they work in, the model, and the stores that are slow to fill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from mcp_memory.embedding.minilm import MiniLM

from . import hosts, pages
from .diaries import Diary
from .hosts import Host, Template
from .memories import Writer
from .stores import Filler

T = TypeVar("T")
Size = Literal["quick", "ordinary", "full"]

SEED = 1  # of the sentences in the sized profiles
QUIET, NOISY, LIMITED = "quiet", "noisy", "limited"
TENANTS: Mapping[str, Sequence[str]] = {  # of a host, and their limits
    QUIET: (),
    NOISY: (),
    "acme": (),
    "globex": (),
    LIMITED: ("requests_per_minute=600", "concurrent_requests=4"),
}
HOSTED = tuple(name for name, limits in TENANTS.items() if not limits)
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
    _templates: dict[int, Template] = field(default_factory=dict)
    _host: Host | None = None

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

    async def template(self, observations: int) -> Template:
        if observations not in self._templates:
            folder = self.path(f"template-{observations}")
            self._templates[observations] = await hosts.template(folder, self.model, observations)
        return self._templates[observations]

    async def host(self) -> Host:
        """To be copied before it is served."""
        if self._host is None:
            observations = self.choose(quick=300, ordinary=1_000, full=1_000)
            of = await self.template(observations)
            self._host = await hosts.managed(self.path("host"), TENANTS, of, observations)
        return self._host
