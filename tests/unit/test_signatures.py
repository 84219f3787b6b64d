"""What recall needs of a text, made with a model that says what it is told to."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pytest

from mcp_memory import language
from mcp_memory.backends.sql.memory_rows import Signature
from mcp_memory.backends.sql.signatures import NEIGHBOUR_WORDS, Signatures, Text, around, spoken, without_vectors
from mcp_memory.embedding import Embedding, without_tokens
from mcp_memory.errors import Unavailable
from mcp_memory.mentions import dates

TODAY = date(2026, 5, 4)  # a Monday

LONG = " ".join(f"word{at}" for at in range(language.LONG_ITEM_WORDS + 1))


class Scripted:
    """Its vector holds the length of the text; of its tokens, one for each word, those of more than three letters tell
    something."""

    model_id = "scripted"

    def __init__(self, spoil: Callable[[list[Embedding]], list[Embedding]] = lambda made: made) -> None:
        self._spoil = spoil
        self.texts: list[str] = []
        self.closed = False

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        self.texts += texts
        return self._spoil([embedding(text) for text in texts])

    def reads(self, text: str) -> bool:
        return "\u8336" not in text

    def close(self) -> None:
        self.closed = True


def embedding(text: str) -> Embedding:
    words = text.split()
    return Embedding(
        vector=np.array([len(text), 1], dtype=np.float32),
        token_ids=np.array([len(word) for word in words], dtype=np.uint16),
        token_states=np.array([[len(word), 2] for word in words], dtype=np.float32).reshape(-1, 2),
        telling=np.array([len(word) > 3 for word in words], dtype=np.bool_),
    )


def fail(made: list[Embedding]) -> list[Embedding]:
    raise Unavailable("The model is away.")


def one(text: str | Text, late_interaction: bool = True) -> Signature:
    (made,) = Signatures(Scripted(), late_interaction).of([text if isinstance(text, Text) else Text(text)])
    return made


def test_a_short_text_has_one_vector_its_words_and_its_telling_tokens() -> None:
    made = one("We ship the parcels today")

    assert (made.model_id, made.vectors.tolist()) == ("scripted", [[25, 1]])
    assert made.terms == [language.terms("We ship the parcels today")]
    assert made.tokens is not None and [chunk.tolist() for chunk in made.tokens] == [[4, 7, 5]]
    assert made.token_vectors is not None and made.token_vectors.tolist() == [[4, 2], [7, 2], [5, 2]]


def test_a_long_text_has_all_that_for_each_chunk() -> None:
    pieces = language.chunks(LONG)
    assert len(pieces) > 1

    made = one(LONG)

    assert made.vectors.tolist() == [[len(piece), 1] for piece in pieces]
    assert made.terms == [language.terms(piece) for piece in pieces]
    assert made.tokens is not None and made.token_vectors is not None
    assert [chunk.tolist() for chunk in made.tokens] == [[len(word) for word in piece.split()] for piece in pieces]
    assert len(made.token_vectors) == len(LONG.split())


def test_a_message_has_the_vector_of_its_window_and_words_and_tokens_of_its_own() -> None:
    made = one(Text("Where is mine", around="Hello there\nWhere is mine\nOn its way"))

    assert made.vectors.tolist() == [[len("Hello there\nWhere is mine\nOn its way"), 1]]
    assert made.terms == [language.terms("Where is mine")]
    assert made.tokens is not None and [chunk.tolist() for chunk in made.tokens] == [[5, 4]]


def test_a_long_message_has_the_vectors_of_its_chunks() -> None:
    embedder = Scripted()

    (made,) = Signatures(embedder, True).of([Text(LONG, around=f"before\n{LONG}")])

    assert made.vectors.tolist() == [[len(piece), 1] for piece in language.chunks(LONG)]
    assert embedder.texts == language.chunks(LONG)


def test_texts_of_every_sort_keep_their_places() -> None:
    texts = [Text("alone"), Text("own", "window of own"), Text(LONG), Text(LONG, "unread"), Text("b", "of b"), Text("")]
    embedder = Scripted()

    together = Signatures(embedder, True).of(texts)

    for made, text in zip(together, texts, strict=True):
        single = one(text)
        assert made.vectors.tolist() == single.vectors.tolist() and made.terms == single.terms
        assert (made.token_vectors is None) == (single.token_vectors is None) == (not text.own)
        if made.token_vectors is not None and single.token_vectors is not None:
            assert made.token_vectors.tolist() == single.token_vectors.tolist()
    assert Signatures(embedder, True).of([]) == []


def test_an_empty_window_is_no_reason_to_give_a_message_anothers_vector() -> None:
    first, second = Signatures(Scripted(), True).of([Text("own", ""), Text("other", "the other one")])

    assert second.vectors.tolist() == [[len("the other one"), 1]]
    assert len(first.vectors) == 1


@pytest.mark.parametrize("text", ["", "is it", "\u8336"])
def test_a_text_that_says_nothing_has_tokens_for_none_of_it(text: str) -> None:
    made = one(text)

    assert len(made.vectors) == len(made.terms) == 1
    assert made.token_vectors is None or made.token_vectors.shape == (0, 2)


def test_without_late_interaction_no_tokens_are_kept_or_asked() -> None:
    made, asked = one("We ship parcels", False), Signatures(Scripted(), False).question("Who ships parcels?", TODAY)

    assert made.tokens is None and made.token_vectors is None
    assert asked.token_ids is None and asked.token_states is None and asked.telling is None
    assert asked.vector is not None


def test_a_model_without_tokens_gives_a_vector_and_no_tokens() -> None:
    signatures = Signatures(Scripted(lambda made: [without_tokens(each.vector) for each in made]), True)

    (made,), asked = signatures.of([Text("We ship")]), signatures.question("Who ships?", TODAY)

    assert made.vectors.tolist() == [[7, 1]] and made.tokens is None and made.token_vectors is None
    assert asked.vector is not None and asked.token_states is None


def test_a_question_has_its_words_its_ids_its_dates_and_all_its_tokens() -> None:
    asked = Signatures(Scripted(), True).question("Where was order A-1042 on 7 May 2023?", TODAY)

    assert asked.terms == language.query_terms("Where was order A-1042 on 7 May 2023?")
    assert asked.ids == language.id_terms("A-1042") and asked.ids
    assert asked.dates == dates("7 May 2023", TODAY) and asked.dates
    assert asked.vector is not None and asked.token_ids is not None and asked.telling is not None
    assert asked.token_ids.tolist() == [5, 3, 5, 6, 2, 1, 3, 5]
    assert asked.telling.tolist() == [True, False, True, True, False, False, False, True]


def test_where_the_model_fails_a_text_is_remembered_by_its_words() -> None:
    signatures = Signatures(Scripted(fail), True)

    short, long = signatures.or_terms([Text("We ship parcels", "window"), Text(LONG)])

    assert (short.model_id, short.recipe, long.model_id) == ("", 0, "")
    assert short.terms == [language.terms("We ship parcels")]
    assert long.terms == [language.terms(piece) for piece in language.chunks(LONG)]
    assert short.vectors.shape == (1, 0) and long.vectors.shape == (len(language.chunks(LONG)), 0)
    assert short.tokens is None and long.token_vectors is None
    with pytest.raises(Unavailable):
        signatures.of([Text("We ship parcels")])


def test_where_the_model_works_both_ways_make_the_same() -> None:
    signatures = Signatures(Scripted(), True)

    (either,), (made,) = signatures.or_terms([Text("We ship")]), signatures.of([Text("We ship")])

    assert either.model_id == "scripted" and either.vectors.tolist() == made.vectors.tolist()


def test_where_the_model_fails_a_question_is_asked_by_its_words() -> None:
    asked = Signatures(Scripted(fail), True).question("Where was A-1042 in May 2023?", TODAY)

    assert asked.vector is None and asked.token_ids is None and asked.token_states is None and asked.telling is None
    assert asked.by_words_only == "failed"
    assert asked.terms == language.query_terms("Where was A-1042 in May 2023?")
    assert asked.ids == language.id_terms("A-1042") and asked.dates == dates("in May 2023", TODAY)


def test_in_a_script_that_the_model_does_not_read_a_question_is_asked_by_its_words() -> None:
    embedder = Scripted()

    asked = Signatures(embedder, True).question("\u8336 A-1042", TODAY)

    assert asked.vector is None and asked.token_states is None and asked.by_words_only == "script"
    assert asked.terms == language.query_terms("\u8336 A-1042") and asked.ids == language.id_terms("A-1042")
    assert embedder.texts == []


def _altered(vector: Sequence[float], states: float = 1.0) -> Embedding:
    return Embedding(
        vector=np.array(vector, dtype=np.float32),
        token_ids=np.array([5], dtype=np.uint16),
        token_states=np.array([[states, 1]], dtype=np.float32),
        telling=np.array([True]),
    )


WRONG: dict[str, Callable[[list[Embedding]], list[Embedding]]] = {
    "ragged": lambda made: [*made[:-1], _altered([1, 2, 3])],
    "nan": lambda made: [*made[:-1], _altered([1, np.nan])],
    "infinite": lambda made: [*made[:-1], _altered([np.inf, 1])],
    "tokens nan": lambda made: [*made[:-1], _altered([1, 2], np.nan)],
    "too few": lambda made: made[:-1],
    "too many": lambda made: [*made, *made[:1]],
    "none": lambda made: [],
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_what_is_no_vector_is_not_taken_for_one(spoil: Callable[[list[Embedding]], list[Embedding]]) -> None:
    signatures = Signatures(Scripted(spoil), True)
    texts = [Text("We ship"), Text("parcels", "all parcels"), Text("today")]

    with pytest.raises(Unavailable):
        signatures.of(texts)
    assert [made.model_id for made in signatures.or_terms(texts)] == ["", "", ""]


@pytest.mark.parametrize("name", sorted({"nan", "infinite", "tokens nan", "too many", "none"}))
def test_a_question_without_a_proper_vector_is_asked_by_its_words(name: str) -> None:
    assert Signatures(Scripted(WRONG[name]), True).question("Who ships?", TODAY).vector is None


def test_the_recipe_differs_with_late_interaction_and_the_rules_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with_late, without = Signatures(Scripted(), True), Signatures(Scripted(), False)
    recipes = {with_late.recipe, without.recipe}
    assert one("We ship").recipe == with_late.recipe and one("We ship", False).recipe == without.recipe

    for version in (language.TERMS_VERSION + 1, language.TERMS_VERSION + 2):
        monkeypatch.setattr(language, "TERMS_VERSION", version)
        recipes |= {with_late.recipe, without.recipe}

    assert len(recipes) == 6 and 0 not in recipes


def test_the_models_name_and_its_end_are_passed_on() -> None:
    embedder = Scripted()
    signatures = Signatures(embedder, True)

    assert signatures.model_id == "scripted" and not embedder.closed
    signatures.close()
    assert embedder.closed


def test_chunks_without_vectors_have_their_words() -> None:
    made = without_vectors(["We ship", "parcels"])

    assert made.terms == [language.terms("We ship"), language.terms("parcels")]
    assert made.vectors.shape == (2, 0)


def test_a_message_stands_between_the_ends_of_its_neighbours() -> None:
    many = " ".join(map(str, range(NEIGHBOUR_WORDS + 40)))

    before, own, after = around(many, "mine", many).split("\n")

    assert before.split() == many.split()[-NEIGHBOUR_WORDS:] and before.endswith(many[-10:])
    assert own == "mine"
    assert after.split() == many.split()[:NEIGHBOUR_WORDS]
    assert around(None, "mine", None) == "mine"
    assert around("a", "mine", None) == "a\nmine" and around(None, "mine", "b") == "mine\nb"


def test_a_message_is_scored_with_its_author_in_front() -> None:
    assert spoken("Dana", "Where is it?") == "Dana: Where is it?"
    assert spoken(None, "Where is it?") == spoken("", "Where is it?") == "Where is it?"
