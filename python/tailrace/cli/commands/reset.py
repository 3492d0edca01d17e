"""`tailrace reset`: forget what was delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import projects
from tailrace.cli.options import common, of_syncs
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.cli.settings import Settings


@click.command("reset")
@of_syncs
@common
def command(
    settings: Settings, *, directory: Path, target: str | None, selectors: tuple[str, ...]
) -> int:
    """Forget what a sync has delivered: its next run sends every row, and deletes nothing.

    The way out where the state is lost. Where the project has several syncs, --select is needed;
    `--select '*'` means all of them.
    """
    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    if len(names) > 1 and not selectors:
        raise ConfigError(
            "the project has several syncs: name those to reset with --select ('*' for all)"
        )
    for name in names:
        project.reset(name)
        settings.note(f"{name}: reset; its next run sends every row and deletes nothing")
    if settings.json:
        settings.result("", {"reset": names})
    return 0
