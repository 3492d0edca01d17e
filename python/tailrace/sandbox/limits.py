"""Rate limits in the three forms that vendors use, under a clock that is passed in.

``fixed`` counts requests in windows that start at multiples of the interval; ``sliding`` looks
back one interval from each request; ``leaky`` is a bucket that fills by one a request and drains
at a steady rate. A refused request takes nothing from any of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Grant:
    """What the limiter said to one request."""

    allowed: bool
    limit: int
    remaining: int
    """Requests that could still be made at this moment."""
    wait_s: float
    """How long until the next request would be allowed; 0 where one is allowed now."""


class Limiter(Protocol):
    """One budget of requests."""

    limit: int
    interval_s: float

    def take(self) -> Grant:
        """Ask for one request now."""
        ...


class FixedWindow:
    """``limit`` requests in each window; windows start at multiples of ``interval_s``."""

    def __init__(self, limit: int, interval_s: float, clock: Clock) -> None:
        self.limit = limit
        self.interval_s = interval_s
        self._clock = clock
        self._window = -1
        self._used = 0

    def take(self) -> Grant:
        now = self._clock()
        window = int(now // self.interval_s)
        if window != self._window:
            self._window, self._used = window, 0
        allowed = self._used < self.limit
        if allowed:
            self._used += 1
        remaining = self.limit - self._used
        wait_s = 0.0 if remaining else (window + 1) * self.interval_s - now
        return Grant(allowed, self.limit, remaining, wait_s)


class SlidingWindow:
    """At most ``limit`` requests in any stretch of ``interval_s`` seconds, exactly."""

    def __init__(self, limit: int, interval_s: float, clock: Clock) -> None:
        self.limit = limit
        self.interval_s = interval_s
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> Grant:
        now = self._clock()
        taken = self._taken
        while taken and taken[0] <= now - self.interval_s:
            taken.popleft()
        allowed = len(taken) < self.limit
        if allowed:
            taken.append(now)
        remaining = self.limit - len(taken)
        wait_s = 0.0 if remaining else taken[0] + self.interval_s - now
        return Grant(allowed, self.limit, remaining, wait_s)


class LeakyBucket:
    """A bucket of ``limit`` requests that is emptied evenly in ``interval_s`` seconds."""

    def __init__(self, limit: int, interval_s: float, clock: Clock) -> None:
        self.limit = limit
        self.interval_s = interval_s
        self._clock = clock
        self._level = 0.0
        self._at = clock()

    def take(self) -> Grant:
        now = self._clock()
        drained = (now - self._at) * self.limit / self.interval_s
        self._level = max(0.0, self._level - drained)
        self._at = now
        # The tolerance keeps a request that arrives at the exact instant from being refused by
        # the last bit of a sum of doubles.
        allowed = self._level + 1.0 <= self.limit + 1e-9
        if allowed:
            self._level += 1.0
        remaining = int(self.limit - self._level + 1e-9)
        missing = max(0.0, self._level + 1.0 - self.limit)
        wait_s = 0.0 if remaining else missing * self.interval_s / self.limit
        return Grant(allowed, self.limit, remaining, wait_s)


KINDS: Mapping[str, Callable[[int, float, Clock], Limiter]] = {
    "fixed": FixedWindow,
    "sliding": SlidingWindow,
    "leaky": LeakyBucket,
}


def limiter(settings: Mapping[str, Any], clock: Clock) -> Limiter:
    """A limiter from ``{kind, max, interval_ms}``.

    Raises:
        ValueError: the kind is unknown, or a number is not positive.
    """
    kind = settings.get("kind", "sliding")
    if kind not in KINDS:
        raise ValueError(f"limits: kind is one of {', '.join(KINDS)}, not {kind!r}")
    limit = settings.get("max")
    interval_ms = settings.get("interval_ms", 1000)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise ValueError(f"limits: max is a whole number of requests, not {limit!r}")
    if not isinstance(interval_ms, (int, float)) or interval_ms <= 0:
        raise ValueError(f"limits: interval_ms is a positive number, not {interval_ms!r}")
    return KINDS[kind](limit, interval_ms / 1000.0, clock)
