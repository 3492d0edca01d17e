"""The operator by itself: what it hands to the engine, what it returns, pushes and raises."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import contacts_project as contacts
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk.exceptions import AirflowRescheduleException
from fake_project import FakeProject, FakeTask

from airflow_provider_tailrace.operators.sync import TailraceSyncOperator
from tailrace import errors
from tailrace.report import Plan
from tailrace.report.plan import Sample, SampleRow
from tailrace.report.run_report import Breach

if TYPE_CHECKING:
    from collections.abc import Callable

REPORT = contacts.make_report(scanned=250, added=250, accepted=250)
PLAN = Plan(
    sync=contacts.SYNC,
    run_id="r_1",
    counts={"scanned": 2, "unchanged": 0, "added": 2, "changed": 0, "removed": 0, "invalid": 0},
    known=0,
    breaches=(Breach("max_added", 2, 1, False, "2 rows added, at most 1 are allowed"),),
    samples=Sample((SampleRow("7", "7", {"level": "private"}),), (), ()),
    requests=1,
    minutes=0.1,
    daily_share=None,
    plan_fingerprint="ab",
)


@dataclass
class Bench:
    """The operator on a fake project; `run` makes it and runs it as a task runner does."""

    project: FakeProject
    task: FakeTask

    def run(self, operator: TailraceSyncOperator | None = None, **arguments: Any) -> Any:
        made = operator or make(**arguments)
        context: Any = {"ti": self.task}
        return made.execute.__wrapped__(made, context)  # type: ignore[attr-defined]

    def raised(self, **arguments: Any) -> BaseException:
        with pytest.raises(BaseException) as caught:  # noqa: PT011
            self.run(**arguments)
        return caught.value


def make(**arguments: Any) -> TailraceSyncOperator:
    given = {"sync": contacts.SYNC, "project_dir": "/projects/people", **arguments}
    return TailraceSyncOperator(task_id="send", **given)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    project = FakeProject(REPORT)
    monkeypatch.setattr("tailrace.Project", project)
    return Bench(project, FakeTask())


def test_every_argument_reaches_the_engine(bench: Bench) -> None:
    bench.run(target="odd", full_refresh="True", allow_guard="max_removed, empty")
    assert bench.project.loaded == [("/projects/people", "odd")]
    ((name, sync, arguments),) = bench.project.calls
    assert (name, sync) == ("run", contacts.SYNC)
    assert arguments == {
        "allow_guard": ("max_removed", "empty"),
        "full_refresh": True,
        "caller": "airflow",
        "labels": {"dag": "crm", "task": "send", "run": "manual__1"},
    }


def test_a_sync_may_be_a_mapping(bench: Bench) -> None:
    bench.run(sync={"name": "inline", "model": "ref('a')"})
    assert bench.project.calls[0][1] == {"name": "inline", "model": "ref('a')"}


def test_returns_the_report_and_pushes_the_same(bench: Bench) -> None:
    report = bench.run()
    assert report["counts"]["accepted"] == 250
    assert bench.task.pushed == [("tailrace_report", report)]


def test_a_dry_run_plans_and_its_rows_stay_out_of_xcom(bench: Bench) -> None:
    bench.project.outcome = PLAN
    plan = bench.run(dry_run="true", full_refresh=True)
    assert [call[0] for call in bench.project.calls] == ["plan"]
    assert bench.project.calls[0][2]["full_refresh"] is True
    assert (plan["status"], plan["breaches"][0]["guard"]) == ("planned", "max_added")
    assert "private" not in str(plan)


@pytest.mark.parametrize("name", ["dry_run", "full_refresh"])
@pytest.mark.parametrize("value", ["yes", "", 1, None, "None"])
def test_a_flag_that_is_no_boolean_is_refused(bench: Bench, name: str, value: object) -> None:
    error = bench.raised(**{name: value})
    assert isinstance(error, AirflowFailException)
    assert f"{name} must be True or False" in str(error)
    assert not bench.project.calls


@pytest.mark.parametrize(("name", "value"), [("on_busy", "waits"), ("on_quota", "skip")])
def test_an_unknown_word_is_refused_when_the_dag_is_parsed(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be one of"):
        make(**{name: value})


def test_the_project_comes_from_the_environment_where_nothing_else_names_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no project is named" in str(bench.raised(project_dir=None))
    monkeypatch.setenv("TAILRACE_PROJECT", "/from/environment")
    bench.run(project_dir=None)
    monkeypatch.setenv("AIRFLOW__TAILRACE__PROJECT_DIR", "/from/section")
    monkeypatch.setenv("AIRFLOW__TAILRACE__TARGET", "prod")
    bench.run(project_dir=None)
    bench.run(project_dir="/given", target="dev")
    assert bench.project.loaded == [
        ("/from/environment", None),
        ("/from/section", "prod"),
        ("/given", "dev"),
    ]


# How it ended.

FINAL = [
    errors.RejectedRows("one row rejected", report=contacts.make_report("rejected", rejected=1)),
    errors.ConfigError("no such field"),
    errors.SourceError("no such column", configuration=True),
    errors.GuardRefused("too many", report=contacts.make_report("refused")),
    errors.StateLost("another store"),
]


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
def test_what_a_retry_does_not_change_fails_at_once(
    bench: Bench, error: errors.TailraceError
) -> None:
    bench.project.outcome = error
    raised = bench.raised()
    assert isinstance(raised, AirflowFailException)
    assert str(raised) == str(error)
    assert raised.__cause__ is error


def test_the_report_is_pushed_before_anything_is_raised(bench: Bench) -> None:
    bench.project.outcome = FINAL[0]
    bench.raised()
    ((key, report),) = bench.task.pushed
    assert (key, report["status"], report["counts"]["rejected"]) == (
        "tailrace_report",
        "rejected",
        1,
    )


@pytest.mark.parametrize(
    "error",
    [
        errors.Unfinished("no network"),
        errors.Unfinished("later", not_before="2099-01-01T00:00:00Z"),
        errors.SourceError("no warehouse"),
        errors.Cancelled("stopped"),
    ],
)
def test_what_a_retry_may_change_is_raised_as_it_is(
    bench: Bench, error: errors.TailraceError
) -> None:
    bench.project.outcome = error
    assert bench.raised() is error


def test_busy_waits_skips_or_fails(bench: Bench) -> None:
    bench.project.outcome = errors.Busy("another run")
    before = datetime.now(timezone.utc)
    waits = bench.raised()
    assert isinstance(waits, AirflowRescheduleException)
    assert timedelta(seconds=60) <= waits.reschedule_date - before < timedelta(seconds=70)
    assert isinstance(bench.raised(on_busy="skip"), AirflowSkipException)
    assert isinstance(bench.raised(on_busy="fail"), AirflowFailException)


def test_the_quota_reschedules_at_the_time_it_is_back_or_fails(bench: Bench) -> None:
    back = datetime.now(timezone.utc) + timedelta(hours=3)
    bench.project.outcome = errors.QuotaExhausted("spent", not_before=back.isoformat())
    waits = bench.raised()
    assert isinstance(waits, AirflowRescheduleException)
    assert waits.reschedule_date == back
    assert isinstance(bench.raised(on_quota="fail"), AirflowFailException)


def test_rows_in_a_running_job_of_the_vendor_reschedule_too(bench: Bench) -> None:
    back = datetime.now(timezone.utc) + timedelta(minutes=5)
    pending = contacts.make_report("unfinished", pending=9, not_before=back.isoformat())
    bench.project.outcome = errors.Unfinished("pending", report=pending)
    assert isinstance(bench.raised(), AirflowRescheduleException)
    doubt = contacts.make_report("unfinished", pending=9, unknown=1, not_before=back.isoformat())
    bench.project.outcome = errors.Unfinished("in doubt", report=doubt)
    assert bench.raised() is bench.project.outcome


@pytest.mark.parametrize("kind", ["busy", "quota"])
def test_waiting_ends_after_max_wait(bench: Bench, kind: str) -> None:
    now = datetime.now(timezone.utc)
    back = (now + timedelta(minutes=1)).isoformat()
    spent = errors.QuotaExhausted("spent", not_before=back)
    bench.project.outcome = errors.Busy("another run") if kind == "busy" else spent
    bench.task.first = now - timedelta(minutes=58)
    assert isinstance(bench.raised(max_wait=timedelta(hours=1)), AirflowRescheduleException)
    bench.task.first = now - timedelta(minutes=60)
    error = bench.raised(max_wait=timedelta(hours=1))
    assert isinstance(error, AirflowFailException)
    assert "max_wait is 1 h" in str(error)


# A kill.


def test_a_kill_ends_the_run_at_its_next_sign_of_life(bench: Bench) -> None:
    operator = make()
    bench.project.during = operator.on_kill
    with pytest.raises(errors.Cancelled) as caught:
        bench.run(operator)
    assert caught.value.exit_code == 143


def test_a_task_killed_at_the_end_of_its_run_is_no_success(bench: Bench) -> None:
    operator = make()
    bench.project.phases = ("done",)
    bench.project.during = operator.on_kill
    with pytest.raises(errors.Cancelled):
        bench.run(operator)
    assert bench.task.pushed[0][1]["counts"]["accepted"] == 250


def test_an_interruption_is_never_swallowed(bench: Bench) -> None:
    class Terminated(BaseException):
        pass

    def interrupt() -> None:
        raise Terminated

    bench.project.during = interrupt
    assert isinstance(bench.raised(), Terminated)


# State on one machine.


@pytest.mark.parametrize(
    ("configured", "own"),
    [
        ("CeleryExecutor", None),
        ("LocalExecutor,CeleryExecutor", None),
        ("LocalExecutor", "KubernetesExecutor"),
        ("team_a=LocalExecutor;team_b=my.module.Executor", None),
        ("other:LocalExecutor.but.not.it", None),
    ],
)
def test_a_local_state_is_refused_where_tasks_may_run_elsewhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, configured: str, own: str | None
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", configured)
    error = bench.raised(executor=own)
    assert isinstance(error, AirflowFailException)
    assert "SQLite" in str(error)
    assert "allow_local_state=True" in str(error)
    assert not bench.project.calls


@pytest.mark.parametrize("why", ["argument", "section", "executor", "state"])
def test_a_local_state_is_fine_where_somebody_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    executor = "LocalExecutor" if why == "executor" else "CeleryExecutor"
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    if why == "section":
        monkeypatch.setenv("AIRFLOW__TAILRACE__ALLOW_LOCAL_STATE", "True")
    bench.project.state_is_local = why != "state"
    bench.run(allow_local_state=why == "argument")
    assert bench.project.calls


def test_secrets_are_masked_before_the_run_starts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    masked: list[str] = []
    monkeypatch.setattr("airflow_provider_tailrace.operators.sync.mask_secret", masked.append)
    bench.project.secret = contacts.TOKEN
    bench.project.during = lambda: _see(masked)
    bench.run()
    assert masked == [contacts.TOKEN]


def _see(masked: list[str]) -> None:
    assert masked


def test_templates_are_the_fields_that_say_so() -> None:
    operator = make()
    assert set(operator.template_fields) == {
        "sync",
        "project_dir",
        "target",
        "full_refresh",
        "dry_run",
        "allow_guard",
    }
    rendered: Callable[..., None] = operator.render_template_fields
    operator.sync = {"name": "{{ who }}"}
    operator.allow_guard = ["{{ which }}"]
    operator.full_refresh = "{{ full }}"
    rendered({"who": "a", "which": "empty", "full": True})
    assert (operator.sync, operator.allow_guard, operator.full_refresh) == (
        {"name": "a"},
        ["empty"],
        "True",
    )


def test_the_errors_that_leave_a_worker_pickle() -> None:
    for error in FINAL:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.args, again.exit_code) == (
            type(error),
            error.args,
            error.exit_code,
        )
