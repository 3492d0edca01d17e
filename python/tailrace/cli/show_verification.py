"""A verification and a trial in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.cli import exits
from tailrace.cli.streams import visible, visible_lines
from tailrace.cli.table import shortened, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.report import RowDifference, Trial, Verification

_COUNTS = ("checked", "equal", "missing", "different", "extra", "pending", "unreadable")
_SHOWN = 10


def show_verification(found: Verification, *, repaired: bool) -> str:
    """Counts, then the rows that do not compare as equal."""
    return "\n".join(_lines(found, repaired=repaired))


def _lines(found: Verification, *, repaired: bool) -> Iterator[str]:
    yield f"{visible(found.sync)}: the destination beside what was delivered"
    yield table(_COUNTS, [[getattr(found, name) for name in _COUNTS]], 2)
    for row in found.rows[:_SHOWN]:
        yield from _row(row)
    if len(found.rows) > _SHOWN:
        yield f"  and {len(found.rows) - _SHOWN:,} more (--json lists them)"
    if repaired and found.keys_to_repair:
        yield f"  sent again: {len(found.keys_to_repair):,} rows"
    elif not found.agrees:
        advice = f"`tailrace verify --select {found.sync} --repair` sends these rows again"
        yield f"  exit {exits.REJECTED}: records differ; {advice}"


def _row(row: RowDifference) -> Iterator[str]:
    yield f"  {visible(row.key)}: {visible(row.state)}"
    for one in row.fields:
        yield f"    {visible(one.field)}: {_value(one.theirs)} instead of {_value(one.ours)}"


def _value(value: str | None) -> str:
    return "nothing" if value is None else f'"{visible(shortened(value))}"'


def show_trial(trial: Trial) -> str:
    """Each request with its answer, as they are on the wire."""
    return "\n".join(_exchange(trial))


def _exchange(trial: Trial) -> Iterator[str]:
    for request in trial.requests:
        yield f"> {visible(request.method)} {visible(request.path)}"
        yield from _part(">", request.headers, request.body)
    for answer in trial.answers:
        yield f"< {answer.status or visible(answer.failure)}"
        yield from _part("<", answer.headers, answer.body)
    if trial.outcome is None:
        yield f"{visible(trial.key)}: nothing was sent; --send sends it"
    else:
        yield f"{visible(trial.key)}: {visible(trial.outcome)}"


def _part(mark: str, headers: dict[str, str], body: str) -> Iterator[str]:
    yield from (f"{mark} {visible(name)}: {visible(value)}" for name, value in headers.items())
    if body:
        yield visible_lines(body)
