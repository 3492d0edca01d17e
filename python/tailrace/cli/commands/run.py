"""`tailrace run`: send what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import projects
from tailrace.cli.options import common, of_syncs

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.cli.runs import Ended
    from tailrace.cli.settings import Settings


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
    from tailrace.cli.runs import Wanted, exit_code, run_all
    from tailrace.cli.watching import watch_for

    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    wanted = Wanted(allow_guards, full_refresh)
    ended = run_all(project, names, wanted, watch_for(settings), settings)
    _show(settings, ended, alone=len(names) == 1)
    return exit_code(ended)


def _show(settings: Settings, ended: list[Ended], *, alone: bool) -> None:
    from tailrace.cli.show_report import summary

    documents = [one.to_dict() for one in ended]
    parts = [summary(one.report, one.code) for one in ended if one.report is not None]
    if settings.json or parts:
        settings.result("\n".join(parts), documents[0] if alone else {"runs": documents})
