"""What the demo did, in words and as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tailrace.demo.checking import Check
    from tailrace.report import RunReport

FORMAT = 1


@dataclass(frozen=True)
class Step:
    """One run of the demo. `seconds` is wall time, dbt not included."""

    title: str
    report: RunReport
    seconds: float

    def cells(self) -> list[object]:
        """A row of the demo's table: title, scanned, added, changed, sent, accepted, requests,
        seconds."""
        counts = self.report.counts
        return [
            self.title,
            counts.scanned,
            counts.added,
            counts.changed,
            counts.planned,
            counts.accepted,
            self.report.http.requests,
            round(self.seconds, 1),
        ]


HEAD = ("run", "scanned", "added", "changed", "sent", "accepted", "requests", "seconds")


@dataclass(frozen=True)
class Result:
    """`url` is the sandbox's page, `seconds` the time of the whole demo."""

    warehouse: str
    url: str
    steps: tuple[Step, ...]
    checks: tuple[Check, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every check was passed."""
        return all(check.ok for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        runs = [
            {
                "title": step.title,
                "seconds": round(step.seconds, 3),
                "report": step.report.to_dict(),
            }
            for step in self.steps
        ]
        return {
            "format": FORMAT,
            "status": "done" if self.ok else "failed",
            "warehouse": self.warehouse,
            "sandbox": self.url,
            "runs": runs,
            "checks": [asdict(check) for check in self.checks],
            "seconds": round(self.seconds, 3),
        }
