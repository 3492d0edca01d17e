"""What arrived: counters per vendor, and the last requests. An oracle reads these, so they are
counted where the thing happens and never derived from each other."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Entry:
    """One request. ``keys`` name its rows; ``applied`` is how many of them changed a record."""

    number: int
    at_ms: int
    vendor: str
    method: str
    path: str
    op: str = ""
    object: str = ""
    keys: list[str] = field(default_factory=list)
    rows: int = 0
    applied: int = 0
    rejected: int = 0
    status: int = 0
    fault: str = ""
    seconds: float = 0.0


class PeakRate:
    """The largest number of requests within any stretch of ``window_s`` seconds."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: deque[float] = deque()
        self.peak = 0

    def add(self, now: float) -> None:
        seen = self._seen
        seen.append(now)
        while seen[0] <= now - self._window_s:
            seen.popleft()
        self.peak = max(self.peak, len(seen))


class VendorLog:
    """Counters of one vendor since the last reset."""

    def __init__(self) -> None:
        self.requests = 0
        self.by_status: Counter[int] = Counter()
        self.by_op: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.rate_limited = 0
        self.unauthorized = 0
        self.rows_received = 0
        self.rows_applied = 0
        self.rows_rejected = 0
        self.bytes_received = 0
        self.in_flight = 0
        self.max_in_flight = 0
        self._per_second = PeakRate(1.0)
        self._per_ten = PeakRate(10.0)

    def arrived(self, now: float) -> None:
        self.requests += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self._per_second.add(now)
        self._per_ten.add(now)

    def answered(self, entry: Entry) -> None:
        self.in_flight -= 1
        self.by_status[entry.status] += 1
        if entry.op:
            self.by_op[f"{entry.object}.{entry.op}"] += 1
        self.rows_received += entry.rows
        self.rows_applied += entry.applied
        self.rows_rejected += entry.rejected
        if entry.fault:
            self.faults[entry.fault] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "total": self.requests,
            "by_status": {str(status): n for status, n in sorted(self.by_status.items())},
            "by_op": dict(sorted(self.by_op.items())),
            "faults": dict(sorted(self.faults.items())),
            "rate_limited": self.rate_limited,
            "unauthorized": self.unauthorized,
            "rows_received": self.rows_received,
            "rows_applied": self.rows_applied,
            "rows_rejected": self.rows_rejected,
            "bytes_received": self.bytes_received,
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "max_per_second": self._per_second.peak,
            "max_per_10_seconds": self._per_ten.peak,
        }


class Log:
    """The request log of the whole sandbox; keeps the last ``size`` entries."""

    def __init__(self, vendors: list[str], size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._number = 0
        self._vendors = vendors
        self._by_vendor = {name: VendorLog() for name in vendors}

    def vendor(self, name: str) -> VendorLog:
        return self._by_vendor[name]

    def open(self, vendor: str, method: str, path: str, now: float, at_ms: int) -> Entry:
        """A request has arrived."""
        self._number += 1
        self._by_vendor[vendor].arrived(now)
        return Entry(self._number, at_ms, vendor, method, path)

    def close(self, entry: Entry) -> None:
        """The request is over: answered, or cut off (status 0)."""
        self._by_vendor[entry.vendor].answered(entry)
        self._entries.append(entry)

    def counters(self) -> Mapping[str, dict[str, Any]]:
        return {name: log.as_json() for name, log in self._by_vendor.items()}

    def recent(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The last requests, oldest first."""
        entries = list(self._entries)
        return [asdict(entry) for entry in (entries if limit is None else entries[-limit:])]

    def reset(self) -> None:
        in_flight = {name: log.in_flight for name, log in self._by_vendor.items()}
        self._entries.clear()
        self._number = 0
        self._by_vendor = {name: VendorLog() for name in self._vendors}
        for name, count in in_flight.items():
            # They will be closed later on, and must not bring the counter below zero.
            self._by_vendor[name].in_flight = count
