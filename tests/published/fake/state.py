"""What the fake remembers, all of it in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

DEFAULTS = {
    "matchingAlgo": "exact",
    "matchingThreshold": 75,
    "limit": 100,
    "limitPolicy": "fifo",
    "enforceUnique": True,
    "normalization": "trim",
}
NORMALIZATIONS = {"email": "email", "whatsapp": "trim", "phone": "phone", "chat": "trim"}
PROMOTED = ("email", "phone")
CONTACT = ("firstName", "lastName", "street", "city", "state", "postalCode", "country", "preferredLanguage")


def stamp(at: datetime) -> str:
    """Whole seconds, and a Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def same_stamp(text: str) -> str:
    """A time that a client wrote, as the service writes it."""
    return stamp(datetime.fromisoformat(text.upper()))


def default_configs() -> list[Json]:
    return [{"idType": id_type, **DEFAULTS, "normalization": how} for id_type, how in NORMALIZATIONS.items()]


def contact_group(promoted: Sequence[str]) -> "Group":
    """Traits that identify are of the identifier type of their name."""
    traits: dict[str, Json] = {name: {"dataType": "STRING"} for name in (*promoted, *CONTACT)}
    for name in promoted:
        traits[name]["idTypePromotion"] = name
    return Group("Contact", "Who they are and how to reach them", traits)


def _text(value: Any) -> str:
    """A number is the same however it is written."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@dataclass
class Group:
    name: str
    description: str | None
    traits: dict[str, Json]
    version: int = 1


@dataclass
class Profile:
    """`traits`: group → name → (value, when it was set). Observations have their revisions, newest last."""

    id: str
    created_at: str
    traits: dict[str, dict[str, tuple[Any, str]]] = field(default_factory=dict)
    identifiers: dict[str, list[str]] = field(default_factory=dict)
    observations: dict[str, list[Json]] = field(default_factory=dict)
    summaries: dict[str, Json] = field(default_factory=dict)


@dataclass
class Settings:
    configs: list[Json] = field(default_factory=default_configs)
    rules: list[str] = field(default_factory=lambda: list(NORMALIZATIONS))
    version: int = 1

    def config(self, id_type: str) -> Json | None:
        return next((one for one in self.configs if one["idType"] == id_type), None)


@dataclass
class Store:
    id: str
    name: str
    description: str | None
    active: bool = False
    version: int = 1
    settings: Settings = field(default_factory=Settings)
    groups: dict[str, Group] = field(default_factory=lambda: {"Contact": contact_group(PROMOTED)})
    mappings: dict[str, Json] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)  # merged away → where to
    imports: dict[str, Json] = field(default_factory=dict)

    def promotions(self, traits: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
        """The identifiers that these traits are, as they were written: of the types that the store has."""
        return [
            (id_type, _text(value))
            for group, values in traits.items()
            if group in self.groups
            for name, value in values.items()
            if value is not None
            if (id_type := self.groups[group].traits.get(name, {}).get("idTypePromotion"))
            if self.settings.config(id_type) is not None
        ]


@dataclass
class Account:
    """`promoted`: the traits of Contact that identify, in each new store."""

    promoted: tuple[str, ...] = PROMOTED
    stores: dict[str, Store] = field(default_factory=dict)
    operations: dict[str, Json] = field(default_factory=dict)
