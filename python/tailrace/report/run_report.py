"""The run report: one schema, versioned by `format`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tailrace.report.reading import parse, take

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1


@dataclass(frozen=True)
class Counts:
    """Rows of the run. `scanned` and `planned` are sums that the core asserts."""

    scanned: int
    unchanged: int
    added: int
    changed: int
    removed: int
    invalid: int
    accepted: int
    rejected: int
    skipped: int
    pending: int
    unknown: int
    not_attempted: int

    @property
    def planned(self) -> int:
        """Rows of the changeset."""
        return self.added + self.changed + self.removed


@dataclass(frozen=True)
class HttpCounts:
    """Requests of the run; `calls_left` is the vendor's own figure, None where it tells none."""

    requests: int
    retries: int
    rate_limited: int
    bytes_sent: int
    calls_left: float | None


@dataclass(frozen=True)
class PhaseSeconds:
    """Wall time of each phase, seconds."""

    read: float
    diff: float
    send: float
    settle: float


@dataclass(frozen=True)
class RowMessage:
    """Why one row was rejected or invalid. `field` is the destination's, may be empty."""

    key: str
    code: str
    message: str
    field: str


@dataclass(frozen=True)
class Breach:
    """A guard that was broken. `limit` is in percent of the known keys where `percent` is set."""

    guard: str
    value: float
    limit: float
    percent: bool
    message: str

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Breach:
        """Raises ValueError where a member is missing."""
        limit = document.get("limit")
        if not isinstance(limit, dict):
            raise ValueError("a breach lacks its limit")
        flat = {**document, "limit": limit.get("value"), "percent": limit.get("percent")}
        return take(cls, flat, "a breach")

    def to_dict(self) -> dict[str, Any]:
        """The form of the report."""
        return {
            "guard": self.guard,
            "value": self.value,
            "limit": {"value": self.limit, "percent": self.percent},
            "message": self.message,
        }


@dataclass(frozen=True)
class StateMark:
    """Where the state stood at the end; handed to the next run as `expect_state`."""

    store_id: str
    epoch: int
    last_seq: int
    in_doubt: int


@dataclass(frozen=True)
class RunReport:
    """How a run ended. Times are RFC 3339 in UTC; samples are of at most 20 rows; `notes` is what
    the run has to say besides."""

    run_id: str
    sync: str
    status: str
    message: str
    started_at: str
    ended_at: str
    counts: Counts
    http: HttpCounts
    seconds: PhaseSeconds
    peak_rss_bytes: int
    not_before: str | None
    rejected_sample: tuple[RowMessage, ...]
    invalid_sample: tuple[RowMessage, ...]
    breaches: tuple[Breach, ...]
    state: StateMark
    notes: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, document: str | bytes | Mapping[str, Any]) -> RunReport:
        """Read a report.

        Raises:
            ValueError: It is no report, of another format, or lacks a field.
        """
        report = parse(document, "run report")
        if report.get("format", FORMAT) != FORMAT:
            raise ValueError(
                f"a run report of format {report['format']} is newer than this version"
            )
        parts = {
            **report,
            "counts": take(Counts, report.get("counts"), "the report's counts"),
            "http": take(HttpCounts, report.get("http"), "the report's http"),
            "seconds": take(PhaseSeconds, report.get("seconds"), "the report's seconds"),
            "state": take(StateMark, report.get("state"), "the report's state"),
            "rejected_sample": _messages(report, "rejected_sample"),
            "invalid_sample": _messages(report, "invalid_sample"),
            "breaches": tuple(Breach.from_dict(one) for one in report.get("breaches", ())),
            "notes": tuple(report.get("notes", ())),
        }
        return take(cls, parts, "the run report")

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        document = {"format": FORMAT, **asdict(self)}
        document["breaches"] = [breach.to_dict() for breach in self.breaches]
        for name in ("rejected_sample", "invalid_sample", "notes"):
            document[name] = list(document[name])
        return document

    def to_json(self) -> str:
        """The report as one JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


def _messages(report: Mapping[str, Any], name: str) -> tuple[RowMessage, ...]:
    rows = report.get(name, ())
    return tuple(take(RowMessage, row, f"a row of {name}") for row in rows)
