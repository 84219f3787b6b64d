"""Pure: the traits that a customer states plainly of himself: his name, his language, and where he is reached.

The laws: a trait is taken only from a whole clause of the customer's own that says nothing else. What is quoted, asked,
supposed, denied, taken back, said on behalf of somebody or made for a model to follow states nothing, and neither does
what can be read in two ways. Each value stands in its message as it is written.
"""

import re
from collections.abc import Iterator, Sequence

from mcp_memory.extraction import orders
from mcp_memory.extraction.candidate import StatedTrait
from mcp_memory.extraction.people import people
from mcp_memory.extraction.remarks import Remark, Turn, turns
from mcp_memory.extraction.words import RELATIONS, pattern, word_set
from mcp_memory.model import Communication
from mcp_memory.traits import CONTACT

MOST_STATED = 20  # of a conversation: the last ones
LANGUAGE = "preferredLanguage"

LANGUAGES = word_set(
    "Afrikaans Albanian Arabic Armenian Basque Bengali Bulgarian Cantonese Catalan Chinese Croatian Czech Danish Dutch "
    "English Estonian Farsi Finnish French Galician Georgian German Greek Gujarati Hebrew Hindi Hungarian Icelandic "
    "Indonesian Irish Italian Japanese Korean Latvian Lithuanian Malay Mandarin Marathi Norwegian Persian Polish "
    "Portuguese Punjabi Romanian Russian Serbian Slovak Slovenian Spanish Swahili Swedish Tagalog Tamil Telugu Thai "
    "Turkish Ukrainian Urdu Vietnamese Welsh"
)
_NO_NAMES = word_set(
    "a an the not no never none nobody on in at is it its my your his her their our that this here there what who "
    "same still wrong right correct spelled sorry please thanks hello hi hey dear "
    "admin administrator system assistant agent bot ai root user customer client support operator manager owner "
    "developer human model anonymous unknown mr mrs ms miss dr prof sir madam "
    "monday tuesday wednesday thursday friday saturday sunday january february april june july august september "
    "october november december null undefined true false "
    "error changed misspelled misspelt missing incorrect invalid different legally officially actually really "
    "urgent crazy tired hungry test foo bar doe"
)
_PARTICLES = word_set("van von de der den da di del della dos das du la le bin ibn al el ter ten zu")
_TITLES = word_set("mr mr. mrs mrs. ms ms. miss dr dr. prof prof.")

# Clauses. A name's words are looked at one by one: here is only where they stand.
_NAME_WORDS = r"(?P<name>[^\W\d_][\w'.-]*(?:~[^\W\d_][\w'.-]*){0,4}?)"
_WHENCE = r"(?:~(?:from|at|with)~[^\W\d_][\w&.'-]*(?:~[^\W\d_][\w&.'-]*){0,3})?"
_EMAIL = r"(?P<email>[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
_PHONE = r"(?P<phone>\+?\(?\d[\d~()./-]{5,20}\d)"
_LANGUAGE = "([a-z]{4,12})"
_IS = "(?:~is|'s|~is~now|~is~still)"

_OWN_NAME = pattern(rf"(?:my~(?:full~)?name{_IS}|i'm~called|i~am~called)~{_NAME_WORDS}{_WHENCE}")
_SPEAKING = pattern(
    rf"(?:this~is|it's|it~is)~{_NAME_WORDS}{_WHENCE}~(?P<how>speaking|calling|writing|here)(?:~again)?{_WHENCE}"
)
_FIRST_NAME = pattern(rf"my~(?:first|given)~name{_IS}~{_NAME_WORDS}")
_LAST_NAME = pattern(rf"my~(?:last~name|family~name|surname){_IS}~{_NAME_WORDS}")
_EMAILED = pattern(
    rf"""
    (?:my~(?:(?:new|current|personal|private|main|primary|own|work|best|contact)~)?e-?mail(?:~address)?{_IS}|
    (?:(?:please|you~can|you~may|you~could|best)~)?(?:(?:always|also)~)?(?:reach|contact|e-?mail|write~to|write)~me~(?:by~
    e-?mail~)?(?:at|on|under|via)(?:~my~e-?mail(?:~address)?)?)~{_EMAIL}
    """
)
_CALLED = pattern(
    rf"""
    (?:my~(?:(?:new|current|personal|private|own)~)?(?:(?:mobile|cell|phone|telephone|cell~phone|mobile~phone)~)?
    (?:number|phone|mobile|cell){_IS}|
    (?:(?:please|you~can|you~may|you~could|best)~)?(?:also~)?(?:reach|contact|call|text|phone|ring)~me~(?:back~)?(?:at|on|
    under)(?:~my~(?:mobile|cell|phone|number))?)~{_PHONE}
    """
)
_SPOKEN = pattern(
    rf"""
    (?:(?:and~)?please~)?(?:write|reply|respond|answer|speak|talk|e-?mail|text|message|contact)(?:~back)?
    (?:~(?:to|with))?~(?:me|us)~(?:back~)?in~{_LANGUAGE}|
    please~(?:write|reply|respond|answer|speak|talk)(?:~back)?~in~{_LANGUAGE}|
    please~speak~{_LANGUAGE}(?:~(?:to|with)~me)?|
    i(?:'d|~would)?(?:~(?:really|much|also|always|strongly))?~prefer(?:~(?:to~(?:be~(?:written~to|spoken~to|contacted|
    addressed|answered|called|emailed)|speak|write|talk|communicate|chat|continue|read|get~(?:mails|emails|messages|
    letters))|being~(?:written~to|spoken~to|contacted|addressed)|speaking|writing|talking|communicating|chatting)
    (?:~in)?)?~{_LANGUAGE}|
    i(?:'d|~would)~(?:rather|like~to|love~to)~(?:speak|write|talk|communicate|chat|continue|be~(?:written~to|
    spoken~to|contacted|addressed|answered))(?:~to~you)?(?:~in)?~{_LANGUAGE}|
    i~(?:only~)?speak(?:~only)?~{_LANGUAGE}|
    my~(?:preferred~|native~|first~|own~)?(?:language|mother~tongue){_IS}~{_LANGUAGE}|
    i(?:'m|~am)~more~comfortable~(?:in|with|speaking|writing)~{_LANGUAGE}
    """
)
_ADDRESS = pattern(_EMAIL)  # whose words say nothing
_POLITE = re.compile(r" (?:please|thanks|thank you|from now on|instead|by the way|btw)$", re.IGNORECASE)

_LABEL = re.compile(r"\b(e-?mail(?: address)?|number|phone|name|surname|language): ", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[,;]\s+|(?P<colon>:)\s+|\s+[-\u2013\u2014]+\s+|\s+(?=(?:and|but|so|because|or)\s)")
_LEADING = pattern(
    r"""
    (?:(?:and|but|so|because|also|hi|hello|hey|yes|yeah|yep|sure|ok|okay|well|oh|sorry|thanks|thank~you|actually|
    anyway|good~(?:morning|afternoon|evening|day)|by~the~way|btw|for~the~record|of~course|there|team|again)[~!.]+)+
    """
)
_SUPPOSING = pattern(
    rf"""
    \b(?:if(?!~you~(?:need|want|have|should|prefer)\b)|whether|unless|suppos\w+|imagine|pretend\w*|assum\w+|wish|
    say|says|saying|said|tell|tells|told|ask|asks|asked|write~that|writes|wrote|reads|read|goes|claim\w*|call(?:s|ed)~
    (?:himself|herself)|example|e\.g|as~though|used~to|dream\w*|story|character|game|
    according|repeat|translate|spell|write~(?:this|that|it)|your~(?:systems?|websites?|site|records?|database|app|
    letter|mail|e-?mail|form|files?)|the~(?:system|website|invoice|letter|form|label|account|ticket|parcel|card|
    contract)|(?:his|her|their|someone|somebody|anybody|anyone)|my~(?:{RELATIONS})(?:'s)?)\b
    """
)
_TURNED = pattern(
    r"""
    (?:and~)?(?:or|not|right|correct|no|nope|isn't~it|wait|kidding|just~kidding|jk|lol|haha|maybe|perhaps|probably|supposedly|
    apparently|allegedly|i~(?:think|guess|believe|suppose)|he|she|they|said|says|at~least|except|unless|if|depending|until|but)\b
    """
)
_TAKEN_BACK = pattern(
    r"""
    \b(?:kidding|joking|not~(?:really~)?my~(?:real~)?(?:name|email|number|language)|hypothetical\w*|role-?play\w*|
    pretend\w*|imagine|suppos(?:e|ing)|on~behalf~of|in~the~name~of|asking~for~a~friend|lorem~ipsum|test~(?:message|data)|
    for~example|the~customer(?:'s)?|fake|fictional|made-?up)\b
    """
)
_DIALLED = re.compile(r"\+|\(|0|\d{3}[ .-]\d{3}[ .-]\d{4}$")
_MY_DETAILS = re.compile(r"\bmy (?:\w+ )?(?:details|information|info|data)\b", re.IGNORECASE)
_BARE = re.compile(rf"(?:and |or )?(?:{_EMAIL}|{_PHONE.replace('~', ' ')}|(?:{'|'.join(LANGUAGES)}))\b", re.IGNORECASE)


def stated(messages: Sequence[Communication]) -> tuple[StatedTrait, ...]:
    """Of the messages of one conversation, in any order: each value of each trait once, as it was last stated, the
    latest last."""
    read = list(turns(messages))
    known = people([turn.message for turn in read], None)
    found: dict[tuple[str, str], StatedTrait] = {}
    for turn in read:
        said = [] if turn.message.role != "customer" or known.is_other(turn.message) else list(_of_turn(turn))
        if said and not _is_meant(turn.message.content):
            continue
        for one in said:
            found.pop(key := (one.name, one.value.casefold()), None)
            found[key] = one
    return tuple(found.values())[-MOST_STATED:]


def _is_meant(content: str) -> bool:
    return not (orders.attacks(content) or orders.orders(content) or _TAKEN_BACK.search(_ADDRESS.sub("", content)))


def _of_turn(turn: Turn) -> Iterator[StatedTrait]:
    quoted = _quoted(turn.message.content)
    for remark in turn.remarks:
        if remark.text.endswith(":") and not _MY_DETAILS.search(remark.text):
            return  # what follows is somebody's words
        if remark.asks or any(mark in remark.text for mark in '"<>') or remark.text in quoted:
            continue
        for name, value in _of_remark(remark):
            if value.casefold() in turn.message.content.casefold():
                yield StatedTrait(
                    group=CONTACT,
                    name=name,
                    value=value,
                    evidence=turn.message.id,
                    occurred_at=turn.message.occurred_at,
                )


def _quoted(content: str) -> str:
    """From the first mark of a quotation to the last, on one line as remarks are."""
    marks = [at for at, letter in enumerate(content) if letter in '"\u201c\u201d\u201e\u00ab\u00bb']
    return " ".join(content[marks[0] : marks[-1]].split()) if marks else ""


def _of_remark(remark: Remark) -> Iterator[tuple[str, str]]:
    clauses = _clauses(remark.text)
    for at, clause in enumerate(clauses):
        after = clauses[at + 1] if at + 1 < len(clauses) else ""
        before = _ADDRESS.sub("", " ; ".join(clauses[:at]))
        if _SUPPOSING.search(before) or _TURNED.match(after) or _BARE.match(after) or _is_bare_name(_plain(after)):
            continue
        yield from _of_clause(_plain(clause))


def _clauses(text: str) -> list[str]:
    """Where a colon brings in what somebody says, what is behind it is left out."""
    text = _LABEL.sub(r"\1 is ", text).rstrip(" .!;,")
    clauses, start = list[str](), 0
    for match in _BETWEEN.finditer(text):
        clauses.append(text[start : match.start()])
        start = match.end()
        if match["colon"] and not _MY_DETAILS.search(clauses[-1]):
            break
    else:
        clauses.append(text[start:])
    return [one for one in clauses if one]


def _plain(clause: str) -> str:
    leading = _LEADING.match(clause)
    clause = clause[leading.end() :] if leading else clause
    while (shorter := _POLITE.sub("", clause)) != clause:
        clause = shorter
    return clause.rstrip(" .!")


def _of_clause(clause: str) -> Iterator[tuple[str, str]]:
    if match := _OWN_NAME.fullmatch(clause) or _SPEAKING.fullmatch(clause):
        words = match["name"].split()
        if len(words) > 1 or match.groupdict().get("how") != "here":  # "it's Christmas here"
            yield from _names(words)
    elif match := _FIRST_NAME.fullmatch(clause):
        if _is_name(match["name"]):
            yield "firstName", match["name"]
    elif match := _LAST_NAME.fullmatch(clause):
        if (words := match["name"].split()) and _is_surname(words):
            yield "lastName", match["name"]
    elif match := _EMAILED.fullmatch(clause):
        yield "email", match["email"]
    elif (match := _CALLED.fullmatch(clause)) and _is_phone(clause, match["phone"]):
        yield "phone", match["phone"]
    elif match := _SPOKEN.fullmatch(clause):
        language = next(one for one in match.groups() if one).capitalize()
        if language in LANGUAGES:
            yield LANGUAGE, language


def _names(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """First and last name, where it is plain which is which: of three words the second may belong to either."""
    titled = words[0].lower() in _TITLES
    words = words[1:] if titled else words
    if len(words) == 1 and _is_name(words[0]):
        yield ("lastName" if titled else "firstName"), words[0]
        return
    if len(words) < 2 or not _is_name(words[0]):
        return
    last = list(words[1:])
    if len(last) > 1 and re.fullmatch(r"[A-Z]\.?", last[0]):  # the initial of a middle name
        last = last[1:]
    if _is_surname(last):
        yield "firstName", words[0]
        yield "lastName", " ".join(last)


def _is_surname(words: Sequence[str]) -> bool:
    return _is_name(words[-1]) and all(one.lower() in _PARTICLES for one in words[:-1])


def _is_name(word: str) -> bool:
    """As names are written, and none of the words that stand there otherwise."""
    plain = word.replace("-", "").replace("'", "")
    shaped = plain.isalpha() and word[0].isupper() and len(plain) > 1 and not (len(plain) > 3 and plain.isupper())
    lower = word.lower()
    return shaped and not word.endswith("'s") and lower not in _NO_NAMES and lower.capitalize() not in LANGUAGES


def _is_bare_name(clause: str) -> bool:
    """Beside another one, nobody can tell which it is."""
    return clause != "" and all(_is_name(word) for word in clause.split())


def _is_phone(clause: str, written: str) -> bool:
    """A bare number may be that of a customer or an order: it needs the form of a phone number, or to be called one."""
    digits = sum(one.isdigit() for one in written)
    called = re.search(r"phone|mobile|cell|\b(?:call|text|ring)\b", clause, re.IGNORECASE) is not None
    return 8 <= digits <= 15 and (called or _DIALLED.match(written) is not None)
