"""A conversation that a language model reads becomes what is known, as does one that it can't read."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.app import build_memory
from mcp_memory.backends.sql.backend import SqlBackend
from mcp_memory.backends.sql.conversation_rows import ExtractionRow
from mcp_memory.backends.sql.learning import Extractor, by_rules
from mcp_memory.backends.sql.sqlite.database import SqliteDatabase
from mcp_memory.doctor import examine
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.extractors.choice import chosen_extractor
from mcp_memory.listing import ItemFilter, PageQuery
from mcp_memory.model import NewMessage, Observation, RecallQuery, Scope, Summary
from mcp_memory.settings import Settings
from tests.contract.conftest import Clock
from tests.unit.endpoints import Reply
from tests.unit.language_models import LanguageModel, completion, observation, saying, serving

pytestmark = pytest.mark.anyio

ALL = PageQuery(limit=100, newest_first=False)
SAID = ("I live in Porto.", "My order B-2077 arrived damaged.", "Agent: I will send a new lamp on Thursday.")
AS_SENT = {
    "conversation": [
        {"id": f"m{place}", "text": one.removeprefix("Agent: ")} for place, one in enumerate(SAID, start=1)
    ]
}
SUMMARY = "Order B-2077 of the customer arrived damaged. The agent will send a new lamp on Thursday."


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM()


def asking(model: LanguageModel, **settings: Any) -> Settings:
    return Settings(**{"extraction": "openai", "extraction_url": model.url, "extraction_model": "tiny", **settings})


@asynccontextmanager
async def remembering(
    folder: Path, embedder: MiniLM, clock: Clock, extractor: Extractor
) -> AsyncIterator[tuple[SqlBackend, Scope, str]]:
    backend = SqlBackend(
        SqliteDatabase(folder), embedder, now=clock, make_id=clock.make_id, region="US", extractor=extractor
    )
    try:
        scope = await backend.open_store("acme", "default")
        made = await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
        yield backend, scope, made.profile.profile_id
    finally:
        await backend.close()


async def learned(
    folder: Path, embedder: MiniLM, clock: Clock, extractor: Extractor
) -> tuple[list[Observation], list[Summary], ExtractionRow]:
    async with remembering(folder, embedder, clock, extractor) as (backend, scope, dana):
        await tell(backend, scope, dana)
        assert await backend.learn(scope) == 1
        observations = await backend.list_observations(scope, dana, ItemFilter(), ALL)
        summaries = await backend.list_summaries(scope, dana, ItemFilter(), ALL)
        return list(observations.items), list(summaries.items), job(backend, scope, dana)


async def tell(backend: SqlBackend, scope: Scope, dana: str) -> None:
    messages = [
        NewMessage(text=one.removeprefix("Agent: "), role="agent" if one.startswith("Agent: ") else "customer")
        for one in SAID
    ]
    await backend.record_messages(scope, dana, "c-1", messages)
    await backend.close_conversation(scope, dana, "c-1")


def job(backend: SqlBackend, scope: Scope, dana: str) -> ExtractionRow:
    (row,) = backend._database.read(scope, lambda tx: tx.extractions(dana, "c-1"))
    return row


def contents(items: list[Observation]) -> list[str]:
    return sorted(one.content for one in items)


def reading(told: dict[str, Any]) -> str:
    """What a good model makes of `SAID`."""
    ids = {one["text"]: one["id"] for one in told["conversation"]}
    porto, order, lamp = (ids[one.removeprefix("Agent: ")] for one in SAID)
    return saying(
        observation("The customer lives in Porto.", porto),
        observation("The customer's order B-2077 arrived damaged.", order, kind="problem"),
        observation("The agent promised to send a new lamp on Thursday 7 May 2026.", lamp, kind="promise"),
        observation("The customer owns a yacht.", porto),
    )


async def test_what_a_model_reads_is_stored_with_its_evidence_and_who_read_it(
    tmp_path: Path, embedder: MiniLM, clock: Clock
) -> None:
    with serving(say=reading) as model:
        async with remembering(tmp_path, embedder, clock, chosen_extractor(asking(model))) as (backend, scope, dana):
            await tell(backend, scope, dana)
            said = {one.content: one for one in await backend.list_communications(scope, dana, "c-1", 10)}
            model.script += [Reply(body=completion(reading(AS_SENT)))]
            model.say = lambda told: json.dumps({"summary": SUMMARY})
            await backend.learn(scope)
            found = await backend.recall(scope, dana, RecallQuery(query="Where does the customer live?"))
            known = list((await backend.list_observations(scope, dana, ItemFilter(), ALL)).items)
            summaries = list((await backend.list_summaries(scope, dana, ItemFilter(), ALL)).items)
            row = job(backend, scope, dana)
            (first,) = (await backend.observation_history(scope, dana, found.observations[0].item.id, ALL)).items

    assert contents(known) == [
        "The agent promised to send a new lamp on Thursday 7 May 2026.",
        "The customer lives in Porto.",
        "The customer's order B-2077 arrived damaged.",
    ]
    assert {one.source for one in known} == {"conversation-customer", "conversation-agent"}
    assert [one.content for one in summaries] == [SUMMARY]
    assert first.by.actor == "extraction model:tiny:1"
    assert (row.status, row.extracted_by, row.added) == ("DONE", "model:tiny:1", 3)
    assert found.observations[0].item.content == "The customer lives in Porto."
    assert first.by.reason is not None and said["I live in Porto."].id in first.by.reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(body=completion("They live in Atlantis and own a yacht.")), "its answer can't be used: it is not JSON"),
        (Reply(body=completion(saying(observation("Owns a yacht.", "m1")))), "nothing in it could be kept"),
        (Reply(status=500, body=b"Owns a yacht."), "answered with HTTP 500"),
        (Reply(status=401, body=b"Owns a yacht."), "answered with HTTP 401"),
    ],
)
async def test_where_it_fails_the_rules_stand_in_and_the_record_says_so(
    tmp_path: Path, embedder: MiniLM, clock: Clock, reply: Reply, reason: str
) -> None:
    rules = await learned(tmp_path / "rules", embedder, clock, by_rules)
    with serving(*[reply] * 9) as model:
        made = await learned(tmp_path / "model", embedder, clock, chosen_extractor(asking(model)))

    assert contents(made[0]) == contents(rules[0]) != []
    assert [one.content for one in made[1]] == [one.content for one in rules[1]] != []
    assert rules[2].extracted_by == "rules"
    assert made[2].status == "DONE" and made[2].extracted_by is not None
    assert made[2].extracted_by.startswith("rules (the model failed: ") and reason in made[2].extracted_by
    assert "yacht" not in repr(made)


async def test_a_summary_that_the_rules_made_is_told_apart(tmp_path: Path, embedder: MiniLM, clock: Clock) -> None:
    with serving(Reply(body=completion(reading(AS_SENT)))) as model:
        _, _, row = await learned(tmp_path, embedder, clock, chosen_extractor(asking(model)))

    assert row.extracted_by is not None
    assert row.extracted_by.startswith("model:tiny:1; summary: rules (the model failed: ")


def test_doctor_asks_the_language_model_that_is_set(tmp_path: Path) -> None:
    with serving(say=lambda told: json.dumps({"summary": "ready"})) as model:
        settings = asking(model, data_dir=tmp_path)
        (found,) = [one for one in examine(settings) if one.what == "language model"]
        model.say = lambda told: "I am ready!"
        (talking,) = [one for one in examine(settings) if one.what == "language model"]
    nobody = replace(settings, extraction_url="http://127.0.0.1:9/v1")
    (silent,) = [one for one in examine(nobody) if one.what == "language model"]

    assert found.ok and "tiny answers" in found.seen
    assert not talking.ok and "can't hold to a form" in talking.seen
    assert not silent.ok and "can't be reached" in silent.seen and "by the rules" in silent.advice
    assert not [one for one in examine(Settings(data_dir=tmp_path)) if one.what == "language model"]


async def test_the_settings_choose_who_reads(tmp_path: Path) -> None:
    with serving() as model:
        memory = build_memory(asking(model, data_dir=tmp_path, extraction="anthropic"))
        await memory.close()

    assert model.seen == []


def test_without_a_model_nothing_of_it_is_loaded() -> None:
    program = (
        "import sys; from mcp_memory.app import build_memory; from mcp_memory.settings import Settings\n"
        "build_memory(Settings())\n"
        "print([one for one in sys.modules if 'extractors' in one or one == 'mcp_memory.extraction'])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"
