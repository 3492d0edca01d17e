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


def allowing_guards(function: F) -> F:
    """--allow-guard."""
    return click.option(
        "--allow-guard",
        "allow_guards",
        metavar="NAME",
        multiple=True,
        help="Let this guard pass once; may be given several times.",
    )(function)


def of_a_shard(function: F) -> F:
    """--shard and --round."""
    function = click.option(
        "--round",
        "together",
        metavar="TEXT",
        default="",
        help="With --shard: what all tasks of this round share; default: the last hour.",
    )(function)
    return click.option(
        "--shard",
        metavar="I/N",
        callback=_shard,
        help="Only part I of N, counted from 0: other tasks run the others.",
    )(function)


def _shard(
    context: click.Context, option: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    if text is None:
        return None
    index, slash, of = text.partition("/")
    if not slash or not index.isdecimal() or not of.isdecimal() or int(index) >= int(of):
        raise click.BadParameter(
            f"{text!r} is not I/N with I from 0 to N-1, such as 0/4", ctx=context, param=option
        )
    return int(index), int(of)


class Key(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A row's key: its text, or a JSON list of texts where it has several columns."""

    name = "key"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | tuple[str, ...]:
        """`'["acme", "7"]'` is two columns, everything else one."""
        if not isinstance(value, str) or not value.startswith("["):
            return value  # type: ignore[no-any-return]
        import json

        try:
            parts = json.loads(value)
        except ValueError as error:
            self.fail(f"{value!r} begins as a list of columns and is no JSON: {error}", param, ctx)
        if not parts or not all(isinstance(part, str) for part in parts):
            self.fail(f"{value!r} is no list of texts", param, ctx)
        return tuple(parts)
