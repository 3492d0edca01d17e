"""From whatever a command raises to one clear message and a documented exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import exits, stopping, streams
from tailrace.errors import ConfigError, TailraceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tailrace.cli.settings import Settings


def guarded(settings: Settings, work: Callable[[], object]) -> int:
    """The exit code of `work`: what it returns, or that of what it raises.

    An exception that nothing foresaw ends with 5: state moves only on a definite outcome, so that
    running again is safe, and an orchestrator that tries again does no harm. click's own errors
    (usage) are left to click.
    """
    try:
        code = work()
    except TailraceError as error:
        return failed(settings, error)
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt as error:
        return interrupted(settings, error)
    except Exception as error:  # noqa: BLE001  (the last resort; told, never hidden)
        return unforeseen(settings, error)
    return code if isinstance(code, int) else exits.DONE


def failed(settings: Settings, error: TailraceError) -> int:
    """Tell an error of a command that has no report to show; returns its exit code."""
    settings.error(message_of(error))
    if settings.debug:
        show_traceback(error)
    if settings.json:
        settings.result("", error_document(error))
    return error.exit_code


def interrupted(settings: Settings, error: BaseException) -> int:
    """Tell that a signal ended the command; returns 130 or 143."""
    code = stopping.exit_code_of(error)
    settings.note("tailrace: stopped")
    if settings.json:
        message = str(error) or "stopped by SIGINT"
        settings.result("", {"status": "cancelled", "exit_code": code, "message": message})
    return code


def unforeseen(settings: Settings, error: Exception) -> int:
    """Tell a fault of Tailrace, and how to report it; returns 5."""
    what = f"{type(error).__name__}: {error}"
    settings.error(f"error: this is a fault of Tailrace, not yours: {what}")
    if settings.debug:
        show_traceback(error)
    else:
        settings.error(
            "Run the command again with --debug and report what it prints (read it first: it may "
            "quote rows)"
        )
    if settings.json:
        document = {"status": "unfinished", "exit_code": exits.UNFINISHED, "message": what}
        settings.result("", document)
    return exits.UNFINISHED


def message_of(error: TailraceError, sync: str | None = None) -> str:
    """`error: …`, each problem of the configuration on a line of its own."""
    name = f"{sync}: " if sync else ""
    if isinstance(error, ConfigError) and error.problems:
        return "\n".join(f"error: {name}{problem}" for problem in error.problems)
    place = ""
    if isinstance(error, ConfigError):
        parts = (error.file, error.line, error.column)
        where = ":".join(str(part) for part in parts if part is not None)
        place = f"{where}: " if where and where not in str(error) else ""
    return f"error: {name}{place}{error}"


def error_document(error: TailraceError, sync: str | None = None) -> dict[str, Any]:
    """What stands where a report would, for a run that did not get far enough to have one."""
    document: dict[str, Any] = {
        "sync": sync,
        "status": error.status,
        "exit_code": error.exit_code,
        "message": str(error),
    }
    if sync is None:
        del document["sync"]
    if isinstance(error, ConfigError):
        document["problems"] = [problem_document(problem) for problem in error.problems]
    not_before = getattr(error, "not_before", None)
    if not_before is not None:
        document["not_before"] = not_before
    return document


def problem_document(problem: Any) -> dict[str, Any]:
    """A problem as plain values."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "message": problem.message,
    }


def show_traceback(error: BaseException) -> None:
    """For --debug alone: it may hold values of rows."""
    import traceback

    streams.write_err("".join(traceback.format_exception(error)).rstrip())
