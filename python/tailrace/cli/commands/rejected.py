"""`tailrace rejected`: the rows that a destination has refused, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tailrace.cli import projects
from tailrace.cli.options import Key, common, of_syncs
from tailrace.cli.table import shortened, table
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.cli.settings import Settings
    from tailrace.project import Project

_HEAD = ("sync", "key", "code", "field", "hold", "attempts", "last", "message")

# --retry without a key.
_ALL = object()


class _KeyOrAll(Key):
    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The flag alone stands for all rows."""
        return value if value is _ALL else super().convert(value, param, ctx)


@click.command("rejected")
@of_syncs
@click.option(
    "--retry",
    is_flag=False,
    flag_value=_ALL,
    type=_KeyOrAll(),
    metavar="[KEY]",
    help="Let the next run send this row again, or without a key all that are not parked.",
)
@click.option(
    "--delivered",
    type=Key(),
    metavar="KEY",
    help="Record that this parked row has arrived, as somebody saw at the destination.",
)
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    retry: Any,
    delivered: str | tuple[str, ...] | None,
) -> int:
    """List the rejected rows of each sync: key, code, field, message, and how often it was tried.

    `hold` says when a row is sent again: transient ones at every run; permanent ones when the row,
    the mapping or the destination's fields change, or a day later; parked ones are inserts that may
    have happened, and wait for --retry KEY or --delivered KEY. A key of several columns is a JSON
    list: --retry '["acme", "7"]'.
    """
    from tailrace.cli.attempts import attempt_all, exit_code

    project = projects.load(directory, target)
    if retry is not None and delivered is not None:
        raise ConfigError("--retry sends a row again, --delivered says that it arrived: not both")
    if delivered is not None:
        name = projects.only(project, selectors, "a key")
        project.deliver(name, delivered)
        settings.note(f"{name}: recorded as delivered")
        settings.result("", {"delivered": [delivered]})
        return 0
    if retry is not None:
        return _retry(settings, project, selectors, None if retry is _ALL else retry)
    names = projects.chosen(project, selectors)
    made = attempt_all(settings, names, lambda name: _rows(project, name))
    rows = [{"sync": one.sync, **row} for one in made for row in one.value or ()]
    errors = [one.failure() for one in made if one.error is not None]
    settings.result(
        _words(rows) if rows or not errors else "",
        {"rejected": rows, **({"errors": errors} if errors else {})},
    )
    return exit_code(made)


def _retry(
    settings: Settings,
    project: Project,
    selectors: tuple[str, ...],
    key: str | tuple[str, ...] | None,
) -> int:
    from tailrace.cli.attempts import attempt_all, exit_code

    names = (
        projects.chosen(project, selectors)
        if key is None
        else [projects.only(project, selectors, "a key")]
    )
    made = attempt_all(settings, names, lambda name: project.retry(name, key))
    for one in made:
        if one.value is not None:
            rows = "row" if one.value == 1 else "rows"
            settings.note(f"{one.sync}: {one.value:,} {rows} released for the next run")
    errors = [one.failure() for one in made if one.error is not None]
    released = {one.sync: one.value for one in made if one.value is not None}
    settings.result("", {"released": released, **({"errors": errors} if errors else {})})
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
            row["hold"],
            row["attempts"],
            row["last_at"],
            shortened(row["message"]),
        )
        for row in rows
    ]
    return table(_HEAD, shown)
