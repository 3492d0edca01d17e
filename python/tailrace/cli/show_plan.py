"""A plan in words: counts, guards, exact values of a few rows, and the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.cli import exits
from tailrace.cli.streams import visible
from tailrace.cli.table import shortened, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tailrace.report import Plan, SampleRow

_COUNTS = ("scanned", "unchanged", "added", "changed", "removed", "invalid")


def show_plan(plan: Plan) -> str:
    """Several lines about what a run would do now."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"{visible(plan.sync)}: what a run would send now"
    names = [name for name in _COUNTS if name in plan.counts]
    yield table([*names, "known"], [[*(plan.counts[name] for name in names), plan.known]], 2)
    yield f"  {_cost(plan)}"
    yield from (f"  why: {visible(reason)}" for reason in plan.reasons)
    if plan.create_fields:
        made = ", ".join(map(str, plan.create_fields))
        yield f"  makes at the destination, before the first row: {visible(made)}"
    for breach in plan.breaches:
        limit = f"{breach.limit:g}{'%' if breach.percent else ' rows'}"
        yield (
            f"  refused by the guard {visible(breach.guard)} (limit {limit}):"
            f" {visible(breach.message)}"
        )
    for kind in ("added", "changed", "removed"):
        yield from _samples(kind, plan.counts.get(kind, 0), getattr(plan.samples, kind))
    yield f"  fingerprint {visible(plan.plan_fingerprint)}"
    guards = " --allow-guard ".join(dict.fromkeys(one.guard for one in plan.breaches))
    allowed = f" --allow-guard {guards}" if guards else ""
    for path in plan.parts or filter(None, [plan.file]):
        command = f"tailrace run --select {plan.sync} --plan {path}{allowed}"
        yield f"  written to {visible(path)}: `{visible(command)}`"
    if plan.breaches:
        yield f"  exit 3 (refused): {exits.advice(exits.REFUSED, sync=plan.sync, guard=guards)}"


def _cost(plan: Plan) -> str:
    if plan.requests == 0:
        return "0 requests: there is nothing to send"
    calls = f"{plan.requests:,} {'request' if plan.requests == 1 else 'requests'}"
    return f"{calls}, at least {_duration(plan.minutes)}{_share(plan.daily_share)}"


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{minutes * 60:.1f} s by the destination's limits"
    return f"{minutes:.1f} minutes by the destination's limits"


def _share(share: float | None) -> str:
    if share is None:
        return "; no daily limit is known"
    percent = "less than 0.1" if 0 < share < 0.001 else f"{share * 100:.1f}"
    return f"; {percent}% of the daily calls"


def _samples(kind: str, count: int, rows: Sequence[SampleRow]) -> Iterator[str]:
    if not rows:
        return
    yield f"  {kind} rows, {len(rows)} of {count:,}:"
    for row in rows:
        yield f"    {visible(row.key)}"
        wide = max((len(name) for name in row.fields), default=0)
        for name, value in row.fields.items():
            yield f"      {visible(name):{wide}}  {_value(value)}"


def _value(value: str | None) -> str:
    """Texts are quoted, so that NULL, "" and "NULL" can be told apart."""
    return "NULL" if value is None else f'"{visible(shortened(value))}"'
