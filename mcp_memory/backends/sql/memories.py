"""What is remembered, inside a transaction: add without doubling, read latest first."""

from collections.abc import Sequence
from datetime import datetime

from mcp_memory import language
from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.memory_rows import Known, NewItem, Signature
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.backends.sql.quotas import Room
from mcp_memory.history import Authorship
from mcp_memory.ids import OBSERVATION, SUMMARY, MakeId
from mcp_memory.model import Added, NewObservation, NewSummary, Observation, Receipt, Summary

LOOKED_AT = 50  # observations since, among which what contradicts a repetition is looked for


def add_observations(
    tx: Transaction,
    profile_id: str,
    new: Sequence[NewObservation],
    signatures: Sequence[Signature],
    room: Room,
    by: Authorship,
    *,
    now: datetime,
    make_id: MakeId,
) -> Added:
    profile = existing(tx, profile_id, lock=True)
    digests = [language.digest(one.content) for one in new]
    known = tx.known("observation", profile.profile_id, digests)
    receipts: list[Receipt] = []
    added: list[NewItem[Observation]] = []
    for one, digest, signature in zip(new, digests, signatures, strict=True):
        double = _double(one.occurred_at, [item for item in known if item.digest == digest])
        if double is not None and not _replaced(tx, profile.profile_id, double, one, added):
            receipts.append(Receipt(id=double.id, outcome="duplicate"))
            continue
        item = Observation(
            id=make_id(OBSERVATION),
            content=one.content,
            source=one.source,
            occurred_at=one.occurred_at or now,
            created_at=now,
            updated_at=now,
            conversation_ids=one.conversation_ids,
        )
        added.append(NewItem(item=item, digest=digest, signature=signature, by=by))
        known.append(Known(id=item.id, digest=digest, occurred_at=item.occurred_at))
        receipts.append(Receipt(id=item.id, outcome="added"))
    if added:
        room.check_observations(profile, len(added))
        tx.insert_observations(profile_id, added)
        tx.touch_profile(profile_id, now)
    return Added(receipts=receipts, profile_ids=profile.members)


def add_summaries(
    tx: Transaction,
    profile_id: str,
    new: Sequence[NewSummary],
    signatures: Sequence[Signature],
    room: Room,
    by: Authorship,
    *,
    now: datetime,
    make_id: MakeId,
) -> Added:
    profile = existing(tx, profile_id, lock=True)
    digests = [language.digest(one.content) for one in new]
    known = {(one.digest, one.conversation_id): one.id for one in tx.known("summary", profile.profile_id, digests)}
    receipts: list[Receipt] = []
    added: list[NewItem[Summary]] = []
    for one, digest, signature in zip(new, digests, signatures, strict=True):
        if (digest, one.conversation_id) in known:
            receipts.append(Receipt(id=known[digest, one.conversation_id], outcome="duplicate"))
            continue
        item = Summary(
            id=make_id(SUMMARY),
            content=one.content,
            source=one.source,
            conversation_id=one.conversation_id,
            occurred_at=one.occurred_at or now,
            created_at=now,
            updated_at=now,
        )
        added.append(NewItem(item=item, digest=digest, signature=signature, by=by))
        known[digest, one.conversation_id] = item.id
        receipts.append(Receipt(id=item.id, outcome="added"))
    if added:
        room.check_storage()
        tx.insert_summaries(profile_id, added)
        tx.touch_profile(profile_id, now)
    return Added(receipts=receipts, profile_ids=profile.members)


def _replaced(
    tx: Transaction,
    profile_id: str,
    double: Known,
    new: NewObservation,
    added: Sequence[NewItem[Observation]],
) -> bool:
    """Whether something else was said of the same since: then what is said again is no repetition, but holds again."""
    if new.occurred_at is not None:
        return False
    from mcp_memory.statements import read, supersedes  # many patterns: late, for the cold start

    said = read(new.content)
    later = tx.latest_observations(profile_id, LOOKED_AT, double.occurred_at, None)
    since = [*later, *(one.item for one in added)]
    return any(
        one.id != double.id and said.same_attribute(other) and supersedes(other, said, 0.0)
        for one in since
        if (other := read(one.content)).attribute
    )


def _double(occurred_at: datetime | None, same_words: Sequence[Known]) -> Known | None:
    """The latest such. The same words at another stated time are another event; without a time they are said again."""
    same = (one for one in same_words if occurred_at in (None, one.occurred_at))
    return max(same, key=lambda one: one.occurred_at, default=None)
