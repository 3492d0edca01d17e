"""What a run tells Dagster: materialization, checks, observation."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from dagster_tailrace.translator import LINEAGE_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tailrace import Plan, RunReport

NO_REJECTED_ROWS = "no_rejected_rows"
GUARD = "guard"
MAX_ROWS = 20

# Statuses of runs in which every row was sent, so that what was not rejected was accepted.
_SENT = frozenset({"done", "rejected"})


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of an asset."""
    return [
        dg.AssetCheckSpec(
            NO_REJECTED_ROWS,
            asset=key,
            description="No row was rejected by the destination or invalid in the model. A "
            "warning within the sync's tolerance, an error above it.",
        ),
        dg.AssetCheckSpec(
            GUARD, asset=key, description="The plan broke no guard. A broken one sends nothing."
        ),
    ]


def check_results(
    key: dg.AssetKey, report: RunReport, selected: Collection[dg.AssetCheckKey]
) -> Iterator[dg.AssetCheckResult]:
    """The checks that the run has an answer to, of those that were `selected`."""
    found = []
    if report.status in _SENT:
        found.append(_no_rejected_rows(key, report))
    if report.status in _SENT or report.status == "refused":
        found.append(_guard(key, report))
    for result in found:
        if dg.AssetCheckKey(key, str(result.check_name)) in selected:
            yield result


def _no_rejected_rows(key: dg.AssetKey, report: RunReport) -> dg.AssetCheckResult:
    counts = report.counts
    above = report.status == "rejected"
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=NO_REJECTED_ROWS,
        passed=counts.rejected + counts.invalid == 0,
        severity=dg.AssetCheckSeverity.ERROR if above else dg.AssetCheckSeverity.WARN,
        description=report.message if above else None,
        metadata={"rejected": counts.rejected, "invalid": counts.invalid, **_rejected(report)},
    )


def _guard(key: dg.AssetKey, report: RunReport) -> dg.AssetCheckResult:
    refused = report.status == "refused"
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=GUARD,
        passed=not refused,
        severity=dg.AssetCheckSeverity.ERROR,
        description=report.message if refused else None,
        metadata={
            breach.guard: dg.MetadataValue.json(breach.to_dict()) for breach in report.breaches
        },
    )


def materialization(spec: dg.AssetSpec, report: RunReport) -> dg.MaterializeResult[Any]:
    """The run that made the asset; `dagster/row_count` is what the destination accepted."""
    lineage = spec.metadata.get(LINEAGE_KEY)
    return dg.MaterializeResult(
        asset_key=spec.key,
        metadata={
            "dagster/row_count": report.counts.accepted,
            **_facts(report),
            **_rejected(report),
            **({} if lineage is None else {LINEAGE_KEY: lineage}),
            "run report": dg.MetadataValue.json(report.to_dict()),
        },
    )


def observation(key: dg.AssetKey, plan: Plan) -> dg.AssetObservation:
    """What a run would send, and no row of it."""
    document = plan.to_dict()
    del document["samples"]
    return dg.AssetObservation(
        asset_key=key,
        description="A plan; nothing was sent.",
        metadata={
            **{f"tailrace/{name}": count for name, count in plan.counts.items()},
            "tailrace/requests": plan.requests,
            "tailrace/status": "planned",
            "plan": dg.MetadataValue.json(document),
        },
    )


def _facts(report: RunReport) -> dict[str, Any]:
    http = report.http
    facts = {
        **asdict(report.counts),
        "requests": http.requests,
        "retries": http.retries,
        "rate_limited": http.rate_limited,
        "seconds": float(sum(asdict(report.seconds).values())),
        "run_id": report.run_id,
        "status": report.status,
    }
    return {f"tailrace/{name}": value for name, value in facts.items()}


def _rejected(report: RunReport) -> dict[str, Any]:
    rows = [*report.rejected_sample, *report.invalid_sample][:MAX_ROWS]
    if not rows:
        return {}
    return {"rejected rows": dg.MetadataValue.table([dg.TableRecord(asdict(row)) for row in rows])}
