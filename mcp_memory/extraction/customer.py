"""Pure: what the customer says of himself, as drafts of observations."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mcp_memory.extraction import answers, days, drafts, kinds, openings, orders, references, requests, screening
from mcp_memory.extraction.candidate import StatementKind
from mcp_memory.extraction.drafts import Draft
from mcp_memory.extraction.people import People
from mcp_memory.extraction.remarks import Remark, Turn
from mcp_memory.extraction.speech import Person
from mcp_memory.extraction.words import BASE, pattern, singular

REMEMBERED = 4  # remarks in which somebody named may be who is meant later
QUOTABLE = 160  # characters of an answer or an order that is told in quotes

_CLAIMS_SAID = re.compile(
    r"\b(?:said|says|told (?:me|us)|goes|wrote|texted|replied|shouted|(?:was|were) like)(?: that)?,? (?:i|we|"
    r"my)(?:'\w+)?\b",
    re.I,
)
_TROUBLED = re.compile(r"\b(?:i|my|we|our|me|us)\b", re.IGNORECASE)
_REACHED = pattern(
    r"(?:you|they)~can~(?:best~|always~|also~)?(?:reach|call|contact|email|text|phone)~(?:me|us)~(?P<at>(?:at|on|"
    r"under|by)~.+)"
)
_ACCUSED = pattern(
    r"""
    you~(?:guys~|people~|have~|already~|just~|also~|never~|still~haven't~|haven't~|didn't~|once~){0,2}(?:sent|send|
    promised|promise|told|tell|charged|charge|billed|cancell?ed|blocked|closed|changed|lost|forgot|shipped|
    delivered|refunded|refund|gave|give|sold|overcharged|debited|deleted|answered|replied|called|call)\b
    """
)
_ANYBODY = re.compile(
    rf"\b(when|whenever|every time|each time|once|as soon as|after) you ({'|'.join(sorted(BASE))})\b", re.IGNORECASE
)
_WE_ARE = pattern(
    r"we(?:'re|~are|~were)~(?:an?~(?:family|group|team|couple|party)|\d|two|three|four|five|six|seven|eight|nine|ten|"
    r"both)\b"
)
_CLAUSE = re.compile(r",? (?:and|but|so|because|since|when|while)\b|[,;] | - ", re.IGNORECASE)
_OBLIGES = re.compile(r"\b(?:must|should|shall|have to|has to|ought to|needs? to)\b", re.IGNORECASE)
_CUT_OFF = re.compile(r"\b(?:the|an?|my|and|or|but|because|of|with|for)$", re.IGNORECASE)
_ELLIPTIC = re.compile(r"\b(?:have|do|did|am|was|can|will|two|three|four|five|some|many|so|to)$", re.IGNORECASE)
BRIEF = 6  # words of a sentence that may leave out what everybody knows


class Customer:
    """Reads turn by turn. A turn is read knowing what was said just before it."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._earlier: list[str] = []
        """What he said lately, in his own words."""
        self._latest: Draft | None = None
        self._trouble: str | None = None
        """That he told of last, in his own words."""
        self._name = drafts.capital(people.customer.name)

    def read(self, turn: Turn, before: Turn | None) -> Iterator[Draft]:
        """Of one of his turns; `before`: the turn just before it, whoever spoke."""
        asked = before is not None and before.message.role == "agent"
        listener = self._people.agent(before.message if before is not None and asked else None)
        question = before.question if before is not None and asked else None
        if asked:
            self._latest = None
        delicate = question is not None and screening.special_category(question, self._people.spoken)
        reading = _Reading(self._people, listener, self._name, self._earlier[-REMEMBERED:])
        for remark in turn.remarks:
            bare = openings.stripped(remark.text, self._people.spoken)
            replies = question is not None and (answers.is_yes_or_no(remark.text) or not openings.is_only_polite(bare))
            answer = self._answer(question, remark, before) if replies else None
            if answer is None and replies and not openings.is_sentence(bare):
                answer = self._quoted_answer(question, remark, before)
            draft = answer or reading.draft(remark)
            if draft is None and replies:
                draft = self._quoted_answer(question, remark, before)
            question = None if replies else question
            if draft is None:
                draft = self._addition(reading, remark) or self._end(reading, remark)
                if draft is None:
                    continue
            elif self._latest is not None:
                yield self._latest
            self._latest = replace(draft, special=draft.special or delicate)
            self._trouble = remark.text if draft.kind == "problem" else self._trouble
            self._earlier.append(remark.text)
        yield from self.rest()

    def rest(self) -> Iterator[Draft]:
        if self._latest is not None:
            yield self._latest
        self._latest = None

    def _addition(self, reading: "_Reading", remark: Remark) -> Draft | None:
        """What leans on the sentence before it, told with that."""
        shown = reading.shown(remark) if self._latest is None and kinds.in_first_person(remark.text) else None
        before = self._latest or shown
        more = reading.leaning(remark) if before is not None else None
        return before.with_more(more) if before is not None and more is not None else None

    def _end(self, reading: "_Reading", remark: Remark) -> Draft | None:
        """ "It works now", which is told with what did not."""
        text = openings.stripped(remark.text, self._people.spoken)
        if self._trouble is None or remark.asks or not (kinds.is_outcome(text) and drafts.is_safe(f"{text} is")):
            return None
        if kinds.kind_of(text) != "outcome" or kinds.is_hypothetical(text) or '"' in self._trouble:
            return None
        content = drafts.quoted(f'{self._name} said, after "{self._trouble.rstrip(".")}":', text.rstrip(".!"))
        return None if content is None else reading.made(content, "outcome", f"{self._trouble} {text}", remark)

    def _answer(self, question: str | None, remark: Remark, before: Turn | None) -> Draft | None:
        if question is None or before is None or remark.asks:
            return None
        if screening.asks_for_secret(question):
            return None
        said = answers.answer(question, remark.text)
        if said is None or not (said.statement or answers.is_short(remark.text)):
            return None
        if said.statement is not None:
            reading = _Reading(self._people, self._people.agent(before.message), self._name, [])
            draft = reading.statement(said.statement, remark)
            return None if draft is None else self._evident(draft, before, f"{question} {remark.text}")
        return self._quoted(said, remark, before)

    def _quoted_answer(self, question: str | None, remark: Remark, before: Turn | None) -> Draft | None:
        if question is None or before is None or remark.asks or screening.asks_for_secret(question):
            return None
        said = answers.answer(question, remark.text)
        telling = said is not None and not kinds.tells_little(said.words) and not kinds.is_small_talk(said.words)
        return self._quoted(said, remark, before) if said is not None and telling else None

    def _quoted(self, said: answers.Answer, remark: Remark, before: Turn) -> Draft | None:
        unsafe = screening.tells_secret(said.words) or orders.orders(said.words) or orders.attacks(said.words)
        if unsafe or len(said.words) > QUOTABLE:
            return None
        content = drafts.quoted(f'Asked "{said.question}", {self._people.customer.name} answered:', said.words)
        if content is None:
            return None
        kind = kinds.kind_of(f"{said.question} {said.words}")
        draft = Draft(content=content, kind=kind, said=remark.text, messages=(remark.message,))
        return self._evident(draft, before, f"{said.question} {said.words}")

    def _evident(self, draft: Draft, before: Turn, said: str) -> Draft:
        """A draft that needs the question too."""
        special = screening.special_category(said, self._people.spoken)
        return replace(draft, said=said, messages=(before.message, *draft.messages), special=special)


class _Reading:
    """Of the remarks of one turn."""

    def __init__(self, people: People, listener: Person, name: str, earlier: Sequence[str]) -> None:
        self._people, self._listener, self._name = people, listener, name
        self._earlier = list(earlier)

    def draft(self, remark: Remark) -> Draft | None:
        own = openings.own_words(remark.text, self._people.own)
        text = openings.stripped(own or "", self._people.spoken)
        if len(text) < 3 or not drafts.is_safe(remark.text):
            return None
        if orders.orders(text):
            return self._said(text, remark)
        if request := self._request(text, remark):
            return request
        if remark.asks or text.endswith("?"):
            return self._troubled_question(text, remark)
        return self.statement(text, remark)

    def statement(self, text: str, remark: Remark) -> Draft | None:
        """What is worth knowing by itself."""
        text = _of_customer(openings.with_subject(text))
        if not _is_telling(text) or _only_about_others(text):
            return None
        if references.refers_back(text):
            resolved = references.with_person(text, self._earlier) or _first_clause(text)
            if resolved is None:
                return None
            text = resolved
        self._earlier = [*self._earlier, text][-REMEMBERED:]
        return self._told(text, remark)

    def leaning(self, remark: Remark) -> Draft | None:
        """What may be added to a sentence before it."""
        own = openings.own_words(remark.text, self._people.own)
        text = openings.with_subject(openings.stripped(own or "", self._people.spoken))
        if not drafts.is_safe(remark.text) or orders.orders(text):
            return None
        if request := self._request(text, remark, leaning=True):
            return request
        if remark.asks or not _is_telling(text):
            return None
        if not kinds.in_first_person(text) and (kinds.of_listener(text) or _OBLIGES.search(text)):
            return None
        return self._told(text, remark)

    def shown(self, remark: Remark) -> Draft | None:
        """What the message shows, which is what "this" means in it."""
        if not remark.shared or not drafts.is_safe(remark.shared) or orders.orders(remark.shared):
            return None
        if drafts.is_personal(remark.shared):
            return None
        content = f"{self._name} shared {_article(remark.shared)} {remark.shared.rstrip('.')}."
        return self.made(content, "attribute", remark.shared, remark)

    def _told(self, text: str, remark: Remark) -> Draft | None:
        if _WE_ARE.match(text):  # one customer is no family of four
            content = drafts.quoted(f"{self._name} said:", text)
        else:
            content = drafts.told(text, remark.message, self._people.customer, self._listener)
        return None if content is None else self.made(content, kinds.kind_of(text), text, remark)

    def made(self, content: str, kind: StatementKind, said: str, remark: Remark) -> Draft:
        special = screening.special_category(f"{said} {content}", self._people.spoken)
        return Draft(content=content, kind=kind, said=said, messages=(remark.message,), special=special)

    def _said(self, text: str, remark: Remark) -> Draft | None:
        """An order to whoever reads it stays what it is: something that was said."""
        if len(text) > QUOTABLE:
            return None
        content = drafts.quoted(f"{self._name} said:", text)
        return None if content is None else self.made(content, "attribute", text, remark)

    def _request(self, text: str, remark: Remark, *, leaning: bool = False) -> Draft | None:
        dated = days.absolute(text, remark.message.occurred_at.date())
        asked = requests.request(dated, asks=remark.asks, whom=self._listener.name, leaning=leaning)
        if asked is None or kinds.is_hypothetical(text):
            return None
        content = drafts.told(asked.told, remark.message, self._people.customer, self._listener)
        return None if content is None else self.made(content, asked.kind, text, remark)

    def _troubled_question(self, text: str, remark: Remark) -> Draft | None:
        """A question that says that something is wrong."""
        wrong = kinds.is_problem(text) or text.lower().startswith("why ")
        if not wrong or not _TROUBLED.search(text) or kinds.is_hypothetical(text):
            return None
        if references.refers_back(text) or len(text) > QUOTABLE:
            return None
        content = drafts.quoted(f"{self._name} asked:", text)
        return None if content is None else self.made(content, "problem", text, remark)


def _of_customer(text: str) -> str:
    """What is said of the listener, or of anybody, and is about who speaks."""
    if match := _REACHED.match(text):
        return f"I can be reached {match['at']}"
    if _ACCUSED.match(text):
        text = f"I said that {text[:1].lower()}{text[1:]}".replace("you guys", "you").replace("you people", "you")
    return _ANYBODY.sub(lambda match: f"{match[1]} one {singular(match[2].lower())}", text)


def _first_clause(text: str) -> str | None:
    """What can be told of a sentence of which only the end refers to something before it."""
    for match in reversed([*_CLAUSE.finditer(text)]):
        head = text[: match.start()]
        if kinds.in_first_person(head) and _is_telling(head) and not references.refers_back(head):
            return head
    return None


def _is_telling(text: str) -> bool:
    unsaid = kinds.is_hypothetical(text) or kinds.is_small_talk(text) or _CLAIMS_SAID.search(text)
    bare = text.rstrip(" .!,")
    unended = _CUT_OFF.search(bare) or (_ELLIPTIC.search(bare) and len(bare.split()) <= BRIEF)
    return not (unsaid or unended) and not openings.lacks_subject(text)


def _only_about_others(text: str) -> bool:
    """Said of the one who listens, or of the world, and no trouble of the customer's."""
    if kinds.in_first_person(text) and not kinds.begins_with_listener(text):
        return False
    return (
        kinds.of_listener(text) or bool(_OBLIGES.search(text)) or not (kinds.is_problem(text) or kinds.is_outcome(text))
    )


def _article(what: str) -> str:
    return "an" if what[0] in "aeiou" else "a"
