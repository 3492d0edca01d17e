"""How a run ended, as Airflow wants to be told: one exception for each exit class."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from tailrace.errors import Busy, QuotaExhausted, TailraceError, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

# Exit classes that trying again does not change.
FINAL = frozenset({1, 2, 3, 7})
ON_BUSY = ("wait", "skip", "fail")
ON_QUOTA = ("reschedule", "fail")

BUSY_WAIT = timedelta(seconds=60)


def reschedule(at: datetime) -> Exception:
    """The exception that gives the slot back until `at`, without using up a retry."""
    try:
        from airflow.sdk.exceptions import AirflowRescheduleException
    except ImportError:  # Airflow 3.1
        from airflow.exceptions import (  # type: ignore[no-redef,assignment,unused-ignore]
            AirflowRescheduleException,
        )

    made: Exception = AirflowRescheduleException(at)  # type: ignore[no-untyped-call]
    return made


@dataclass(frozen=True)
class Waiting:
    """How long a task waits for something that passes by itself.

    Args:
        max_wait: From the start that was rescheduled first to the last one.
        first_start: Tells when that was; None where the task was not rescheduled yet.
        now: The time, aware.
    """

    max_wait: timedelta
    first_start: Callable[[], datetime | None]
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)

    def until(self, moment: datetime, error: TailraceError) -> Exception:
        """Reschedule at `moment`, or fail where that is past `max_wait`."""
        now = self.now()
        first = self.first_start() or now
        if moment - first > self.max_wait:
            hours = self.max_wait / timedelta(hours=1)
            return AirflowFailException(f"{error} (waited long enough: max_wait is {hours:g} h)")
        return reschedule(max(moment, now))


def exception_for(
    error: TailraceError, waiting: Waiting, *, on_busy: str, on_quota: str
) -> BaseException:
    """What the task raises for `error`; `error` itself where Airflow's ordinary retries apply."""
    if isinstance(error, Busy):
        if on_busy == "skip":
            return AirflowSkipException(str(error))
        if on_busy == "wait":
            return waiting.until(waiting.now() + BUSY_WAIT, error)
        return AirflowFailException(str(error))
    if isinstance(error, Unfinished) and _only_waits(error):
        moment = _moment(error.not_before)
        if moment is not None:
            if on_quota == "reschedule":
                return waiting.until(moment, error)
            return AirflowFailException(str(error))
    return AirflowFailException(str(error)) if error.exit_code in FINAL else error


def _only_waits(error: Unfinished) -> bool:
    """The quota is spent, or all that is left is in a job that the vendor still runs."""
    if isinstance(error, QuotaExhausted):
        return True
    counts = error.report.counts if error.report else None
    return bool(counts and counts.pending and not counts.unknown and not counts.not_attempted)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
