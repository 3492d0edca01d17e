"""A task for each way in which a run may end; the engine is left out, Airflow's answer is real."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

from airflow_provider_tailrace.operators.sync import TailraceSyncOperator
from tailrace import errors

if TYPE_CHECKING:
    from airflow.sdk import Context


def ended(task: str) -> Exception | None:
    if task == "source_out_of_reach":
        return errors.SourceError("no warehouse", configuration=False)
    if task == "wrong_query":
        return errors.SourceError("no such column", configuration=True)
    if task == "quota":
        # Spent for the first start, back for the second one.
        marker = Path(os.environ["PEOPLE_HOME"]) / "started"
        if marker.exists():
            return None
        marker.touch()
        back = datetime.now(timezone.utc) + timedelta(seconds=1)
        return errors.QuotaExhausted("spent", not_before=back.isoformat())
    kinds = {
        "rejected": errors.RejectedRows,
        "config": errors.ConfigError,
        "refused": errors.GuardRefused,
        "busy_fails": errors.Busy,
        "busy_skips": errors.Busy,
        "unfinished": errors.Unfinished,
        "state_lost": errors.StateLost,
        "cancelled": errors.Cancelled,
    }
    return kinds[task](f"{task} on purpose")


class EndingOperator(TailraceSyncOperator):
    """Ends as its name says."""

    def _work(self, context: Context) -> dict[str, Any]:
        error = ended(self.task_id)
        if error is not None:
            raise error
        return {"status": "done"}


with DAG(
    dag_id="endings",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(0)},
):
    for name in (
        "rejected",
        "config",
        "wrong_query",
        "refused",
        "source_out_of_reach",
        "unfinished",
        "quota",
        "state_lost",
        "cancelled",
    ):
        EndingOperator(task_id=name, sync="any")
    EndingOperator(task_id="busy_skips", sync="any", on_busy="skip")
    EndingOperator(task_id="busy_fails", sync="any", on_busy="fail")
