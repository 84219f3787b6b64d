"""Pure: what a sentence refers to and does not name: "it", "she", "that". And who or what was named before it."""

import re
from collections.abc import Iterable, Sequence

from mcp_memory.extraction.words import AUXILIARIES, NO_VERBS, RELATIONS, is_past, pattern, word_set

_PERSON = re.compile(
    rf"\b((?:[Mm]y|[Oo]ur|the|a|an) (?:[a-z]+[- ])?(?:best |old |good |little |older |younger )?(?:{RELATIONS}))\b"
    r"(?:,? (?:called |named )?([A-Z][a-z]+))?"
)
_SHE = {"he": "subject", "she": "subject", "him": "object", "her": "her", "his": "whose", "hers": "whose"}
_TOKENS = re.compile(r"\"[^\"]*\"|[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[.,;:!?]")
_DETERMINERS = word_set(
    "my our the a an your some any this that these those two three four five six seven eight nine ten many several "
    "both every each no another all few lots"
)
_OF_TIME = word_set(
    "week weekend month year morning afternoon evening night time day days moment summer winter spring autumn fall "
    "past way kind sort"
)
_NO_CASE = pattern(  # nothing is meant by this "it"
    r"""
    \bit(?:~(?:is|was|has~been|will~be|would~be|takes|took|feels|felt|seems|looks|turns~out)\b|'s\b)
    (?!~(?:an?|the|one|this|that|like|my|our)\b)(?:~[\w'-]+){1,3}?~(?:to|that|since|as~if)\b|
    \bit(?:'s|~is|~was)~(?:(?:raining|snowing|late|early|dark|cold|hot|time|monday|tuesday|wednesday|thursday|friday|saturday|
    sunday)\b|\d|(?:my|our)~)|\bit~(?:rain|snow)(?:s|ed)\b|\bit~(?:takes|took)~me\b|
    \b(?:make|makes|made|making|find|finds|found)~it\b|\b(?:when|if|as)~it~comes~to\b
    """
)
_THAT_SAYS = word_set("is was has had made makes would will could can sounds means meant helps helped really")


def refers_back(text: str) -> bool:
    """Whether it has a pronoun for what it does not name itself, before that."""
    thing = person = plural = False
    tokens = _TOKENS.findall(_NO_CASE.sub(" ", text))
    for place, token in enumerate(tokens):
        word = token.lower()
        base, _, ending = word.partition("'")
        after = tokens[place + 1].lower() if place + 1 < len(tokens) else "."
        if base in _SHE:
            if not person:
                return True
        elif base in ("it", "its", "itself"):
            if not thing:
                return True
        elif base in ("they", "them", "their", "theirs"):
            if not (plural or thing or person):
                return True
        elif base in ("this", "that", "these", "those") and _is_pronoun(base, ending, after):
            if base != "that" or not place or tokens[place - 1].lower() in _BEFORE_A_CLAUSE:
                return True
        elif token[0] == '"':
            thing = True
        elif word in _DETERMINERS and after[0].isalnum() and after not in _OF_TIME:
            thing = True
            person = person or _names_person(tokens[place + 1 : place + 4])
            plural = plural or after.endswith("s")
        elif (token[0].isupper() and place and word not in ("i", *_CALENDAR) and not word.startswith("i'")) or (
            token[0].isupper() and not place and base not in NO_VERBS and base not in AUXILIARIES and after[0].isalnum()
        ):
            thing = person = True
        elif word.endswith("s") and len(word) > 4 and place:
            plural = thing = True
        elif len(word) > 4 and place and tokens[place - 1].lower() in ("of", "for", "with", "at", "in"):
            thing = True
    return False


_WHEN = frozenset({"last", "next", "yesterday", "today", "tomorrow", "again", "now", "myself", "ourselves"})
_BEFORE_A_CLAUSE = word_set(
    """, . ; : and but or so because if when while think thinks thought know knows say said hope sure like about of
    for with after before to by at in on do did does love want need see saw get got all"""
)  # after another word, "that" tells more of it
_CALENDAR = word_set(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december"
)
_RELATION_WORDS = frozenset(RELATIONS.split("|")) | word_set("woman man girl boy guy lady person")


def _names_person(tokens: Sequence[str]) -> bool:
    return any(token.lower() in _RELATION_WORDS for token in tokens)


def _is_pronoun(word: str, ending: str, after: str) -> bool:
    if ending:
        return True
    if not after[0].isalnum() or after in AUXILIARIES or (after in NO_VERBS and word != "that"):
        return True
    if word in ("this", "these") and after in _WHEN:
        return True
    return word == "that" and (after in _THAT_SAYS or is_past(after)) and word != after


def people(texts: Iterable[str]) -> list[str]:
    """Those that are named by what they are to the speaker, each once: "my daughter Ana"."""
    found: dict[str, str] = {}
    for text in texts:
        for match in _PERSON.finditer(text):
            who = f"{match[1][0].lower()}{match[1][1:]}"
            if not who.startswith(("a ", "an ")) or match[2]:
                found[who.split(" ")[-1]] = f"{who} {match[2]}" if match[2] else found.get(who.split(" ")[-1], who)
    return list(found.values())


def with_person(text: str, before: Sequence[str]) -> str | None:
    """The text with the one person that was named before it in the place of "she"; None where that may be another."""
    named = people(before)
    if len(named) != 1 or people([text]):
        return None
    tokens = list(re.finditer(r"[^\W\d_]+|[.,;:!?]", text))
    for place, match in enumerate(tokens):
        form = _SHE.get(match[0].lower())
        if form is None:
            continue
        after = tokens[place + 1][0].lower() if place + 1 < len(tokens) else "."
        if form == "her":
            form = "whose" if after[0].isalnum() and after not in NO_VERBS and after not in AUXILIARIES else "object"
        who = f"{named[0]}'s" if form == "whose" else named[0]
        replaced = text[: match.start()] + who + text[match.end() :]
        return None if refers_back(replaced) else replaced
    return None
