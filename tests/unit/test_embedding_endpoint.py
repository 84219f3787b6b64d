import json
import logging
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mcp_memory.embedding import Embedder
from mcp_memory.embedding import endpoint as endpoints
from mcp_memory.embedding.endpoint import BATCH_CHARACTERS, BATCH_TEXTS, LONGEST_TEXT, Endpoint
from mcp_memory.endpoints import posting as posts
from mcp_memory.errors import Unavailable

from .endpoints import Api, Reply, Time, embedding_of, serving, unit_of

KEY = "sk-very-secret-0123456789"
TEXT = "Is allergic to peanuts, says her mother."


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as started:
        yield started


def endpoint(api: Api, time: Time, **options: Any) -> Endpoint:
    made = Endpoint(api.url, "tiny", **{"key": KEY, "clock": time.clock, "sleep": time.sleep, **options})
    api.at_the_end.callback(made.close)
    return made


def failure(embedder: Endpoint, text: str = TEXT) -> str:
    """What is said when it fails; nothing that may be logged or shown holds the key or the text."""
    with pytest.raises(Unavailable) as caught:
        embedder.embed([text])
    told = "".join(traceback.format_exception(caught.value))
    assert KEY not in told and text not in told
    return str(caught.value)


def test_texts_become_unit_vectors_without_tokens(api: Api, time: Time) -> None:
    embedder: Embedder = endpoint(api, time)
    tea, coffee = embedder.embed(["tea", "coffee"])

    for text, embedding in (("tea", tea), ("coffee", coffee)):
        assert embedding.vector.dtype == np.float32
        assert embedding.vector == pytest.approx(unit_of(text))
        assert embedding.token_states.shape == (0, 3)
        assert len(embedding.token_ids) == len(embedding.telling) == 0


def test_the_request_is_what_the_published_api_takes(api: Api, time: Time) -> None:
    endpoint(api, time, dimensions=3).embed(["tea"])
    endpoint(api, time).embed(["tea"])

    assert [seen.path for seen in api.seen] == ["/v1/embeddings"] * 2
    assert api.seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert [seen.body for seen in api.seen] == [
        {"model": "tiny", "input": ["tea"], "encoding_format": "float", "dimensions": 3},
        {"model": "tiny", "input": ["tea"], "encoding_format": "float"},
    ]


def test_without_a_key_none_is_sent(api: Api, time: Time) -> None:
    endpoint(api, time, key=None).embed(["tea"])

    assert "Authorization" not in api.seen[0].headers


def test_the_model_id_names_the_model_and_the_dimensions_asked_for() -> None:
    assert Endpoint("http://localhost/v1", "tiny").model_id == "endpoint:tiny"
    assert Endpoint("http://localhost/v1", "tiny", dimensions=256).model_id == "endpoint:tiny:256"


def test_many_texts_go_in_batches_and_come_back_in_order_whatever_order_they_are_told_in(api: Api, time: Time) -> None:
    api.shuffled = True
    texts = [f"{'x' * (number % 7)}{number}" for number in range(BATCH_TEXTS * 2 + 1)]

    embedded = endpoint(api, time).embed(texts)

    assert [len(seen.body["input"]) for seen in api.seen] == [BATCH_TEXTS, BATCH_TEXTS, 1]
    for text, embedding in zip(texts, embedded, strict=True):
        assert embedding.vector == pytest.approx(unit_of(text))


def test_long_texts_are_cut_and_share_a_batch_only_while_it_is_small(api: Api, time: Time) -> None:
    endpoint(api, time).embed(["x" * LONGEST_TEXT * 2] * 14)

    sent = [seen.body["input"] for seen in api.seen]
    assert {len(text) for batch in sent for text in batch} == {LONGEST_TEXT}
    assert [len(batch) for batch in sent] == [BATCH_CHARACTERS // LONGEST_TEXT, 2]


def test_a_text_that_endpoints_refuse_is_made_harmless(api: Api, time: Time) -> None:
    endpoint(api, time).embed(["", " \n", "te\ud800a"])

    assert api.seen[0].body["input"] == [".", ".", "te?a"]


def test_no_texts_ask_nobody(api: Api, time: Time) -> None:
    assert endpoint(api, time).embed([]) == []
    assert api.seen == []


def test_an_endpoint_that_says_when_is_asked_again_then(api: Api, time: Time) -> None:
    api.script += [Reply(status=429, headers={"Retry-After": "3"})]

    assert len(endpoint(api, time).embed([TEXT])) == 1
    assert time.slept == [3.0]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_endpoint_in_trouble_is_asked_again_with_growing_pauses_then_given_up(
    api: Api, time: Time, status: int
) -> None:
    api.script += [Reply(status=status)] * posts.ATTEMPTS

    assert f"HTTP {status}" in failure(endpoint(api, time))
    assert len(api.seen) == posts.ATTEMPTS
    assert [0.125 <= time.slept[0] <= 0.25, 0.25 <= time.slept[1] <= 0.5] == [True, True]


def test_nobody_waits_longer_than_the_deadline_because_the_endpoint_says_so(api: Api, time: Time) -> None:
    api.script += [Reply(status=429, headers={"Retry-After": "3600"})]
    embedder = endpoint(api, time)

    assert "wants to be asked less often" in failure(embedder)
    assert (len(api.seen), time.slept) == (1, [])
    assert "asked again in 60 s" in failure(embedder)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "embedding_model or embedding_dimensions"),
        (401, "Check embedding_key"),
        (404, "embedding_url, to which /embeddings is added"),
        (418, "Check embedding_url"),
        (301, "redirects are not followed"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(api: Api, time: Time, status: int, advice: str) -> None:
    refusal = f"You sent {TEXT} with {KEY}".encode()
    api.script += [Reply(status=status, body=refusal, headers={"Location": f"{api.url}/elsewhere"})]

    message = failure(endpoint(api, time))

    assert f"HTTP {status}" in message and advice in message
    assert len(api.seen) == 1


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"<html>Welcome</html>", "not answer in JSON"),
        (b'{"data": [{"index": 0, "embed', "not answer in JSON"),
        (b"\xff\xfe", "not answer in JSON"),
        (b"[" * 100_000, "not answer in JSON"),
        (b"[]", "no list of embeddings"),
        (b'{"error": "no"}', "no list of embeddings"),
        (b'{"data": [1]}', "no list of embeddings"),
        (b'{"data": []}', "0 embeddings for 1 texts"),
        (b'{"data": [{"index": 0}]}', "not a list of numbers"),
        (b'{"data": [{"index": 0, "embedding": "AACAPw=="}]}', "not a list of numbers"),
        (b'{"data": [{"embedding": [1, 2]}]}', "which text"),
        (b'{"data": [{"index": true, "embedding": [1, 2]}]}', "which text"),
        (b'{"data": [{"index": 1, "embedding": [1, 2]}]}', "1 embeddings for 1 texts"),
        (b'{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}', "which text"),
        (embedding_of([]), "not a list of numbers"),
        (embedding_of(["1", "2"]), "not a list of numbers"),
        (embedding_of([1, None]), "not a list of numbers"),
        (embedding_of([1, True]), "not a list of numbers"),
        (embedding_of([1.0, float("nan")]), "without a direction"),
        (embedding_of([1.0, float("inf")]), "without a direction"),
        (embedding_of([0, 0.0]), "without a direction"),
        (embedding_of([10**400, 1]), "without a direction"),
    ],
)
def test_a_reply_that_is_not_exactly_what_was_asked_for_is_refused(
    api: Api, time: Time, body: bytes, complaint: str
) -> None:
    api.script += [Reply(body=body)]

    assert complaint in failure(endpoint(api, time))
    assert len(api.seen) == 1


@pytest.mark.parametrize("row", [[1e308, 1e308], [1e-320, 1e-320], [7, 7]])
def test_numbers_of_any_size_have_a_direction(api: Api, time: Time, row: list[float]) -> None:
    api.script += [Reply(body=embedding_of(row))]

    assert endpoint(api, time).embed([TEXT])[0].vector == pytest.approx([0.5**0.5] * 2, rel=1e-3)


def test_embeddings_of_different_lengths_are_refused(api: Api, time: Time) -> None:
    body = {"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1]}]}
    api.script += [Reply(body=json.dumps(body).encode())]

    with pytest.raises(Unavailable, match="of different lengths"):
        endpoint(api, time).embed(["tea", "coffee"])


def test_vectors_of_another_length_than_asked_for_are_refused(api: Api, time: Time) -> None:
    assert "3 numbers instead of 256. Set embedding_dimensions" in failure(endpoint(api, time, dimensions=256))


def test_vectors_of_another_length_than_before_are_refused(api: Api, time: Time) -> None:
    embedder = endpoint(api, time)
    embedder.embed([TEXT])
    api.script += [Reply(body=embedding_of([1, 2]))]

    assert "2 numbers instead of 3. It changed its model" in failure(embedder)


def test_an_endless_reply_is_not_read_to_its_end(api: Api, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "CALLED", replace(endpoints.CALLED, longest=100_000))
    api.script += [Reply(body=b" " * 100_001)]

    assert "longer than" in failure(endpoint(api, time))


def test_a_reply_cut_short_is_asked_for_again(api: Api, time: Time) -> None:
    api.script += [Reply(body=b'{"data', claimed=1000)]

    assert len(endpoint(api, time).embed([TEXT])) == 1
    assert len(api.seen) == 2


def test_an_endpoint_that_does_not_answer_in_time_is_given_up(api: Api, time: Time) -> None:
    release = threading.Event()
    api.script += [Reply(hold=release)] * posts.ATTEMPTS
    try:
        assert "took longer than 0.1 s" in failure(endpoint(api, time, timeout=0.1))
    finally:
        release.set()


def test_a_reply_that_trickles_is_given_up_as_well(api: Api) -> None:
    enough = threading.Event()
    api.script += [Reply(trickle=enough, claimed=1000)] * posts.ATTEMPTS
    embedder = Endpoint(api.url, "tiny", key=KEY, timeout=0.2)
    try:
        with closing(embedder):
            assert "took longer than 0.2 s" in failure(embedder)
    finally:
        enough.set()


def test_nobody_listening_is_told_apart(time: Time) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    embedder = Endpoint(f"http://127.0.0.1:{port}/v1", "tiny", key=KEY, clock=time.clock, sleep=time.sleep)

    with closing(embedder):
        assert "can't be reached. Check embedding_url" in failure(embedder)
    assert len(time.slept) == posts.ATTEMPTS - 1


def test_what_has_just_failed_is_not_asked_again_for_a_while(api: Api, time: Time) -> None:
    api.script += [Reply(status=401)]
    embedder = endpoint(api, time)

    first = failure(embedder)
    time.now += posts.REST - 1
    assert failure(embedder) == f"{first} It will be asked again in 1 s."
    assert len(api.seen) == 1

    time.now += 1
    assert len(embedder.embed([TEXT])) == 1
    assert len(embedder.embed([TEXT])) == 1


def test_after_the_rest_one_caller_tries_and_the_others_do_not_wait_for_it(api: Api, time: Time) -> None:
    release = threading.Event()
    api.script += [Reply(status=401), Reply(status=401, hold=release)]
    embedder = endpoint(api, time)
    failure(embedder)
    time.now += posts.REST

    trial = threading.Thread(target=lambda: failure(embedder))
    trial.start()
    try:
        while len(api.seen) < 2:
            release.wait(0.01)
        assert "will be asked again" in failure(embedder)
    finally:
        release.set()
        trial.join(timeout=30)


def test_a_text_it_refuses_says_nothing_of_the_next(api: Api, time: Time) -> None:
    api.script += [Reply(status=400)]
    embedder = endpoint(api, time)
    failure(embedder)

    assert len(embedder.embed(["tea"])) == 1


def test_threads_share_it(api: Api, time: Time) -> None:
    embedder = endpoint(api, time)
    found: list[bool] = []

    def work(number: int) -> None:
        text = "x" * number
        expected = unit_of(text)
        found.append(embedder.embed([text])[0].vector == pytest.approx(expected))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert found == [True] * 16


def test_it_can_be_used_after_it_was_closed(api: Api, time: Time) -> None:
    embedder = endpoint(api, time)
    embedder.close()
    embedder.embed([TEXT])
    embedder.close()
    embedder.close()

    assert len(embedder.embed([TEXT])) == 1
    embedder.close()


def test_neither_key_nor_text_is_in_a_log_or_a_repr(api: Api, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    embedder = endpoint(api, time)
    embedder.embed([TEXT])
    api.script += [Reply(status=500, body=TEXT.encode())] * posts.ATTEMPTS
    failure(embedder)

    assert KEY not in caplog.text and TEXT not in caplog.text
    assert KEY not in repr(embedder)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "HTTPS_PROXY"])
def test_an_environment_that_makes_it_impossible_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "nonsense://nowhere")

    with pytest.raises(Unavailable, match=r"HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE"):
        Endpoint("https://api.example.com/v1", "tiny").embed([TEXT])


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(
    api: Api, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert len(endpoint(api, time).embed([TEXT])) == 1


def test_nothing_heavy_is_imported_before_the_first_text() -> None:
    code = (
        "import sys\n"
        "from mcp_memory.embedding.endpoint import Endpoint\n"
        "Endpoint('http://localhost/v1', 'tiny').close()\n"
        "assert not {'numpy', 'httpx2', 'ssl'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
