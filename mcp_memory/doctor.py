"""Is everything in order? Each finding says what was looked at, what was seen, and what to do about it."""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

from mcp_memory.embedding.choice import chosen
from mcp_memory.errors import Error
from mcp_memory.settings import Settings, of_backend
from mcp_memory.tenancy.hosting import Contradiction
from mcp_memory.tenancy.tenants import Tenant

ROOM = 100 * 1024 * 1024  # bytes; about 150,000 observations
LOOKED_AT = 1_000  # signatures at once
CHOOSE = "Give yourself the right to read and write there, or choose another folder with --data-dir."
RESTORE = "Restore it: in a clone, git checkout -- mcp_memory/embedding/model; else install the same wheel again."
FIXED_SQLITE = (3, 51, 3)  # before it, two writers could corrupt a WAL file (sqlite.org/wal.html#walresetbug)


@dataclass(frozen=True)
class Finding:
    what: str
    ok: bool
    seen: str
    advice: str = ""


def examine(settings: Settings, reach: Callable[[], str] | None = None) -> list[Finding]:
    """Writes nothing but a file of its own, which it removes; makes no folder, and leaves stores as they are.

    `reach`: where the memory is a service, asks it for the store, and returns what it is called.
    """
    findings = [
        Finding("configuration", True, f"tenant {settings.tenant}, region {settings.region}"),
        *([] if reach is None else [_service(reach)]),
        _sqlite(),
    ]
    for folder in (settings.data_dir, *_folders(settings)):
        for look in (_folder, _stores):
            try:
                findings += look(folder.absolute())
            except OSError as exc:
                findings.append(Finding("data folder", False, f"{folder}: {exc.strerror}", CHOOSE))
    return [*findings, *_tenants(settings), _model(settings), *_language_model(settings)]


def _folders(settings: Settings) -> list[Path]:
    """Those of the backends on this machine."""
    held = [of_backend(settings, Tenant(name=name, backend=name)) for name in settings.hosting.backends]
    return [one.data_dir for one in held if one.backend == "sqlite"]


def _tenants(settings: Settings) -> list[Finding]:
    """Who is served, and whether what the configuration and the catalog say of them can all be so."""
    hosting = settings.hosting
    try:
        managed, keys = _managed(settings.data_dir / "catalog.db")
    except apsw.Error:  # it is damaged, which was told of, or an earlier version's
        managed, keys = [], 0
    if hosting.is_empty() and not managed:
        return [Finding("tenants", True, "none")]
    seen = f"{len(hosting.tenants)} configured with {len(hosting.keys)} keys, {len(managed)} managed with {keys}"
    found = [Finding("tenants", True, f"{seen}; {len(hosting.issuers)} issuers of tokens")]
    for one in managed:
        if one.name in hosting.tenants:
            advice = f"Take it out of the configuration, or `mcp-memory tenants remove {one.name}`."
            found.append(Finding("tenant", False, f"{one.name} is in the configuration and in the catalog", advice))
    try:
        hosting.check([*hosting.tenants.values(), *managed])
    except Contradiction as exc:
        found.append(Finding("tenant", False, str(exc), "Until then `serve` does not start."))
    return found


def _managed(catalog: Path) -> tuple[list[Tenant], int]:
    """With how many keys they have that are not revoked."""
    if not _filled(catalog):
        return [], 0
    with _opened(catalog) as connection:
        rows: Any = connection.execute("select name, backend, stores, shared from tenant order by name").fetchall()
        keys: Any = connection.execute("select count(*) from key where revoked_at is null").fetchall()
    tenants = [
        Tenant(name=name, backend=backend, stores=tuple(json.loads(stores)), shared=bool(shared))
        for name, backend, stores, shared in rows
    ]
    return tenants, keys[0][0]


def _service(reach: Callable[[], str]) -> Finding:
    try:
        return Finding("memory service", True, f"answers, with the store {reach()}")
    except Error as exc:
        return Finding("memory service", False, str(exc), "Mend the twilio_ settings, or the way there.")


def _sqlite() -> Finding:
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    seen = f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    return Finding("engine", version >= FIXED_SQLITE, seen, "" if version >= FIXED_SQLITE else "pip install -U apsw")


def _folder(folder: Path) -> list[Finding]:
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    with tempfile.NamedTemporaryFile(dir=place) as file:
        file.write(b"mcp-memory")
        file.flush()
        os.fsync(file.fileno())
    free = shutil.disk_usage(place).free
    return [
        Finding("data folder", True, f"{folder}{'' if place == folder else ' (will be made at the first use)'}"),
        Finding("disk", free >= ROOM, f"{free // 2**20} MB free", "" if free >= ROOM else "Free some space."),
    ]


def _stores(folder: Path) -> list[Finding]:
    files = [path for path in (folder / "catalog.db", *sorted((folder / "stores").glob("*.db"))) if path.exists()]
    findings = [finding for path in files if (finding := _damage(path)) is not None]
    findings += [finding for path in files[1:] if not findings and (finding := _vectors(path)) is not None]
    findings += _missing(folder) if files and not findings else []
    return findings or [Finding("stores", True, f"{max(len(files) - 1, 0)} found, none damaged")]


def _missing(folder: Path) -> list[Finding]:
    """Stores that the catalog knows and whose file is gone: an unmounted disk, a partial restore, a hand too many."""
    with _opened(folder / "catalog.db") as catalog:
        made = [str(row[0]) for row in catalog.execute("select store_id from store where file_made order by store_id")]
    return [
        Finding(
            "store file",
            False,
            f"{folder / 'stores' / id}.db is missing or empty",
            "Put it back, from a backup if need be.",
        )
        for id in made
        if not _filled(folder / "stores" / f"{id}.db")
    ]


def _vectors(path: Path) -> Finding | None:
    from mcp_memory.backends.sql.sqlite import packing

    with _opened(path) as store:
        if ("dimensions",) not in store.execute("select name from pragma_table_info('model')").fetchall():
            return None  # an earlier version's; it gets them when it is opened
        bad = 0
        models: Any = store.execute("select no, dimensions from model where no > 0").fetchall()
        for model_no, dimensions in models:
            rows: Any = store.execute(
                "select id, occurred_at, model_no, emb, terms, conversation_no, from_agent, tokens from recall_sig "
                "where model_no = ?",
                (model_no,),
            )
            while some := list(islice(rows, LOOKED_AT)):
                bad += len(packing.damaged(some, model_no, dimensions or 0))
    advice = "Recall goes on without them; `mcp-memory store --embed` makes them anew."
    return Finding("vectors", False, f"{path}: {bad} items have damaged ones", advice) if bad else None


def _filled(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:  # it is not there, or could not be
        return False


def _damage(path: Path) -> Finding | None:
    try:
        with _opened(path) as connection:
            seen = "; ".join(str(row[0]) for row in connection.execute("pragma quick_check(3)"))
    except (apsw.CorruptError, apsw.NotADBError) as exc:
        seen = str(exc)
    except apsw.Error as exc:
        advice = "It may be sound: mend the folder or the disk first, then run this again."
        return Finding("store file", False, f"{path} can't be examined: {exc}", advice)
    if seen == "ok":
        return None
    advice = "Restore it from a backup; keep the damaged file, and the -wal file beside it if there is one."
    return Finding("store file", False, f"{path}: {seen}", advice)


@contextmanager
def _opened(path: Path) -> Iterator[apsw.Connection]:
    """To look only. Closing would otherwise write what is left in the WAL into the file, damaged or not."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        yield connection
    finally:
        connection.close()


def _model(settings: Settings) -> Finding:
    model, bundled = chosen(settings), settings.embedder == "bundled"
    try:
        (embedding,) = model.embed(["A customer called."])
    except Error as exc:
        return Finding("model", False, str(exc), RESTORE if bundled else "Until then recall finds by words alone.")
    finally:
        model.close()
    where = "by the endpoint" if settings.embedder == "endpoint" else "offline"
    return Finding("model", True, f"{model.model_id}, {len(embedding.vector)} dimensions, {where}")


def _language_model(settings: Settings) -> list[Finding]:
    if settings.extraction == "rules":
        return []
    from mcp_memory.extractors.choice import asked  # only where there is one

    try:
        name = asked(settings)
    except Error as exc:
        return [Finding("language model", False, str(exc), "Until then conversations are read by the rules.")]
    return [Finding("language model", True, f"{name} answers, by {settings.extraction}'s API")]
