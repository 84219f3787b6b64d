"""Numbered SQL files, applied once and in order; an applied file that has changed since is refused."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from mcp_memory.errors import Unavailable

_NAME = re.compile(r"(\d{4})_[a-z_]+\.sql")


@dataclass(frozen=True)
class Migration:
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load(folder: Traversable) -> list[Migration]:
    """In order of version; versions are 1, 2, 3, … without a gap."""
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    migrations = []
    for position, entry in enumerate(found, start=1):
        match = _NAME.fullmatch(entry.name)
        if match is None or int(match[1]) != position:
            raise ValueError(f"{entry.name} is out of order: migrations are 0001_name.sql, 0002_name.sql, …")
        # Line ends are normalised, or a checkout on Windows would change every checksum.
        sql = entry.read_text(encoding="utf-8").replace("\r\n", "\n")
        migrations.append(Migration(position, entry.name, sql))
    return migrations


def pending(migrations: list[Migration], applied: dict[int, str]) -> list[Migration]:
    """What is still to apply, given version -> checksum of what was. Raises Unavailable on any surprise."""
    if applied and max(applied) > len(migrations):
        raise Unavailable("The data was written by a newer mcp-memory: upgrade this one, or use another data folder.")
    for migration in migrations:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise Unavailable(
                f"Migration {migration.name} is not the one this data was made with: install this package again."
            )
    return [migration for migration in migrations if migration.version not in applied]


def load_queries(folder: Traversable) -> dict[str, str]:
    """`-- name: find_profile` starts a statement; it ends at the next one, or with the file."""
    queries: dict[str, str] = {}
    for entry in sorted((one for one in folder.iterdir() if one.name.endswith(".sql")), key=lambda one: one.name):
        parts = re.split(r"^-- name: (\w+)\s*$", entry.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, sql in zip(parts[1::2], parts[2::2], strict=True):
            if name in queries:
                raise ValueError(f"two queries have the name {name}")
            queries[name] = sql.strip().rstrip(";")
    return queries
