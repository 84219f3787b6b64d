"""Pure: the words of a statement brought to one form, so that other words for the same are the same words.

Opposites become denials ("dislikes" is "not likes"), so that a statement and its denial have the same words. No pattern
repeats a repetition without bounds; they are tried on short texts only.
"""

import re

from mcp_memory.statements.attributes import RELATED
from mcp_memory.statements.wording import MONTH, stem, stem_set, stems

_A = r"(?=(?:an?|the|no|any|his|her|their|its|my|our|\d+) )"
_REWORDED = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"\bcan'?t stand\b|\bcannot stand\b|\bdislikes?\b|\bhates?\b|\bdetests?\b", "not liking"),
        (r"n't\b", " not"),
        (r"\bwould (?:like|love|prefer) to\b|\b(?:intends?|going|hopes?|wants?) to(?= (?!be\b))|\bplanning to\b", "plans to"),
        (r"\bwould like(?= (?:an?|the|some|more) )|\bwants?\b|\bwanted\b", "wanting"),
        (r"\b(?:enjoys?|loves?|likes?|adores?|enjoying|loving)\b|\b(?:is|am|are) (?:very )?(?:fond of|keen on)\b", "liking"),
        (r"\bhas an? (\w+) allergy\b", r"is allergic to \1"),
        (rf"\b(?:has|have|had|keeps?) {_A}|\b(?:owns?|possesses|possess)\b", "owning "),
        (r"\b(?:requires?|requiring|needs?|needing)\b", "needing"),
        (r"\b(?:purchased|bought)\b", "buying"),
        (r"\b(?:phoned|rang|telephoned)\b", "called"),
        (r"\b(?:resides?|residing|based|located|lived)\b", "living"),
        (r"\b(?:employed|job|working|worked)\b", "works"),
        (r"\b(?:uses|using|used(?! to))\b", "use"),
        (r"\bunsubscribed from\b", "not subscribed to"),
        (r"\b(?:is|was|are|were|becomes|became|stays|remains) (?:now )?closed\b", "is not open"),
        (r"\b(?:is|was|are|were) (?:now )?broken\b", "not works"),
        (r"\b(?:suspended|inactive|deactivated)\b", "not active"),
        (r"\bdisabled\b", "not enabled"),
        (r"\bunavailable\b", "not available"),
        (r"\bunpaid\b", "not paid"),
        (r"\bunhappy\b", "not happy"),
        (r"\b(?:do|does|did|is|are|was) ?not\b", "not"),
    )
)  # fmt: skip
_NUMBERS = dict(
    zip("one two three four five six seven eight nine ten eleven twelve".split(), map(str, range(1, 13)), strict=True)  # noqa: SIM905
)
_NUMBER = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b", re.IGNORECASE)

DENIED = re.compile(
    r"\b(?:no longer|not|never|neither|cannot|without|no more|any ?more|any longer|no(?= \w)|none|nothing)\b",
    re.IGNORECASE,
)
GIVEN_UP = re.compile(
    r"\b(?:stopped|stops|quit|quits|gave up|gives up|given up|cancell?ed|cancels|sold|dropped|ended|"
    r"left(?= (?:the |her |his |their |my |our )?\w)|unsubscribed|returned(?=.{1,80}\bnone\b)|"
    r"used to(?= \w)|formerly|previously|no longer|any ?more|any longer)\b",
    re.IGNORECASE,
)
ONCE_MORE = re.compile(r"\b(?:again|now|these days|resumed|back (?:to|on|in))\b", re.IGNORECASE)
BESIDES = re.compile(
    r"\b(?:also|too|as well|another|additional(?:ly)?|in addition|besides|second|both)\b", re.IGNORECASE
)
_UNDER_WAY = re.compile(
    r"^(?:(?:the |our |their |her |his )?(?:customer|client|caller|user|she|he|they|i|we|[A-Z]\w+) )?"
    r"(?:(?:has|have|had|just|already|recently) ){0,2}"
    r"(?:buying|bought|ordered|placed|called|came|went|met|travell?ed|flew|stayed|ate|tried|watched|spoke|talked|"
    r"discussed|celebrated|visited|complained|paid|attended|asked|told|reported|opened|sent|received|booked|returned|"
    r"picked|collected|requested|thanked|wrote|emailed|invited|missed|signed|filed|logged|had|made|gave(?! up)|took|"
    r"did|found|broke|won)\b"
)
_FILLER = stem_set(
    "no none nothing never very really quite just truly definitely actually already indeed simply neither cannot without "
    "stopped stop quit gave give given up cancelled cancel canceled sold dropped ended left unsubscribed used formerly "
    "previously anymore again nowadays new any additional another too well besides "
    "confirmed confirm says told reported reports noted keen"
)
TIME = stem_set(
    f"{MONTH.replace('|', ' ')} week month year spring summer autumn winter beginning start end middle recently lately "
    "yesterday day"
)
_YEAR = re.compile(r"(?:19|20)\d\d")

# What a contradiction says that says nothing else
_VAGUE = stem_set(
    "that this thing something information data detail detail fact record entry note file right wrong correct incorrect "
    "true untrue false accurate inaccurate changed change different else somewhere someone somebody anything outdated date "
    "obsolete invalid valid mistake mistaken error misunderstanding misunderstood disagree disagreed case mind way no "
    "really any like lik some yes"
)
_CONTRADICTS = re.compile(
    r"\b(?:wrong|incorrect|untrue|false|inaccurate|outdated|out of date|obsolete|invalid|mistaken?|misunderstanding|"
    r"misunderstood|disagree[sd]?|different(?:ly)?|something else|somewhere else|some(?:one|body) else|"
    r"changed|have changed|has changed|not really|(?:not|no longer|never) (?:\w+ )?(?:right|correct|true|accurate|valid|"
    r"like that|the case)|^(?:no|not)\b[^a-z]{0,3}(?:not )?(?:any ?more|any longer)?[.!]?$)(?=\W|$)",
    re.IGNORECASE,
)

_OWNER = re.compile(
    r"^(?:the customer'?s? |customer'?s? |her |his |their |my |our |the |an? )?(?P<one>[\w-]+)(?:'s)?\b", re.IGNORECASE
)
_POSSESSOR = re.compile(r"\b([A-Z][\w-]*)'s (?=\w)")
_NAMED = re.compile(r"([A-Z][a-z][\w-]*)(?: [A-Z][\w-]*)? (?:now |no longer |has |also )?(?P<verb>[a-z]+)\b")
_VERBS = frozenset(
    """is was has had lives lived works worked moved likes liked prefers plays played wants studies speaks drives owns
    uses left quit stopped joined became got eats smokes drinks needs hates loves enjoys does did relocated resides
    plans sold bought called goes went travels sings reads collects pays runs says asked and or never now""".split()  # noqa: SIM905
)


def reworded(text: str) -> str:
    """`text` is plain: with straight apostrophes."""
    for pattern, instead in _REWORDED:
        text = pattern.sub(instead, text)
    return _NUMBER.sub(lambda match: _NUMBERS[match[0].lower()], text)


def core(text: str) -> frozenset[str]:
    """The stems of what tells something, of a text that is reworded: without denials and filling."""
    return frozenset(stems(text)) - _FILLER


def beside_time(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words - TIME if not _YEAR.fullmatch(word))


def owners(text: str) -> frozenset[str]:
    """Whose it is, where the text names a relative, a possessor or somebody by name; nobody: the customer."""
    found = {stem(name) for name in _POSSESSOR.findall(text)} - {"customer", "client", "the"}
    if (first := _OWNER.match(text)) and stem(first["one"]) in RELATED:
        found.add(stem(first["one"]))
    name = _NAMED.match(text)
    if name and name["verb"] in _VERBS and name[1].lower() not in _VERBS and name[1].lower() not in _PRONOUNS:
        found.add(stem(name[1]))
    return frozenset(found)


_PRONOUNS = frozenset("she he they we the customer client her his it this that".split())  # noqa: SIM905


def happened(text: str) -> bool:
    return _UNDER_WAY.match(text) is not None


def contradicts_vaguely(text: str) -> bool:
    return _CONTRADICTS.search(text) is not None


def without_vagueness(words: frozenset[str]) -> frozenset[str]:
    return words - _VAGUE
