"""Pure: what a statement says, as far as reconciling it with another needs it."""

from dataclasses import dataclass, field
from functools import lru_cache

from mcp_memory.reconciliation import wording
from mcp_memory.statements import LONGEST, Statement, read
from mcp_memory.statements.claims import Claim, claims
from mcp_memory.statements.wording import BEGINS, DOUBT, FUTURE, plain


@dataclass(frozen=True, kw_only=True)
class Reading:
    """`same`: the text itself, but for case, blanks and the last stop. `words`: the stems of what tells something, the
    same in other words and for the denial; `sequence`: those and the prepositions, in order; `head`: those of what the
    text says something, None where that can't be told.

    `claims`: known or not to have one value at a time. `replaced`: what was so, by its own words. `owners`: whose it
    is, empty for the customer. `denied`: is not so; `given_up`: was so, and is no more. `temporary`: only for a while,
    or sometimes. `scope`: for what it is so. `besides`: it holds beside what held. `several`: says several things.
    `vague`: contradicts, and may say nothing else.
    """

    same: str
    long: bool = False
    statement: Statement = field(default_factory=Statement)
    words: frozenset[str] = frozenset()
    claims: tuple[Claim, ...] = ()
    owners: frozenset[str] = frozenset()
    denied: bool = False
    given_up: bool = False
    tentative: bool = False
    event: bool = False
    changed: bool = False
    besides: bool = False
    several: bool = False
    vague: bool = False
    temporary: bool = False
    replaced: frozenset[str] = frozenset()
    scope: frozenset[str] = frozenset()
    sequence: tuple[str, ...] = ()
    head: frozenset[str] | None = None

    @property
    def ids(self) -> frozenset[str]:
        """Numbers of orders and the like."""
        return frozenset(word for word in self.statement.words if sum(letter.isdigit() for letter in word) >= 3)

    @property
    def verb(self) -> str | None:
        """The first word that tells something behind the head: "member", where somebody is a member."""
        head = self.head or frozenset()
        return next((word for word in self.sequence if word not in head | wording.PREPOSITIONS), None)

    @property
    def directions(self) -> frozenset[str]:
        return self.words & wording.OPPOSITES


@lru_cache(maxsize=1_024)
def reading(text: str) -> Reading:
    """Of a long text nothing is read: it says many things at once."""
    same = " ".join(text.casefold().split()).rstrip(".! ")
    if len(text) > LONGEST:
        return Reading(same=same, long=True)
    text = wording.PREFERS_TO.sub(r"\1 over", plain(text))
    statement, reworded = read(text), wording.reworded(text)
    claimed = tuple(dict.fromkeys(one for one in claims(text) if wording.tells_a_value(one.value)))
    event = wording.happened(reworded) and all(
        one.attribute.startswith("count:") for one in claimed if one.current and one.known
    )
    told = wording.GIVEN_UP.sub(" ", reworded)
    later = FUTURE.search(text) and not BEGINS.search(text)
    return Reading(
        same=same,
        statement=statement,
        words=wording.core(told),
        claims=() if event else claimed,
        owners=wording.owners(reworded),
        denied=bool(wording.DENIED.search(reworded) or wording.GIVEN_UP.search(reworded)),
        given_up=wording.GIVEN_UP.search(reworded) is not None,
        tentative=bool(DOUBT.search(wording.TRIAL.sub("", text)) or later),
        event=event,
        changed=statement.change or wording.ONCE_MORE.search(text) is not None,
        besides=wording.BESIDES.search(text) is not None,
        several=wording.SEVERAL.search(text) is not None,
        vague=wording.contradicts_vaguely(text),
        temporary=wording.TEMPORARY.search(text) is not None,
        replaced=wording.replaced(reworded),
        scope=wording.scope(text),
        sequence=wording.sequence(told),
        head=wording.head(reworded),
    )
