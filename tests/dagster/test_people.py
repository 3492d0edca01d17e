"""Syncs as assets, by `materialize`: real core, the sandbox as HubSpot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import contacts_project as contacts
import dagster as dg
import pytest
from conftest import HERE, KEY, make_assets, wait_for

from dagster_tailrace import TailraceResource
from tailrace import Project

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import People

    from tailrace.sandbox import Sandbox

ENDS_WITHIN_S = 5.0
MANY = 9_000


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, str]]:
    """The recorded checks of a run: passed, and severity."""
    return {
        check.check_name: (check.passed, check.severity.value)
        for check in result.get_asset_check_evaluations()
    }


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(result.job_def.nodes[0].name)
    assert made.asset_key == KEY
    return {name: value.value for name, value in made.metadata.items()}


def materialized(result: dg.ExecuteInProcessResult) -> int:
    return len(result.get_asset_materialization_events())


def test_sends_every_row_and_says_so(people: People) -> None:
    result = people.materialize()
    assert result.success
    assert len(contacts.delivered(people.sandbox)) == 250
    metadata = metadata_of(result)
    report = metadata["run report"]
    assert metadata["dagster/row_count"] == metadata["tailrace/accepted"] == 250
    assert metadata["tailrace/run_id"] == report["run_id"]
    assert metadata["tailrace/status"] == report["status"] == "done"
    assert {name: metadata[f"tailrace/{name}"] for name in report["counts"]} == report["counts"]
    assert metadata["tailrace/requests"] == people.sandbox.counters("hubspot")["total"]
    assert checks_of(result) == {"no_rejected_rows": (True, "WARN"), "guard": (True, "ERROR")}


def test_nothing_to_send_is_a_materialization_of_nothing(people: People) -> None:
    people.materialize()
    requests = people.sandbox.counters("hubspot")["total"]
    metadata = metadata_of(people.materialize())
    assert metadata["dagster/row_count"] == 0
    assert metadata["tailrace/unchanged"] == 250
    assert people.sandbox.counters("hubspot")["total"] == requests
    assert metadata_of(people.materialize({"full_refresh": True}))["dagster/row_count"] == 250


def test_a_refused_row_fails_the_step_and_its_checks_are_recorded(people: People) -> None:
    people.materialize()
    refused = f"update people set level = '{contacts.REFUSED_LEVEL}' where id = '7'"
    contacts.change(people.folder, refused)
    result = people.materialize()
    assert not result.success
    assert materialized(result) == 0
    assert checks_of(result) == {"no_rejected_rows": (False, "ERROR"), "guard": (True, "ERROR")}
    failure = failure_of(result)
    assert failure.metadata[contacts.SYNC].value["status"] == "rejected"
    assert failure.metadata[contacts.SYNC].value["counts"]["rejected"] == 1
    (check, _) = sorted(result.get_asset_check_evaluations(), key=lambda one: -len(one.metadata))
    (row,) = check.metadata["rejected rows"].records
    assert row.data["key"] == "7"


def failure_of(result: dg.ExecuteInProcessResult) -> Any:
    (event,) = result.get_step_failure_events()
    return event.step_failure_data.user_failure_data


def test_a_row_refused_within_the_tolerance_is_a_warning(people: People) -> None:
    file = people.folder / "syncs" / "people.yml"
    file.write_text(contacts.FILE + "tolerate: {rejected: 1}\n", encoding="utf-8")
    refused = f"update people set level = '{contacts.REFUSED_LEVEL}' where id = '7'"
    contacts.change(people.folder, refused)
    result = people.materialize()
    assert result.success
    assert metadata_of(result)["dagster/row_count"] == 249
    assert checks_of(result)["no_rejected_rows"] == (False, "WARN")


def test_a_refused_plan_fails_before_the_first_request(people: People) -> None:
    people.materialize()
    requests = people.sandbox.counters("hubspot")["total"]
    contacts.change(people.folder, "delete from people")
    result = people.materialize()
    assert not result.success
    assert materialized(result) == 0
    assert checks_of(result) == {"guard": (False, "ERROR")}
    assert failure_of(result).metadata[contacts.SYNC].value["exit_code"] == 3
    assert people.sandbox.counters("hubspot")["total"] == requests
    assert people.materialize({"allow_guard": ["empty", "max_removed"]}).success


def test_a_dry_run_observes_and_materialises_nothing(people: People) -> None:
    result = people.materialize({"dry_run": True})
    assert result.success
    assert materialized(result) == 0
    assert people.sandbox.counters("hubspot")["total"] == 0
    (event,) = result.get_asset_observation_events()
    metadata = event.asset_observation_data.asset_observation.metadata
    assert metadata["tailrace/added"].value == 250
    assert "samples" not in metadata["plan"].value


def test_a_failure_of_the_configuration_is_no_retry(people: People) -> None:
    contacts.change(people.folder, "alter table people drop column level")
    policy = dg.RetryPolicy(max_retries=2)
    result = dg.materialize(
        [make_assets(people.folder, retry_policy=policy)],
        resources={"tailrace": TailraceResource(project_dir=str(people.folder))},
        raise_on_error=False,
    )
    assert not result.success
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert failure_of(result).metadata[contacts.SYNC].value["exit_code"] == 2


def test_only_the_selected_asset_is_run(people: People) -> None:
    second = contacts.FILE.replace("people_to_hubspot", "levels").replace("contacts", "companies")
    (people.folder / "syncs" / "levels.yml").write_text(second, encoding="utf-8")
    assets = make_assets(people.folder)
    assert {key.to_user_string() for key in assets.keys} == {
        "hubspot/contacts",
        "hubspot/companies",
    }
    result = dg.materialize(
        [assets],
        selection=[KEY],
        resources={"tailrace": TailraceResource(project_dir=str(people.folder))},
    )
    made = [event.asset_key for event in result.get_asset_materialization_events()]
    assert made == [KEY]
    assert {check.asset_key for check in result.get_asset_check_evaluations()} == {KEY}


def test_one_sync_that_fails_does_not_stop_the_others(people: People) -> None:
    first = contacts.FILE.replace("people_to_hubspot", "a_broken_one")
    broken = first.replace("contacts", "companies").replace("table: people", "table: nowhere")
    (people.folder / "syncs" / "broken.yml").write_text(broken, encoding="utf-8")
    result = people.materialize()
    assert not result.success
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [KEY]
    assert list(failure_of(result).metadata) == ["a_broken_one"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_heard_and_the_next_run_finishes(
    tmp_path: Path, sandbox: Sandbox, number: int
) -> None:
    folder = contacts.make_project(tmp_path / "people", MANY)
    environment = {**os.environ, **contacts.environment(sandbox)}
    sandbox.set_faults([{"match": {"vendor": "hubspot"}, "do": "slow", "delay_ms": 500}])
    process = subprocess.Popen(
        [sys.executable, str(HERE / "slow_job.py"), str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for("a request", lambda: contacts.has_rows(sandbox) or process.poll() is not None, 60)
        process.send_signal(number)
        told = time.monotonic()
        said, log = process.communicate(timeout=30)
        assert time.monotonic() - told < ENDS_WITHIN_S
    finally:
        process.kill()
        process.wait()
    assert said == "ended False\n"
    assert "DagsterExecutionInterruptedError" in log
    sandbox.set_faults([])
    first = len(contacts.delivered(sandbox))
    assert 0 < first < MANY
    report = Project.load(folder, env=environment).run(contacts.SYNC)
    # What was in flight is settled, so nothing is in doubt and nothing goes twice.
    assert (report.counts.accepted, report.counts.unchanged) == (MANY - first, first)
    assert set(sandbox.writes("hubspot", "contacts").values()) == {1}
