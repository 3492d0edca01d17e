"""Runs DAGs of $AIRFLOW_HOME/dags by `dag.test()`, one after the other in this process.

Reads a JSON object a line from standard input: `dag_id`, `conf`, `environment` (variables to set
before the DAG is parsed) and `output`, a file that tells then how it ended: `state` of the run, and
by task `states` (state and number of the try) and `xcoms`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select


def run_dag(dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    bag = DagBag(Path(os.environ["AIRFLOW_HOME"]) / "dags")
    if bag.import_errors:
        return {"error": f"DAGs cannot be imported: {bag.import_errors}"}
    run = bag.dags[dag_id].test(run_conf=conf)
    tasks = {task.task_id: task for task in run.get_task_instances()}
    xcoms: dict[str, dict[str, Any]] = {name: {} for name in tasks}
    with create_session() as session:
        for row in session.scalars(select(XComModel).where(XComModel.run_id == run.run_id)):
            xcoms[row.task_id][row.key] = row.value
    return {
        "state": str(run.state),
        "states": {name: [str(task.state), task.try_number] for name, task in tasks.items()},
        "xcoms": xcoms,
    }


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.update(asked["environment"])
        ended = run_dag(asked["dag_id"], asked["conf"])
        # Whoever waits for the file must never see half of it.
        half = Path(f"{asked['output']}.half")
        half.write_text(json.dumps(ended), encoding="utf-8")
        half.rename(asked["output"])


if __name__ == "__main__":
    main()
