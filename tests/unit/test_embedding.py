import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_memory.embedding import Embedder
from mcp_memory.embedding.minilm import DIMENSIONS, LONGEST_TEXT, MODEL, SHA256, SHIPPED, VOCABULARY, MiniLM
from mcp_memory.embedding.wordpiece import LONGEST_WORD, WordPiece
from mcp_memory.errors import Unavailable
from tests.unit.threads import at_once

UNKNOWN = 100  # the id of [UNK]

# What BertWordPieceTokenizer(lowercase=True) of tokenizers 0.23.3 gives for the shipped vocabulary.
REFERENCE = [
    ("", [101, 102]),
    (
        "The plumber's van won't start!",
        [101, 1996, 22088, 5677, 1005, 1055, 3158, 2180, 1005, 1056, 2707, 999, 102],
    ),
    (
        "Cr\xe8me br\xfbl\xe9e \xe0 Z\xfcrich, \u0130stanbul",
        [101, 13675, 21382, 7987, 9307, 2063, 1037, 10204, 1010, 9960, 102],
    ),
    ("cafe\u0301 nai\u0308ve", [101, 7668, 15743, 102]),
    (
        "\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3",  # ODYSSEUS in Greek capitals: no final sigma
        [101, 1169, 29722, 29735, 29733, 29733, 29723, 29735, 29733, 102],
    ),
    (
        "\u6211\u559c\u6b22\u559d\u8336 and \u3053\u3093\u306b\u3061\u306f",  # Chinese and Japanese
        [101, 1855, 100, 100, 100, 100, 1998, 1655, 30217, 30194, 30188, 30198, 102],
    ),
    ("tea \U0001f375 time \U0001f469\u200d\U0001f467", [101, 5572, 100, 2051, 100, 102]),
    ("a\x00b\ufffdc\x07d", [101, 5925, 2094, 102]),
    (
        "tab\tnew\r\nline\xa0no\u3000wide\u2028end\u200bzero",
        [101, 21628, 2047, 2240, 2053, 2898, 2203, 6290, 2080, 102],
    ),
    (
        "$5 + 20% = ~6 <ok> [x] a_b",
        [
            101,
            1002,
            1019,
            1009,
            2322,
            1003,
            1027,
            1066,
            1020,
            1026,
            7929,
            1028,
            1031,
            1060,
            1033,
            1037,
            1035,
            1038,
            102,
        ],
    ),
    (
        "unbelievably antidisestablishmentarianism",
        [101, 4895, 8671, 2666, 3567, 6321, 3424, 10521, 4355, 7875, 13602, 3672, 12199, 2964, 102],
    ),
    ("x" * 100, [101, 22038] + [20348] * 49 + [102]),
    ("x" * 101, [101, 100, 102]),
    ("say [SEP] or [sep]", [101, 2360, 102, 2030, 1031, 19802, 1033, 102]),
    ("\xbfQu\xe9 tal? \xabbien\xbb\u2026", [101, 1094, 10861, 21368, 1029, 1077, 29316, 1090, 1529, 102]),
    (
        "\uc548\ub155\ud558\uc138\uc694",  # Korean
        [101, 1463, 30006, 30021, 29992, 30010, 30025, 30005, 30006, 29997, 30009, 29999, 30013, 102],
    ),
    (
        "\u0645\u0631\u062d\u0628\u0627 \u043f\u0440\u0438\u0432\u0435\u0442",  # Arabic and Russian
        [101, 1295, 17149, 29820, 29816, 25573, 1194, 16856, 10325, 25529, 15290, 22919, 102],
    ),
]

SENTENCES = [
    "He wants his parcels left with the neighbour.",
    "Refund",
    "The boiler in the flat on the second floor has been making a knocking noise since the engineer came on Tuesday, "
    "and she would rather have a different one sent this time.",
    "\u6211\u559c\u6b22\u559d\u8336",
    "",
    "word " * 1000,
]


@pytest.fixture(scope="module")
def wordpiece() -> WordPiece:
    return WordPiece((SHIPPED / VOCABULARY).read_text(encoding="utf-8").removesuffix("\n").split("\n"))


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


@pytest.mark.parametrize(("text", "ids"), REFERENCE)
def test_text_becomes_the_ids_the_reference_tokenizer_gives(wordpiece: WordPiece, text: str, ids: list[int]) -> None:
    assert wordpiece.encode(text, LONGEST_TEXT) == ids


@pytest.mark.parametrize("limit", [2, 3, 7, 256])
def test_a_long_text_is_cut_to_the_limit_and_still_closed(wordpiece: WordPiece, limit: int) -> None:
    whole = wordpiece.encode("knocking noises " * 200, 10_000)
    cut = wordpiece.encode("knocking noises " * 200, limit)

    assert cut == [*whole[: limit - 1], whole[-1]]
    assert len(cut) == limit


def test_half_surrogates_are_ignored_like_control_characters(wordpiece: WordPiece) -> None:
    assert wordpiece.encode("te\ud800a \udfff", LONGEST_TEXT) == wordpiece.encode("tea", LONGEST_TEXT)


def test_a_word_with_one_unknown_character_is_unknown_as_a_whole(wordpiece: WordPiece) -> None:
    assert wordpiece.encode("tea\U0001f375", LONGEST_TEXT) == [101, UNKNOWN, 102]
    assert wordpiece.encode("a" * LONGEST_WORD + "a", LONGEST_TEXT) == [101, UNKNOWN, 102]


def test_characters_beyond_those_remembered_are_still_read(wordpiece: WordPiece) -> None:
    wordpiece.encode("".join(map(chr, range(0x3400, 0x9FFF))), LONGEST_TEXT)

    assert wordpiece.encode("\u6211 caf\xe9", LONGEST_TEXT) == [101, 1855, 7668, 102]


def test_every_text_becomes_a_unit_vector(minilm: MiniLM) -> None:
    embedder: Embedder = minilm
    vectors = vectors_of(embedder, SENTENCES)

    assert vectors.shape == (len(SENTENCES), DIMENSIONS) == (6, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(SENTENCES)), abs=1e-5)


def test_no_texts_give_no_embeddings_and_load_no_model(tmp_path: Path) -> None:
    assert MiniLM(tmp_path / "nowhere").embed([]) == []


@pytest.mark.parametrize("text", ["", "Refund", "The plumber's van won't start!", "word " * 1000])
def test_every_token_of_the_text_has_a_unit_state_and_says_whether_it_tells(
    minilm: MiniLM, wordpiece: WordPiece, text: str
) -> None:
    (embedding,) = minilm.embed([text])
    ids = wordpiece.encode(text, LONGEST_TEXT)[1:-1]

    assert embedding.token_ids.tolist() == ids
    assert embedding.token_states.shape == (len(ids), DIMENSIONS)
    assert np.linalg.norm(embedding.token_states, axis=1) == pytest.approx(np.ones(len(ids)), abs=1e-5)
    assert embedding.telling.shape == (len(ids),)
    assert [embedding.token_ids.dtype, embedding.token_states.dtype, embedding.telling.dtype] == [
        np.uint16,
        np.float32,
        np.bool_,
    ]


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("The plumber's van won't start!", "plum ##ber van won start"),
        ("She'll say it isn't $5 (or 20%) - they've paid.", "say isn 5 20 paid"),
        ("unbelievably", "un ##bel ##ie ##va ##bly"),
        ("\U0001f375 [SEP] tea \xbfno?", "tea"),
        ("it is what it is", ""),
    ],
)
def test_stop_words_punctuation_and_what_the_model_does_not_know_do_not_tell(
    minilm: MiniLM, text: str, telling: str
) -> None:
    pieces = (SHIPPED / VOCABULARY).read_text(encoding="utf-8").split("\n")
    (embedding,) = minilm.embed([text])

    assert [pieces[id] for id in embedding.token_ids[embedding.telling]] == telling.split()


def test_a_vector_does_not_depend_on_the_texts_beside_it(minilm: MiniLM) -> None:
    together = vectors_of(minilm, SENTENCES)
    reversed_order = vectors_of(minilm, SENTENCES[::-1])[::-1]
    alone = np.concatenate([vectors_of(minilm, [sentence]) for sentence in SENTENCES])

    assert np.array_equal(together, alone)
    assert np.array_equal(reversed_order, alone)


def test_who_embeds_after_closing_gets_the_same(minilm: MiniLM) -> None:
    fresh = MiniLM()
    before = vectors_of(fresh, ["tea"])
    fresh.close()
    fresh.close()

    assert np.array_equal(vectors_of(fresh, ["tea"]), before)


@pytest.mark.parametrize(
    ("text", "paraphrase", "unrelated"),
    [
        ("She is allergic to peanuts.", "Nuts make her ill.", "The invoice was paid in March."),
        ("Please call me in the evening.", "Ring him after six o'clock.", "The sofa is made of green velvet."),
        ("He moved to Lisbon last year.", "His new home is in Portugal.", "The printer is out of toner."),
    ],
)
def test_a_paraphrase_is_closer_than_something_unrelated(
    minilm: MiniLM, text: str, paraphrase: str, unrelated: str
) -> None:
    vector, near, far = vectors_of(minilm, [text, paraphrase, unrelated])

    assert vector @ near > vector @ far + 0.2


def test_the_model_id_names_the_build_that_was_shipped(minilm: MiniLM) -> None:
    assert minilm.model_id == "all-MiniLM-L6-v2-int8@5cebc27a"
    assert SHA256[MODEL].startswith(minilm.model_id.split("@")[1])


def test_the_shipped_files_are_whole(minilm: MiniLM) -> None:
    minilm.check()


@pytest.mark.parametrize("name", [MODEL, VOCABULARY])
def test_a_damaged_file_is_named_and_refused(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / "model")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    damaged = MiniLM(folder)

    for use in (damaged.check, lambda: damaged.embed(["tea"])):
        with pytest.raises(Unavailable, match=f"{name} is damaged: install this package again"):
            use()


@pytest.mark.parametrize("name", [MODEL, VOCABULARY])
def test_a_missing_file_is_named_and_a_repaired_one_is_used(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / "model")
    (folder / name).unlink()
    broken = MiniLM(folder)

    for use in (broken.check, lambda: broken.embed(["tea"])):
        with pytest.raises(Unavailable, match=f"{name} cannot be read: install this package again"):
            use()
    shutil.copy(SHIPPED / name, folder / name)
    assert vectors_of(broken, ["tea"]).shape == (1, DIMENSIONS)


def test_threads_share_one_model_and_get_the_same_vectors(minilm: MiniLM) -> None:
    fresh, expected = MiniLM(), vectors_of(minilm, SENTENCES)

    assert at_once(lambda: np.array_equal(vectors_of(fresh, SENTENCES), expected))


def test_nothing_heavy_is_imported_before_the_first_text() -> None:
    run_python(
        "import sys\n"
        "from mcp_memory.embedding.minilm import MiniLM\n"
        "MiniLM().check()\n"
        "assert not {'numpy', 'onnxruntime'} & set(sys.modules)\n",
        environment=dict(os.environ),
    )


def test_the_runtime_leaves_no_trace_of_its_telemetry(tmp_path: Path) -> None:
    silencers = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in silencers}

    run_python(
        "from mcp_memory.embedding.minilm import MiniLM\nMiniLM().embed(['tea'])\n",
        environment={**environment, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    )

    assert list(tmp_path.rglob("*")) == []


def vectors_of(embedder: Embedder, texts: list[str]) -> NDArray[np.float32]:
    return np.array([embedding.vector for embedding in embedder.embed(texts)])


def run_python(code: str, *, environment: dict[str, str]) -> None:
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
