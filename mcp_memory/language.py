"""Pure: the words of a text, as recall counts them.

Words are runs of letters and digits, lower-case, stemmed (Snowball English). Han and kana runs, which have no
blanks, give single characters and pairs. Order numbers, emails and the like also count whole ("A-1042" is "a",
"1042" and "a1042"), and phone numbers by their last digits, so that an exact id is found by itself in any spelling.
Stop words are dropped; from questions, so are words that only ask. Change anything here and raise `TERMS_VERSION`:
stored terms were made by these rules.
"""

import hashlib
import re
import threading
import zlib
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from mcp_memory import mentions

TERMS_VERSION = 3  # 1: writers at the same time could store each other's stems; 2: phone numbers by groups of digits

CHUNK_WORDS = 80  # reference measurements: best chunk of 80 words beats whole long items
LONG_ITEM_WORDS = 100
MAX_TERMS = 256  # of a chunk; 1,024 bytes, what an index entry has room for in PostgreSQL
LONGEST_STEMMED = 40  # no English word is longer; what is, must not fill the cache

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_PIECE = re.compile(rf"{_CJK.pattern[:-1]}|(?:(?!{_CJK.pattern[:-1]})\S)+")
_BLANK = re.compile(r"\s+")
_stemming = threading.Lock()  # it keeps the word it works on, and would mix up those of two threads

_STOP_WORDS = """
    a about above after again against all am an and any are aren't as at be because been before being below between
    both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few for from
    further had hadn't has hasn't have haven't having he he'd he'll he's her here hers herself him himself his how i
    i'd i'll i'm i've if in into is isn't it its itself just let's me more most my myself no nor not now of off on once
    only or other ought our ours ourselves out over own same she she'd she'll should shouldn't so some such than that
    the their theirs them themselves then there these they they'd they'll they're they've this those through to too
    under until up very was wasn't we we'd we'll we're we've were weren't what when where which while who whom why will
    with won't would wouldn't you you'd you'll you're you've your yours yourself yourselves
"""
_QUESTION_WORDS = """
    anything conversation customer ever happen happened happens kind kinds know known like long many mention mentioned
    much name often please said say says someone something sort talk talked tell thing things think told type types
    want wanted wants
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
QUESTION_WORDS = frozenset(_QUESTION_WORDS.split())


def terms(text: str) -> list[int]:
    """The stems of a stored text as 32-bit hashes, in order, repetitions kept; never 0."""
    return [_hash(stem) for stem in islice(_stems(text, STOP_WORDS), MAX_TERMS)]


def query_terms(question: str) -> list[int]:
    """The distinct stems a question asks for. Words that only ask are dropped, unless nothing else is left."""
    return asked_terms(question) or [_hash(stem) for stem in dict.fromkeys(_stems(question, STOP_WORDS))]


def asked_terms(question: str) -> list[int]:
    """As `query_terms`, without those that only ask."""
    return [_hash(stem) for stem in dict.fromkeys(_stems(question, STOP_WORDS | QUESTION_WORDS))]


def id_terms(question: str) -> list[frozenset[int]]:
    """For each id that a question names, the terms one of which an item must have to hold it."""
    return [frozenset(map(_hash, spellings)) for spellings in mentions.ids(question)]


def common_words(question: str, text: str) -> list[str]:
    """The words of the text that the question asks for, as the text writes them, in its order."""
    asked = set(query_terms(question))
    return [word for word in dict.fromkeys(mentions.words_and_ids(text)) if asked.intersection(terms(word))]


def chunks(text: str) -> list[str]:
    """The text, or where it is long its consecutive pieces: recall counts the best one. A Han letter is a word."""
    words = list(_PIECE.finditer(text))
    if len(words) <= LONG_ITEM_WORDS:
        return [text]
    parts = (words[start : start + CHUNK_WORDS] for start in range(0, len(words), CHUNK_WORDS))
    return [text[part[0].start() : part[-1].end()] for part in parts]


def digest(text: str) -> bytes:
    """16 bytes, equal for texts that say the same in the same words: case and blanks do not count."""
    return hashlib.blake2b(_BLANK.sub(" ", text.casefold()).strip().encode(), digest_size=16).digest()


def _stems(text: str, dropped: frozenset[str]) -> Iterator[str]:
    lowered = text.lower().replace("\u2019", "'")
    for match in _WORD.finditer(lowered):
        word = match[0].removesuffix("'s")
        if _CJK.search(word):
            yield from _cjk(word)
        elif word not in dropped:
            yield _stem(word)
    yield from mentions.spellings(lowered)


def _cjk(run: str) -> Iterator[str]:
    yield from run
    yield from (run[at : at + 2] for at in range(len(run) - 1))


def _stem(word: str) -> str:
    return word if len(word) > LONGEST_STEMMED or any(map(str.isdigit, word)) else _snowball(word)


@lru_cache(maxsize=65_536)  # stemming a word takes 20 µs, looking it up 0.1
def _snowball(word: str) -> str:
    with _stemming:
        return str(_stemmer().stemWord(word))


@cache
def _stemmer() -> Any:
    import snowballstemmer  # with all its languages: not before it is needed, for the cold start

    return snowballstemmer.stemmer("english")


def _hash(stem: str) -> int:
    return zlib.crc32(stem.encode()) or 1  # 0 ends a chunk in storage
