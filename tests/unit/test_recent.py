from concurrent.futures import ThreadPoolExecutor

from mcp_memory.recent import Recent


def test_what_was_put_is_there_until_it_is_forgotten() -> None:
    recent = Recent[str, int](3)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.put("a", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c"), len(recent)) == (3, 2, None, 2)

    recent.forget(lambda key, value: value == 3)
    assert (recent.get("a"), recent.get("b")) == (None, 2)


def test_the_least_recently_asked_goes_first() -> None:
    recent = Recent[str, int](3)
    for name in "abc":
        recent.put(name, ord(name))
    recent.get("a")
    recent.put("d", 4)

    assert [name for name in "abcd" if recent.get(name) is not None] == ["a", "c", "d"]


def test_many_threads_keep_no_more_than_there_may_be() -> None:
    recent = Recent[int, int](10)

    def work(start: int) -> None:
        for number in range(500):
            recent.put(start + number % 30, number)
            recent.get(number % 30)
            recent.forget(lambda key, value, gone=number: key == gone)  # type: ignore[misc]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert len(recent) <= 10
