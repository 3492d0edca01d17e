"""`TailraceSyncOperator`: sends what has changed in a model since the last run."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator, mask_secret

from airflow_provider_tailrace.exits import ON_BUSY, ON_QUOTA, Waiting, exception_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from tailrace import Progress, Project, RunReport
    from tailrace.run_options import RunArguments

REPORT_KEY = "tailrace_report"


class TailraceSyncOperator(BaseOperator):
    """Runs one sync of a Tailrace project inside of the task.

    Returns the run report (at most 32 KB, samples cut to 20 rows), also pushed as
    `tailrace_report` before anything is raised, since a failed task returns nothing.

    A rejected row above the sync's tolerance, a wrong configuration, a guard's refusal and a lost
    state fail the task at once. What is left unfinished raises the engine's own error, so that the
    task's retries apply, and a retry goes on where the run was. Waiting for another run or for the
    account's quota gives the slot back and uses up no retry. A kill stops the run within 3 seconds.

    Args:
        sync: A name in the project, or a mapping with the keys of a sync file.
        project_dir: The folder with tailrace.yml; else `[tailrace] project_dir`, else the
            environment variable `TAILRACE_PROJECT`.
        target: One of the project's targets; else `[tailrace] target`.
        full_refresh: Send every row, changed or not.
        dry_run: Count and guard only, and send nothing. Returns the plan without its rows,
            `status` planned; broken guards are in its `breaches`.
        allow_guard: Guards that may be broken this once.
        on_busy: While another run of the sync works: `wait` (reschedule in a minute), `skip`,
            `fail`.
        on_quota: When the account's quota is spent: `reschedule` at the time it is back, `fail`.
        max_wait: How long `wait` and `reschedule` go on, counted from the first time.
        allow_local_state: Keep state in a SQLite file although the executor may run tasks on other
            machines.

    Raises:
        ValueError: `on_busy` or `on_quota` is none of those words.
    """

    template_fields: Sequence[str] = (
        "sync",
        "project_dir",
        "target",
        "full_refresh",
        "dry_run",
        "allow_guard",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"sync": "json", "allow_guard": "json"}
    ui_color = "#dceef2"

    def __init__(
        self,
        *,
        sync: str | Mapping[str, Any],
        project_dir: str | None = None,
        target: str | None = None,
        full_refresh: bool | str = False,
        dry_run: bool | str = False,
        allow_guard: str | Collection[str] = (),
        on_busy: str = "wait",
        on_quota: str = "reschedule",
        max_wait: timedelta = timedelta(hours=24),
        allow_local_state: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sync = sync
        self.project_dir = project_dir
        self.target = target
        self.full_refresh = full_refresh
        # BaseOperator has a method of this name, which nothing calls.
        self.dry_run = dry_run  # type: ignore[method-assign,assignment]
        self.allow_guard = allow_guard
        self.on_busy = _one_of("on_busy", on_busy, ON_BUSY)
        self.on_quota = _one_of("on_quota", on_quota, ON_QUOTA)
        self.max_wait = max_wait
        self.allow_local_state = allow_local_state
        self._killed = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the sync; see the class for what is returned and raised."""
        from tailrace.errors import TailraceError

        self._killed = False
        try:
            report = self._work(context)
        except TailraceError as error:
            if error.report is not None:
                self._push(context, _small(error.report))
            raised = exception_for(
                error, self._waiting(context), on_busy=self.on_busy, on_quota=self.on_quota
            )
            if raised is error:
                raise
            raise raised from error
        self._push(context, report)
        return report

    def on_kill(self) -> None:
        """Ask the run to stop: it settles what is in flight and ends."""
        self._killed = True

    def _work(self, context: Context) -> dict[str, Any]:
        from airflow_provider_tailrace import settings
        from tailrace import Project

        full_refresh = settings.flag(self.full_refresh, "full_refresh")
        dry_run = settings.flag(self.dry_run, "dry_run")
        project = Project.load(
            settings.project_dir(self.project_dir), target=settings.target(self.target)
        )
        if not settings.local_state_allowed(given=self.allow_local_state):
            settings.refuse_local_state(project, settings.Executors.of(self.executor))
        for secret in settings.secrets_of(project, self.sync):
            mask_secret(secret)
        self._stop_if_killed()
        with self._watched() as look:
            arguments: RunArguments = {
                "progress": look,
                "allow_guard": settings.names(self.allow_guard),
                "full_refresh": full_refresh,
                "caller": "airflow",
                "labels": _labels(context),
            }
            return (self._plan if dry_run else self._run)(project, arguments)

    def _run(self, project: Project, arguments: RunArguments) -> dict[str, Any]:
        report = project.run(self.sync, **arguments)
        self._stop_if_killed(report)
        return _small(report)

    def _plan(self, project: Project, arguments: RunArguments) -> dict[str, Any]:
        from airflow_provider_tailrace.xcom import small_plan

        plan = project.plan(self.sync, **arguments)
        self._stop_if_killed()
        for breach in plan.breaches:
            self.log.warning("a run would be refused: %s", breach.message)
        return small_plan(plan)

    @contextmanager
    def _watched(self) -> Iterator[Callable[[Progress], None]]:
        """What a run calls with its progress: logs it, and ends the run after a kill."""
        from tailrace.cli.watching import LineWatch

        name = self.sync if isinstance(self.sync, str) else str(self.sync.get("name", "inline"))
        with LineWatch(self.log.info).of(name) as tell:

            def look(progress: Progress) -> None:
                tell(progress)
                if progress.phase != "done":
                    self._stop_if_killed()

            yield look

    def _stop_if_killed(self, report: RunReport | None = None) -> None:
        # A killed task must not end as a success, not even where its run was done by then.
        if self._killed:
            from tailrace.errors import Cancelled

            raise Cancelled("the task was killed", signal_number=signal.SIGTERM, report=report)

    def _waiting(self, context: Context) -> Waiting:
        return Waiting(self.max_wait, lambda: context["ti"].get_first_reschedule_date(context))

    def _push(self, context: Context, report: dict[str, Any]) -> None:
        context["ti"].xcom_push(key=REPORT_KEY, value=report)


def _small(report: RunReport) -> dict[str, Any]:
    from airflow_provider_tailrace.xcom import small_report

    return small_report(report)


def _labels(context: Context) -> dict[str, str]:
    task = context["ti"]
    return {"dag": task.dag_id, "task": task.task_id, "run": task.run_id}


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return value
