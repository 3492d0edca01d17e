"""Options that several commands share."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tailrace.cli.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def _settings(context: click.Context) -> Settings:
    return context.ensure_object(Settings)


def _louder(context: click.Context, option: click.Parameter, count: int) -> None:  # noqa: ARG001
    _settings(context).level += count


def _quieter(context: click.Context, option: click.Parameter, count: int) -> None:  # noqa: ARG001
    _settings(context).level -= count


def _debug(context: click.Context, option: click.Parameter, chosen: bool) -> None:  # noqa: ARG001
    _settings(context).debug |= chosen


def _json(context: click.Context, option: click.Parameter, chosen: bool) -> None:  # noqa: ARG001
    _settings(context).json |= chosen


def loudness(function: F) -> F:
    """-v, -q and --debug, before the command's name or after it."""
    for decorate in (
        click.option(
            "--debug",
            is_flag=True,
            expose_value=False,
            callback=_debug,
            help="Show tracebacks; they may quote rows.",
        ),
        click.option(
            "-q",
            "--quiet",
            count=True,
            expose_value=False,
            callback=_quieter,
            help="Errors and results only.",
        ),
        click.option(
            "-v",
            "--verbose",
            count=True,
            expose_value=False,
            callback=_louder,
            help="Say more; twice for still more.",
        ),
    ):
        function = decorate(function)
    return function


def common(function: F) -> F:
    """--json and the loudness; the command gets the `Settings` as its first argument."""

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        settings = _settings(click.get_current_context())
        settings.log_to_stderr()
        return function(settings, *arguments, **options)

    with_json = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_json,
        help="One JSON document on standard output.",
    )
    return loudness(with_json(call))  # type: ignore[return-value]


def of_project(function: F) -> F:
    """--project and --target."""
    function = click.option(
        "--target", metavar="NAME", help="One of the project's targets; default: none."
    )(function)
    return click.option(
        "--project",
        "directory",
        metavar="DIR",
        type=click.Path(path_type=Path),
        default=".",
        envvar="TAILRACE_PROJECT",
        show_envvar=True,
        help="The folder of tailrace.yml; default: the current one.",
    )(function)


def of_syncs(function: F) -> F:
    """--project, --target and --select."""
    return of_project(
        click.option(
            "--select",
            "-s",
            "selectors",
            metavar="NAME|GLOB|tag:X",
            multiple=True,
            help="Which syncs, may be given several times; default: all.",
        )(function)
    )
