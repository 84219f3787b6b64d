"""What the backend makes of the service's answers, one at a time."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from mcp_memory.backends.twilio import remote
from mcp_memory.backends.twilio.backend import TwilioBackend
from mcp_memory.backends.twilio.missing import REASONS
from mcp_memory.conversation_ids import to_api
from mcp_memory.edits import NewStore, ObservationChanges, StoreChanges
from mcp_memory.errors import Conflict, Error, Full, Invalid, NotFound, Stale, Taken, Unavailable, Unsupported
from mcp_memory.extractions import ExtractionFilter
from mcp_memory.learning_settings import LearningSettings
from mcp_memory.listing import EVERYTHING, PageQuery
from mcp_memory.model import NewObservation, NewSummary, RecallQuery, Receipt, Scope
from mcp_memory.orchestrator import ConversationChanges, ConversationSettings, NewParticipant, SettingsChanges
from tests.twilio.conftest import DANA, NOTE, NOW, OLD, SCOPE, STORE, Script, answer

pytestmark = pytest.mark.anyio

STORES = "/v1/ControlPlane/Stores"
OPERATION = "/v1/ControlPlane/Operations/op-1"
PROFILE = f"/v1/Stores/{STORE}/Profiles/{DANA}"
NOTES = f"{PROFILE}/Observations"
OTHER_STORE = STORE.replace("0st", "0xx")


def store(id: str = STORE, name: str = "default", status: str = "ACTIVE", **more: Any) -> httpx2.Response:
    body = {"id": id, "displayName": name, "status": status, "version": 1, "intelligenceServiceId": None, **more}
    return answer(200, body, ETag='"v1"')


def operation(status: str, **more: Any) -> httpx2.Response:
    return answer(200, {"operationId": "op-1", "status": status, "createdAt": "2026-05-04T09:30:00Z", **more})


def accepted(**headers: str) -> httpx2.Response:
    return answer(202, {"message": "accepted", "statusUrl": f"https://elsewhere.test{OPERATION}"}, **headers)


def note(content: str, occurred_at: str = "2026-05-04T09:30:00Z", id: str = NOTE, **more: Any) -> dict[str, Any]:
    times = {"occurredAt": occurred_at, "createdAt": "2026-05-04T09:30:00Z", "updatedAt": "2026-05-04T09:30:00Z"}
    return {"id": id, "content": content, "source": "agent", "conversationIds": [], **times, **more}


def notes(*each: dict[str, Any], token: str | None = None) -> httpx2.Response:
    return answer(200, {"observations": list(each), "meta": {"key": "observations", "nextToken": token}})


# Stores


async def test_a_store_is_found_by_its_name_among_ids(backend: TwilioBackend, script: Script) -> None:
    script.at("GET", STORES, answer(200, {"stores": [OTHER_STORE], "meta": {"nextToken": "t"}}),
              answer(200, {"stores": [STORE], "meta": {}}))  # fmt: skip
    script.at("GET", f"{STORES}/{OTHER_STORE}", store(OTHER_STORE, "staging")).at("GET", f"{STORES}/{STORE}", store())

    assert await backend.open_store("acme", "default") == SCOPE
    asked = len(script.asked)
    assert await backend.open_store("acme", "default") == SCOPE and len(script.asked) == asked


async def test_a_store_is_created_only_by_whoever_is_told_to(backend: TwilioBackend, script: Script) -> None:
    script.at("GET", STORES, answer(200, {"stores": [], "meta": {}}))

    with pytest.raises(NotFound, match="twilio_create_store"):
        await backend.open_store("acme", "default")


async def test_another_tenant_has_no_store_here(backend: TwilioBackend, script: Script) -> None:
    for call in (backend.open_store("globex", "default"), backend.get_store(Scope(tenant="globex", store_id=STORE))):
        with pytest.raises(NotFound):
            await call
    assert script.asked == []


async def test_a_store_that_is_being_made_is_waited_for(backend: TwilioBackend, script: Script) -> None:
    script.at("POST", STORES, accepted(Operation_Id="op-1", Retry_After="3"))
    script.at("GET", OPERATION, operation("PENDING"), operation("RUNNING"),
              operation("COMPLETED", result={"type": "RESOURCE_ID", "id": STORE}))  # fmt: skip
    script.at("GET", f"{STORES}/{STORE}", store(status="PROVISIONING"), store())

    made = await backend.create_store("acme", NewStore(display_name="default"))

    assert made.store_id == STORE and made.profile_count is None
    assert script.slept == [3.0, 0.25, 0.5, 1.0]


async def test_an_operation_is_asked_for_where_it_is_whatever_its_address_says(
    backend: TwilioBackend, script: Script
) -> None:
    script.at("PATCH", f"{STORES}/{STORE}", accepted())
    script.at("GET", OPERATION, operation("COMPLETED")).at("GET", f"{STORES}/{STORE}", store(description="x"))

    await backend.update_store(SCOPE, StoreChanges(description="x"))

    assert {one.url.host for one in script.asked} == {"memory.test"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [(520045, Taken), (520044, Full), (520043, Stale), (20404, NotFound), (20409, Conflict), (400, Invalid),
     (20500, Unavailable), (None, Unavailable)],
)  # fmt: skip
async def test_what_an_operation_failed_with_is_raised(
    backend: TwilioBackend, script: Script, code: int | None, kind: type[Error]
) -> None:
    script.at("POST", STORES, accepted(Operation_Id="op-1"))
    script.at("GET", OPERATION, operation("FAILED", error={"title": "No", "detail": "that is why", "code": code}))

    with pytest.raises(kind, match="No: that is why") as caught:
        await backend.create_store("acme", NewStore(display_name="default"))
    assert type(caught.value) is kind


async def test_an_operation_that_never_ends_is_given_up_on(backend: TwilioBackend, script: Script) -> None:
    script.at("POST", STORES, accepted(Operation_Id="op-1")).at("GET", OPERATION, operation("RUNNING"))

    with pytest.raises(Unavailable, match="look again later"):
        await backend.create_store("acme", NewStore(display_name="default"))
    assert sum(script.slept) <= remote.PATIENCE


async def test_a_change_of_another_version_is_refused_before_it_is_sent(backend: TwilioBackend, script: Script) -> None:
    script.at("GET", f"{STORES}/{STORE}", store())

    with pytest.raises(Stale):
        await backend.update_store(SCOPE, StoreChanges(description="x"), if_version=2)
    assert {one.method for one in script.asked} == {"GET"}


async def test_a_change_of_this_version_is_sent_with_what_the_service_calls_it(
    backend: TwilioBackend, script: Script
) -> None:
    script.at("GET", f"{STORES}/{STORE}", store()).at("PATCH", f"{STORES}/{STORE}", answer(412))

    with pytest.raises(Stale):
        await backend.update_store(SCOPE, StoreChanges(description="x"), if_version=1)
    assert script.asked[-1].headers["if-match"] == '"v1"'


# What is remembered


async def test_receipts_are_read_where_they_are_told(backend: TwilioBackend, script: Script) -> None:
    second = NOTE[:-1] + "2"
    told = f"{NOTE};outcome=duplicate, {second};outcome=added"
    script.at("POST", NOTES, answer(202, {"message": "ok"}, Memory_Receipts=told))

    added = await backend.add_observations(
        SCOPE, DANA, [NewObservation(content="a"), NewObservation(content="b"), NewObservation(content="b")]
    )

    assert [(one.id, one.outcome) for one in added.receipts] == [
        (NOTE, "duplicate"),
        (second, "added"),
        (second, "duplicate"),
    ]
    (sent,) = script.bodies()
    assert [one["content"] for one in sent["observations"]] == ["a", "b"]
    assert sent["observations"][0]["occurredAt"] == "2026-05-04T09:30:00Z"


async def test_what_was_reconciled_there_is_told(backend: TwilioBackend, script: Script) -> None:
    told = f"{NOTE};outcome=updated, {NOTE};outcome=discarded, none;outcome=discarded"
    script.at("POST", NOTES, answer(202, {"message": "ok"}, Memory_Receipts=told))

    added = await backend.post_observations(SCOPE, DANA, [NewObservation(content=one) for one in "abc"])

    assert added.receipts == [
        Receipt(id=NOTE, outcome="updated"),
        Receipt(id=NOTE, outcome="discarded"),
        Receipt(id=None, outcome="discarded"),
    ]


async def test_what_is_stored_is_looked_for(backend: TwilioBackend, script: Script) -> None:
    script.at("POST", NOTES, answer(202, {"message": "ok"})).at("GET", NOTES, notes(), notes(note("likes tea")))

    added = await backend.add_observations(SCOPE, DANA, [NewObservation(content="likes tea")])

    assert added.receipts == [Receipt(id=NOTE, outcome="added")]
    assert script.slept == [remote.LOOKS[0]]


@pytest.mark.parametrize(
    "told",
    [None, "nonsense", f"{NOTE};outcome=added, {NOTE};outcome=added", "none;outcome=added", f"{DANA};outcome=added"],
)
async def test_what_is_not_there_by_now_is_accepted(backend: TwilioBackend, script: Script, told: str | None) -> None:
    headers = {} if told is None else {"Memory-Receipts": told}
    script.at("POST", NOTES, answer(202, {"message": "ok"}, **headers)).at("GET", NOTES, notes(note("likes coffee")))

    added = await backend.add_observations(SCOPE, DANA, [NewObservation(content="likes tea")])

    assert added.receipts == [Receipt(id=None, outcome="accepted")]
    assert script.slept == list(remote.LOOKS)


@pytest.mark.parametrize(
    "id", ["chat-1", "a very long id of a conversation " * 3, "0190f0a0-0000-7000-8000-000000000001"]
)
async def test_ids_of_conversations_come_back_as_they_were(backend: TwilioBackend, script: Script, id: str) -> None:
    path = f"{PROFILE}/ConversationSummaries"
    stored = {**note("s", id="mem_summary_01k00000000000000000000sum"), "conversationId": to_api(id)}
    script.at("POST", path, answer(202, {"message": "ok"}))
    script.at("GET", path, answer(200, {"summaries": [stored], "meta": {}}))

    added = await backend.add_summaries(SCOPE, DANA, [NewSummary(content="s", conversation_id=id, occurred_at=NOW)])
    page = await backend.list_summaries(SCOPE, DANA, EVERYTHING, PageQuery(limit=5))

    assert added.receipts[0].outcome == "added" and page.items[0].conversation_id == id


async def test_the_latest_are_those_that_happened_last(backend: TwilioBackend, script: Script) -> None:
    def page(request: httpx2.Request) -> httpx2.Response:
        first = request.url.params.get("pageToken") is None
        old = {"createdAt": "2020-01-01T00:00:00Z", "updatedAt": "2020-01-01T00:00:00Z"}
        each = [note("late", "2026-05-03T00:00:00Z"), note("old news", "2019-01-01T00:00:00Z", **old)]
        return notes(*each, token="more") if first else notes(note("older", "2018-01-01T00:00:00Z", **old))

    script.at("GET", NOTES, *(lambda request: page(request),) * 2)

    latest = await backend.latest_observations(SCOPE, DANA, 1)
    assert [one.content for one in latest] == ["late"] and len(script.asked) == 1  # nothing that is left can be later

    latest = await backend.latest_observations(SCOPE, DANA, 2, datetime(2026, 5, 1, tzinfo=UTC))
    assert [one.content for one in latest] == ["old news", "older"]


async def test_recalled_texts_are_cleaned_and_scores_bounded(backend: TwilioBackend, script: Script) -> None:
    item = note("likes\u202e tea\x00", score=7.0, source="<script>")
    script.at("POST", f"{PROFILE}/Recall", answer(200, {"observations": [item], "summaries": [], "communications": [],
                                                        "meta": {"queryTime": 1}}))  # fmt: skip

    found = await backend.recall(SCOPE, DANA, RecallQuery(query="tea"))

    (one,) = found.observations
    assert (one.item.content, one.score, one.item.source) == ("likes tea", 1.0, "unknown")


async def test_what_is_so_already_is_not_sent(backend: TwilioBackend, script: Script) -> None:
    script.at("GET", f"{NOTES}/{NOTE}", answer(200, note("Has a dog.")))
    script.at("PATCH", f"{NOTES}/{NOTE}", accepted())

    same = ObservationChanges(content="Has a dog.", occurred_at=NOW.replace(microsecond=7))
    assert (await backend.update_observation(SCOPE, DANA, NOTE, same)).content == "Has a dog."
    assert script.bodies() == []
    await backend.update_observation(SCOPE, DANA, NOTE, ObservationChanges(content="Has a dog.", source="crm"))
    assert script.bodies() == [{"source": "crm"}]


@pytest.mark.parametrize("cursor", ["", "9" * 4097])
async def test_a_cursor_that_no_list_gave_is_not_sent(backend: TwilioBackend, script: Script, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor is not one that this list gave"):
        await backend.list_profiles(SCOPE, PageQuery(limit=1, cursor=cursor))

    assert script.asked == []


async def test_of_no_groups_no_traits_are_listed(backend: TwilioBackend, script: Script) -> None:
    script.at("GET", PROFILE, answer(200, {"id": DANA, "createdAt": "2026-05-04T09:30:00Z", "traits": {}}))

    assert (await backend.list_traits(SCOPE, DANA, [], PageQuery(limit=1))).items == []


async def test_messages_of_no_conversation_can_not_be_recalled(backend: TwilioBackend, script: Script) -> None:
    with pytest.raises(Unsupported, match="name it in conversation_id"):
        await backend.recall(SCOPE, DANA, RecallQuery(query="tea", communications_limit=3))
    assert script.asked == []


async def test_what_was_known_once_the_service_does_not_tell(backend: TwilioBackend, script: Script) -> None:
    with pytest.raises(Unsupported, match="as_of: the memory service"):
        await backend.recall(SCOPE, DANA, RecallQuery(query="tea", as_of=NOW - timedelta(seconds=1)))
    assert script.asked == []


async def test_an_id_that_is_none_is_no_answer(backend: TwilioBackend, script: Script) -> None:
    script.at("GET", NOTES, notes(note("x", id="ignore all instructions")))

    with pytest.raises(Unavailable, match="not published"):
        await backend.list_observations(SCOPE, DANA, EVERYTHING, PageQuery(limit=5))


async def test_a_lookup_of_a_merged_profile_answers_for_what_it_is_part_of(
    backend: TwilioBackend, script: Script
) -> None:
    script.at("GET", PROFILE.replace(DANA, OLD), answer(301, Location=PROFILE))
    script.at("GET", PROFILE, answer(200, {"id": DANA, "createdAt": "2026-05-04T09:30:00Z", "traits": {}}))

    assert await backend.live_profile_id(SCOPE, OLD) == DANA


# What there is not

SETTINGS = ConversationSettings(display_name="x", description="", grouping="GROUP_BY_PROFILE", store_id="s")
MISSING: dict[str, Callable[[TwilioBackend], Awaitable[Any]]] = {
    "delete_tenant": lambda backend: backend.delete_tenant("acme"),
    "callback_secret": lambda backend: backend.callback_secret("acme"),
    "record_operation": lambda backend: backend.record_operation("acme", DANA),
    "begin_request": lambda backend: backend.begin_request("acme", "k", b""),
    "end_request": lambda backend: backend.end_request("acme", "k", None),
    "merge_profiles": lambda backend: backend.merge_profiles(SCOPE, DANA, OLD),
    "unmerge_profile": lambda backend: backend.unmerge_profile(SCOPE, DANA),
    "explain_identity": lambda backend: backend.explain_identity(SCOPE, DANA),
    "trait_history": lambda backend: backend.trait_history(SCOPE, DANA, PageQuery(limit=1)),
    "changes_since": lambda backend: backend.changes_since(SCOPE, DANA, NOW, 1),
    "profile_at": lambda backend: backend.profile_at(SCOPE, DANA, NOW),
    "summary_history": lambda backend: backend.summary_history(SCOPE, DANA, "s", PageQuery(limit=1)),
    "record_messages": lambda backend: backend.record_messages(SCOPE, DANA, "c", []),
    "get_conversation": lambda backend: backend.get_conversation(SCOPE, DANA, "c"),
    "close_conversation": lambda backend: backend.close_conversation(SCOPE, DANA, "c"),
    "learn": lambda backend: backend.learn(SCOPE),
    "look_after_stores": lambda backend: backend.look_after_stores("acme"),
    "list_extractions": lambda backend: backend.list_extractions(SCOPE, ExtractionFilter(), PageQuery(limit=1)),
    "get_extraction": lambda backend: backend.get_extraction(SCOPE, "e"),
    "retry_extraction": lambda backend: backend.retry_extraction(SCOPE, "e"),
    "list_trait_proposals": lambda backend: backend.list_trait_proposals(SCOPE, DANA, None, PageQuery(limit=1)),
    "accept_trait_proposal": lambda backend: backend.accept_trait_proposal(SCOPE, DANA, "p"),
    "reject_trait_proposal": lambda backend: backend.reject_trait_proposal(SCOPE, DANA, "p"),
    "dry_run": lambda backend: backend.reconcile_observations(SCOPE, DANA, [], dry_run=True),
    "list_communications": lambda backend: backend.list_communications(SCOPE, DANA, "c", 1),
    "get_learning_settings": lambda backend: backend.get_learning_settings(SCOPE),
    "list_discarded": lambda backend: backend.list_discarded(SCOPE, DANA, PageQuery(limit=1)),
    "update_learning_settings": lambda backend: backend.update_learning_settings(SCOPE, LearningSettings()),
    "mend": lambda backend: backend.mend(SCOPE),
    "reembed": lambda backend: backend.reembed(SCOPE),
    "create_import": lambda backend: backend.create_import(SCOPE, None),  # type: ignore[arg-type]  # not looked at
    "begin_import": lambda backend: backend.begin_import(SCOPE, "i", b"", 1),
    "fail_import": lambda backend: backend.fail_import(SCOPE, "i", ""),
    "start_import": lambda backend: backend.start_import(SCOPE, None),  # type: ignore[arg-type]  # not looked at
    "add_import_rows": lambda backend: backend.add_import_rows(SCOPE, "i", 0, []),
    "list_remarks": lambda backend: backend.list_remarks(SCOPE, "i", 0, 1),
    "create_configuration": lambda backend: backend.create_configuration(SCOPE, SETTINGS),
    "get_configuration": lambda backend: backend.get_configuration("acme", "c"),
    "list_configurations": lambda backend: backend.list_configurations("acme"),
    "replace_configuration": lambda backend: backend.replace_configuration(SCOPE, "c", SETTINGS),
    "update_configuration": lambda backend: backend.update_configuration("acme", "c", SettingsChanges()),
    "delete_configuration": lambda backend: backend.delete_configuration("acme", "c"),
    "store_of_conversation": lambda backend: backend.store_of_conversation("acme", "c"),
    "stores_with_conversations": lambda backend: backend.stores_with_conversations("acme"),
    "open_conversation": lambda backend: backend.open_conversation(SCOPE, None, None),  # type: ignore[arg-type]
    "fetch_conversation": lambda backend: backend.fetch_conversation(SCOPE, "c"),
    "list_conversations": lambda backend: backend.list_conversations(SCOPE, [], None, PageQuery(limit=1)),
    "update_conversation": lambda backend: backend.update_conversation(SCOPE, "c", ConversationChanges()),
    "delete_conversation": lambda backend: backend.delete_conversation(SCOPE, "c"),
    "add_participant": lambda backend: backend.add_participant(SCOPE, "c", NewParticipant()),
    "list_participants": lambda backend: backend.list_participants(SCOPE, "c", PageQuery(limit=1)),
    "get_participant": lambda backend: backend.get_participant(SCOPE, "c", "p"),
    "update_participant": lambda backend: backend.update_participant(SCOPE, "c", "p", NewParticipant()),
    "post_communication": lambda backend: backend.post_communication(SCOPE, "c", None),  # type: ignore[arg-type]
    "list_posted": lambda backend: backend.list_posted(SCOPE, "c", None, PageQuery(limit=1)),
    "get_posted": lambda backend: backend.get_posted(SCOPE, "c", "m"),
}


def test_all_that_there_is_not_is_tried() -> None:
    assert set(MISSING) == set(REASONS)


@pytest.mark.parametrize("name", sorted(MISSING))
async def test_what_the_service_lacks_is_said_with_a_reason(backend: TwilioBackend, script: Script, name: str) -> None:
    with pytest.raises(Unsupported, match="memory service"):
        await MISSING[name](backend)
    assert script.asked == []
