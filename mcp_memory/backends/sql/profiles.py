"""Who is who, inside a transaction: find a profile, see all of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mcp_memory import history, identity, ledger, traits
from mcp_memory.backends.sql.cursors import page_of, page_of_all, place_of
from mcp_memory.backends.sql.database import ProfileRow, TraitRow, Transaction
from mcp_memory.errors import Invalid, NotFound
from mcp_memory.history import ProfileThen, TraitRevision
from mcp_memory.identity import IdentitySettings
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import Identifier, Lookup, Merge, Profile, TraitEntry

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def lookup(tx: Transaction, value: str, id_type: str | None, region: str) -> Lookup:
    settings = tx.identity_settings()
    types = (id_type,) if id_type else identity.candidate_types(value, settings)
    normalised = _normalised([Identifier(one, value) for one in types], settings, region)
    holders = tx.holders(normalised)
    for one in normalised:
        if one in holders:
            live = {row.profile_id: row for row in (existing(tx, holder) for holder in holders[one])}
            first, *others = sorted(live.values(), key=lambda row: (row.created_at, row.profile_id))
            return Lookup(identifier=one, profile=view(tx, first), sharers=[row.profile_id for row in others])
    likeliest = normalised[0]
    promoted = ((one.group, one.name) for one in tx.definitions() if one.id_type_promotion == likeliest.id_type)
    return Lookup(
        identifier=likeliest,
        profile=None,
        tried=[one.id_type for one in normalised],
        trait=next(promoted, None),
    )


def existing(tx: Transaction, profile_id: str, *, lock: bool = False) -> ProfileRow:
    row = tx.lock_profiles([profile_id]).get(profile_id) if lock else tx.find_profile(profile_id)
    if row is None:
        raise NotFound("There is no such profile in this store: look the customer up first.")
    return row


def page(tx: Transaction, query: PageQuery) -> Page[str]:
    place = place_of(query, "profiles", int, int)
    return page_of(tx.list_profiles(place, query.limit + 1, query.newest_first), query, "profiles")


def list_traits(tx: Transaction, profile_id: str, groups: Sequence[str] | None, query: PageQuery) -> Page[TraitEntry]:
    latest: dict[tuple[str, str], TraitRow] = {}
    for row in sorted(tx.traits(existing(tx, profile_id).profile_id), key=lambda one: (one.updated_at, one.profile_id)):
        latest[row.group, row.name] = row
    rows = [
        (
            ((one.updated_at - EPOCH) // MICROSECOND, one.group, one.name),
            TraitEntry(group=one.group, name=one.name, value=one.value, updated_at=one.updated_at),
        )
        for one in latest.values()
        if groups is None or one.group in groups
    ]
    return page_of_all(rows, query, "traits", int, str, str)


def trait_history(tx: Transaction, profile_id: str, query: PageQuery) -> Page[TraitRevision]:
    rows = [
        (((one.at - EPOCH) // MICROSECOND, one.group, one.name, one.profile_id, one.number), one)
        for one in tx.trait_revisions(existing(tx, profile_id).profile_id)
    ]
    return page_of_all(rows, query, "trait history", int, str, str, str, int)


def profile_at(tx: Transaction, profile_id: str, at: datetime) -> ProfileThen:
    row = existing(tx, profile_id)
    if row.created_at > at:
        raise NotFound("Nothing was known of this customer then: ask for a later time.")
    id = row.profile_id
    return ProfileThen(
        profile_id=id,
        at=at,
        created_at=row.created_at,
        traits=history.traits_at(tx.trait_revisions(id), at),
        observation_count=len(tx.observations_at(id, at)),
        summary_count=len(tx.summaries_at(id, at)),
    )


def view(tx: Transaction, row: ProfileRow) -> Profile:
    identifiers: dict[str, list[str]] = {}
    for one in tx.identifiers(row.profile_id):
        values = identifiers.setdefault(one.identifier.id_type, [])
        if one.identifier.value not in values:  # two members may have one value that several may share
            values.append(one.identifier.value)
    return Profile(
        profile_id=row.profile_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_activity_at=row.last_activity_at,
        observation_count=row.observation_count,
        summary_count=row.summary_count,
        communication_count=row.communication_count,
        traits=traits.latest(
            ((one.updated_at, one.profile_id), one.group, one.name, one.value) for one in tx.traits(row.profile_id)
        ),
        identifiers=identifiers,
        merges=_merges(tx, row) if len(row.members) > 1 else (),
    )


def _merges(tx: Transaction, row: ProfileRow) -> list[Merge]:
    return ledger.parts(ledger.standing(tx.merges(row.profile_id)), row.members)


def _normalised(candidates: Sequence[Identifier], settings: IdentitySettings, region: str) -> list[Identifier]:
    """Those that have the form of their type. Raises Invalid where none has."""
    normalised, refusal = [], None
    for one in candidates:
        try:
            normalised.append(identity.normalise(one, settings, region, "value"))
        except Invalid as exc:
            refusal = refusal or exc
    if refusal is not None and not normalised:
        raise refusal
    return normalised
