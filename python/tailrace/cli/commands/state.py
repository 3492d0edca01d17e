"""`tailrace state`: the state store itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from tailrace.cli import projects
from tailrace.cli.options import common, of_project
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.cli.settings import Settings


@click.group("state")
def command() -> None:
    """Move the state to another store, or print the tables that a store in PostgreSQL needs."""


@command.command("copy")
@of_project
@click.option(
    "--to",
    "to_url",
    required=True,
    metavar="URL",
    help="Where to; ${env:NAME} in it is put in, so that no password stands on the command line.",
)
@common
def copy(settings: Settings, *, directory: Path, target: str | None, to_url: str) -> int:
    """Copy the project's whole state into an empty store, such as from a SQLite file to PostgreSQL.

    The copy takes over the store's id, so that nothing counts as lost. Set `state` in tailrace.yml
    to the new address afterwards. Ends with 4 while a run is at work.
    """
    from tailrace.environment import MissingVariableError, expand

    project = projects.load(directory, target)
    try:
        address = str(expand(to_url, os.environ))
    except (MissingVariableError, ValueError) as error:
        raise ConfigError(f"--to: {error}") from None
    project.copy_state(address)
    settings.note("copied; now set `state` in tailrace.yml to the new address")
    if settings.json:
        settings.result("", {"copied": True})
    return 0


@command.command("ddl")
@common
def ddl(settings: Settings) -> int:
    """Print the SQL that makes the schema and tables of a state store in PostgreSQL, for a role
    that may not create them itself.
    """
    from tailrace.store_access import ddl as statements

    text = statements()
    settings.result(text, {"ddl": text})
    return 0
