"""`tailrace run`: send what changed."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.cli import projects
from tailrace.cli.options import allowing_guards, common, of_a_shard, of_syncs

if TYPE_CHECKING:
    from tailrace.cli.attempts import Attempt
    from tailrace.cli.settings import Settings
    from tailrace.project import Project
    from tailrace.report import RunReport
    from tailrace.run_options import RunArguments


@click.command("run")
@of_syncs
@click.option("--full-refresh", is_flag=True, help="Send every row, changed or not.")
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Send exactly what this file of `tailrace plan -o` holds.",
)
@click.option(
    "--trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Add a line of JSON to this file for each request.",
)
@click.option(
    "--trace-bodies",
    is_flag=True,
    help="With --trace: with what was sent and answered, which is rows of the model.",
)
@of_a_shard
@allowing_guards
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    full_refresh: bool,
    plan_file: Path | None,
    trace: Path | None,
    trace_bodies: bool,
    shard: tuple[int, int] | None,
    together: str,
    allow_guards: tuple[str, ...],
) -> int:
    """Send what changed since the last run, and nothing else.

    Several syncs run one after the other, parents before those that come `after` them; one that
    fails stops only these, and the exit code is the most important one of all.
    """
    from tailrace.cli.attempts import attempt_in_order, exit_code
    from tailrace.cli.watching import watch_for

    project = projects.load(directory, target)
    arguments: RunArguments = {"allow_guard": allow_guards, "full_refresh": full_refresh}
    arguments.update(_tracing(trace, bodies=trace_bodies))
    if plan_file is not None:
        arguments["plan_file"] = plan_file
        names = [projects.only(project, selectors, "a plan file")]
    else:
        names = projects.chosen(project, selectors)
    if shard is not None:
        arguments["shard"] = (*shard, together)
    watch = watch_for(settings)
    began = _now()

    def run(name: str) -> RunReport:
        with watch.of(name) as look:
            told: RunArguments = {**arguments, "progress": look}
            return project.run(name, **told)

    made = attempt_in_order(settings, project.parents_first(names), run)
    found = [(one, _report(project, one, began)) for one in made]
    _show(settings, found, alone=len(names) == 1)
    return exit_code(made)


def _tracing(trace: Path | None, *, bodies: bool) -> RunArguments:
    if bodies and trace is None:
        raise click.UsageError("--trace-bodies says what goes into the file of --trace: name one")
    return {} if trace is None else {"trace": trace, "trace_bodies": bodies}


def _now() -> str:
    """In the form of a report's times, which sort as texts."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _report(project: Project, one: Attempt[RunReport], began: str) -> RunReport | None:
    """The run's report; that of a run that was stopped is in the state store alone."""
    from tailrace.errors import TailraceError
    from tailrace.report import RunReport

    report = one.value or getattr(one.error, "report", None)
    if report is not None or not one.stopped:
        return report
    try:
        newest = project.runs(one.sync, 1)
    except TailraceError:
        return None
    ours = newest and newest[0]["status"] == "cancelled" and newest[0]["started_at"] >= began
    return RunReport.from_json(newest[0]["report"]) if ours else None


def _show(
    settings: Settings,
    found: list[tuple[Attempt[RunReport], RunReport | None]],
    *,
    alone: bool,
) -> None:
    from tailrace.cli.show_report import summary

    if settings.json:
        documents = [report.to_dict() if report else one.failure() for one, report in found]
        settings.result("", documents[0] if alone else {"runs": documents})
    else:
        for one, report in found:
            if report is not None:
                settings.result(summary(report, one.code))
