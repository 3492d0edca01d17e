"""`tailrace log`: what was done to one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import projects
from tailrace.cli.options import Key, common, of_syncs
from tailrace.cli.table import shortened, table

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tailrace.cli.settings import Settings

_HEAD = ("at", "sync", "op", "status", "code", "message", "run")


@click.command("log")
@of_syncs
@click.argument("key", type=Key(), metavar="KEY")
@click.option(
    "--limit", "-n", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Entries."
)
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    key: str | tuple[str, ...],
    limit: int,
) -> int:
    """List what was done to the row of KEY and how it ended, newest first, for 90 days.

    Kept for syncs with `row_log: true`. A key of several columns is a JSON list: '["acme", "7"]'.
    """
    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    if not selectors:
        names = [""]
    found = [entry for name in names for entry in project.log(name, key, limit)]
    found = sorted(found, key=lambda entry: str(entry["at"]), reverse=True)[:limit]
    settings.result(_words(found), {"log": found})
    return 0


def _words(found: list[dict[str, Any]]) -> str:
    if not found:
        return "nothing is written down of this key (syncs do so with `row_log: true`)"
    return table(
        _HEAD,
        [
            (
                entry["at"],
                entry["sync"],
                entry["op"],
                entry["status"],
                entry["code"],
                shortened(entry["message"]),
                entry["run_id"],
            )
            for entry in found
        ],
    )
