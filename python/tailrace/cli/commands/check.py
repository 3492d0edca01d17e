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
@click.option(
    "--live",
    is_flag=True,
    help="Also log in, and read the records of the model's first three rows. Only reads.",
)
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    offline: bool,
    live: bool,
) -> int:
    """Check files and models, then the mapped fields against the destination. Sends no row.

    With --live the first rows are held against their records, once there is no problem. Ends with 2
    where there is a problem.
    """
    from tailrace.cli.guarding import problem_document
    from tailrace.cli.show_look import show_look

    if live and offline:
        raise click.UsageError("--live asks the destination, and --offline does not")
    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    remarks: list[str] = []
    asked = names if selectors else (None,)
    problems = _problems(project, asked, remarks, offline=offline)
    seen = [project.look(name) for name in names] if live and not problems else []
    lines = [streams.visible_lines(str(one)) for one in (*problems, *remarks)]
    settings.result(
        "\n".join([*lines, *map(show_look, seen), _verdict(len(names), len(problems))]),
        {
            "ok": not problems,
            "syncs": names,
            "problems": [problem_document(problem) for problem in problems],
            "remarks": remarks,
            **({"live": [one.to_dict() for one in seen]} if live else {}),
        },
    )
    failed = problems or any(one.failure for one in seen)
    return exits.CONFIG if failed else exits.DONE


def _problems(
    project: Project, names: Sequence[str | None], remarks: list[str], *, offline: bool
) -> list[Problem]:
    """Without repeats: two syncs may share a broken connection. None is the whole project."""
    found: list[Problem] = []
    for name in names:
        found += project.check(name, offline=offline, remarks=remarks)
    return list(dict.fromkeys(found))


def _verdict(syncs: int, problems: int) -> str:
    looked = f"{syncs} {'sync' if syncs == 1 else 'syncs'} checked"
    if problems == 0:
        return f"{looked}: no problem found"
    return f"{looked}: {problems} {'problem' if problems == 1 else 'problems'}"
