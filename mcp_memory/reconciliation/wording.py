"""Pure: the words of a statement brought to one form, so that other words for the same are the same words.

Opposites become denials ("dislikes" is "not likes"), so that a statement and its denial have the same words. No pattern
repeats a repetition without bounds; they are tried on short texts only.
"""

import re
from collections.abc import Iterable

from mcp_memory.statements.attributes import ASKED_OF_ANY, NOUNS, RELATED
from mcp_memory.statements.wording import MONTH, stem, stems

_NUMBERS = dict(
    zip("one two three four five six seven eight nine ten eleven twelve".split(), map(str, range(1, 13)), strict=True)  # noqa: SIM905
)
_NUMBER_WORDS = frozenset(_NUMBERS) | frozenset(_NUMBERS.values())
_NUMBER = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b", re.IGNORECASE)


def _form(told: str) -> str:
    """Of a stem: the same for "move" and "moved"."""
    return told[:-1] if len(told) == 4 and told[-1] == "e" else told


def form_set(words: str) -> frozenset[str]:
    """Of words that are separated by blanks."""
    return frozenset(_form(stem(word)) for word in words.split())


_HAS = (
    r"(?:has|have|had|having|keeps?) (?!been|is\b|to\b|just|already|recently|also|now|since|not\b|never|no longer|ever|"
    r"left|gone|become|taken|met|made|got|begun|sold|sent|paid|put|set|cut|read|told|said|lost|found|kept|built|come|"
    r"run|had|quit|spent|bought|\w+(?:ed|en|wn|ne)\b)"
)
_REWORDED = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"\bcan'?t stand\b|\bcannot stand\b|\bdislikes?\b|\bhates?\b|\bdetests?\b", "not liking"),
        (r"\bcan'?t\b", "cannot"),
        (r"n't\b", " not"),
        (r"\b(?:at the moment|at present|as of now|these days)\b", "now"),
        (r"\bclose to\b", "near"),
        (r"\bwould (?:like|love|prefer) to\b|\b(?:intends?|going|hopes?|wants?) to(?= (?!be\b))", "plans to"),
        (r"\bplanning to\b", "plans to"),
        (r"\bwould like(?= (?:an?|the|some|more) )|\bwants?\b|\bwanted\b", "wanting"),
        (r"\b(?:enjoys?|loves?|likes?|adores?|enjoying|loving)\b", "liking"),
        (r"\b(?:is|am|are) (?:very )?(?:fond of|keen on)\b", "liking"),
        (r"\bhas an? (\w+) allergy\b", r"is allergic to \1"),
        (rf"\b{_HAS}|\b(?:owns?|possesses|possess) ", "owning "),
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
        (r"\bdecided (?:not to|against)\b", "no longer plans to"),
        (r"\b(?:was |has been |were )?(?:laid off|fired|dismissed|let go) (?:by|from|at)\b", "left"),
        (r"\b(?:resigned|retired) from\b", "left"),
        (r"\b(?:is|was|are|were|am) unable to\b", "cannot"),
        (r"\bdivorced (?=(?-i:[A-Z]))", "not married to "),
        (r"\bask(?:s|ed)(?: us| me)? not to\b", "not wanting"),
        (r"\bask(?:s|ed)(?: us| me)? to(?= be\b)", "wanting"),
        (r"\b(?:is|was|are|were|be|stays|(?:turned|switched)(?= off(?:[.!]|$| now))) (?:now )?off\b", "not switchedon"),
        (r"\b(?:is|was|are|were|be|turned|switched|stays) (?:now )?on(?=[.!]|$| again| now)", "switchedon"),
        (r"\b(?:do|does|did|is|are|was|were|am) ?not\b", "not"),
    )
)  # fmt: skip
_REPORTED = re.compile(
    r"^(?:the |a )?(?:customer|client|caller|user|she|he|they) (?:also |has |have |just )?"
    r"(?:said|says|mentioned|mentions|confirmed|confirms|stated|explained|added|(?:told|reminded) (?:us|me)|"
    r"(?:reported|reports|noted|notes)(?= that)) (?:that )?(?=\w+ \w)",
    re.IGNORECASE,
)
_SAME_WORDS = {
    _form(stem(word)): _form(stem(group.split()[0]))
    for group in (
        "problem problems trouble troubles issue issues difficulty difficulties",
        "big large",
        "small little",
        "start begin begins beginning",
        "child kid kids children",
        "apartment flat",
        "car automobile vehicle",
        "film movie movies",
        "bicycle bike bikes",
        "mother mum mom",
        "father dad",
        "television tv telly",
        "holiday vacation holidays",
        "fridge refrigerator",
        "mobile cellphone cell",
        "receive receiving receives get gets getting",
    )
    for word in group.split()
}
OPPOSITES = frozenset("before after until under above below up down out more less least outside inside".split())  # noqa: SIM905
PREPOSITIONS = frozenset("by with at to on in for from via as under until before after".split())  # noqa: SIM905
_WORD = re.compile(r"[a-z]+")
DENIED = re.compile(
    r"\b(?:no longer|not|never|neither|cannot|without|no more|any ?more|any longer|no(?= \w)|none|nothing)\b",
    re.IGNORECASE,
)
DENIED_ELSEWHERE = form_set(
    "kein keine keinen nicht nie niemals mehr ne pas jamais plus non mai nunca ya jam\u00e1s n\u00e3o nem niet geen "
    "nooit ikke aldri inte aldrig ej ei nije \u043d\u0435 \u043d\u0435\u0442 \u043d\u0438\u043a\u043e\u0433\u0434\u0430"
)  # in other languages: of two texts that differ in one of these, nothing is said
GIVEN_UP = re.compile(
    r"\b(?:stopped|stops|quit|quits|gave up|gives up|given up|cancell?ed|cancels|sold|ended|"
    r"closed(?= (?:the|his|her|their|my|our) )|broke up|broken up|split up|separated from|finished|completed|paid off|"
    r"dropped out|opted out|turned off|switched off|taken off|withdrew|"
    r"(?<!be )left(?= (?:the |her |his |their |my |our )?\w)|unsubscribed|"
    r"used to(?= \w)|formerly|previously|no longer|any ?more|any longer)\b",
    re.IGNORECASE,
)
PREFERS_TO = re.compile(
    r"\b(prefers? (?:[\w-]+ ){0,2}[\w-]+) to (?!(?:be|the|her|his|their|us)\b)(?=\w)", re.IGNORECASE
)
TRIAL = re.compile(r"\b(?:the|her|his|their|our|my|a) (?:free )?trial\b", re.IGNORECASE)  # a thing, not a doubt
TEMPORARY = re.compile(
    r"\b(?:temporar(?:y|ily)|for \w+ (?:days?|weeks?|months?|weekend|summer|winter)|"
    r"this (?:week|weekend|month|time|once|order|summer|winter)|on the side|part-time|"
    r"(?:at|on|over) (?:the )?weekends?|for now|exceptionally|as an exception|one-off|"
    r"while (?:on|in|the|her|his|their|travell?ing|visiting))\b",
    re.IGNORECASE,
)
_SCOPE = re.compile(
    r"\b(?:(?:for|when|if|regarding|about|unless|except|during) (?!now\b)|"
    r"in (?:the )?(?=urgent|winter|summer|emergenc)|on (?=(?:\w+ )?(?:trains?|flights?|planes?|business|holidays?)\b))"
    r"(?P<of>[^,.;]{1,60})",
    re.IGNORECASE,
)
_REPLACED = re.compile(
    r"\bfrom (?P<left>[^,.;]{1,40}?) to \w|\b(?:instead of|rather than) (?P<instead>[^,.;]{1,40})", re.IGNORECASE
)
SEVERAL = re.compile(
    r"[a-z0-9)][.!;] +\w|"
    r",? and (?:also )?(?:is|has|lives|works|likes|prefers|plays|speaks|drives|owns|wants|needs|uses)\b",
    re.IGNORECASE,
)
ONCE_MORE = re.compile(r"\b(?:again|now|these days|resumed|back (?:to|on|in))\b", re.IGNORECASE)
BESIDES = re.compile(
    r"\b(?:also|too|as well|another|additional(?:ly)?|in addition|besides|a second|both)\b", re.IGNORECASE
)
_UNDER_WAY = re.compile(
    r"^(?:(?:[Tt]he |our |their |her |his )?(?:customer|client|caller|user|[Ss]he|[Hh]e|[Tt]hey|I|[Ww]e|[A-Z]\w+) )?"
    r"(?:(?:has|have|had|just|already|recently) ){0,2}"
    r"(?i:buying|bought|ordered|placed|called|came|went|met|travell?ed|flew|stayed|ate|tried|watched|spoke|talked|"
    r"discussed|celebrated|visited|complained|paid|attended|asked|told|reported|opened|sent|received|booked|returned|"
    r"picked|collected|requested|thanked|wrote|emailed|invited|missed|signed|filed|logged|had|made|gave(?! up)|took|"
    r"did|found|broke|won)\b"
)
_FILLER = form_set(
    "no none nothing never very really quite just truly definitely actually already indeed simply neither cannot "
    "without stopped stop quit gave give given up cancelled cancel canceled sold ended left unsubscribed used formerly "
    "previously anymore again nowadays new any additional another too well besides "
    "confirmed confirm keen customer client user it frequently"
)
TIME = form_set(
    f"{MONTH.replace('|', ' ')} week month year spring summer autumn winter beginning start end middle recently lately "
    "yesterday day"
)
_YEAR = re.compile(r"(?:19|20)\d\d")

# What a contradiction says that says nothing else
_VAGUE = form_set(
    "that this thing something information data detail fact record entry note file right wrong correct incorrect "
    "true untrue false accurate inaccurate changed change different else somewhere someone somebody anything outdated "
    "date obsolete invalid valid mistake mistaken error misunderstanding misunderstood disagree disagreed case mind "
    "way no deny denies denied really any like lik some yes differently up-to-date out up owning"
)
_MEANS = form_set("contacted reached be")
_CONTRADICTS = re.compile(
    r"(?:\b|(?=n't))(?:wrong|incorrect|untrue|false|inaccurate|outdated|out of date|obsolete|invalid|mistaken?|"
    r"misunderstanding|misunderstood|disagree[sd]?|different(?:ly)?|den(?:y|ies|ied)|something else|somewhere else|"
    r"some(?:one|body) else|changed|not really|"
    r"(?:not|n't|no longer|never) (?:\w+ )?(?:right|correct|true|accurate|valid|like that|"
    r"the case|up to date|up-to-date)|^(?:no|not)\b[^a-z]{0,3}(?:not )?(?:any ?more|any longer)?[.!]?$)(?=\W|$)",
    re.IGNORECASE,
)

_ANOTHER = re.compile(
    r"\b(?:a new|a different|another) (?:email|phone|mobile|address|number|job|employer|plan|tier|contact|name)"
    r"(?: (?:address|number|person))?(?: now)?[.!]?$",
    re.IGNORECASE,
)

_OWNER = re.compile(
    r"^(?:the customer'?s? |customer'?s? |her |his |their |my |our |the |an? )?(?P<one>[\w-]+)(?:'s)?\b", re.IGNORECASE
)
_POSSESSOR = re.compile(r"\b([A-Z][\w-]*)'s (?=\w)")
_NAMED = re.compile(r"([A-Z][a-z][\w-]*)(?: [A-Z][\w-]*)? (?:now |no longer |has |also )?(?P<verb>[a-z]+)\b")
MOST_OF_HEAD = 9  # words
_AUXILIARIES = frozenset("is are was were has have had will must can should may not".split())  # noqa: SIM905
_MAY_BE_VERB = re.compile(r"\w{3,}[^\Wsu]s")
_HEADLESS = form_set("the now from")
_VERBS = frozenset(
    """use liking wanting owning needing buying living banks weighs sits keeps trains follows takes renews orders
    rents ends starts opens closes costs belongs arrives leaves contains includes expires teaches manages sleeps cooks
    commutes parks covers wears stays visits watches listens drives travels receives attends sends gets pays shares
    is was has had lives lived works worked moved likes liked prefers plays played wants studies speaks drives owns
    uses left quit stopped joined became got eats smokes drinks needs hates loves enjoys does did relocated resides
    plans sold bought called goes went travels sings reads collects pays runs says asked and or never now""".split()  # noqa: SIM905
)


def reworded(text: str) -> str:
    """`text` is plain: with straight apostrophes."""
    text = _REPORTED.sub("", text)
    text = _NUMBER.sub(lambda match: _NUMBERS[match[0].lower()], text)
    for pattern, instead in _REWORDED:
        text = pattern.sub(instead, text)
    return text


def in_one_form(words: Iterable[str]) -> frozenset[str]:
    """Of stems."""
    return frozenset(_SAME_WORDS.get(_form(word), _NUMBERS.get(word, _form(word))) for word in words)


def core(text: str) -> frozenset[str]:
    """The stems of what tells something, of a text that is reworded: without denials and filling."""
    return in_one_form(stems(text)) - _FILLER | directions(text)


def directions(text: str) -> frozenset[str]:
    """Small words that make a difference: before noon, or after it."""
    return OPPOSITES.intersection(_WORD.findall(text.lower()))


def beside_time(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words - TIME if not _YEAR.fullmatch(word))


def owners(text: str) -> frozenset[str]:
    """Whose it is, where the text names a relative, a possessor or somebody by name; nobody: the customer."""
    found = {stem(name) for name in _POSSESSOR.findall(text)} - {"customer", "client", "the"}
    if (first := _OWNER.match(text)) and stem(first["one"]) in RELATED:
        found.add(stem(first["one"]))
    name = _NAMED.match(text)
    if (
        name
        and name["verb"] in _VERBS - _AUXILIARIES
        and name[1].lower() not in _VERBS
        and stem(name[1]) not in _NO_NAMES
    ):
        found.add(stem(name[1]))
    return frozenset(found)


_NO_NAMES = ASKED_OF_ANY | NOUNS | form_set("she he they we the customer client user account her his it this that")


def sequence(text: str) -> tuple[str, ...]:
    """Of a text that is reworded: what tells something, and the prepositions, in order."""
    told = core(text)
    words = (word.strip(".,;:!?").lower() for word in text.split())
    formed = (word if word in PREPOSITIONS else next(iter(in_one_form(stems(word))), "") for word in words)
    return tuple(word for word in formed if word in told or word in PREPOSITIONS)


def replaced(text: str) -> frozenset[str]:
    """What it says was so before: "switched from tea to coffee", "weekly instead of daily"."""
    match = _REPLACED.search(text)
    told = core(match["left"] or match["instead"]) if match else frozenset[str]()
    return frozenset(word for word in told if not word.isdigit())


def scope(text: str) -> frozenset[str]:
    """For what a preference is: for invoices, when it is urgent."""
    return (
        in_one_form(word for match in _SCOPE.finditer(text) for word in stems(match["of"]) if word.isalpha())
        - _FILLER
        - _NUMBER_WORDS
    )


def head(text: str) -> frozenset[str] | None:
    """What stands before the verb, in a text that is reworded; nothing where it begins with the verb."""
    words = text.split(" ")[:MOST_OF_HEAD]
    if words[0].lower() in _VERBS:
        return frozenset()
    for signs in (_AUXILIARIES, _VERBS):
        at = next((at for at, word in enumerate(words) if word.lower().strip(",;") in signs), None)
        if at is not None:
            return core(" ".join(words[:at])) - _HEADLESS
    at = next((at for at, word in enumerate(words) if _MAY_BE_VERB.fullmatch(word)), None)
    return None if at is None else core(" ".join(words[:at])) - _HEADLESS


def happened(text: str) -> bool:
    return _UNDER_WAY.match(text) is not None


def contradicts_vaguely(text: str) -> bool:
    return bool(_CONTRADICTS.search(text) or _ANOTHER.search(text))


def without_vagueness(words: frozenset[str]) -> frozenset[str]:
    return words - _VAGUE


def tells_a_value(words: frozenset[str]) -> bool:
    return bool(in_one_form(words) - _VAGUE - _MEANS)
