"""One request, as the handlers see it, and what they answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ..document import Operation
from .refusals import bad_request, not_found
from .state import Account, Group, Json, Profile, Store, stamp


@dataclass(frozen=True)
class Reply:
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


class Moved(Exception):
    """The profile that was asked for is another one now."""

    def __init__(self, to: str) -> None:
        self.to = to


@dataclass(frozen=True)
class Call:
    """`query` has the defaults of what was not given. `later` does what a 202 promises, some time."""

    operation: Operation
    account: Account
    path: dict[str, str]
    query: Json
    headers: dict[str, str]
    body: Json
    base: str  # the address that the client used
    at: datetime
    new_id: Callable[[str], str]
    later: Callable[[Callable[[], None]], None]
    spare: bool  # leave out what may be left out
    doomed: bool  # the operation that this starts will fail
    transparent: bool  # serve a merged profile rather than redirect to it, where both are published

    @property
    def now(self) -> str:
        return stamp(self.at)

    @property
    def store(self) -> Store:
        return self._store(active=True)

    @property
    def store_whatever_its_state(self) -> Store:
        return self._store(active=False)

    def _store(self, active: bool) -> Store:
        store = self.account.stores.get(self.path["storeId"])
        if store is None:
            raise not_found("Memory Store", 520041)
        if active and not store.active:
            raise bad_request("The Memory Store is not active", 520042)
        return store

    @property
    def group(self) -> Group:
        group = self.store.groups.get(self.path["traitGroupName"])
        if group is None:
            raise not_found("trait group", 520047)
        return group

    @property
    def profile(self) -> Profile:
        """Raises Moved where the document has a redirect for it."""
        store, asked = self.store, self.path["profileId"]
        canonical = store.moved.get(asked, asked)
        if canonical not in store.profiles:
            raise not_found("profile")
        if canonical != asked and self._redirects:
            raise Moved(canonical)
        return store.profiles[canonical]

    @property
    def _redirects(self) -> bool:
        answers = self.operation.answers
        may_serve = 200 in answers and "Canonical-Profile-Id" in answers[200].headers
        return not (may_serve and (self.transparent or not {301, 308} & set(answers)))

    def of_profile(self, body: Json) -> Reply:
        """Says whose it is when that is not who was asked for."""
        canonical = self.profile.id
        return Reply(200, body, {"Canonical-Profile-Id": canonical} if canonical != self.path["profileId"] else {})

    def accepted(self, message: str, effect: Callable[[], None]) -> Reply:
        self.later(effect)
        return Reply(202, {"message": message})


Handler = Callable[[Call], Reply]
