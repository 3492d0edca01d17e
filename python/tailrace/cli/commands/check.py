"""`tailrace check`: what is wrong, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import exits, projects, streams
from tailrace.cli.options import common, of_syncs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tailrace.cli.settings import Settings
    from tailrace.errors import Problem
    from tailrace.project import Project


@click.command("check")
@of_syncs
@click.option("--offline", is_flag=True, help="Ask the warehouse, but not the destination.")
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    offline: bool,
) -> int:
    """Check files and models, then the mapped fields against the destination. Sends no row.

    Ends with 2 where there is a problem.
    """
    from tailrace.cli.guarding import problem_document

    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    problems = _problems(project, names if selectors else (None,), offline=offline)
    lines = [streams.visible_lines(str(problem)) for problem in problems]
    settings.result(
        "\n".join([*lines, _verdict(len(names), len(problems))]),
        {
            "ok": not problems,
            "syncs": names,
            "problems": [problem_document(problem) for problem in problems],
        },
    )
    return exits.CONFIG if problems else exits.DONE


def _problems(project: Project, names: Sequence[str | None], *, offline: bool) -> list[Problem]:
    """Without repeats: two syncs may share a broken connection. None is the whole project."""
    found = [problem for name in names for problem in project.check(name, offline=offline)]
    return list(dict.fromkeys(found))


def _verdict(syncs: int, problems: int) -> str:
    looked = f"{syncs} {'sync' if syncs == 1 else 'syncs'} checked"
    if problems == 0:
        return f"{looked}: no problem found"
    return f"{looked}: {problems} {'problem' if problems == 1 else 'problems'}"
