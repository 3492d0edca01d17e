"""What a Marketo instance may be asked in 20 seconds, at once and in a day, over all its users."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sized
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.limits import SlidingWindow, limits_from
from tailrace.sandbox.marketo import facts
from tailrace.sandbox.marketo.answers import refuse

if TYPE_CHECKING:
    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.wire import Json

MEMBERS = ("max", "interval_ms", "concurrent", "daily", "used")


class Quota:
    """``running`` are the requests that are under way.

    Raises:
        ConfigError: ``limits`` is not a setting that there is.
    """

    def __init__(
        self, limits: Any, clock: Clock, wall_ms: Callable[[], int], running: Sized, where: str
    ) -> None:
        asked = limits_from(limits, facts.LIMITS, MEMBERS, where)
        self._wall_ms = wall_ms
        self._running = running
        self._window: SlidingWindow | None = None
        given: Mapping[str, int] = asked if isinstance(asked, Mapping) else {}
        if given:
            interval_s = given.get("interval_ms", 20_000) / 1000
            self._window = SlidingWindow(given["max"], interval_s, clock)
        self._concurrent = given.get("concurrent")
        self._daily = given.get("daily")
        self._day = self._today()
        self._counts: Counter[str] = Counter()
        self._used = given.get("used", 0)

    def take(self, user: str) -> None:
        """Take one call. Raises RefusalError (606, 607, 615)."""
        if self._concurrent is not None and len(self._running) >= self._concurrent:
            raise refuse("615")
        self._turn_the_day()
        if self._daily is not None and self._total() >= self._daily:
            raise refuse("607")
        if self._window is not None and not self._window.take().allowed:
            most, secs = self._window.limit, f"{self._window.interval_s:g}"
            raise refuse("606", f"Max rate limit '{most}' exceeded with in '{secs}' secs")
        self._counts[user] += 1

    def usage(self) -> dict[str, Json]:
        """The day's calls, as ``stats/usage`` tells of them."""
        self._turn_the_day()
        users = [{"userId": user, "count": count} for user, count in self._counts.items()]
        return {"date": self._day, "total": self._total(), "users": users}

    def _total(self) -> int:
        return self._used + self._counts.total()

    def _turn_the_day(self) -> None:
        if self._today() != self._day:
            self._day = self._today()
            self._counts.clear()
            self._used = 0

    def _today(self) -> str:
        moment = (self._wall_ms() - facts.DAY_BEGINS_MS) / 1000
        return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d")
