"""Pure: English verbs and the words around them, as far as a statement must be put into the third person."""

import re


def word_set(words: str) -> frozenset[str]:
    """Of words that are separated by blanks."""
    return frozenset(words.split())


_PAST = """
    went came got had did made took gave saw knew thought found told became left felt brought began kept held wrote
    stood heard meant met ran paid sat spoke led grew lost fell sent built understood drew broke spent rose drove bought
    wore chose ate drank flew forgot sold taught threw caught won slept sang swam rode woke hid bit blew froze shook
    stole tore struck swore fought sought hung dug stuck swung lent bent fed fled shot slid lit hurt cost put cut set
    hit let read quit shut spread beat bet split cast upset overcame withdrew undertook rebuilt redid lay forgave dealt
    dreamt learnt spelt spilt burnt leapt laid said swept crept wept sank shrank rang stung spun strode mistook rewrote
"""
PAST = word_set(_PAST)
_NO_PAST = word_set("need feed speed breed bleed exceed proceed succeed heed seed weed embed shed wed indeed")

_ADVERBS = """
    just also still always never often usually sometimes already even only once now then currently soon ever rather
    quite both all each not almost maybe perhaps too kinda sorta definitely again finally actually recently ended
    myself ourselves yourself personally well since later lately last first
"""
ADVERBS = word_set(_ADVERBS) - {"ended", "well", "since"}

MODALS = word_set("will would can could shall should may might must cannot")
NEGATED = {
    "don't": "do not",
    "doesn't": "does not",
    "didn't": "did not",
    "can't": "cannot",
    "won't": "will not",
    "wouldn't": "would not",
    "couldn't": "could not",
    "shouldn't": "should not",
    "mustn't": "must not",
    "haven't": "have not",
    "hasn't": "has not",
    "hadn't": "had not",
    "isn't": "is not",
    "aren't": "are not",
    "wasn't": "was not",
    "weren't": "were not",
    "mightn't": "might not",
    "needn't": "need not",
}

_BASE = """
    accept access activate add address adjust agree allow answer apply appreciate arrange arrive ask attend avoid bake
    be become begin believe belong block book borrow break bring build buy call camp cancel care carry change charge
    check choose clean click climb close coach collect come commute compensate complain complete connect consider
    contact continue cook correct cover crash create credit cycle dance deactivate deal decide delete deliver depend
    design develop disable discuss dislike dispatch do double downgrade draw dream drink drive drop earn eat email
    enable encourage enjoy escalate exchange expect expedite experience explore express extend face feel file find
    finish fish fix fly follow forget forward freeze garden get give go graduate grow guarantee hand handle happen
    hate have hear help hike hold honor honour hope host identify improve include inform install intend invest
    investigate invite issue join keep knit know lead leak learn leave like listen live lock log look lose love mail
    make manage match mean meet mentor mind miss move need notice notify offer open order own paint participate pass
    pay phone photograph pick place plan plant play post practice practise prefer prepare press prioritise prioritize
    process promise provide purchase push put raise reach reactivate read realize rebook reboot receive recommend
    record refund register reimburse reinstate relax remain remember remove rent repair replace report request rerun
    reschedule resend reset resolve restart restore return reverse review ride ring run save say scan schedule see
    seem sell send serve set share ship shop show sign sing sit skate ski sleep smoke sort speak spend start stay stop
    struggle study submit subscribe suffer suggest supply support surf suspect swim switch take talk tap teach tell
    text think train transfer travel try turn unblock understand unlock unsubscribe update upgrade use verify visit
    void volunteer wait waive wake walk want watch wear wish wonder work worry write
"""
BASE = word_set(_BASE)

_NO_VERBS = """
    a an the of in on at by for from to with about as and or but if so because that this these those there here i you he
    she it we they my your his her its our their me him them us who which what when where why how yes no oh ok okay
    um uh
    guess mean too
"""
NO_VERBS = word_set(_NO_VERBS) - {"guess", "mean"}
AUXILIARIES = MODALS | word_set("am are is was were have has had do does did be been")


RELATIONS = (
    "daughter|son|wife|husband|partner|spouse|girlfriend|boyfriend|fiance|fiancee|mother|father|mom|mum|dad|sister|"
    "brother|aunt|uncle|cousin|niece|nephew|grandmother|grandfather|grandma|grandpa|granddaughter|grandson|baby|"
    "child|boss|manager|colleague|coworker|assistant|neighbour|neighbor|friend|roommate|flatmate|landlord|teacher|"
    "coach|dog|cat|puppy|kitten|horse|driver|technician|engineer|courier|accountant|lawyer|secretary"
)
"""Alternatives of a pattern."""


def is_past(word: str) -> bool:
    """Whether a verb in lower case is in the past tense, as far as its form tells; "read" counts as past."""
    return word in PAST or (word.endswith("ed") and len(word) > 3 and word not in _NO_PAST)


def is_verb(word: str) -> bool:
    """Whether a word that follows a subject is surely a verb."""
    return word in BASE or word in AUXILIARIES or word in NEGATED or is_past(word)


def singular(verb: str) -> str:
    """What a verb in its base form is after "she"."""
    if verb in ("have", "do", "go"):
        return {"have": "has", "do": "does", "go": "goes"}[verb]
    if verb.endswith(("s", "x", "z", "ch", "sh")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        return f"{verb[:-1]}ies"
    return f"{verb}s"


def pattern(lines: str) -> re.Pattern[str]:
    """Of a pattern that is written on several lines; case does not count."""
    return re.compile("".join(line.strip() for line in lines.splitlines()).replace("~", " "), re.IGNORECASE)
