"""Profile views as MCP resources, and the completion of their profile_id."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcp.shared.uri_template import UriTemplate

from mcp_memory import inputs, model, records, revisions, views
from mcp_memory.errors import Invalid, NotFound
from mcp_memory.session import Session

STORE = "memory://store"
PROFILE = "memory://profiles/{profile_id}"
JSON, MARKDOWN = "application/json", "text/markdown"

CONTEXT_TOKENS = 1_000  # a twentieth of what a long history costs, and all of a short one
LISTED = 50
TIMELINE = 20
MAX_TIMELINE = 100
MAX_URI = 256  # characters; the longest of ours has about 150

Parameters = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Resource:
    uri: str
    """Fixed, or a template of RFC 6570."""
    name: str
    title: str
    description: str
    mime_type: str
    render: Callable[[Session, Parameters], Awaitable[str]]

    @property
    def is_template(self) -> bool:
        return "{" in self.uri

    @cached_property
    def _template(self) -> UriTemplate:
        return UriTemplate.parse(self.uri)

    def parameters(self, uri: str) -> Parameters | None:
        """What a URI of this resource says; None if it is not one. Only what is asked for after a `?` may be empty."""
        matched = self._template.match(uri)
        if matched is None:
            return None
        said = {name: value for name, value in matched.items() if isinstance(value, str) and value}
        needed = set(self._template.variable_names) - self._template.query_variable_names
        return said if needed <= set(said) else None


async def store(session: Session, parameters: Parameters) -> str:
    return _json(records.store_data(await session.memory.get_store(session.caller)))


async def profile(session: Session, parameters: Parameters) -> str:
    """As it was at a time, where one is named. One that is to come is now."""
    id, now = parameters["profile_id"], session.memory.now()
    at = inputs.parse_time(parameters["as_of"], "as_of") if "as_of" in parameters else now
    if at >= now:
        return _json(records.profile_data(await session.memory.get_profile(session.caller, id)))
    return _json(revisions.profile_then_data(await session.memory.profile_at(session.caller, id, at)))


async def context(session: Session, parameters: Parameters) -> str:
    id = parameters["profile_id"]
    found = await session.memory.get_profile(session.caller, id)
    observations = await session.memory.latest_observations(session.caller, id, LISTED)
    summaries = await session.memory.latest_summaries(session.caller, id, LISTED)
    return views.context_markdown(found, observations, summaries, CONTEXT_TOKENS)


async def traits(session: Session, parameters: Parameters) -> str:
    found = await session.memory.get_profile(session.caller, parameters["profile_id"])
    return _json({"profile_id": found.profile_id, "traits": records.plain(found.traits)})


async def observations(session: Session, parameters: Parameters) -> str:
    items = await session.memory.latest_observations(session.caller, parameters["profile_id"], LISTED)
    return _json({"observations": [records.item_data(one) for one in items]})


async def summaries(session: Session, parameters: Parameters) -> str:
    items = await session.memory.latest_summaries(session.caller, parameters["profile_id"], LISTED)
    return _json({"summaries": [records.item_data(one) for one in items]})


async def timeline(session: Session, parameters: Parameters) -> str:
    """Both kinds, latest first. `next_before` continues: no moment is torn apart, none is shown twice."""
    id, limit = parameters["profile_id"], _limit(parameters.get("limit"))
    before = inputs.parse_time(parameters["before"], "before") if "before" in parameters else None
    seen = await session.memory.latest_observations(session.caller, id, limit + 1, before)
    said = await session.memory.latest_summaries(session.caller, id, limit + 1, before)
    items: list[model.Item] = sorted([*seen, *said], key=lambda item: item.occurred_at, reverse=True)
    shown = [item for item in items if len(items) <= limit or item.occurred_at >= items[limit - 1].occurred_at]
    data: dict[str, Any] = {
        "timeline": [
            {"kind": "observation" if isinstance(item, model.Observation) else "summary", **records.item_data(item)}
            for item in shown
        ]
    }
    if len(items) > limit:  # there is more, or all that was fetched is of one moment and nobody knows
        data["next_before"] = shown[-1].occurred_at.isoformat()  # to the microsecond, as it is compared
    return _json(data)


async def changes(session: Session, parameters: Parameters) -> str:
    """The latest first; `next_since` asks for what comes after them. With `more`, earlier ones were left out."""
    id, limit = parameters["profile_id"], _limit(parameters.get("limit"))
    since = inputs.parse_time(parameters["since"], "since") if "since" in parameters else model.EARLIEST
    found = await session.memory.changes_since(session.caller, id, since, limit + 1)
    data: dict[str, Any] = {"changes": [revisions.change_data(one) for one in found[:limit]]}
    data["next_since"] = (found[0].at if found else since).isoformat()  # to the microsecond, as it is compared
    return _json(data | ({"more": True} if len(found) > limit else {}))


RESOURCES = (
    Resource(
        uri=STORE,
        name="store",
        title="Memory store",
        description="The store you work in: its name, its rule for new traits, how many profiles it holds.",
        mime_type=JSON,
        render=store,
    ),
    Resource(
        uri=PROFILE + "{?as_of}",
        name="profile",
        title="Customer profile",
        description="Traits, identifiers, counts and last activity of one customer; with as_of traits and counts then.",
        mime_type=JSON,
        render=profile,
    ),
    Resource(
        uri=PROFILE + "/context",
        name="profile_context",
        title="Customer context for a prompt",
        description=f"Who the customer is and what was noticed lately, as Markdown of at most {CONTEXT_TOKENS} tokens.",
        mime_type=MARKDOWN,
        render=context,
    ),
    Resource(
        uri=PROFILE + "/traits",
        name="profile_traits",
        title="Customer traits",
        description="The stable facts about one customer, by group.",
        mime_type=JSON,
        render=traits,
    ),
    Resource(
        uri=PROFILE + "/observations",
        name="profile_observations",
        title="Customer observations",
        description=f"The latest {LISTED} observations of one customer. The timeline has all.",
        mime_type=JSON,
        render=observations,
    ),
    Resource(
        uri=PROFILE + "/summaries",
        name="profile_summaries",
        title="Conversation summaries",
        description=f"The latest {LISTED} conversation summaries of one customer. The timeline has all.",
        mime_type=JSON,
        render=summaries,
    ),
    Resource(
        uri=PROFILE + "/timeline{?limit,before}",
        name="profile_timeline",
        title="Customer timeline",
        description="Observations and summaries, latest first. Continue with before=next_before.",
        mime_type=JSON,
        render=timeline,
    ),
    Resource(
        uri=PROFILE + "/changes{?since,limit}",
        name="profile_changes",
        title="What changed about a customer",
        description="What was learned or changed since a time: observations, summaries, traits, and by whom.",
        mime_type=JSON,
        render=changes,
    ),
)


async def read(session: Session, uri: str, among: Sequence[Resource] = RESOURCES) -> tuple[Resource, str]:
    """The resource a URI names, and its text."""
    found = find(uri, among)
    if found is None:
        raise NotFound("There is no such resource: see resources/list and resources/templates/list.")
    resource, parameters = found
    return resource, await resource.render(session, parameters)


def find(uri: str, among: Sequence[Resource] = RESOURCES) -> tuple[Resource, Parameters] | None:
    for resource in among:
        parameters = resource.parameters(uri) if len(uri) <= MAX_URI else None
        if parameters is not None:
            return resource, parameters
    return None


def changed_by(writes: Sequence[str], profile_ids: Iterable[str]) -> list[str]:
    """The URIs that read differently after writes of traits, observations or summaries to a profile, by all its ids."""
    uris = [] if "traits" not in writes else [STORE]
    for profile_id in profile_ids:
        base = f"memory://profiles/{profile_id}"
        timeline = [f"{base}/timeline"] if {"observations", "summaries"} & set(writes) else []
        uris += [base, f"{base}/context", *(f"{base}/{write}" for write in writes), *timeline, f"{base}/changes"]
    return uris


def _limit(given: str | None) -> int:
    if given is None:
        return TIMELINE
    if not (given.isascii() and given.isdigit() and len(given) <= 3 and 1 <= int(given) <= MAX_TIMELINE):
        raise Invalid(f"limit must be a whole number from 1 to {MAX_TIMELINE}.")
    return int(given)


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
