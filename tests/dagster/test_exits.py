"""What a step raises for each way in which its runs may end."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import contacts_project as contacts
import dagster as dg
import pytest
from conftest import make_assets

from dagster_tailrace import TailraceResource
from dagster_tailrace.exits import Failed, exception_for
from tailrace import errors

NOW = datetime(2026, 11, 22, 20, tzinfo=timezone.utc)


def raised(*found: errors.TailraceError) -> Exception:
    failed = [Failed(f"sync_{number}", error) for number, error in enumerate(found)]
    return exception_for(failed, 5, lambda: NOW)


def later(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


@pytest.mark.parametrize(
    "error",
    [
        errors.RejectedRows("one row", report=contacts.make_report("rejected", rejected=1)),
        errors.ConfigError("no such field"),
        errors.SourceError("no such column", configuration=True),
        errors.GuardRefused("too many"),
        errors.StateLost("another store"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_retry_does_not_change_is_a_failure(error: errors.TailraceError) -> None:
    failure = raised(error)
    assert isinstance(failure, dg.Failure)
    assert not failure.allow_retries
    assert failure.description == f"sync_0: {error}"
    facts: Any = failure.metadata["sync_0"].value
    assert (facts["status"], facts["exit_code"]) == (error.status, error.exit_code)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.Busy("another run"), 0),
        (errors.SourceError("no warehouse"), 0),
        (errors.Unfinished("left over"), 0),
        (errors.Unfinished("left over", not_before=later(10)), 600),
        (errors.Unfinished("left over", not_before=later(-10)), 0),
        (errors.QuotaExhausted("spent", not_before="2026-11-22T20:15:00Z"), 900),
    ],
)
def test_what_a_retry_may_change_asks_for_one_when_it_may(
    error: errors.TailraceError, seconds: float
) -> None:
    retry = raised(error)
    assert isinstance(retry, dg.RetryRequested)
    assert (retry.max_retries, retry.seconds_to_wait) == (5, seconds)


def test_a_step_does_not_hold_its_process_for_longer_than_a_quarter_of_an_hour() -> None:
    failure = raised(errors.QuotaExhausted("spent", not_before=later(15.1)))
    assert isinstance(failure, dg.Failure)
    facts: Any = failure.metadata["sync_0"].value
    assert facts["not_before"] == later(15.1)


def test_of_several_failures_one_that_stays_decides() -> None:
    failure = raised(errors.Busy("another run"), errors.ConfigError("wrong"))
    assert isinstance(failure, dg.Failure)
    assert failure.description == "sync_0: another run\nsync_1: wrong"
    retry = raised(errors.Busy("x"), errors.Unfinished("y", not_before=later(3)))
    assert isinstance(retry, dg.RetryRequested)
    assert retry.seconds_to_wait == 180


class Scripted:
    """Stands for `tailrace.Project`: its runs end as told, one after the other."""

    directory = Path("/projects/people")
    state_is_local = True

    def __init__(self, *endings: Any) -> None:
        self._endings = list(endings)
        self.calls: list[dict[str, Any]] = []

    def load(self, directory: str, *, target: str | None = None) -> "Scripted":
        self.calls.append({"directory": directory, "target": target})
        return self

    def run(self, sync: str, **arguments: Any) -> Any:
        del arguments["progress"]
        self.calls.append({"sync": sync, **arguments})
        ending = self._endings.pop(0)
        if isinstance(ending, BaseException):
            raise ending
        return ending


def materialize(
    scripted: Scripted, folder: Path, monkeypatch: pytest.MonkeyPatch, **resource: Any
) -> dg.ExecuteInProcessResult:
    assets = make_assets(
        contacts.make_project(folder, 1), wanted={"full_refresh": True, "allow_guard": ["empty"]}
    )
    monkeypatch.setattr("tailrace.Project", scripted)
    return dg.materialize(
        [assets],
        resources={"tailrace": TailraceResource(project_dir="/odd", target="odd", **resource)},
        raise_on_error=False,
    )


DONE = contacts.make_report("done", scanned=3, added=3, accepted=3)


def test_every_argument_reaches_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted(DONE)
    result = materialize(scripted, tmp_path / "people", monkeypatch)
    assert result.success
    load, run = scripted.calls
    assert load == {"directory": "/odd", "target": "odd"}
    labels = run.pop("labels")
    assert run == {
        "sync": contacts.SYNC,
        "allow_guard": ["empty"],
        "full_refresh": True,
        "caller": "dagster",
    }
    assert labels["run"] == result.run_id


def test_an_unfinished_run_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = Scripted(errors.Unfinished("left over"), errors.Unfinished("left over"), DONE)
    result = materialize(scripted, tmp_path / "people", monkeypatch, max_retries=2)
    assert result.success
    assert len([event for event in result.all_events if event.is_step_up_for_retry]) == 2


def test_retries_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted(*[errors.Unfinished("left over")] * 3)
    assert not materialize(scripted, tmp_path / "people", monkeypatch, max_retries=1).success
    assert len(scripted.calls) == 4


def test_a_busy_sync_is_waited_for_in_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_tailrace.resource._BUSY_PAUSE_S", 0.01)
    scripted = Scripted(errors.Busy("another run"), errors.Busy("another run"), DONE)
    result = materialize(scripted, tmp_path / "people", monkeypatch)
    assert result.success
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    again = Scripted(errors.Busy("another run"), DONE)
    result = materialize(again, tmp_path / "again", monkeypatch, busy_wait_seconds=0)
    assert result.success
    assert len([event for event in result.all_events if event.is_step_up_for_retry]) == 1


@pytest.mark.parametrize("allowed", [True, False])
def test_a_local_state_is_refused_where_runs_may_start_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    monkeypatch.setattr("dagster_tailrace.resource._LOCAL_LAUNCHERS", frozenset())
    scripted = Scripted(DONE)
    result = materialize(scripted, tmp_path / "people", monkeypatch, allow_local_state=allowed)
    assert result.success is allowed
    assert len(scripted.calls) == (2 if allowed else 1)
