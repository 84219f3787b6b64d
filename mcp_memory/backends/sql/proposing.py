"""Traits that a conversation stated, inside a transaction: proposed, written where that is the policy, decided.

What is written contradicts nobody: people are never made one by a sentence in a chat, and what somebody else than a
conversation said of a trait stays. A newer statement replaces what an earlier one wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from mcp_memory.backends.sql.cursors import page_of_all
from mcp_memory.backends.sql.database import ProfileRow, TraitRow, Transaction
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.backends.sql.upserts import Upserts
from mcp_memory.errors import Conflict, Invalid, NotFound
from mcp_memory.history import EXTRACTION, MAX_REASON, Authorship
from mcp_memory.ids import TRAIT_PROPOSAL
from mcp_memory.learning_settings import TraitPolicy
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Identifier
from mcp_memory.proposals import ProposalStatus, TraitProposal, same

Begin = Callable[[Transaction, Authorship], Upserts]
"""Upserts in this transaction, by this author."""

HELD = "Another customer is recognised by this value: a sentence in a conversation makes nobody one."
OTHERWISE = "The trait has another value, which was not learned from a conversation."


def propose(tx: Transaction, new: TraitProposal, policy: TraitPolicy, begin: Begin) -> Sequence[str]:
    """Unless it is so, or was proposed or rejected already, or has not the form that its trait takes. `new`: as it was
    stated, without an id. Where it was written: all ids of the profile, which reads differently now."""
    profile = existing(tx, new.profile_id, lock=True)
    upserts = begin(tx, _author(EXTRACTION, "stated", f"Stated in {new.evidence}.", new))
    try:
        one = upserts.identifying(new.group, new.name, str(new.value))
    except Invalid:
        return ()
    new = new if one is None else replace(new, value=one.value)
    if _is_known(tx, profile, new):
        return ()
    new = replace(new, proposal_id=upserts.make_id(TRAIT_PROPOSAL))
    made = _written(tx, profile, new, one, upserts) if policy == "write" else new
    tx.insert_trait_proposal(made)
    return profile.members if made.status == "WRITTEN" else ()


def listed(tx: Transaction, profile_id: str, status: ProposalStatus | None, query: PageQuery) -> Page[TraitProposal]:
    rows = tx.trait_proposals(existing(tx, profile_id).profile_id)
    wanted = [row for row in rows if status in (None, row[1].status)]
    return page_of_all(wanted, query, "trait proposals", int)


def accept(tx: Transaction, profile_id: str, proposal_id: str, begin: Begin, by: Authorship) -> TraitProposal:
    found = _find(tx, profile_id, proposal_id)
    if found.status == "ACCEPTED":
        return found
    _refuse_decided(found)
    upserts = begin(tx, _author(by, "accepted", by.reason or f"Accepted, stated in {found.evidence}.", found))
    upserted = upserts.upsert({found.group: {found.name: found.value}}, found.profile_id)
    if upserted.kept_apart:
        raise Conflict("This value stays with another customer who is recognised by it: nothing was written.")
    return _decided(tx, found, "ACCEPTED", by, upserts.now)


def reject(tx: Transaction, profile_id: str, proposal_id: str, by: Authorship, now: datetime) -> TraitProposal:
    found = _find(tx, profile_id, proposal_id)
    if found.status == "REJECTED":
        return found
    _refuse_decided(found)
    return _decided(tx, found, "REJECTED", by, now)


def _is_known(tx: Transaction, profile: ProfileRow, new: TraitProposal) -> bool:
    current = _current(tx, profile, new)
    if current is not None and same(current.value, new.value):
        return True
    return any(
        one.status in ("PROPOSED", "REJECTED") and one.is_about(new.group, new.name) and same(one.value, new.value)
        for _, one in tx.trait_proposals(profile.profile_id)
    )


def _written(
    tx: Transaction, profile: ProfileRow, new: TraitProposal, one: Identifier | None, upserts: Upserts
) -> TraitProposal:
    """Or as it is, with why not."""
    if one is not None and any(holder not in profile.members for holder in tx.claim([one]).get(one, ())):
        return replace(new, reason=HELD)
    if not _is_ours(tx, profile, new):
        return replace(new, reason=OTHERWISE)
    try:
        with tx.attempt():
            upserted = upserts.upsert({new.group: {new.name: new.value}}, new.profile_id)
            if upserted.kept_apart or upserted.merges:
                raise Conflict(HELD)
    except (Invalid, Conflict) as exc:
        return replace(new, reason=str(exc)[:MAX_REASON])
    return replace(new, status="WRITTEN", decided_by=EXTRACTION.actor)


def _is_ours(tx: Transaction, profile: ProfileRow, new: TraitProposal) -> bool:
    """Nobody gave the trait, or a conversation did."""
    current = _current(tx, profile, new)
    if current is None:
        return True
    trait = current.group, current.name, current.profile_id
    given = [one for one in tx.trait_revisions(profile.profile_id) if (one.group, one.name, one.profile_id) == trait]
    return max(given, key=lambda one: one.number).by.actor == EXTRACTION.actor


def _current(tx: Transaction, profile: ProfileRow, new: TraitProposal) -> TraitRow | None:
    """As the profile reads: of what several members say, the latest."""
    rows = [row for row in tx.traits(profile.profile_id) if new.is_about(row.group, row.name)]
    return max(rows, key=lambda row: (row.updated_at, row.profile_id), default=None)


def _find(tx: Transaction, profile_id: str, proposal_id: str) -> TraitProposal:
    rows = tx.trait_proposals(existing(tx, profile_id, lock=True).profile_id)
    found = next((one for _, one in rows if one.proposal_id == proposal_id), None)
    if found is None:
        raise NotFound("There is no such trait proposal of this profile.")
    return found


def _refuse_decided(found: TraitProposal) -> None:
    if found.status != "PROPOSED":
        raise Conflict(f"It is {found.status} already: what was decided stays, change the trait itself instead.")


def _decided(
    tx: Transaction, found: TraitProposal, status: ProposalStatus, by: Authorship, now: datetime
) -> TraitProposal:
    decided = replace(found, status=status, decided_by=by.actor or None, updated_at=now)
    tx.decide_trait_proposal(decided)
    return decided


def _author(by: Authorship, rule: str, reason: str, of: TraitProposal) -> Authorship:
    return replace(by, rule=rule, reason=reason, conversation_id=of.conversation_id)
