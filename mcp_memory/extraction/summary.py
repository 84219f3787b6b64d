"""Pure: a conversation in a few sentences, all of them taken from what was extracted."""

from collections.abc import Iterator, Sequence

from mcp_memory.extraction.candidate import Candidate
from mcp_memory.extraction.days import shown
from mcp_memory.model import Communication

MAX_SUMMARY = 1_000  # characters
MOST_ISSUES, MOST_OUTCOMES, MOST_OTHERS = 3, 3, 4


def summary(messages: Sequence[Communication], found: Sequence[Candidate]) -> str | None:
    """`messages` in their order. None where nothing was found."""
    if not found:
        return None
    topic = _topic(found)
    issues = [one for one in found if one.kind == "problem" and one is not topic][:MOST_ISSUES]
    outcomes = [one for one in found if one.kind in ("outcome", "promise") and one is not topic][-MOST_OUTCOMES:]
    used = {id(one) for one in (topic, *issues, *outcomes)}
    others = [one for one in found if id(one) not in used][:MOST_OTHERS]
    parts = [(f"{_when(messages)} Topic:", [topic]), ("Issues:", issues), ("Also:", others), ("Outcome:", outcomes)]
    return _within(list(_lines(parts)))


def _topic(found: Sequence[Candidate]) -> Candidate:
    """The first trouble or plan, or else the first thing that the customer said."""
    troubles = [one for one in found if one.kind in ("problem", "plan") and one.said_by == "customer"]
    own = [one for one in found if one.said_by == "customer"]
    return (troubles or own or found)[0]


def _when(messages: Sequence[Communication]) -> str:
    first, last = messages[0].occurred_at.date(), messages[-1].occurred_at.date()
    when = f"on {shown(first)}" if first == last else f"from {shown(first)} to {shown(last)}"
    return f"Conversation {when}."


def _lines(parts: Sequence[tuple[str, Sequence[Candidate]]]) -> Iterator[tuple[str, str]]:
    for heading, told in parts:
        for place, one in enumerate(told):
            yield (heading if place == 0 else ""), one.content


def _within(lines: Sequence[tuple[str, str]]) -> str:
    """As many of them as there is room for. The last of them, an outcome, is worth more than what stands before it."""
    kept = list(lines)
    while len(text := " ".join(filter(None, (part for line in kept for part in line)))) > MAX_SUMMARY:
        heading, _ = kept.pop(len(kept) // 2)
        if heading and len(kept) > len(kept) // 2 and not kept[len(kept) // 2][0]:
            kept[len(kept) // 2] = (heading, kept[len(kept) // 2][1])
    return text
