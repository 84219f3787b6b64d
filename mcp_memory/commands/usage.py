"""mcp-memory usage: what each tenant used on each day. As a table, or with --json as data."""

from collections.abc import Sequence
from datetime import date

from mcp_memory.commands import Console, Given
from mcp_memory.errors import Invalid
from mcp_memory.metering.usage import UNITS, DayUsage, UsageBook

SHOWN = 30  # days before today


def show(book: UsageBook, today: date, given: Given, console: Console) -> int:
    """Of all tenants, unless the command line names one. Servers write what they count every two seconds."""
    until = _day(given, "until", today)
    since = _day(given, "since", date.fromordinal(max(1, until.toordinal() - SHOWN)))
    if since > until:
        raise Invalid(f"--since {since} comes after --until {until}.")
    days = book.between(since, until, given.get("tenant"))
    if given.get("json"):
        console.show({"usage": [{"day": str(one.day), "tenant": one.tenant, **one.amounts} for one in days]})
    elif not days:
        console.say(f"Nothing was used from {since} to {until}.")
    else:
        console.say(_table(days))
    return 0


def _day(given: Given, option: str, default: date) -> date:
    text = given.get(option)
    if text is None:
        return default
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or str(found) != text:
        raise Invalid(f"--{option} must be a day like 2026-11-21.")
    return found


def _table(days: Sequence[DayUsage]) -> str:
    rows = [["day", "tenant", *UNITS]]
    rows += [[str(one.day), one.tenant, *(f"{one.amounts[unit]:,}" for unit in UNITS)] for one in days]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join("  ".join(_cell(row[at], at, widths[at]) for at in range(len(row))) for row in rows)


def _cell(text: str, at: int, width: int) -> str:
    return text.ljust(width) if at < 2 else text.rjust(width)
