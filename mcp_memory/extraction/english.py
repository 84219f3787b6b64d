"""Pure: whether a sentence is English, as the rules here need it. By its small words, which every sentence has."""

import re

from mcp_memory.extraction.words import word_set

MOSTLY = 0.8  # of its letters are Latin

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_ENGLISH = word_set(
    """
    a about after again all also always am an and any are as ask at back be because been before best but by call can
    can't card could day did didn't do does doesn't don't down email ever every few find first for from get getting go
    going got had has hasn't have haven't he her here him his how i i'd i'll i'm i've if in internet into is isn't it
    it's its just keep keeps last left let like live long lost love made make me more most moved much my need never new
    next no not now of off on one only or order ordered our out over own phone please prefer really refund router said
    same see she since so some still than thank that that's the their them then there these they thing this time to too
    trying two up us use very want was wasn't way we we're we've week were what when where which while who why will with
    won't someone somebody everyone nobody anyone work working works would yes yet you your yesterday today tomorrow
    """
)
_FOREIGN = word_set(
    """
    der das und ich nicht ein eine einen mein meine meinen mit ist sind habe hat wir sie auf für von zu im den dem wie
    auch noch aber bitte danke kann kein keine le la les des une est je ne pas vous nous mon ma mes avec dans pour sur
    et ou que qui il elle sont suis ai el los las que de y mi mis con por para una un no es está estoy tengo muy pero
    gracias che non sono ho il lo gli per della di è mio mia het een ik niet mijn van en op ook maar heb jag är inte
    och     det jeg ikke har na nie jest się não eu meu minha com uma em
    """
)


def is_english(text: str) -> bool:
    words = [word.lower() for word in _WORD.findall(text)]
    letters = [letter for letter in text if letter.isalpha()]
    if not words or sum(letter < "\u0250" for letter in letters) < MOSTLY * len(letters):
        return False
    foreign = sum(word in _FOREIGN and word not in _ENGLISH for word in words)
    english = sum(word in _ENGLISH for word in words)
    return english > foreign and english * 8 >= len(words)


def is_small_word(word: str) -> bool:
    """Of those that are English in any case, and no name."""
    return word in _ENGLISH
