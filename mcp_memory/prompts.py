"""Prompts a person can pick in their host; each brings the customer's memory along."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from mcp_memory import resources, text, views
from mcp_memory.model import MAX_QUERY
from mcp_memory.session import Session


@dataclass(frozen=True)
class Argument:
    name: str
    description: str
    required: bool


@dataclass(frozen=True, kw_only=True)
class Prompt:
    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    render: Callable[[Session, Mapping[str, str]], Awaitable[str]]


async def customer_briefing(session: Session, given: Mapping[str, str]) -> str:
    known = await resources.context(session, given)
    about = f" Above all: {_said(given, 'question')}." if given.get("question") else ""
    return (
        "Brief me on this customer before I talk to them: who they are, what is open, what was promised, what to "
        f"avoid.{about} Use only what is remembered below, and say what is not known.\n\n{known}"
    )


async def handoff(session: Session, given: Mapping[str, str]) -> str:
    known = await resources.context(session, given)
    reason = f" The reason: {_said(given, 'reason')}." if given.get("reason") else ""
    return (
        f"Write a handover of this customer to a colleague.{reason} Say in a few lines who they are, what they want, "
        "what has been tried, what was promised and what comes next. First keep the state of the conversation with "
        f"write_summary.\n\n{known}"
    )


def _said(given: Mapping[str, str], name: str) -> str:
    return views.quoted(text.required_text(given[name], MAX_QUERY, name))


_PROFILE_ID = Argument("profile_id", "The customer: mem_profile_…", required=True)

PROMPTS = (
    Prompt(
        name="customer_briefing",
        title="Brief me on a customer",
        description="What to know before talking to a customer.",
        arguments=(_PROFILE_ID, Argument("question", "What the briefing should answer above all", required=False)),
        render=customer_briefing,
    ),
    Prompt(
        name="handoff",
        title="Hand a customer over",
        description="A handover to a colleague, with the customer's memory.",
        arguments=(_PROFILE_ID, Argument("reason", "Why the conversation is handed over", required=False)),
        render=handoff,
    ),
)
