"""A sync as a task, by `dag.test()`: real operator, real core, the sandbox as HubSpot."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import contacts_project as contacts
from conftest import wait_for

from tailrace import Project, RunReport

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import DagProcess, People

    from tailrace.sandbox import Sandbox

# A supervisor follows its TERM with a KILL after five seconds.
ENDS_WITHIN_S = 5.0
MANY = 9_000


def test_sends_every_row_and_returns_the_report(people: People) -> None:
    ended = people.test()
    assert ended.states == {"send": ("success", 1)}
    assert contacts.delivered(people.sandbox) == {str(number): "low" for number in range(250)}
    report = RunReport.from_json(ended.xcoms["send"]["return_value"])
    assert (report.status, report.counts.accepted) == ("done", 250)
    assert ended.xcoms["send"]["tailrace_report"] == ended.xcoms["send"]["return_value"]
    assert "250 of 250 accepted" in ended.log
    assert contacts.TOKEN not in ended.log


def test_a_second_run_sends_nothing_and_a_full_refresh_everything(people: People) -> None:
    people.test()
    requests = people.sandbox.counters("hubspot")["total"]
    ended = people.test()
    assert ended.states == {"send": ("success", 1)}
    assert ended.xcoms["send"]["return_value"]["counts"]["unchanged"] == 250
    assert people.sandbox.counters("hubspot")["total"] == requests
    again = people.test(full_refresh=True)
    assert again.xcoms["send"]["return_value"]["counts"]["accepted"] == 250


def test_a_dry_run_counts_and_sends_nothing(people: People) -> None:
    ended = people.test(dry_run=True)
    assert ended.states == {"send": ("success", 1)}
    plan = ended.xcoms["send"]["return_value"]
    assert (plan["status"], plan["counts"]["added"]) == ("planned", 250)
    assert plan["samples"] == {"added": [], "changed": [], "removed": []}
    assert people.sandbox.counters("hubspot")["total"] == 0


def test_a_refused_row_fails_the_task_at_once_and_the_report_is_there(people: People) -> None:
    people.test()
    refused = f"update people set level = '{contacts.REFUSED_LEVEL}' where id = '7'"
    contacts.change(people.folder, refused)
    contacts.change(people.folder, "update people set level = 'high' where id = '8'")
    ended = people.test()
    assert ended.states == {"send": ("failed", 1)}
    assert "return_value" not in ended.xcoms["send"]
    report = RunReport.from_json(ended.xcoms["send"]["tailrace_report"])
    assert (report.status, report.counts.accepted, report.counts.rejected) == ("rejected", 1, 1)
    assert report.rejected_sample[0].key == "7"
    assert contacts.delivered(people.sandbox)["8"] == "high"


def test_a_timeout_stops_the_work_and_not_only_the_waiting(people: People) -> None:
    people.sandbox.set_faults([{"match": {"vendor": "hubspot"}, "do": "slow", "delay_ms": 500}])
    contacts.change(
        people.folder, f"insert into people select i, 'low' from range(250, {MANY}) t(i)"
    )
    ended = people.dags.test("people_in_time", people.environment, {})
    assert ended.states == {"send": ("failed", 1)}
    assert "AirflowTaskTimeout" in ended.log
    settled = len(contacts.delivered(people.sandbox))
    assert 0 < settled < MANY
    people.sandbox.set_faults([])
    again = people.test()
    assert again.xcoms["send"]["return_value"]["counts"]["accepted"] == MANY - settled


def test_a_kill_is_heard_and_the_next_run_finishes(
    own_process: DagProcess, tmp_path: Path, sandbox: Sandbox
) -> None:
    folder = contacts.make_project(tmp_path / "people", MANY)
    environment = {**contacts.environment(sandbox), "PEOPLE_HOME": str(folder)}
    sandbox.set_faults([{"match": {"vendor": "hubspot"}, "do": "slow", "delay_ms": 500}])
    ended = own_process.start("people", environment, {})
    wait_for("a request", lambda: contacts.has_rows(sandbox), 60)
    own_process.signal(signal.SIGTERM)
    killed = time.monotonic()
    wait_for("the task's end", lambda: "Cancelled: the task was killed" in own_process.log)
    assert time.monotonic() - killed < ENDS_WITHIN_S
    assert not ended.exists()  # a retry has begun, as after the eviction of a worker
    own_process.stop()
    sandbox.set_faults([])
    first = len(contacts.delivered(sandbox))
    assert 0 < first < MANY
    project = Project.load(folder, env={**os.environ, **contacts.environment(sandbox)})
    report = project.run(contacts.SYNC)
    # What was in flight at the kill is settled, so nothing is in doubt and nothing goes twice.
    assert (report.counts.accepted, report.counts.unchanged) == (MANY - first, first)
    assert len(contacts.delivered(sandbox)) == MANY
    assert set(sandbox.writes("hubspot", "contacts").values()) == {1}
