"""Imports of profiles, how far they are, and what there is to say of their rows."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from mcp_memory import ids
from mcp_memory.backends.sql.cursors import Place
from mcp_memory.backends.sql.sqlite.keys import from_micros, ordered, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.imports import ColumnMapping, Import, Remark


class SqliteImports(Rows):
    def start_import(self, new: Import, digest: bytes | None) -> None:
        self._rows(
            "start_import",
            import_id=ids.to_bytes(new.import_id),
            filename=new.filename,
            file_size=new.file_size,
            digest=digest,
            secret_digest=new.secret_digest,
            column_mappings=json.dumps([asdict(one) for one in new.column_mappings], ensure_ascii=False),
            status=new.status,
            rows_total=new.rows_total,
            at=to_micros(new.created_at),
        )

    def begin_import(self, current: Import, digest: bytes) -> None:
        self._rows(
            "begin_import",
            import_id=ids.to_bytes(current.import_id),
            digest=digest,
            status=current.status,
            rows_total=current.rows_total,
            at=to_micros(current.updated_at),
        )

    def import_digest(self, import_id: str) -> bytes | None:
        rows = self._rows("import_digest", import_id=ids.to_bytes(import_id))
        return rows[0][0] if rows else None

    def list_imports(self, after: Place | None, limit: int, newest_first: bool) -> list[tuple[Place, str]]:
        order, (at, number) = ordered(after, newest_first)
        rows = self._rows(f"list_imports_{order}", at=at, no=number, limit=limit)
        return [((created_at, no), ids.from_bytes(ids.IMPORT, raw_id)) for no, created_at, raw_id in rows]

    def find_import(self, import_id: str) -> Import | None:
        rows = self._rows("find_import", import_id=ids.to_bytes(import_id))
        return _import(rows[0]) if rows else None

    def unfinished_import(self, digest: bytes) -> Import | None:
        rows = self._rows("unfinished_import", digest=digest)
        return _import(rows[0]) if rows else None

    def put_import(self, current: Import, remarks: Iterable[Remark]) -> None:
        import_id = ids.to_bytes(current.import_id)
        self._rows(
            "put_import",
            import_id=import_id,
            status=current.status,
            rows_done=current.rows_done,
            created=current.created,
            updated=current.updated,
            refused=current.refused,
            merges=current.merges,
            kept_apart=current.kept_apart,
            at=to_micros(current.updated_at),
        )
        for one in remarks:
            self._rows("add_remark", import_id=import_id, row=one.row, refused=one.refused, reason=one.reason)

    def remarks(self, import_id: str, after: int, limit: int) -> list[Remark]:
        rows = self._rows("remarks", import_id=ids.to_bytes(import_id), after=after, limit=limit)
        return [Remark(row=row, refused=bool(refused), reason=reason) for row, refused, reason in rows]


def _import(row: Row) -> Import:
    raw_id, filename, file_size, mappings, status, total, *counts, created_at, updated_at, secret = row
    done, created, updated, refused, merges, kept_apart = counts
    return Import(
        import_id=ids.from_bytes(ids.IMPORT, raw_id),
        filename=filename,
        file_size=file_size,
        column_mappings=tuple(ColumnMapping(**one) for one in json.loads(mappings)),
        status=status,
        rows_total=total,
        rows_done=done,
        created=created,
        updated=updated,
        refused=refused,
        merges=merges,
        kept_apart=kept_apart,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        secret_digest=secret,
    )
