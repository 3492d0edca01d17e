"""`tailrace plan`: what a run would send now, and what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import exits, projects
from tailrace.cli.options import common, of_syncs

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tailrace.cli.settings import Settings
    from tailrace.project import Project


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
    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    codes, documents = [], []
    for name in names:
        code, document = _plan(settings, project, name, allow_guards, full_refresh=full_refresh)
        codes.append(code)
        documents.append(document)
    if settings.json:
        settings.result("", documents[0] if len(names) == 1 else {"plans": documents})
    return exits.first_that_applies(codes)


def _plan(
    settings: Settings,
    project: Project,
    name: str,
    allow_guards: tuple[str, ...],
    *,
    full_refresh: bool,
) -> tuple[int, dict[str, Any]]:
    """Plan one sync and show it; returns exit code and document."""
    from tailrace.cli.guarding import error_document, message_of
    from tailrace.cli.show_plan import show_plan
    from tailrace.errors import TailraceError

    try:
        plan = project.plan(name, allow_guard=allow_guards, full_refresh=full_refresh)
    except TailraceError as error:
        settings.error(message_of(error, name))
        return error.exit_code, error_document(error, name)
    code = exits.REFUSED if plan.refused else exits.DONE
    if not settings.json:
        settings.result(show_plan(plan, code))
    return code, plan.to_dict()
