"""What recall reads: signatures, token vectors, and which of them are to be made anew."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mcp_memory.backends.sql.memory_rows import Signature, StoredText
from mcp_memory.backends.sql.sqlite.keys import SEQ_BITS, key, key_range, kind, profile_no, to_micros
from mcp_memory.backends.sql.sqlite.rows import Row, Rows
from mcp_memory.errors import Invalid
from mcp_memory.model import Kind

if TYPE_CHECKING:
    from mcp_memory.candidates import Candidates, Ints, TokenVectors

LOOKED_AT = 1_000  # signatures at once
WORTH_KEEPING = 32  # items in memory; reading fewer takes no longer than looking whether they changed


class SqliteSignatures(Rows):
    def candidates(self, kind: Kind, profile_id: str, model_id: str) -> "tuple[Sequence[object], Candidates]":
        model_no, dimensions = self._model(model_id)
        version = self._versions(profile_id, model_no)
        members = version[0]
        found: tuple[Sequence[object], Candidates] = self._hot.get(
            (self._store, members[0][0], kind),
            version,
            lambda: self._read_candidates([member for member, _ in members], kind, model_no, dimensions),
        )
        return found

    def candidates_of(
        self,
        kind: Kind,
        profile_id: str,
        model_id: str,
        keys: Collection[object],
        instead: Mapping[object, tuple[datetime, Signature | None]],
    ) -> "tuple[Sequence[object], Candidates]":
        from mcp_memory.backends.sql.sqlite import packing  # numpy: not before it is needed, for the cold start

        model_no, dimensions = self._model(model_id)
        members = [member for member, _ in self._versions(profile_id, model_no)[0]]
        rows = [row for row in self._signature_rows(members, kind) if row[0] in keys]
        for place, row in enumerate(rows):
            if row[0] in instead:
                rows[place] = _otherwise(row, *instead[row[0]], model_no=model_no, model_id=model_id)
        return [row[0] for row in rows], packing.unpack(rows, model_no, dimensions)

    def token_vectors(
        self, kind: Kind, profile_id: str, keys: Sequence[object], candidates: "Candidates", chosen: "Ints"
    ) -> "TokenVectors":
        from mcp_memory.backends.sql.sqlite import packing  # numpy: not before it is needed, for the cold start

        wanted = [keys[place] for place in chosen.tolist()]
        version = self._version[self._number(profile_id)]
        hot_key = (self._store, version[0][0][0], kind, "tokens")
        known: dict[object, bytes] = self._hot.get(
            hot_key, version, lambda: ({}, 1 if len(keys) >= WORTH_KEEPING else 0)
        )
        missing = [one for one in wanted if one not in known]
        if missing:
            read: dict[object, bytes] = dict(self._rows("token_vectors", ids=json.dumps(missing)))
            known |= read
            self._hot.grow(hot_key, version, sum(len(blob) for blob in read.values()))
        dimensions = candidates.vectors.values.shape[1]
        return packing.unpack_tokens(candidates, chosen, [known.get(one) for one in wanted], dimensions)

    def count_stale(self, model_id: str, recipe: int) -> int:
        return int(self._rows("count_stale", model_no=self._model(model_id)[0], recipe=recipe)[0][0])

    def stale(self, model_id: str, recipe: int, limit: int) -> list[StoredText]:
        rows = self._rows("stale", model_no=self._model(model_id)[0], recipe=recipe, limit=limit)
        return [self._stored_text(id) for (id,) in rows]

    def texts(self, keys: Iterable[object]) -> Mapping[object, StoredText]:
        return {key: self._stored_text(int(str(key))) for key in keys if self._rows("signed_at", id=key)}

    def damaged(self) -> list[object]:
        from mcp_memory.backends.sql.sqlite import packing  # numpy, as above

        bad: list[object] = []
        for model_no, dimensions in self._rows("models"):
            after = -1
            while rows := self._rows("signatures_of", model_no=model_no, after=after, limit=LOOKED_AT):
                bad += packing.damaged(rows, model_no, dimensions or 0)
                after = rows[-1][0]
        return bad

    def forget_signatures(self, keys: Iterable[object]) -> None:
        self._many("forget_signature", [{"id": id} for id in keys])

    def put_signatures(self, new: Sequence[tuple[object, Signature]]) -> None:
        for id, signature in new:
            for (occurred_at,) in self._rows("signed_at", id=id):
                self._put_signature(int(str(id)), occurred_at, signature)
        for number in {profile_no(int(str(id))) for id, _ in new}:
            self._rows("changed", no=number)

    def take_lease(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        return bool(self._rows("take_lease", name=name, holder=holder, now=to_micros(now), until=to_micros(until)))

    # Inside

    def _read_candidates(
        self, members: Sequence[int], kind: Kind, model_no: int, dimensions: int
    ) -> "tuple[tuple[Sequence[object], Candidates], int]":
        from mcp_memory.backends.sql.sqlite import packing  # numpy, as above

        rows = self._signature_rows(members, kind)
        found = packing.unpack(rows, model_no, dimensions)
        size = found.nbytes if len(rows) >= WORTH_KEEPING else 0
        return ([row[0] for row in rows], found), size

    def _signature_rows(self, members: Sequence[int], kind: Kind) -> list[Row]:
        rows: list[Row] = []
        for number in members:
            first, last = key_range(number, kind)
            rows += self._rows("signatures", first=first, last=last)
        return rows

    def _versions(self, profile_id: str, model_no: int) -> tuple[tuple[Row, ...], int]:
        """What candidates in memory are known by: the members with their versions, and the model."""
        number = self._number(profile_id)
        self._version[number] = version = (tuple(self._rows("versions", no=number)), model_no)
        return version

    def _new_keys(self, number: int, kind: Kind, count: int) -> list[int]:
        rows = self._rows("take_seq", no=number, count=count)
        if not rows:
            raise Invalid(f"The profile is full: it holds {1 << SEQ_BITS} items. Write to another one.")
        return [key(number, kind, seq) for seq in range(rows[0][0] - count, rows[0][0])]

    def _put_signature(
        self,
        id: int,
        occurred_at: int,
        signature: Signature,
        conversation_no: int | None = None,
        from_agent: bool | None = None,
    ) -> None:
        from mcp_memory.backends.sql.sqlite import packing  # numpy, as above

        vectors, terms, tokens = packing.pack_signature(signature)
        if signature.model_id:
            self._rows("add_model", model_id=signature.model_id, dimensions=signature.vectors.shape[1] or None)
        self._rows(
            "put_signature",
            id=id,
            occurred_at=occurred_at,
            model_no=self._model(signature.model_id)[0],
            recipe=signature.recipe,
            emb=vectors,
            terms=terms,
            conversation_no=conversation_no,
            from_agent=from_agent,
            tokens=tokens,
        )
        if signature.token_vectors is None:
            self._rows("remove_tokens", id=id)
        else:
            self._rows("put_tokens", id=id, vectors=packing.pack_vectors(signature.token_vectors))

    def _model(self, model_id: str) -> tuple[int, int]:
        """Its number and dimensions; 0 where nothing is stored that it made."""
        rows = self._rows("model", model_id=model_id)
        return (rows[0][0], rows[0][1] or 0) if rows else (0, 0)

    def _stored_text(self, id: int) -> StoredText:
        if kind(id) != "communication":
            (text,) = self._rows(f"{kind(id)}_text", id=id)[0]
            return StoredText(key=id, text=text)
        conversation_no, author, text = self._rows("message", id=id)[0]
        before = self._rows("message_before", conversation_no=conversation_no, id=id)
        after = self._rows("message_after", conversation_no=conversation_no, id=id)
        return StoredText(
            key=id,
            text=text,
            author=author,
            before=before[0] if before else None,
            after=after[0] if after else None,
            is_message=True,
        )


def _otherwise(row: Row, occurred_at: datetime, signature: Signature | None, *, model_no: int, model_id: str) -> Row:
    from mcp_memory.backends.sql.sqlite import packing  # numpy, as above

    id, _, own_model_no, vectors, terms, *source, tokens = row
    if signature is not None:
        vectors, terms, _ = packing.pack_signature(signature)
        own_model_no, tokens = (model_no if signature.model_id == model_id else 0), None
    return (id, to_micros(occurred_at), own_model_no, vectors, terms, *source, tokens)
