"""`tailrace`: the way in.

Nothing but click is imported before a command is chosen. Exit codes are those of `exits`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click

from tailrace import __version__
from tailrace.cli import exits, stopping, streams
from tailrace.cli.group import CommandGroup
from tailrace.cli.options import loudness
from tailrace.cli.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPILOG = """\b
Exit codes: 0 done, 1 rows rejected or invalid, 2 usage or configuration,
3 refused by a guard, 4 busy, 5 unfinished (run again), 6 quota spent,
7 state lost, 130/143 stopped by a signal."""


@click.group(
    name="tailrace",
    cls=CommandGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", message="tailrace %(version)s")
@loudness
def cli() -> None:
    """Send models of your warehouse to business tools: only what changed, planned and guarded."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    streams.prepare()
    code = exits.UNFINISHED
    try:
        stopping.install()
        code = _run(arguments)
    except KeyboardInterrupt as error:
        code = stopping.exit_code_of(error)
    finally:
        streams.flush()
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        ended = cli.main(
            list(sys.argv[1:] if arguments is None else arguments),
            prog_name="tailrace",
            standalone_mode=False,
            obj=Settings(),
        )
    except click.ClickException as error:
        streams.write_err(_usage(error))
        return exits.CONFIG
    except click.Abort as error:
        return stopping.exit_code_of(error.__cause__ or error)
    return ended if isinstance(ended, int) else exits.DONE


def _usage(error: click.ClickException) -> str:
    text = f"error: {error.format_message()}"
    context = getattr(error, "ctx", None)
    if isinstance(context, click.Context):
        text += f"\n{context.get_usage()}\nTry `{context.command_path} --help`."
    return text
