"""Klaviyo's rate limits: each endpoint's own, in fixed windows of a second, a minute, a day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.klaviyo.answers import refuse
from tailrace.sandbox.limits import FixedWindow, limits_from

if TYPE_CHECKING:
    from tailrace.sandbox.klaviyo.facts import Pace
    from tailrace.sandbox.limits import Clock

_DAY_S = 86_400.0
LIMITS: Mapping[str, Mapping[str, int]] = {"standard": {}}


class Quota:
    """The windows of an account.

    Raises:
        ConfigError: ``limits`` is not a setting that there is.
    """

    def __init__(self, limits: Any, clock: Clock, where: str) -> None:
        asked = limits_from(limits, LIMITS, ("burst", "steady", "daily"), where)
        self._enabled = asked is not None
        self._given = asked if isinstance(asked, Mapping) else {}
        self._clock = clock
        self._windows: dict[str, list[FixedWindow]] = {}

    def take(self, endpoint: str, pace: Pace) -> list[tuple[str, str]]:
        """Take one call of an endpoint; the headers that tell of its minute.

        Raises:
            RefusalError: 429.
        """
        if not self._enabled:
            return []
        windows = self._windows.setdefault(endpoint, self._made(pace))
        # A request that is refused takes nothing from any of them.
        spent = [window for window in windows if not window.left]
        if spent:
            wait_s = max(1, math.ceil(max(window.ends_in_s for window in spent)))
            detail = f"Request was throttled. Expected available in {wait_s} seconds."
            refusal = refuse(429, "throttled", detail, "/data/")
            refusal.reply.headers.append(("Retry-After", str(wait_s)))
            raise refusal
        steady = [window.take() for window in windows][1]
        return [
            ("RateLimit-Limit", str(steady.limit)),
            ("RateLimit-Remaining", str(steady.remaining)),
            ("RateLimit-Reset", str(math.ceil(windows[1].ends_in_s))),
        ]

    def _made(self, pace: Pace) -> list[FixedWindow]:
        burst = self._given.get("burst", pace.burst)
        steady = self._given.get("steady", max(pace.steady, burst))
        daily = self._given.get("daily", pace.daily)
        windows = [FixedWindow(burst, 1.0, self._clock), FixedWindow(steady, 60.0, self._clock)]
        return windows if daily is None else [*windows, FixedWindow(daily, _DAY_S, self._clock)]
