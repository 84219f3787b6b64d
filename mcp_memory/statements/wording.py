"""Pure: words as stems, and the signs by which English says that something changed, is doubtful, past or denied.

Patterns have no repetition inside repetition without bounds, and are tried on short texts only.
"""

import re
from functools import lru_cache

LONGEST_WORD = 40

_WORD = re.compile(r"[^\W_]+(?:['@.+:/&-][^\W_]+)*")
_ENDINGS = (("sses", "ss"), ("ies", "y"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("ss", "ss"), ("s", ""))
_DOUBLED = re.compile(r"([bdglmnprt])\1$")
_SPOKEN = re.compile(r"[a-z]+(?:-[a-z]+)*")
_ENDS = frozenset(".!?\n")

_SPELLED = {"color": "colour", "favorite": "favourite"}
_EMPTY_WORDS = """
    a about account after again all also always am an and any anymore are as at be because been before being both but
    by can client could currently customer did do does doing down during each even ever every everyone everything for
    from further had has have having he her here hers him himself his how i if in into is it its itself just last like
    longer many may me mentioned might more most mr mrs ms much must my nor not now nowadays of off often on once only
    or other our ours out over own per please presently rather recently said same say says she should since so some
    still such than that the their them themselves then there these they this those through to today too under until
    up us user very via wa wants was we were what when where whether which while who whom whose why will with would
    yes you your
"""
_CALENDAR = """
    i monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_NO_NAMES = frozenset(_CALENDAR.split())


_CURLY = str.maketrans("\u2019\u2018", "''")
_HEAD_OFFICE = re.compile(r"\b(?:head ?office|headquarters)\b", re.IGNORECASE)


def plain(text: str) -> str:
    """With straight apostrophes and single blanks, and one name for what has several."""
    return _HEAD_OFFICE.sub("HQ", re.sub(" {2,}", " ", text.translate(_CURLY)))


def stem(word: str) -> str:
    """The same for "deliver", "delivers" and "delivery". Coarse: it only has to agree with itself."""
    return _stem(word) if len(word) <= LONGEST_WORD else word[:LONGEST_WORD]


@lru_cache(maxsize=16_384)
def _stem(word: str) -> str:
    word = word.lower().removesuffix("'s").replace("-", "")
    if len(word) <= 3 or not word.isalpha():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending):
            word = word.removesuffix(ending) + instead
            break
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    word = _DOUBLED.sub(r"\1", _SPELLED.get(word, word))
    return word[:-1] if len(word) > 4 and word[-1] in "ey" else word


def stem_set(words: str) -> frozenset[str]:
    """Of words that are separated by blanks."""
    return frozenset(map(stem, words.split()))


def stems(text: str) -> list[str]:
    """Of the words that tell something, in order."""
    return [stem(word) for word in _WORD.findall(text) if word.lower() not in _EMPTY]


def named(text: str) -> frozenset[str]:
    """The stems of its names and numbers. A sentence's first word is a name for sure only if something is its."""
    found, first = set(), True
    for match in _WORD.finditer(text):
        word = match[0]
        if (word[0].isupper() and (not first or word.endswith("'s"))) or any(letter.isdigit() for letter in word):
            found.add(word)
        first = text[match.end() : match.end() + 1] in _ENDS
    return frozenset(stem(word) for word in found if word.lower() not in _NO_NAMES)


# Signs

MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
STARTING = (
    rf"\b(?:from (?:now|today|tomorrow|this|next|the \d|\d|{_DAY}|{MONTH})|from \w+ on\b|as of|as from|effective|"
    rf"starting (?:from |on |in )?(?:now|today|this|next|\d|{_DAY}|{MONTH})|since (?:{_DAY}|{MONTH}|last|yesterday))"
)
_CHANGED_WORDS = """
    now nowadays anymore instead again anew new newly fresh switched changed replaced replaces moved relocated settled
    upgraded downgraded raised lowered reduced increased extended shortened shrank grew fallen risen doubled halved
    renamed promoted resigned retired handover inherits succeeds became revised updated renewed reinstated expired
    lapsed gone left quit swapped abandoned transferred converted merged rebranded reversed withdrew withdrawn ended
    terminated separated died vacated appointed elected adopted halted suspended resumed restored reopened tightened
    loosened relaxed expanded downsized outgrew remarried graduated postponed henceforth onwards
    stopped unsubscribed standardised standardized migrated
"""
_CHANGED = frozenset(_CHANGED_WORDS.split())
_CHANGES = re.compile(
    STARTING
    + r"|\b(?:no (?:longer|more)|any more|these days|until further notice|for good|cut (?:to|back|them)|dropped to|"
    r"started (?:last|this|on|in)|"
    r"stepped in|(?:took|takes|taken|handed) over|ran out|given up|gave up|got married|back (?:on|to|in|with)|"
    r"(?:has|have|'s|'ve) (?:since |just |already |recently )?(?:joined|become|taken|left|gone|started|begun|"
    r"settled|been|come|turned|put|given|made|closed|opened|hired)|"
    r"since (?:the|her|his|their|its|he|she|they|we|it))\b",
    re.IGNORECASE,
)
DOUBT = re.compile(
    r"\?|\b(?:(?:asked|asks|asking|enquired|inquired|wants to know|curious|wonder(?:s|ed|ing)?) "
    r"(?:us )?(?:about|if|whether|what|when|where|which|who|how|for a quote)|wonder(?:s|ed|ing)?|curious|"
    r"consider(?:s|ed|ing)?|thinks? (?:about|of)|thinking|thought (?:about|of)|might|could|"
    r"may (?:be|move|switch|change)|"
    r"would (?:like|love|prefer) (?:to|it if)(?! be)|would love|would be (?:nice|happy|interested)|"
    r"wants? to(?! be| have| receive| get| hear| pay)|wish(?:es|ed)?|hop(?:es|ed|ing)|dream(?:s|ed|ing)?|"
    r"plan(?:s|ned|ning)? (?:to|on|a)|planning|intends?|maybe|perhaps|possibly|probably|rumou?rs?|claim(?:s|ed)|"
    r"propos(?:es|ed|ing|al)|suggest(?:s|ed|ing|ion)|offer(?:s|ed|ing)?|interested in|looking (?:into|for|at)|"
    r"appl(?:ies|ied|ying) for|interview(?:s|ed|ing)|almost|nearly|not yet|"
    r"decided (?:against|not)|declin(?:es|ed)|refus(?:es|ed)|what if|whether|would be|"
    r"if (?:we|she|he|they|it|the|there)|were to|not sure|undecided|unsure|let us know|"
    r"expects? to|hypothetical(?:ly)?|trial|quote for|compar(?:es|ed|ing))\b",
    re.IGNORECASE,
)
FUTURE = re.compile(
    r"\b(?:will(?! be (?:called|contacted))|going to|about to|'ll|next (?:week|month|year))\b", re.IGNORECASE
)
BEGINS = re.compile(STARTING, re.IGNORECASE)
FORMER = re.compile(
    r"\b(?:used to|former(?:ly)?|previous(?:ly)?|once|originally|back then|at (?:that|the) time|at first|old|ex|"
    r"prior|had been|until (?:\d{4}|last|recently|then))\b",
    re.IGNORECASE,
)
DENIAL = re.compile(
    r"\b(?:no longer|not|never|neither|cannot|stopped|stops|cancell?ed|quit|without)\b|n't\b|\bnot any ?more\b",
    re.IGNORECASE,
)
EVENT = re.compile(
    r"^(?:the )?(?:[\w'-]+ ){0,4}?(?<!is )(?<!are )(?<!be )(?:bought|ordered|re-?ordered|purchased|"
    r"returned|visited|received|"
    r"called|phoned|"
    r"rang|emailed|opened|attended|booked|complained|paid|picked up|collected|shipped|delivered|refunded|sent|"
    r"invited|thanked|laughed about|joked|reported|requested|wondered|asked (?:about|for|if|whether)|"
    r"tested|inspected|repaired|came by|dropped by|missed|logged|created|signed for|filed|mailed|forwarded|noted)\b",
    re.IGNORECASE,
)


def says_change(text: str, spoken: set[str]) -> bool:
    return not _CHANGED.isdisjoint(spoken) or _CHANGES.search(text) is not None


def spoken(text: str) -> set[str]:
    """Its words as they are, in lower case."""
    return set(_SPOKEN.findall(text.lower()))
