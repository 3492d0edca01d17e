"""Scores the CDNOW customers with dbt and sends those whose scores changed to HubSpot.

The day of the scores is the DAG run's parameter `as_of`. Where this file is copied into another
DAGs folder, CDNOW_HOME says where the example is; the other variables are those of its README.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

from airflow_provider_tailrace.operators.sync import TailraceSyncOperator

HOME = os.environ.get("CDNOW_HOME") or str(Path(__file__).resolve().parents[2])

with DAG(
    dag_id="cdnow",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"as_of": Param("1998-01-31", type="string", format="date")},
    doc_md=__doc__,
):
    score = BashOperator(
        task_id="score",
        cwd=str(Path(HOME) / "dbt"),
        bash_command='dbt build --profiles-dir . --vars "$DBT_VARS"',
        env={"DBT_VARS": '{"as_of": "{{ params.as_of }}"}'},
        append_env=True,
    )
    send = TailraceSyncOperator(
        task_id="customer_health_to_hubspot",
        sync="customer_health_to_hubspot",
        project_dir=HOME,
        # SQLite keeps the state, so every run has to be on this machine.
        allow_local_state=True,
        retries=2,
        retry_delay=timedelta(seconds=30),
    )
    score >> send
