"""How a store learns: what each store says of it for itself."""

from dataclasses import dataclass
from typing import Final, Literal

Traits = Literal["off", "propose", "write"]


@dataclass(frozen=True, kw_only=True)
class LearningSettings:
    """`reconcile_api_writes`: what is posted to the Memory API is reconciled with what is known, as what tools and
    extraction bring is; else it is stored as it is given. `traits`: what becomes of traits that conversations tell.
    `version` counts the changes."""

    reconcile_api_writes: bool = False
    traits: Traits = "propose"
    version: int = 1


DEFAULT: Final = LearningSettings()
