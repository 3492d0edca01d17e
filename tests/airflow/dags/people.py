"""One sync: its arguments given with the run, and with less time than it takes."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG

from airflow_provider_tailrace.operators.sync import TailraceSyncOperator

with DAG(
    dag_id="people",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"dry_run": False, "full_refresh": False},
):
    TailraceSyncOperator(
        task_id="send",
        sync="{{ 'people' }}_to_hubspot",
        project_dir=os.environ["PEOPLE_HOME"],
        dry_run="{{ params.dry_run }}",
        full_refresh="{{ params.full_refresh }}",
        retries=2,
        retry_delay=timedelta(0),
    )

with DAG(
    dag_id="people_in_time",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
):
    TailraceSyncOperator(
        task_id="send",
        sync="people_to_hubspot",
        project_dir=os.environ["PEOPLE_HOME"],
        execution_timeout=timedelta(seconds=6),
    )
