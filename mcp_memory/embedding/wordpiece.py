"""BERT's uncased WordPiece: text in, token ids out. Pure: the vocabulary is passed in, nothing is read.

The law of this file: the ids equal those of the tokenizer the model was trained with, also where that is odd.
Only characters that are new or were reclassified since Unicode 8 (the reference's) may differ; the vocabulary
knows none of them.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

CONTINUED: Final = "##"  # marks, in the vocabulary, a piece that does not begin its word
LONGEST_WORD: Final = 100  # characters; the reference calls a longer word unknown
REMEMBERED: Final = 8192  # characters per table: more than a text mixes, far fewer than the 1.1 million there are
# A text that spells a special token gets that token, as in the reference. It is harmless: it moves one vector.
SPECIAL: Final = re.compile(r"(\[(?:CLS|SEP|UNK|PAD|MASK)\])")

# Scripts written without spaces: each character is a word. Not Hiragana, Katakana or Hangul; and the gap before
# 2B920 (where Unicode has none) is the reference's own.
IDEOGRAPHS: Final = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    def __init__(self, vocabulary: Sequence[str]) -> None:
        """One piece per entry; its position is its id. Raises KeyError when [CLS], [SEP] or [UNK] is missing."""
        self._ids = {piece: position for position, piece in enumerate(vocabulary)}
        self._longest = max(map(len, vocabulary))
        self._first, self._last, self._unknown = (self._ids[name] for name in ("[CLS]", "[SEP]", "[UNK]"))

    def encode(self, text: str, limit: int) -> list[int]:
        """[CLS], the pieces, [SEP]: at most `limit` ids, which must be 2 or more; the end of a long text is dropped."""
        ids = [self._first]
        for word in _words(text):
            if len(ids) >= limit - 1:
                break
            ids.extend(self._pieces(word))
        return [*ids[: limit - 1], self._last]

    def _pieces(self, word: str) -> list[int]:
        """The longest known beginning, then the longest known continuation, and so on; or one [UNK] for the word."""
        if len(word) > LONGEST_WORD:
            return [self._unknown]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            mark = CONTINUED if start else ""
            ends = range(min(len(word), start + self._longest), start, -1)
            end = next((end for end in ends if mark + word[start:end] in self._ids), None)
            if end is None:
                return [self._unknown]
            pieces.append(self._ids[mark + word[start:end]])
            start = end
        return pieces


class _Table(dict[int, str]):
    """What `str.translate` puts in a character's place, worked out when the character is first met."""

    def __init__(self, replacement: Callable[[str], str]) -> None:
        super().__init__()
        self._replacement = replacement

    def __missing__(self, codepoint: int) -> str:
        replacement = self._replacement(chr(codepoint))
        if len(self) < REMEMBERED:  # so that hostile text cannot grow the table without end
            self[codepoint] = replacement
        return replacement


def _cleaned(character: str) -> str:
    """Without control characters and half surrogates, whitespace of every kind as a space, ideographs set apart."""
    if character in "\t\n\r":
        return " "
    if character == "\ufffd" or unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"}:
        return ""
    if character.isspace():
        return " "
    apart = any(first <= ord(character) <= last for first, last in IDEOGRAPHS)
    return f" {character} " if apart else character


def _folded(character: str) -> str:
    """Without accents (which NFD has split off), lower case, punctuation set apart."""
    category = unicodedata.category(character)
    if category == "Mn":
        return ""
    # In ASCII the symbols ($+<=>^`|~) count as punctuation too, elsewhere they do not.
    apart = category.startswith("P") or (character.isascii() and category.startswith("S"))
    # Character by character, as the reference does: str.lower of a whole word would end it in a final sigma.
    return f" {character} " if apart else character.lower()


_CLEANED: Final = _Table(_cleaned)
_FOLDED: Final = _Table(_folded)


def _words(text: str) -> list[str]:
    words: list[str] = []
    for part in SPECIAL.split(text):
        if SPECIAL.fullmatch(part):
            words.append(part)
        else:
            words.extend(unicodedata.normalize("NFD", part.translate(_CLEANED)).translate(_FOLDED).split())
    return words
