"""What an org may do in 24 hours and at once: calls, long calls, batches and rows of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.limits import limits_from
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.wire import RefusalError

_MEMBERS = ("daily", "used", "concurrent", "long_ms", "batches", "rows")
_FREE = 1_000_000_000


class Day:
    """So many of something in any 24 hours; ``used`` of them are gone, and stay gone."""

    def __init__(self, most: int, clock: Clock, used: int = 0) -> None:
        self.most = most
        self._clock = clock
        self._taken: deque[tuple[float, int]] = deque()
        self._used = used

    @property
    def left(self) -> int:
        now = self._clock()
        while self._taken and self._taken[0][0] <= now - facts.DAY_S:
            self._used -= self._taken.popleft()[1]
        return max(0, self.most - self._used)

    def take(self, count: int) -> bool:
        """Take so many, or none where fewer are left."""
        if self.left < count:
            return False
        self._taken.append((self._clock(), count))
        self._used += count
        return True


class Quota:
    """``running`` are the moments at which requests began that are under way.

    Raises:
        ConfigError: ``limits`` is not a setting that there is.
    """

    def __init__(self, limits: Any, clock: Clock, running: Mapping[int, float], where: str) -> None:
        asked = limits_from(limits, facts.TIERS, _MEMBERS, where)
        self.enabled = isinstance(asked, Mapping)
        given = asked if isinstance(asked, Mapping) else {}
        self._clock = clock
        self._running = running
        self._calls = Day(given.get("daily", _FREE), clock, given.get("used", 0))
        self._concurrent = given.get("concurrent", _FREE)
        self._long_s = given.get("long_ms", facts.LONG_S * 1000) / 1000
        batches, rows = facts.MAX_BATCHES_A_DAY, facts.MAX_ROWS_A_DAY
        if not self.enabled:
            batches = rows = _FREE
        self.batches = Day(given.get("batches", batches), clock)
        self.rows = Day(given.get("rows", rows), clock)

    def take_call(self) -> list[tuple[str, str]]:
        """Take one call; the header that tells of it.

        Raises:
            RefusalError: none is left, or too many take too long.
        """
        if not self.enabled:
            return []
        if self._long_running(self._running.values()) >= self._concurrent:
            raise self._refused(facts.TOO_MANY_AT_ONCE)
        if not self._calls.take(1):
            raise self._refused(facts.TOO_MANY_CALLS)
        return self._usage()

    def _usage(self) -> list[tuple[str, str]]:
        most = self._calls.most
        return [("Sforce-Limit-Info", f"api-usage={most - self._calls.left}/{most}")]

    def _refused(self, message: str) -> RefusalError:
        refusal = refuse(403, "REQUEST_LIMIT_EXCEEDED", message)
        refusal.reply.headers += self._usage()
        return refusal

    def _long_running(self, began: Iterable[float]) -> int:
        now = self._clock()
        return sum(1 for one in began if now - one >= self._long_s)

    def counts(self) -> dict[str, tuple[int, int]]:
        """What the resource ``limits`` tells: by name how many there are, and how many are left."""
        counted = {
            "DailyApiRequests": self._calls,
            "DailyBulkApiBatches": self.batches,
        }
        return {name: (one.most, one.left) for name, one in counted.items()}
