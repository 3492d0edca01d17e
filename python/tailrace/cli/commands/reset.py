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
@click.option(
    "--adopt", is_flag=True, help="Take the model as delivered: a run sends what changes."
)
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    adopt: bool,
) -> int:
    """Forget what a sync has delivered: its next run sends every row, and deletes nothing.

    The way out where the state is lost. A sync of mode insert or append would make every record
    again, and is reset with --adopt alone, unless its insert_safety is duplicate_ok. Where the
    project has several syncs, --select is needed; `--select '*'` means all of them.
    """
    from tailrace.cli.attempts import attempt_all, exit_code

    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    if len(names) > 1 and not selectors:
        raise ConfigError(
            "the project has several syncs: name those to reset with --select ('*' for all)"
        )

    def reset(name: str) -> None:
        aside = project.reset(name, adopt=adopt)
        told = "what changes from now on" if adopt else "every row and deletes nothing"
        settings.note(f"{name}: reset; its next run sends {told}")
        if aside is not None:
            settings.note(f"the damaged state store is kept as {aside}; reset its other syncs too")

    made = attempt_all(settings, names, reset)
    errors = [one.failure() for one in made if one.error is not None]
    if settings.json:
        done = [one.sync for one in made if one.error is None]
        settings.result("", {"reset": done, **({"errors": errors} if errors else {})})
    return exit_code(made)
