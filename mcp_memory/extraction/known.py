"""Pure: whether what is said is known already: it was recalled in this conversation, and comes back."""

from collections.abc import Collection

from mcp_memory.statements import wording

MOST = 1_000  # texts that were recalled
LONGEST = 4_096  # characters of one
REPEATED = 0.8  # of the agent's words, how many are those of one text that was recalled


class Known:
    def __init__(self, recalled: Collection[str]) -> None:
        texts = sorted(set(recalled))[:MOST]
        self._texts = [frozenset(wording.stems(wording.plain(text[:LONGEST]))) for text in texts]
        self._same = frozenset(self._texts)

    def has(self, *wordings: str, by_agent: bool) -> bool:
        """Whether one of these wordings of a statement says what was recalled, in the same words."""
        return any(self._says(frozenset(wording.stems(wording.plain(one))), by_agent=by_agent) for one in wordings)

    def _says(self, words: frozenset[str], *, by_agent: bool) -> bool:
        if not words:
            return False
        if words in self._same:
            return True
        return by_agent and any(len(words & text) >= REPEATED * len(words) for text in self._texts)
