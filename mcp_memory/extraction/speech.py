"""Pure: what somebody says of himself and of the one he speaks with, told by a third.

What stands in quotes is left as it is. What can't be told in good English is not told: None.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_memory.extraction.words import (
    ADVERBS,
    AUXILIARIES,
    BASE,
    MODALS,
    NEGATED,
    NO_VERBS,
    RELATIONS,
    is_past,
    is_verb,
    singular,
    word_set,
)

REACH = 3  # adverbs between a subject and its verb

_TOKEN = re.compile(r'"[^"]*"|[^\W\d_]+(?:\'[^\W\d_]+)*|\d+[^\W_]*|\s+|.', re.DOTALL)
_QUOTED = re.compile(r'"[^"]*"')
_CONTRACTED = re.compile(r"\b(i|we|you)'(m|re|ve|ll|d)\b(?=((?: [\w'-]+)?(?: [\w'-]+)?))", re.IGNORECASE)
_HAD = re.compile(r" (?:(?:never|already|just|always) )?(?:been|had|better|gone|done|seen|\w{2,}ed|lost|left|bought)\b")
_ENDINGS = {"m": "am", "re": "are", "ve": "have", "ll": "will"}
_BOTH = re.compile(
    rf"((?:^|[,;.] |\b(?:when|because|that|but|so|while|since|if|and) ))"
    rf"((?:[Mm]y|[Oo]ur) (?:\w+ )?(?:{RELATIONS})(?: [A-Z][\w'-]+)?|[A-Z][\w'-]+) and (?:I|me)\b"
)
_INVERTED = re.compile(
    r"\b(?:am|are|was|were|do|did|have|had|can|could|will|would|should|shall|must|may) (?:i|we)\b(?! (?:and|or)\b)",
    re.IGNORECASE,
)
_NOT_TOLD = re.compile(r"\b(?:ain't|y'all|(?:myself|us|me) and (?:my|our))\b|(?:^|[,;.] )me and\b", re.IGNORECASE)
_OTHERS = frozenset({"they", "them", "their", "theirs", "themselves"})
_FORMS = {
    "i": "subject",
    "we": "subject",
    "me": "object",
    "us": "object",
    "my": "whose",
    "our": "whose",
    "mine": "theirs",
    "ours": "theirs",
    "myself": "self",
    "ourselves": "self",
}
_YOUR_FORMS = {"your": "whose", "yours": "theirs", "yourself": "self", "yourselves": "self"}
_THEY = {"subject": "they", "object": "them", "whose": "their", "theirs": "theirs", "self": "themselves"}
_JOINS = frozenset({"and", "but", "or", "then"})
_NEW_CLAUSE = word_set("he she it they who which that because when while where if since so as than what how")
_AFTER_A_COMMA = frozenset({"need", "want", "prefer", "love", "hate"})
_BEFORE_AN_OBJECT = word_set(
    "let make makes made help helps see saw hear heard have had from to with for of at by about on than against like"
)
_ALL = frozenset({"all", "both", "each"})
_PEOPLE = frozenset({*RELATIONS.split("|"), "he", "she", "him", "her"})
_PAIRS = frozenset({" no longer", " kind of", " sort of", " at least"})
_PRONOUNS = frozenset({"he", "she", "it", "they"})
_NOT_FINITE = word_set("to can could will would should might may must do did not")


@dataclass(frozen=True, kw_only=True)
class Person:
    """`name`: "the customer", or a proper name. `again`: whether "they" tells of this one once the name was said."""

    name: str
    again: bool = False


def in_third_person(text: str, speaker: Person, listener: Person) -> str | None:
    text = _BOTH.sub(r"\1I and \2", _CONTRACTED.sub(_expanded, text))
    if _INVERTED.search(_QUOTED.sub(" ", text)) or _NOT_TOLD.search(text):
        return None
    telling = _Telling(_TOKEN.findall(text), speaker, listener)
    return telling.told()


def _expanded(match: re.Match[str]) -> str:
    who, what, after = match[1], match[2].lower(), match[3].lower()
    if what != "d":
        return f"{who} {_ENDINGS[what]}"
    return f"{who} {'had' if _HAD.match(after) else 'would'}"


class _Telling:
    """Goes through the tokens of a text once."""

    def __init__(self, tokens: Sequence[str], speaker: Person, listener: Person) -> None:
        self._tokens, self._speaker, self._listener = tokens, speaker, listener
        self._taken = any(token.lower() in _OTHERS for token in tokens)  # by others
        self._crowded = any(token.lower() in _PEOPLE for token in tokens)
        """Another one is spoken of, who might be taken for "they"."""
        self._words: list[str] = []
        self._named: set[str] = set()
        self._agrees = False
        """Whether a verb that is joined by "and" has the person before it as its subject, and is as "she" has it."""
        self._joined = False

    def told(self) -> str | None:
        at = 0
        while at < len(self._tokens):
            form, person = self._form(at)
            if form is None:
                self._plain(self._tokens[at], self._word_after(at))
                at += 1
                continue
            again = person.again and person.name in self._named and not self._taken
            again = again and not (form == "subject" and self._crowded)
            self._words.append(_mention(person, form, again))
            self._named.add(person.name)
            self._joined, self._agrees = False, self._agrees and form != "object"
            at += 1
            if form == "subject":
                after = self._verb(at, plural=again)
                if after is None:
                    return None
                at = after
        text = "".join(self._words).strip()
        return text[:1].upper() + text[1:]

    def _form(self, at: int) -> tuple[str | None, Person]:
        token = self._tokens[at]
        word = token.lower()
        if word in _FORMS and token != "US":
            return _FORMS[word], self._speaker
        if word in _YOUR_FORMS:
            return _YOUR_FORMS[word], self._listener
        if word == "you":
            following = self._word_after(at)
            before = next((one.lower() for one in reversed(self._tokens[max(0, at - 2) : at]) if one.strip()), "")
            subject = (is_verb(following) or following in ADVERBS) and before not in _BEFORE_AN_OBJECT
            return ("subject" if subject else "object"), self._listener
        return None, self._speaker

    def _word_after(self, at: int) -> str:
        return next((one.lower() for one in self._tokens[at + 1 : at + 4] if one.strip()), "")

    def _plain(self, token: str, after: str) -> None:
        word = token.lower()
        begins = word in _NEW_CLAUSE and (word not in _PRONOUNS or is_verb(after) or after.endswith("s"))
        if begins or (word in _NOT_FINITE and not self._joined):
            self._agrees = False
        if self._agrees and word in _AFTER_A_COMMA and "".join(self._words[-2:]) == ", ":
            self._joined = True  # "got the wrong one, need another"
        if self._agrees and self._joined and word == token and (word in BASE or word in ("am", "don't")):
            self._words.append(_agreeing(word, token, plural=False))
            self._joined = False
            return
        self._words.append(NEGATED.get(word, token))
        self._joined = word in _JOINS or (self._joined and (word in ADVERBS or not word.strip()))

    def _verb(self, at: int, *, plural: bool) -> int | None:
        """Tells the verb of a subject; gives where to go on, or None where there is none."""
        skipped = 0
        if (pair := "".join(self._tokens[at : at + 4]).lower()) in _PAIRS:
            self._words.append(pair)
            at += 4
        while at < len(self._tokens) and skipped <= REACH:
            token = self._tokens[at]
            word = token.lower()
            if not (token.isspace() or word in ADVERBS or (word.endswith("ly") and word not in BASE)):
                break
            skipped += not token.isspace()
            at += 1
            if word in _ALL and not plural:  # "we all had"
                self._words.pop()
                continue
            self._words.append(token)
        if at >= len(self._tokens) or skipped > REACH:
            return None
        verb = self._tokens[at].lower()
        if verb in ("and", "or"):  # "I and my wife are"
            return at
        if (verb in NO_VERBS or not verb[0].isalpha()) and verb not in AUXILIARIES:
            return None
        self._words.append(_agreeing(verb, self._tokens[at], plural=plural))
        helper = NEGATED.get(verb, verb).split()[0]
        self._agrees = not plural and helper not in MODALS and helper not in ("do", "did")
        return at + 1


def _mention(person: Person, form: str, again: bool) -> str:
    if again or form == "self":
        return _THEY[form]
    return f"{person.name}'s" if form in ("whose", "theirs") else person.name


def _agreeing(verb: str, written: str, *, plural: bool) -> str:
    first, *rest = NEGATED.get(verb, verb).split()
    if first in ("am", "are", "is"):
        first = "are" if plural else "is"
    elif first in ("was", "were"):
        first = "were" if plural else "was"
    elif not plural and first not in MODALS and first not in ("does", "has") and not is_past(first) and first != "been":
        first = singular(first)
    elif not rest and first not in AUXILIARIES:
        first = written
    return " ".join([first, *rest])
