"""`TailraceResource`: runs the syncs of a project inside of a step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from dagster_tailrace.events import check_results, materialization, observation
from dagster_tailrace.exits import Failed, exception_for
from dagster_tailrace.translator import SYNC_KEY
from tailrace.errors import Busy, Cancelled, ConfigError, TailraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tailrace import Project
    from tailrace.run_options import RunArguments

    Event = dg.MaterializeResult[Any] | dg.AssetCheckResult | dg.AssetObservation

T = TypeVar("T")

_BUSY_PAUSE_S = 5.0
# Launchers that start runs on this machine only.
_LOCAL_LAUNCHERS = frozenset({"DefaultRunLauncher", "SyncInMemoryRunLauncher"})


class TailraceResource(dg.ConfigurableResource[Any]):
    """A Tailrace project. It is read in the step, and connections are made there.

    Attributes:
        project_dir: The folder with tailrace.yml.
        target: One of the project's targets.
        allow_local_state: Keep state in a SQLite file although the run launcher may start runs on
            other machines, which do not see it and send every row again.
        max_retries: How often a step is started again after runs that ended unfinished, with the
            quota spent, or busy.
        busy_wait_seconds: How long a step waits for another run of the same sync.
    """

    project_dir: str
    target: str | None = None
    allow_local_state: bool = False
    max_retries: int = 3
    busy_wait_seconds: float = 300.0

    def run(
        self,
        context: dg.AssetExecutionContext,
        *,
        full_refresh: bool = False,
        allow_guard: Collection[str] = (),
        dry_run: bool = False,
    ) -> Iterator[Event]:
        """Run the syncs of the selected assets, one after the other.

        A sync that fails does not stop the others. Its checks are yielded, its asset is not
        materialised, and what is raised in the end names every one that failed.

        Args:
            context: Of an op made by `tailrace_assets`.
            full_refresh: Send every row, changed or not.
            allow_guard: Guards that may be broken this once.
            dry_run: Count and guard only: yields an observation for each asset, sends nothing.

        Raises:
            Failure: Trying again changes nothing, or not within 15 minutes.
            RetryRequested: Runs were left unfinished, without quota, or busy for too long.
        """
        failed: list[Failed] = []
        arguments: RunArguments = {
            "allow_guard": allow_guard,
            "full_refresh": full_refresh,
            "caller": "dagster",
            "labels": _labels(context),
        }
        for spec in _selected(context):
            sync = str(_plain(spec.metadata[SYNC_KEY]))
            try:
                if dry_run:
                    yield self._plan(context, spec, sync, arguments)
                else:
                    yield from self._sync(context, spec, sync, arguments)
            except Cancelled:
                raise
            except TailraceError as error:
                context.log.error(f"{sync}: {error}")  # noqa: TRY400  (raised again below)
                failed.append(Failed(sync, error))
        if failed:
            raise exception_for(failed, self.max_retries) from failed[0].error

    def _sync(
        self,
        context: dg.AssetExecutionContext,
        spec: dg.AssetSpec,
        sync: str,
        arguments: RunArguments,
    ) -> Iterator[Event]:
        from tailrace.cli.watching import LineWatch

        project = self._project(context)
        checks = context.selected_asset_check_keys
        try:
            with LineWatch(context.log.info).of(sync) as look:
                told: RunArguments = {**arguments, "progress": look}
                report = self._when_free(context, lambda: project.run(sync, **told))
        except TailraceError as error:
            if error.report is not None:
                yield from check_results(spec.key, error.report, checks)
            raise
        yield materialization(spec, report)
        yield from check_results(spec.key, report, checks)

    def _plan(
        self,
        context: dg.AssetExecutionContext,
        spec: dg.AssetSpec,
        sync: str,
        arguments: RunArguments,
    ) -> dg.AssetObservation:
        from tailrace.cli.watching import LineWatch

        project = self._project(context)
        with LineWatch(context.log.info).of(sync) as look:
            told: RunArguments = {**arguments, "progress": look}
            plan = self._when_free(context, lambda: project.plan(sync, **told))
        return observation(spec.key, plan)

    def _project(self, context: dg.AssetExecutionContext) -> Project:
        from tailrace import Project

        project = Project.load(self.project_dir, target=self.target)
        launcher = type(context.instance.run_launcher).__name__
        local = self.allow_local_state or launcher in _LOCAL_LAUNCHERS
        if not local and project.state_is_local:
            raise ConfigError(
                f"the state of the project in {project.directory} is a SQLite file, and "
                f"{launcher} may start runs on other machines, where a run would not see it and "
                "send every row again; keep the state in a database, or set allow_local_state: "
                "true where all runs are on this machine"
            )
        return project

    def _when_free(self, context: dg.AssetExecutionContext, work: Callable[[], T]) -> T:
        end = time.monotonic() + self.busy_wait_seconds
        while True:
            try:
                return work()
            except Busy as error:  # noqa: PERF203  (what the loop is for)
                left = end - time.monotonic()
                if left <= 0:
                    raise
                context.log.info(f"{error}; trying again in a moment")
                time.sleep(min(_BUSY_PAUSE_S, left))


def _selected(context: dg.AssetExecutionContext) -> list[dg.AssetSpec]:
    chosen = context.selected_asset_keys
    specs = [spec for spec in context.assets_def.specs if spec.key in chosen]
    foreign = [spec.key.to_user_string() for spec in specs if SYNC_KEY not in spec.metadata]
    if foreign:
        raise dg.DagsterInvariantViolationError(
            f"{', '.join(foreign)}: no asset of @tailrace_assets, so no sync belongs to it"
        )
    return specs


def _plain(value: object) -> object:
    return value.value if isinstance(value, dg.MetadataValue) else value


def _labels(context: dg.AssetExecutionContext) -> dict[str, str]:
    return {"job": context.job_name, "op": context.op_def.name, "run": context.run.run_id}
