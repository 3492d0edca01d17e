"""Reports that are small enough for XCom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace import Plan, RunReport

# An XCom is a row of Airflow's own database.
MAX_BYTES = 32 << 10
MAX_ROWS = 20
MAX_CHARACTERS = 300

_SAMPLES = ("rejected_sample", "invalid_sample")


def small_report(report: RunReport) -> dict[str, Any]:
    """The report of at most `MAX_BYTES` as JSON, which `RunReport.from_json` reads.

    Samples keep `MAX_ROWS` rows, texts `MAX_CHARACTERS`; counts are never touched.
    """
    document = _cut(report.to_dict())
    for name in _SAMPLES:
        document[name] = document[name][:MAX_ROWS]
    return _fitted(document)


def small_plan(plan: Plan) -> dict[str, Any]:
    """The plan without any row of it, `status` planned."""
    document = _cut(plan.to_dict())
    document["samples"] = {kind: [] for kind in document["samples"]}
    return {**document, "status": "planned"}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_CHARACTERS else value[: MAX_CHARACTERS - 1] + "…"
    if isinstance(value, dict):
        return {name: _cut(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cut(part) for part in value]
    return value


def _fitted(document: dict[str, Any]) -> dict[str, Any]:
    # Airflow writes what is not ASCII as \uXXXX, so some rows are longer than they look.
    for shorter in _with_fewer_rows(document):
        if len(json.dumps(shorter)) <= MAX_BYTES:
            return shorter
    raise ValueError(f"a run report is larger than {MAX_BYTES} bytes even without its samples")


def _with_fewer_rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    longest = max(len(document[name]) for name in _SAMPLES)
    for rows in range(longest, -1, -1):
        yield {**document, **{name: document[name][:rows] for name in _SAMPLES}}
