"""`tailrace rejected`: the rows that a destination has refused, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import projects
from tailrace.cli.options import common, of_syncs
from tailrace.cli.table import shortened, table

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tailrace.cli.settings import Settings
    from tailrace.project import Project

_HEAD = ("sync", "key", "code", "field", "attempts", "last", "message")


@click.command("rejected")
@of_syncs
@common
def command(
    settings: Settings, *, directory: Path, target: str | None, selectors: tuple[str, ...]
) -> int:
    """List the rejected rows of each sync: key, code, field, message, and how often it was tried.

    They are sent again when the row, the mapping or the destination's fields change.
    """
    from tailrace.cli.attempts import attempt_all, exit_code

    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    made = attempt_all(settings, names, lambda name: _rows(project, name))
    rows = [{"sync": one.sync, **row} for one in made for row in one.value or ()]
    errors = [one.failure() for one in made if one.error is not None]
    settings.result(
        _words(rows) if rows or not errors else "",
        {"rejected": rows, **({"errors": errors} if errors else {})},
    )
    return exit_code(made)


def _rows(project: Project, name: str) -> list[dict[str, Any]]:
    from tailrace.errors import StateLost

    try:
        return project.rejected(name)
    except StateLost:
        if projects.remembers(project):
            raise
        return []


def _words(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no rejected rows"
    shown = [
        (
            row["sync"],
            row["key"],
            row["code"],
            row["field"],
            row["attempts"],
            row["last_at"],
            shortened(row["message"]),
        )
        for row in rows
    ]
    return table(_HEAD, shown)
