"""`tailrace demo`: real data from dbt to the sandbox, and a check that it arrived."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.cli import exits, stopping, streams
from tailrace.cli.options import common
from tailrace.cli.table import table

if TYPE_CHECKING:
    from tailrace.cli.settings import Settings
    from tailrace.demo.result import Result


@click.command("demo")
@click.option(
    "--warehouse",
    type=click.Choice(["duckdb", "postgres"]),
    default="duckdb",
    show_default=True,
    help="postgres makes a cluster of its own and removes it.",
)
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("examples/cdnow"),
    show_default=True,
    help="The CDNOW example of a checkout; it is copied, not written to.",
)
@click.option("--keep", is_flag=True, help="Keep the sandbox's page up until Ctrl-C.")
@common
def command(settings: Settings, *, warehouse: str, directory: Path, keep: bool) -> int:
    """Score 23,570 real customers with dbt, send them to the sandbox's HubSpot, move the day by a
    month and send what changed, then run once more with nothing to send.

    Checks the sandbox's records against the warehouse and ends with 5 where they differ.
    """
    from tailrace.cli.watching import watch_for
    from tailrace.demo.demo import demo

    watch = watch_for(settings)
    with (
        stopping.once(),
        demo(
            directory,
            warehouse,
            note=settings.note,
            watch=watch.of,
            show_dbt=settings.level > 0,
        ) as result,
    ):
        if keep:
            _stay(settings, result)
        else:
            _tell(settings, result)
    return exits.DONE if result.ok else exits.UNFINISHED


def _tell(settings: Settings, result: Result) -> None:
    settings.result(_words(result), result.to_dict())


def _stay(settings: Settings, result: Result) -> None:
    try:
        # Within: whoever has read the result may press Ctrl-C before anything else is done.
        _tell(settings, result)
        settings.note(f"{result.url} stays up; Ctrl-C ends it")
        while True:
            time.sleep(3600)
    except stopping.Stopped:
        settings.note("stopping")


def _words(result: Result) -> str:
    from tailrace.demo.result import HEAD

    lines = [table(HEAD, [step.cells() for step in result.steps]), ""]
    for check in result.checks:
        mark = "ok    " if check.ok else "FAILED"
        lines.append(f"{mark} {check.name} ({streams.visible(check.detail)})")
    lines.append(f"{result.seconds:.1f} s in all, dbt on {result.warehouse} included")
    return "\n".join(lines)
