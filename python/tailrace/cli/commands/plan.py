"""`tailrace plan`: what a run would send now, and what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import exits, projects
from tailrace.cli.options import common, of_syncs

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.cli.settings import Settings
    from tailrace.report import Plan


@click.command("plan")
@of_syncs
@click.option("--full-refresh", is_flag=True, help="As if every row were to be sent.")
@click.option(
    "--allow-guard",
    "allow_guards",
    metavar="NAME",
    multiple=True,
    help="As if this guard were let pass; may be given several times.",
)
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    full_refresh: bool,
    allow_guards: tuple[str, ...],
) -> int:
    """Show what a run would send now: counts, guards, rows as they would be sent, requests and
    minutes. Sends nothing.

    Ends with 3 where a run would be refused by a guard.
    """
    from tailrace.cli.attempts import attempt_all
    from tailrace.cli.show_plan import show_plan

    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)

    def plan(name: str) -> Plan:
        found = project.plan(name, allow_guard=allow_guards, full_refresh=full_refresh)
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
