"""Models that fail, and models that follow one another: nothing is lost, and recall goes on."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import anyio
import anyio.from_thread
import numpy as np
import pytest

from mcp_memory.backend import Backend
from mcp_memory.edits import ObservationChanges
from mcp_memory.embedding import Embedding, without_tokens
from mcp_memory.embedding.minilm import MiniLM
from mcp_memory.errors import Unavailable
from mcp_memory.model import NewMessage, NewObservation, NewSummary, Recall, RecallQuery, Scope

from .conftest import Opened

pytestmark = pytest.mark.anyio

KNOWN = (
    "Is allergic to peanuts.",
    "Has a golden retriever called Biscuit.",
    "Order A-1042 arrived broken.",
    "Works night shifts at the hospital.",
)
PETS = RecallQuery(query="Do they own any pets?", observations_limit=1)


class Broken:
    """A model that can't be reached, until it is `mended`."""

    def __init__(self, model: MiniLM) -> None:
        self._model, self.mended = model, False

    @property
    def model_id(self) -> str:
        return self._model.model_id

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        if not self.mended:
            raise Unavailable("The endpoint did not answer.")
        return self._model.embed(texts)

    def reads(self, text: str) -> bool:
        return True

    def close(self) -> None: ...


class Other:
    """Another model: half as long, of one vector for each text."""

    model_id = "other"

    def __init__(self, model: MiniLM) -> None:
        self._model = model

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        halves = [one.vector[::2] for one in self._model.embed(texts)]
        return [without_tokens(half / np.float32(np.linalg.norm(half))) for half in halves]

    def reads(self, text: str) -> bool:
        return True

    def close(self) -> None: ...


class Slow(Other):
    """While it works on texts, something else happens, once."""

    model_id = "slow"

    def __init__(self, model: MiniLM) -> None:
        super().__init__(model)
        self.meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            anyio.from_thread.run(meanwhile)
        return super().embed(texts)


class Picky(Other):
    """A model that refuses a batch for one text in it."""

    model_id = "picky"

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        if any("peanuts" in text for text in texts):
            raise Unavailable("The endpoint refused the text.")
        return super().embed(texts)


class Ragged(Other):
    """A model that gives what is no vector, in one way or another."""

    model_id = "ragged"

    def __init__(self, model: MiniLM, wrong: str) -> None:
        super().__init__(model)
        self._wrong = wrong

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        made = super().embed(texts)
        match self._wrong:
            case "nan":
                return [without_tokens(one.vector * np.float32("nan")) for one in made]
            case "lengths":
                return [without_tokens(one.vector[: 10 + at]) for at, one in enumerate(made)]
            case _:
                return made[1:]


async def known(backend: Backend) -> tuple[Scope, str]:
    scope = await backend.open_store("acme", "default")
    dana = (await backend.upsert_traits(scope, {"Contact": {"phone": "+13175550142"}}, None)).profile.profile_id
    await backend.add_observations(scope, dana, [NewObservation(content=one) for one in KNOWN])
    return scope, dana


def contents(recall: Recall) -> list[str]:
    return [one.item.content for one in recall.observations]


async def to_embed(backend: Backend, scope: Scope) -> int:
    return (await backend.get_store(scope)).unembedded_count


async def test_what_is_learned_while_the_model_fails_is_kept_and_found_by_its_words(
    opened: Opened, embedder: MiniLM
) -> None:
    async with opened(Broken(embedder)) as backend:
        scope, dana = await known(backend)
        await backend.add_summaries(scope, dana, [NewSummary(content="Order A-1042 is replaced.", conversation_id="c")])
        message = NewMessage(text="When does A-1042 come?", role="customer")
        await backend.record_messages(scope, dana, "c", [message])

        recall = await backend.recall(scope, dana, RecallQuery(query="what about a1042?", communications_limit=1))

        assert recall.by_words_only == "failed"
        assert contents(recall)[0] == KNOWN[2]
        assert (recall.summaries[0].score or 0) > 0.5
        assert recall.communications[0].item.content == message.text
        assert await to_embed(backend, scope) == 6


async def test_what_a_model_missed_it_catches_up_with(opened: Opened, embedder: MiniLM) -> None:
    model = Broken(embedder)
    async with opened(model) as backend:
        scope, dana = await known(backend)
        model.mended = True

        assert await backend.reembed(scope) == len(KNOWN)
        assert await backend.reembed(scope) == 0

        recall = await backend.recall(scope, dana, PETS)
        assert (contents(recall), recall.by_words_only) == ([KNOWN[1]], None)


@pytest.mark.parametrize("wrong", ["nan", "lengths", "too few"])
async def test_a_model_that_gives_no_vectors_has_failed(opened: Opened, embedder: MiniLM, wrong: str) -> None:
    async with opened(Ragged(embedder, wrong)) as backend:
        scope, dana = await known(backend)

        recall = await backend.recall(scope, dana, RecallQuery(query="allergic to peanuts"))

        assert contents(recall)[0] == KNOWN[0]
        assert await to_embed(backend, scope) == len(KNOWN)


@pytest.mark.parametrize("late_interaction", [True, False])
async def test_a_change_of_model_is_followed_step_by_step_and_recall_goes_on(
    opened: Opened, embedder: MiniLM, late_interaction: bool
) -> None:
    async with opened(embedder) as backend:
        scope, dana = await known(backend)
    async with opened(Other(embedder), late_interaction=late_interaction) as backend:
        assert await to_embed(backend, scope) == len(KNOWN)
        assert (await backend.recall(scope, dana, PETS)).by_words_only == "vectors"
        new = "Keeps two cats and a parrot at home."
        await backend.add_observations(scope, dana, [NewObservation(content=new)])

        pets = await backend.recall(scope, dana, PETS)
        assert (contents(pets), pets.by_words_only) == ([new], None)
        by_words = await backend.recall(scope, dana, RecallQuery(query="peanuts", observations_limit=1))
        assert contents(by_words) == [KNOWN[0]]

        await backend.reembed(scope)
        assert await to_embed(backend, scope) == 0
        both = await backend.recall(scope, dana, RecallQuery(query="Do they own any pets?", observations_limit=2))
        assert set(contents(both)) == {new, KNOWN[1]}


async def test_vectors_of_tokens_are_kept_or_not_as_it_is_set(opened: Opened, embedder: MiniLM) -> None:
    async with opened(embedder, late_interaction=False) as backend:
        scope, dana = await known(backend)
        full = RecallQuery(query="peanuts", detail="full")
        matches = [one.match for one in (await backend.recall(scope, dana, full)).observations]
        assert all(one and one.late_interaction is None and one.cosine is not None for one in matches)
    async with opened(embedder) as backend:
        assert await to_embed(backend, scope) == len(KNOWN)
        await backend.reembed(scope)
        matches = [one.match for one in (await backend.recall(scope, dana, full)).observations]
        assert all(one and one.late_interaction is not None for one in matches)


async def test_in_the_background_it_happens_by_itself(opened: Opened, embedder: MiniLM) -> None:
    async with opened(embedder) as backend:
        scope, dana = await known(backend)
        messages = [NewMessage(text=f"Message {number}.", role="customer") for number in range(5)]
        await backend.record_messages(scope, dana, "c", messages)
    async with opened(Other(embedder), background=True) as backend:
        scope = await backend.open_store("acme", "default")
        with anyio.fail_after(60):
            while await to_embed(backend, scope):  # noqa: ASYNC110  no event: another thread does it
                await anyio.sleep(0.05)

        assert contents(await backend.recall(scope, dana, PETS)) == [KNOWN[1]]


async def test_a_message_remade_has_the_vector_that_it_had(opened: Opened, embedder: MiniLM) -> None:
    """Its neighbours are found again; so are those of the one before a message that was added later."""
    talk = [
        NewMessage(text=f"{word} is what I wanted to tell you.", role="customer") for word in ("Tea", "Milk", "Ice")
    ]
    query = RecallQuery(query="Do they like milk?", communications_limit=3, detail="full")
    async with opened(embedder) as backend:
        scope, dana = await known(backend)
        for one in talk:
            await backend.record_messages(scope, dana, "c", [one])
        before = await backend.recall(scope, dana, query)
    async with opened(Other(embedder)) as backend:
        await backend.reembed(scope)
    async with opened(embedder) as backend:
        await backend.reembed(scope)

        assert await backend.recall(scope, dana, query) == before


async def test_a_text_that_the_model_refuses_keeps_no_other_from_its_vector(opened: Opened, embedder: MiniLM) -> None:
    async with opened(Picky(embedder)) as backend:
        scope, dana = await known(backend)
        assert await to_embed(backend, scope) == len(KNOWN)

        assert await backend.reembed(scope) == len(KNOWN)

        assert await to_embed(backend, scope) == 0
        assert await backend.mend(scope) == 0
        assert contents(await backend.recall(scope, dana, PETS)) == [KNOWN[1]]
        refused = await backend.recall(scope, dana, RecallQuery(query="allergic", observations_limit=1))
        assert contents(refused) == [KNOWN[0]]


async def test_what_is_corrected_while_its_vector_is_remade_has_that_of_what_it_is(
    opened: Opened, embedder: MiniLM
) -> None:
    async with opened(embedder) as backend:
        scope, dana = await known(backend)
    slow = Slow(embedder)
    async with opened(slow) as backend:
        dog = next(one for one in await backend.latest_observations(scope, dana, 10) if one.content == KNOWN[1])
        car = ObservationChanges(content="Drives an old estate car.")
        order = next(one for one in await backend.latest_observations(scope, dana, 10) if one.content == KNOWN[2])

        async def change() -> None:
            await backend.update_observation(scope, dana, dog.id, car)
            await backend.delete_observation(scope, dana, order.id)

        slow.meanwhile = change
        while await to_embed(backend, scope):
            await backend.reembed(scope)

        vehicle = RecallQuery(query="What vehicle?", observations_limit=1, detail="full")
        (best,) = (await backend.recall(scope, dana, vehicle)).observations
        (pet,) = (await backend.recall(scope, dana, replace(vehicle, query=KNOWN[1]))).observations
        assert best.item.content == car.content
        assert best.match is not None and pet.match is not None and (pet.match.cosine or 1) < 0.8


async def test_what_is_corrected_while_the_model_fails_is_found_by_its_words(opened: Opened, embedder: MiniLM) -> None:
    model = Broken(embedder)
    model.mended = True
    async with opened(model) as backend:
        scope, dana = await known(backend)
        dog = next(one for one in await backend.latest_observations(scope, dana, 10) if one.content == KNOWN[1])
        model.mended = False

        await backend.update_observation(scope, dana, dog.id, ObservationChanges(content="Has a parrot."))
        found = await backend.recall(scope, dana, RecallQuery(query="parrot", observations_limit=1))
        assert contents(found) == ["Has a parrot."] and await to_embed(backend, scope) == 1

        model.mended = True
        assert await backend.reembed(scope) == 1 and await to_embed(backend, scope) == 0
        assert contents(await backend.recall(scope, dana, PETS)) == ["Has a parrot."]
