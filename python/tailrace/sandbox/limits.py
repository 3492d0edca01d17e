"""Rate limits in the three forms that vendors use, under a clock that is passed in.

``fixed`` counts requests in windows that start at multiples of the interval; ``sliding`` looks
back one interval from each request; ``leaky`` is a bucket that fills by one a request and drains
at a steady rate. A refused request takes nothing from any of them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tailrace.sandbox.config import ConfigError, is_count, known

Tier = TypeVar("Tier")

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
        left = self.left
        allowed = left > 0
        if allowed:
            self._used += 1
            left -= 1
        return Grant(allowed, self.limit, left, 0.0 if left else self.ends_in_s)

    @property
    def left(self) -> int:
        """How many requests the present window still allows."""
        window = int(self._clock() // self.interval_s)
        if window != self._window:
            self._window, self._used = window, 0
        return self.limit - self._used

    @property
    def ends_in_s(self) -> float:
        """How long until the next window begins."""
        now = self._clock()
        return (int(now // self.interval_s) + 1) * self.interval_s - now


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


def limits_from(
    limits: Any, tiers: Mapping[str, Tier], members: tuple[str, ...], where: str
) -> Tier | Mapping[str, int] | None:
    """A vendor's ``limits`` setting, checked: None for none, a tier by its name, or a mapping of
    ``members``. Those are whole numbers above 0, but for ``kind``; the first has to be there.

    Raises:
        ConfigError: it is none of these.
    """
    if limits in (None, "none"):
        return None
    if isinstance(limits, str) and limits in tiers:
        return tiers[limits]
    if isinstance(limits, Mapping):
        known(limits, members, f"{where}.limits")
        counts = [value for name, value in limits.items() if name != "kind"]
        of_kind = limits.get("kind", "sliding") in KINDS
        if members[0] in limits and all(map(is_count, counts)) and of_kind:
            return limits
    form = f"{{{', '.join(members)}}}"
    kinds = f" with a kind of {', '.join(KINDS)}" if "kind" in members else ""
    raise ConfigError(f"{where}: limits is none, one of {', '.join(tiers)}, or {form}{kinds}")


def window_from(
    limits: Any, tiers: Mapping[str, Mapping[str, int]], where: str, clock: Clock
) -> FixedWindow | None:
    """The one window of a vendor whose ``limits`` are none, a tier, or ``{max, interval_ms}``; a
    length that is left out is the tier ``standard``'s.

    Raises:
        ConfigError: it is none of these.
    """
    asked = limits_from(limits, tiers, ("max", "interval_ms"), where)
    if asked is None:
        return None
    interval_ms = asked.get("interval_ms", tiers["standard"]["interval_ms"])
    return FixedWindow(asked["max"], interval_ms / 1000, clock)


def window_headers(window: FixedWindow, grant: Grant, wall_ms: int) -> list[tuple[str, str]]:
    """``X-RateLimit-*`` of an answer; the reset in seconds since 1970, rounded up."""
    return [
        ("X-RateLimit-Limit", str(grant.limit)),
        ("X-RateLimit-Remaining", str(grant.remaining)),
        ("X-RateLimit-Reset", str(math.ceil(wall_ms / 1000 + window.ends_in_s))),
    ]
