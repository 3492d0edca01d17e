"""`tailrace plan`: what a run would send now, and what it would cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.cli import exits, projects
from tailrace.cli.options import allowing_guards, common, of_syncs

if TYPE_CHECKING:
    from tailrace.cli.settings import Settings
    from tailrace.report import Plan
    from tailrace.run_options import RunArguments


@click.command("plan")
@of_syncs
@click.option("--full-refresh", is_flag=True, help="As if every row were to be sent.")
@click.option(
    "--out",
    "-o",
    "write_plan",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the plan, sealed: `tailrace run --plan FILE` sends exactly that.",
)
@click.option(
    "--shards",
    metavar="N DIR",
    type=(click.IntRange(1, 256), click.Path(path_type=Path)),
    help="Write it as N parts into a folder that all workers see, for a run each.",
)
@allowing_guards
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    full_refresh: bool,
    write_plan: Path | None,
    shards: tuple[int, Path] | None,
    allow_guards: tuple[str, ...],
) -> int:
    """Show what a run would send now: counts, guards, rows as they would be sent, requests and
    minutes. Sends nothing.

    Ends with 3 where a run would be refused by a guard. A plan that is written holds the rows: the
    file is for its owner's eyes alone.
    """
    from tailrace.cli.attempts import attempt_all
    from tailrace.cli.show_plan import show_plan

    project = projects.load(directory, target)
    arguments: RunArguments = {"allow_guard": allow_guards, "full_refresh": full_refresh}
    written = _written(write_plan, shards)
    arguments.update(written)
    if written:
        names = [projects.only(project, selectors, "a plan file")]
    else:
        names = projects.chosen(project, selectors)

    def plan(name: str) -> Plan:
        found = project.plan(name, **arguments)
        if not settings.json:
            settings.result(show_plan(found))
        return found

    made = attempt_all(settings, names, plan)
    if settings.json:
        documents = [one.value.to_dict() if one.value else one.failure() for one in made]
        settings.result("", documents[0] if len(names) == 1 else {"plans": documents})
    return exits.first_that_applies(
        exits.REFUSED if one.value and one.value.refused else one.code for one in made
    )


def _written(write_plan: Path | None, shards: tuple[int, Path] | None) -> RunArguments:
    """Where the plan goes, whole or in parts; nothing where it is only shown."""
    written: RunArguments = {}
    if write_plan is not None:
        written["write_plan"] = write_plan
    if shards is not None:
        count, folder = shards
        written["plan_parts"] = (folder, count)
    return written
