"""The end of a run in words: counts, cost, the rows that failed, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.cli import exits
from tailrace.cli.streams import visible
from tailrace.cli.table import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tailrace.report import RowMessage, RunReport

SHOWN_ROWS = 5
_DIFF = ("unchanged", "added", "changed", "invalid")
_OUTCOMES = ("accepted", "rejected", "skipped", "pending", "unknown", "not_attempted")


def summary(report: RunReport, code: int) -> str:
    """Several lines about a run that ended with exit code `code`."""
    return "\n".join(_lines(report, code))


def _lines(report: RunReport, code: int) -> Iterator[str]:
    counts, http, seconds = report.counts, report.http, report.seconds
    total = seconds.read + seconds.diff + seconds.send + seconds.settle
    yield f"{visible(report.sync)}: {report.status} (run {visible(report.run_id)})"
    diff = _named(counts, _DIFF)
    yield f"  scanned {counts.scanned:,}{f': {diff}' if diff else ''}"
    if counts.planned:
        removed = f", {counts.removed:,} of them removed" if counts.removed else ""
        yield f"  planned {counts.planned:,}{removed}: {_named(counts, _OUTCOMES)}"
    else:
        yield "  nothing to send"
    extras = _named(http, ("retries", "rate_limited"))
    yield (
        f"  {http.requests:,} {'request' if http.requests == 1 else 'requests'}"
        f"{f', {extras}' if extras else ''}, {size(http.bytes_sent)} sent, {total:.1f} s"
        f" (read {seconds.read:.1f}, diff {seconds.diff:.1f}, send {seconds.send:.1f},"
        f" settle {seconds.settle:.1f})"
    )
    if report.state.in_doubt:
        yield f"  {report.state.in_doubt:,} rows in doubt: the next run sends them again"
    yield from _rows("rejected", counts.rejected, report.rejected_sample)
    yield from _rows("invalid", counts.invalid, report.invalid_sample)
    for breach in report.breaches:
        yield f"  guard {visible(breach.guard)}: {visible(breach.message)}"
    yield from (f"  {visible(note)}" for note in report.notes)
    guard = report.breaches[0].guard if report.breaches else None
    told = exits.advice(code, sync=report.sync, guard=guard, not_before=report.not_before)
    if told:
        yield f"  exit {code} ({report.status}): {told}"


def _named(counts: object, names: Sequence[str]) -> str:
    """`12 accepted, 3 rejected`: those that are not zero."""
    found = [(name.replace("_", " "), getattr(counts, name)) for name in names]
    return ", ".join(f"{count:,} {name}" for name, count in found if count)


def _rows(kind: str, count: int, sample: Sequence[RowMessage]) -> Iterator[str]:
    if not sample:
        return
    shown = sample[:SHOWN_ROWS]
    more = f" (the first {len(shown)} of {count:,})" if count > len(shown) else ""
    yield f"  {kind} rows{more}:"
    for row in shown:
        field = f" {visible(row.field)}:" if row.field else ""
        message = visible(shortened(row.message))
        # Some tools have a code and no words.
        said = f":{field} {message}" if row.message != row.code else field
        yield f"    {visible(row.key)}: {visible(row.code)}{said}"


def size(count: int) -> str:
    """Bytes as people read them: `512 B`, `1.2 MB`."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
