"""Many profiles in one call.

The service says nothing of what became of each, and stumbles over entries that are one person: so who is there is
looked up before, and entries that share an identifier go in calls of their own, one after the other.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import anyio

from mcp_memory.backends.twilio import calls
from mcp_memory.backends.twilio.profiles import Profiles
from mcp_memory.backends.twilio.remote import Remote
from mcp_memory.backends.twilio.rules import Rules
from mcp_memory.backends.twilio.upserts import Given, Upserts
from mcp_memory.errors import Error, Invalid
from mcp_memory.imports import BulkOutcome
from mcp_memory.model import Identifier, Scope
from mcp_memory.traits import Raw

AT_ONCE: Final = 8  # lookups


class Bulk:
    def __init__(self, remote: Remote, rules: Rules, profiles: Profiles, upserts: Upserts) -> None:
        self._remote, self._rules, self._profiles, self._upserts = remote, rules, profiles, upserts

    async def upsert_profiles(self, scope: Scope, entries: Sequence[Raw]) -> list[BulkOutcome]:
        """Those that are new are looked up afterwards; `profile_id` is None where the service shows none by now."""
        outcomes: dict[int, BulkOutcome] = {}
        checked: dict[int, Given] = {}
        settings = await self._rules.settings(scope.store_id)
        for position, entry in enumerate(entries):
            try:
                one = await self._upserts.checked(scope, entry, settings)
                if one.wanted.removed:
                    raise Invalid("traits: a null can't be given for many at once: remove it from the one profile.")
                if not any(settings.matches(each.id_type) for each in one.identifiers):
                    raise Invalid("traits: give at least one trait that identifies the customer.")
                checked[position] = one
            except Invalid as exc:
                outcomes[position] = BulkOutcome(outcome="refused", reason=str(exc))
        known = await self._known(scope, {each for one in checked.values() for each in one.identifiers})
        people = _people(checked)
        for turn in range(max(map(len, people), default=0)):
            entry_of = [checked[each[turn]] for each in people if turn < len(each)]
            body = {"profiles": [{"traits": one.values()} for one in entry_of]}
            await self._remote.send(calls.UPDATE_PROFILES, scope.store_id, body=body)
        new = {one for given in checked.values() for one in given.identifiers if known[one] is None}
        known = {**known, **await self._known(scope, new)}
        for each in people:
            holder = next((known[one] for at in each for one in checked[at].identifiers if known.get(one)), None)
            before = any(one not in new for at in each for one in checked[at].identifiers)
            for place, at in enumerate(each):
                found = before or place > 0
                outcomes[at] = BulkOutcome(outcome="updated" if found else "created", profile_id=holder)
        return [outcomes[position] for position in range(len(entries))]

    async def _known(self, scope: Scope, identifiers: set[Identifier]) -> Mapping[Identifier, str | None]:
        found: dict[Identifier, str | None] = {}
        refused: list[Error] = []
        room = anyio.Semaphore(AT_ONCE)

        async def look(one: Identifier) -> None:
            async with room:
                try:
                    if not refused:
                        found[one] = next(iter((await self._profiles.holders(scope, one))[1]), None)
                except Error as exc:
                    refused.append(exc)

        async with anyio.create_task_group() as tasks:
            for one in sorted(identifiers):
                tasks.start_soon(look, one)
        if refused:
            raise refused[0]
        return found


def _people(checked: Mapping[int, Given]) -> list[list[int]]:
    """Positions of entries, those that share an identifier together."""
    of: dict[Identifier, list[int]] = {}
    people: list[list[int]] = []
    for position, given in checked.items():
        mine = [position]
        for one in given.identifiers:
            other = of.get(one)
            if other is not None and other is not mine:
                if other in people:
                    people.remove(other)
                mine = sorted({*mine, *other})
        people.append(mine)
        for at in mine:
            for one in checked[at].identifiers:
                of[one] = mine
    return people
