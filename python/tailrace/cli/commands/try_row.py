"""`tailrace try`: one row, as it goes over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import exits, projects
from tailrace.cli.options import Key, common, of_syncs

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.cli.settings import Settings


@click.command("try")
@of_syncs
@click.option("--key", required=True, type=Key(), metavar="KEY", help="The row's key.")
@click.option("--send", is_flag=True, help="Send it, and show the answer.")
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    key: str | tuple[str, ...],
    send: bool,
) -> int:
    """Print the exact request for one row, without its credentials; --send sends it and shows what
    the destination answers.

    A row that is sent is settled as in a run. A key of several columns is a JSON list:
    --key '["acme", "7"]'. Ends with 1 where the destination rejects the row.
    """
    from tailrace.cli.show_verification import show_trial

    project = projects.load(directory, target)
    trial = project.try_row(projects.only(project, selectors, "a key"), key, send=send)
    settings.result(show_trial(trial), trial.to_dict())
    return exits.REJECTED if trial.outcome == "rejected" else exits.DONE
