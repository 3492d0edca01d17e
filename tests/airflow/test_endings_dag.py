"""What Airflow makes of each way in which a run may end: states, and tries of three."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import DagProcess


def test_every_exit_class_ends_its_task_as_it_should(dags: DagProcess, tmp_path: Path) -> None:
    ended = dags.test("endings", {"PEOPLE_HOME": str(tmp_path)}, {})
    assert ended.states == {
        "rejected": ("failed", 1),
        "config": ("failed", 1),
        "wrong_query": ("failed", 1),
        "refused": ("failed", 1),
        "busy_fails": ("failed", 1),
        "busy_skips": ("skipped", 1),
        "source_out_of_reach": ("failed", 3),
        "unfinished": ("failed", 3),
        "quota": ("success", 1),
        "state_lost": ("failed", 1),
        "cancelled": ("failed", 3),
    }
    assert "Rescheduling task" in ended.log
