"""The demo: real scores of two days from dbt to the sandbox's HubSpot, then a run of no change."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.demo import cdnow, checking
from tailrace.demo.dbt_build import DbtBuild
from tailrace.demo.expected import model_rows
from tailrace.demo.requirements import refuse_missing
from tailrace.demo.result import Result, Step
from tailrace.errors import ConfigError, TailraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from tailrace.demo.checking import Check
    from tailrace.demo.expected import Rows
    from tailrace.report import Progress
    from tailrace.sandbox import Sandbox

    Watch = Callable[[str], AbstractContextManager[Callable[[Progress], None]]]

WAREHOUSES = ("duckdb", "postgres")
_VENDOR = "hubspot"


@contextmanager
def demo(
    example: Path,
    warehouse: str,
    *,
    note: Callable[[str], None],
    watch: Watch,
    show_dbt: bool = False,
) -> Iterator[Result]:
    """Run the whole demo; the sandbox and its page stay up until the context is left.

    Everything that was started is stopped and every file is removed on leaving, however that
    comes about.

    Args:
        example: The folder `examples/cdnow`; it is copied and not written to.
        warehouse: One of `WAREHOUSES`; `postgres` makes a cluster of its own.
        note: Takes a line about what happens.
        watch: Gives each run its progress callback.
        show_dbt: Let dbt's output through to standard error.

    Raises:
        ConfigError: Something is not installed, or the example is not there.
        TailraceError: dbt or a run failed.
    """
    start = time.monotonic()
    refuse_missing(warehouse)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tailrace-demo-")))
        cdnow.copy_example(example, folder)
        environment = cdnow.own_environment(os.environ)
        environment.update(_warehouse(stack, warehouse, folder, environment))
        play = _Play(
            folder=folder,
            environment=environment,
            warehouse=warehouse,
            note=note,
            watch=watch,
            show_dbt=show_dbt,
        )
        with play.build(cdnow.DAYS[0]) as build:
            sandbox = stack.enter_context(_sandbox(folder))
            note(f"sandbox: {sandbox.url} shows what arrives while the demo runs")
            build.finish()
        steps, checks = play.act(sandbox)
        yield Result(warehouse, sandbox.url, steps, checks, time.monotonic() - start)


def _warehouse(
    stack: ExitStack, warehouse: str, folder: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """Make the warehouse; returns the variables that lead dbt and the sync to it."""
    if warehouse == "duckdb":
        return cdnow.duckdb_environment(folder)
    from tailrace.demo.temporary_postgres import (
        PostgresUnavailableError,
        TemporaryPostgres,
    )

    try:
        server = stack.enter_context(TemporaryPostgres("cdnow"))
    except PostgresUnavailableError as error:
        raise ConfigError(str(error)) from None
    settings = cdnow.postgres_environment(server)
    loaded = subprocess.run(
        [sys.executable, str(folder / "load.py")],
        env={**environment, **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if loaded.returncode != 0:
        raise TailraceError(f"load.py failed with exit {loaded.returncode}\n{loaded.stderr}")
    return settings


def _sandbox(folder: Path) -> Sandbox:
    from tailrace.sandbox import Sandbox

    return Sandbox(cdnow.sandbox_settings(folder))


@dataclass(frozen=True, kw_only=True)
class _Play:
    """The three runs and what is looked at in between."""

    folder: Path
    environment: dict[str, str]
    warehouse: str
    note: Callable[[str], None]
    watch: Watch
    show_dbt: bool

    def build(self, as_of: str) -> DbtBuild:
        """dbt, started."""
        self.note(f"dbt: scores as of {as_of} on {self.warehouse}")
        return DbtBuild(self.folder / "dbt", as_of, self.environment, shown=self.show_dbt)

    def act(self, sandbox: Sandbox) -> tuple[tuple[Step, ...], tuple[Check, ...]]:
        """Needs the first day's scores; raises TailraceError where a run fails."""
        self.environment.update(HUBSPOT_BASE_URL=sandbox.url, HUBSPOT_TOKEN="demo")  # noqa: S106
        january = model_rows(self.folder, self.environment)
        steps = [self._sync(f"scores of {cdnow.DAYS[0]}")]
        checks = [self._arrived(sandbox, january, "first")]
        before = sandbox.writes(_VENDOR, cdnow.OBJECT)

        with self.build(cdnow.DAYS[1]) as build:
            build.finish()
        february = model_rows(self.folder, self.environment)
        changed = {key for key, row in february.items() if january.get(key) != row}
        steps.append(self._sync(f"scores of {cdnow.DAYS[1]}"))
        writes = sandbox.writes(_VENDOR, cdnow.OBJECT)
        checks += [
            self._arrived(sandbox, february, "second"),
            checking.written(before, writes, changed),
            checking.created_once(_object(sandbox), len(february)),
        ]

        requests = sandbox.counters(_VENDOR)["total"]
        steps.append(self._sync("the same again"))
        checks.append(checking.no_requests(requests, sandbox.counters(_VENDOR)["total"]))
        return tuple(steps), tuple(checks)

    def _sync(self, title: str) -> Step:
        from tailrace.project import Project

        # Loaded anew for each run, as a DAG does: dbt has written another manifest.
        project = Project.load(self.folder, target=self.warehouse, env=self.environment)
        start = time.monotonic()
        with self.watch(title) as look:
            report = project.run(cdnow.SYNC, progress=look)
        return Step(title, report, time.monotonic() - start)

    def _arrived(self, sandbox: Sandbox, model: Rows, run: str) -> Check:
        settings = cdnow.sandbox_settings(self.folder)
        properties = settings["vendors"][_VENDOR]["properties"][cdnow.OBJECT]
        numbers = [name for name, part in properties.items() if part["type"] == "number"]
        records = sandbox.records(_VENDOR, cdnow.OBJECT)
        name = f"after the {run} run every customer is there once, with the model's values"
        return checking.arrived(records, model, cdnow.MATCH, numbers, name=name)


def _object(sandbox: Sandbox) -> dict[str, Any]:
    state = sandbox.state(records=False, writes=False)
    return dict(state["vendors"][_VENDOR]["objects"][cdnow.OBJECT])
