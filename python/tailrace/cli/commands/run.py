"""`tailrace run`: send what changed."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from tailrace.cli import projects
from tailrace.cli.options import common, of_syncs

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.cli.attempts import Attempt
    from tailrace.cli.settings import Settings
    from tailrace.project import Project
    from tailrace.report import RunReport


@click.command("run")
@of_syncs
@click.option("--full-refresh", is_flag=True, help="Send every row, changed or not.")
@click.option(
    "--allow-guard",
    "allow_guards",
    metavar="NAME",
    multiple=True,
    help="Let this guard pass once; may be given several times.",
)
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    full_refresh: bool,
    allow_guards: tuple[str, ...],
) -> int:
    """Send what changed since the last run, and nothing else.

    Several syncs run one after the other; one that fails does not stop the others, and the exit
    code is the most important one of all.
    """
    from tailrace.cli.attempts import attempt_all, exit_code
    from tailrace.cli.watching import watch_for

    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    watch = watch_for(settings)
    began = _now()

    def run(name: str) -> RunReport:
        with watch.of(name) as look:
            return project.run(
                name, progress=look, allow_guard=allow_guards, full_refresh=full_refresh
            )

    made = attempt_all(settings, names, run)
    found = [(one, _report(project, one, began)) for one in made]
    _show(settings, found, alone=len(names) == 1)
    return exit_code(made)


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
