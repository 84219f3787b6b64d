"""How much a tenant may ask: laws of the bucket and the counts."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.errors import Limited
from mcp_memory.tenancy import admission
from mcp_memory.tenancy.admission import Admission
from mcp_memory.tenancy.tenants import NO_LIMITS, Limits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def asked(admission: Admission, limits: Limits, times: int, tenant: str = "acme") -> int:
    """How many of them were let in."""
    done = 0
    for _ in range(times):
        try:
            admission.spend(tenant, limits)
            done += 1
        except Limited:
            pass
    return done


def test_who_has_no_limit_is_let_in() -> None:
    assert asked(Admission(Clock()), NO_LIMITS, 10_000) == 10_000


def test_ten_seconds_of_requests_may_come_at_once_and_the_rest_a_minute() -> None:
    clock = Clock()
    gate, limits = Admission(clock), Limits(requests_per_minute=60)

    assert asked(gate, limits, 100) == 10
    clock.now += 3
    assert asked(gate, limits, 100) == 3
    clock.now += 3600
    assert asked(gate, limits, 100) == 10


def test_who_asks_too_much_is_told_when_to_come_again_and_is_let_in_then() -> None:
    clock = Clock()
    gate, limits = Admission(clock), Limits(requests_per_minute=6)
    assert asked(gate, limits, 1) == 1

    with pytest.raises(Limited, match="More than 6 requests a minute: try again in 10 seconds") as refused:
        gate.spend("acme", limits)
    clock.now += refused.value.retry_after
    assert asked(gate, limits, 5) == 1


def test_the_one_takes_nothing_from_the_other() -> None:
    gate, limits = Admission(Clock()), Limits(requests_per_minute=60, concurrent_requests=1, sessions=1)
    asked(gate, limits, 100)

    with gate.running("acme", limits), gate.streaming("acme", limits):
        assert asked(gate, limits, 100, "globex") == 10
        with gate.running("globex", limits), gate.streaming("globex", limits):
            pass


@given(st.integers(1, 600), st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), max_size=20), st.integers(1, 8))
def test_never_more_are_let_in_than_the_minute_allows(rate: int, waves: list[tuple[float, int]], workers: int) -> None:
    clock = Clock()
    gate, begun, let_in = Admission(clock, workers), clock.now, 0
    for wait, times in waves:
        clock.now += wait
        let_in += asked(gate, Limits(requests_per_minute=rate), times)

    share = rate / 60 / workers
    assert let_in <= max(1, share * admission.BURST_SECONDS) + (clock.now - begun) * share + 1e-6


@pytest.mark.parametrize(
    ("name", "word"), [("concurrent_requests", "requests at once"), ("sessions", "sessions are open")]
)
def test_so_many_at_once_and_another_when_one_has_ended(name: str, word: str) -> None:
    gate, limits = Admission(Clock()), Limits(**{name: 2})
    count = gate.running if name == "concurrent_requests" else gate.streaming
    with count("acme", limits):
        with count("acme", limits), pytest.raises(Limited, match=f"2 {word}"), count("acme", limits):
            raise AssertionError("a third was let in")
        with count("acme", limits):
            pass


def test_one_tenant_takes_at_most_half_of_the_connections_and_leaves_the_others_theirs() -> None:
    gate, limits = Admission(Clock(), connections=8), Limits()
    with ExitStack() as here:
        for count in (gate.streaming, gate.running) * 2:
            here.enter_context(count("noisy", limits))

        for count in (gate.streaming, gate.running):
            with (
                pytest.raises(Limited, match=r"4 requests and streams of yours .* max_connections"),
                count("noisy", limits),
            ):
                raise AssertionError("a fifth was let in")
            with count("quiet", limits):
                pass


def test_what_ended_badly_is_counted_no_longer() -> None:
    gate, limits = Admission(Clock()), Limits(concurrent_requests=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), gate.running("acme", limits):
            raise RuntimeError


def test_tenants_who_went_away_are_forgotten_but_nobody_who_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_TENANTS", 3)
    gate, limits = Admission(Clock()), Limits(requests_per_minute=60, concurrent_requests=1)
    with ExitStack() as here:
        here.enter_context(gate.running("acme", limits))
        for number in range(50):
            gate.spend(f"tenant-{number}", limits)

        assert len(gate._accounts) == 3
        with pytest.raises(Limited), gate.running("acme", limits):
            pass
