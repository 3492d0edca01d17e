"""The three forms of rate limit, under a clock that stands still until it is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tailrace.sandbox.limits import FixedWindow, LeakyBucket, Limiter, SlidingWindow, limiter

if TYPE_CHECKING:
    from collections.abc import Callable

Clock = Any


def take(limit: Limiter, times: int) -> int:
    return sum(limit.take().allowed for _ in range(times))


def test_a_fixed_window_starts_anew_at_its_boundary(clock: Clock) -> None:
    limit = FixedWindow(5, 10.0, clock)
    clock.now = 1009.9
    assert take(limit, 7) == 5
    assert limit.take().wait_s == pytest.approx(0.1)
    clock.now = 1010.0
    assert take(limit, 7) == 5


def test_a_sliding_window_never_lets_more_through_in_any_stretch(clock: Clock) -> None:
    limit = SlidingWindow(5, 10.0, clock)
    passed: list[float] = []
    for _ in range(400):
        clock.now += 0.3
        if limit.take().allowed:
            passed.append(clock.now)
    for first in passed:
        assert sum(first <= at < first + 10.0 for at in passed) <= 5
    assert len(passed) >= 5 * 11


def test_a_sliding_window_lets_in_who_waits_exactly_as_told(clock: Clock) -> None:
    limit = SlidingWindow(2, 10.0, clock)
    take(limit, 2)
    grant = limit.take()
    assert not grant.allowed
    clock.now += grant.wait_s
    assert limit.take().allowed


def test_a_leaky_bucket_holds_its_fill_and_drains_evenly(clock: Clock) -> None:
    limit = LeakyBucket(10, 5.0, clock)
    assert take(limit, 15) == 10
    clock.now += 0.5
    assert take(limit, 5) == 1
    clock.now += 100.0
    assert take(limit, 15) == 10


def test_a_leaky_bucket_lets_in_who_waits_exactly_as_told(clock: Clock) -> None:
    limit = LeakyBucket(3, 1.0, clock)
    for _ in range(500):
        grant = limit.take()
        if not grant.allowed:
            clock.now += grant.wait_s
            assert limit.take().allowed


@pytest.mark.parametrize("make", [FixedWindow, SlidingWindow, LeakyBucket])
def test_a_refusal_takes_nothing(make: Callable[..., Limiter], clock: Clock) -> None:
    limit = make(1, 10.0, clock)
    assert limit.take().allowed
    for _ in range(50):
        assert not limit.take().allowed
    clock.now += 10.0
    assert limit.take().allowed


def test_remaining_counts_down_to_zero(clock: Clock) -> None:
    limit = SlidingWindow(3, 1.0, clock)
    assert [limit.take().remaining for _ in range(4)] == [2, 1, 0, 0]


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "round", "max": 1},
        {"max": 0},
        {"max": True},
        {"max": 1.5},
        {},
        {"max": 1, "interval_ms": 0},
        {"max": 1, "interval_ms": "soon"},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], clock: Clock) -> None:
    with pytest.raises(ValueError, match="limits"):
        limiter(settings, clock)
