"""How many identifiers a profile keeps, inside a transaction.

What a profile brought past the limit of a type is dropped for good. What is too much only together with profiles that
are merged is retired, and so is what somebody else took meanwhile: it identifies nobody from here, and does so again
as soon as it can.
"""

from collections.abc import Iterable, Sequence, Set

from mcp_memory.backends.sql.database import Transaction
from mcp_memory.backends.sql.profiles import existing
from mcp_memory.identity import IdentifierConfig, IdentitySettings
from mcp_memory.ledger import Holding
from mcp_memory.model import Identifier

NONE: Set[Identifier] = frozenset()


def settle(
    tx: Transaction, profile_id: str, settings: IdentitySettings, given: Set[Identifier] = NONE
) -> list[Identifier]:
    """Retire what is too much, revive what there is room for; returned is what identifies no longer.

    `given`: what was just said, and counts as the newest.
    """
    held, waiting = tx.identifiers(profile_id), tx.retired(profile_id)
    retired: list[Identifier] = []
    for config in settings.identifier_configs:
        live = [one for one in held if one.identifier.id_type == config.id_type]
        wait = [one for one in waiting if one.identifier.id_type == config.id_type]
        if wait or len(live) > config.limit:
            retired += _settle(tx, config, live, wait, given)
    if retired:
        release(tx, retired, settings, but=existing(tx, profile_id).profile_id)
    return retired


def release(tx: Transaction, gone: Iterable[Identifier], settings: IdentitySettings, but: str) -> None:
    """What no longer identifies the live profile `but` may identify others, who had it too."""
    for one in gone:
        for other in tx.waiting(one.id_type, one.value):
            if other != but:
                settle(tx, other, settings)


def settle_all(tx: Transaction, settings: IdentitySettings) -> None:
    """After a change that may concern anybody."""
    for profile_id in {one for config in settings.identifier_configs for one in tx.waiting(config.id_type)}:
        settle(tx, profile_id, settings)


def trim(tx: Transaction, member: str, config: IdentifierConfig, given: Set[Identifier]) -> list[Identifier]:
    """Drop what this member alone has too much of; what somebody else has by now takes no room."""
    live = [one for one in tx.identifiers(member) if one.profile_id == member]
    own = [
        one
        for one in (*live, *_free(tx, config, [one for one in tx.retired(member) if one.profile_id == member]))
        if one.identifier.id_type == config.id_type
    ]
    kept = _kept(own, config, given)
    dropped = [one for one in own if one.identifier not in kept]
    tx.detach(dropped)
    return [one.identifier for one in dropped]


def lost(tx: Transaction, profile_id: str, settings: IdentitySettings) -> list[Identifier]:
    """What would identify, if somebody else did not have it by now."""
    live = {one.identifier for one in tx.identifiers(profile_id)}
    unique = {config.id_type for config in settings.identifier_configs if config.enforce_unique}
    waiting = [one.identifier for one in tx.retired(profile_id) if one.identifier not in live]
    return [one for one in waiting if one.id_type in unique and one in tx.holders([one])]


def _settle(
    tx: Transaction, config: IdentifierConfig, live: Sequence[Holding], wait: Sequence[Holding], given: Set[Identifier]
) -> list[Identifier]:
    free = _free(tx, config, wait)
    kept = _kept([*live, *free], config, given)
    identifying = {one.identifier for one in live}
    tx.retire(one for one in live if one.identifier not in kept)
    revived: dict[Identifier, Holding] = {}
    for one in free:
        if one.identifier in kept - identifying:
            revived.setdefault(one.identifier, one)
    tx.revive(revived.values(), shared=not config.enforce_unique)
    return sorted(identifying - kept)


def _free(tx: Transaction, config: IdentifierConfig, waiting: Sequence[Holding]) -> list[Holding]:
    """Without those that identify somebody else."""
    taken = tx.claim(sorted({one.identifier for one in waiting})) if config.enforce_unique else {}
    return [one for one in waiting if one.identifier not in taken]


def _kept(holdings: Iterable[Holding], config: IdentifierConfig, given: Set[Identifier]) -> set[Identifier]:
    if config.limit_policy == "lifo":
        by_age = sorted(holdings, key=lambda one: (one.since, one.identifier))
        return set(list(dict.fromkeys(one.identifier for one in by_age))[: config.limit])
    by_age = sorted(holdings, key=lambda one: (one.identifier in given, one.since, one.identifier))
    return set(list(dict.fromkeys(one.identifier for one in reversed(by_age)))[: config.limit])
