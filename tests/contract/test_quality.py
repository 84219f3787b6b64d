"""How well recall does on our own set of memories and questions. What falls below is a fault that has crept in.

The floors are what was measured, less a question or two: another processor rounds the model's numbers otherwise.
`make bench` prints the figures themselves, and the targets.
"""

from collections.abc import Mapping

import pytest

from mcp_memory.backend import Backend
from mcp_memory.model import NewObservation, RecallQuery, Scope
from tests.benchmarks import metrics, support
from tests.benchmarks.answers import Reply

pytestmark = pytest.mark.anyio

FLOORS: Mapping[tuple[str, str], Mapping[str, float]] = {
    ("exact_id", ""): {"hit@10": 1.0, "first": 0.96},
    ("fact", ""): {"hit@10": 0.98, "hit@1": 0.93},
    ("date", ""): {"hit@10": 0.85},
    ("history", ""): {"hit@10": 0.86},
    ("paraphrase", "plain"): {"hit@10": 0.62},
    ("paraphrase", "hard"): {"hit@10": 0.74},
    ("current_value", "plain"): {"hit@10": 0.96, "hit@1": 0.88, "latest_first": 0.93},
    ("current_value", "free"): {"hit@10": 0.71, "hit@1": 0.42, "latest_first": 0.48},
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_recall_does_not_do_worse_than_it_did(backend: Backend, scope: Scope) -> None:
    known = support.load()
    made = await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)
    new = [
        NewObservation(content=one.content, occurred_at=one.occurred_at, source=one.source) for one in known.memories
    ]
    for start in range(0, len(new), 100):
        await backend.add_observations(scope, made.profile.profile_id, new[start : start + 100])
    names = {one.content: one.id for one in known.memories}
    scores: dict[tuple[str, str], list[dict[str, float]]] = {}
    for asked in known.questions:
        query = RecallQuery(query=asked.question, observations_limit=20, summaries_limit=0)
        found = (await backend.recall(scope, made.profile.profile_id, query)).observations
        reply = Reply(question=asked, found=[names[one.item.content] for one in found])
        scores.setdefault((asked.kind, asked.wording), []).append(reply.scores)

    assert set(scores) == set(FLOORS)
    for group, floors in FLOORS.items():
        means = metrics.mean(scores[group])
        assert {name: means[name] for name in floors if means[name] < floors[name]} == {}, group
