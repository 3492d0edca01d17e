"""The group of commands: each module is imported when its command is called, not before."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from tailrace.cli.guarding import guarded
from tailrace.nearest import hint

# Name to what --help says, which must not need the module.
COMMANDS = {
    "init": "Write a minimal project that runs against the sandbox.",
    "check": "Check the project, then its destinations' fields. Sends nothing.",
    "plan": "Show what a run would send and what it would cost. Sends nothing.",
    "run": "Send what changed.",
    "status": "Show the last runs of each sync, and where its state is.",
    "rejected": "List the rows that the destination has rejected, or let them be tried again.",
    "verify": "Compare the destination's records with what was delivered to it.",
    "log": "List what was done to one row.",
    "try": "Print the request for one row, and send it where asked.",
    "reset": "Forget what was delivered: the next run sends every row, deletes nothing.",
    "state": "Move the state to another store, or print a store's tables.",
    "sandbox": "Serve local stand-ins for the business tools.",
    "demo": "Send real data from dbt to the sandbox, and check that it arrived.",
    "schema": "Print the JSON Schema of the configuration, for editors.",
}

# Commands whose names no module may have.
_MODULES = {"try": "try_row"}


class CommandGroup(click.Group):
    """Finds commands by name in `tailrace.cli.commands` and ends with their exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All commands, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, its module imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = f"tailrace.cli.commands.{_MODULES.get(cmd_name, cmd_name)}"
        found = getattr(import_module(module), "command", None)
        if not isinstance(found, click.Command):
            raise TypeError(f"{module} has no command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the nearest name in the message."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"there is no command {args[0]!r}{hint(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in --help, from `COMMANDS` alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and end with its exit code."""
        parse_and_run = super().invoke
        ctx.exit(guarded(ctx.obj, lambda: parse_and_run(ctx)))
