"""How runs ended, as Dagster wants to be told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import dagster as dg

from tailrace.errors import Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tailrace import TailraceError

# Exit classes that trying again does not change.
FINAL = frozenset({1, 2, 3, 7})
# A waiting step holds its process, so a longer wait is left to whoever launches the next run.
LONGEST_WAIT_S = 15 * 60.0


@dataclass(frozen=True)
class Failed:
    """One sync that did not end well."""

    sync: str
    error: TailraceError

    def wait_s(self, now: datetime) -> float | None:
        """Seconds until trying again may help; None where that is not known."""
        told = self.error.not_before if isinstance(self.error, Unfinished) else None
        if told is None:
            return None
        moment = datetime.fromisoformat(told.replace("Z", "+00:00"))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        return max(0.0, (aware - now).total_seconds())

    def facts(self) -> dict[str, Any]:
        """For the failure's metadata."""
        report = self.error.report
        facts: dict[str, Any] = {"status": self.error.status, "exit_code": self.error.exit_code}
        if isinstance(self.error, Unfinished) and self.error.not_before:
            facts["not_before"] = self.error.not_before
        if report is not None:
            facts.update(run_id=report.run_id, counts=asdict(report.counts))
        return facts


def exception_for(
    failed: Sequence[Failed],
    max_retries: int,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> Exception:
    """What the step raises: a retry only where one may change every one of the failures."""
    waits = [one.wait_s(now()) or 0.0 for one in failed]
    final = any(one.error.exit_code in FINAL for one in failed)
    if not final and max(waits) <= LONGEST_WAIT_S:
        return dg.RetryRequested(max_retries=max_retries, seconds_to_wait=max(waits))
    return dg.Failure(
        description="\n".join(f"{one.sync}: {one.error}" for one in failed),
        metadata={one.sync: dg.MetadataValue.json(one.facts()) for one in failed},
        allow_retries=False,
    )
