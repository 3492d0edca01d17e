"""What can go wrong with a run, one class for each exit code of the command line.

Every error has `exit_code`, `status` (the word of the run report) and, where there is one, its
`report`. All of them pickle, and none of them ever holds a secret.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tailrace.report import RunReport


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the configuration, and where it stands.

    `line` and `column` count from 1; both are None for a sync given as a Python mapping.
    `key` is dotted, such as `fields.Email`.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        parts = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        where = ":".join(parts)
        named = f"{self.key}: {self.message}" if self.key else self.message
        return f"{where}: {named}" if where else named


def _restore(kind: type[TailraceError], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class TailraceError(Exception):
    """Base of all errors of this package.

    Args:
        message: What failed, for which sync, and what to do.
        report: The run's report where the run got far enough to have one.
    """

    exit_code: int = 5
    status: str = "unfinished"

    def __init__(self, message: str, *, report: RunReport | None = None) -> None:
        super().__init__(message)
        self.report = report

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # Exceptions are rebuilt from positional arguments alone, which keyword-only ones defeat.
        return _restore, (type(self), self.args, dict(self.__dict__))


class ConfigError(TailraceError):
    """Usage, configuration, missing rights or a mapped field that is gone (exit 2).

    `file`, `line`, `column` and `key` are those of the first problem; `problems` has all of them.
    """

    exit_code = 2
    status = "config"

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        key: str | None = None,
        problems: Iterable[Problem] = (),
        report: RunReport | None = None,
    ) -> None:
        super().__init__(message, report=report)
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> ConfigError:
        """One error that shows all `problems` together, a line each; needs at least one."""
        found = tuple(dict.fromkeys(problems))
        first = found[0]
        return cls(
            "\n".join(str(problem) for problem in found),
            file=first.file,
            line=first.line,
            column=first.column,
            key=first.key,
            problems=found,
        )


class SourceError(TailraceError):
    """Reading the model failed: a wrong query (exit 2), or no warehouse to talk to (exit 5).

    `code` is the SQLSTATE or the driver's own code, empty where there is none.
    """

    def __init__(
        self,
        message: str,
        *,
        configuration: bool = False,
        code: str = "",
        report: RunReport | None = None,
    ) -> None:
        super().__init__(message, report=report)
        self.configuration = configuration
        self.code = code
        self.exit_code = 2 if configuration else 5
        self.status = "config" if configuration else "unfinished"


class GuardRefused(TailraceError):
    """A guard refused the plan before the first request (exit 3)."""

    exit_code = 3
    status = "refused"


class Busy(TailraceError):
    """Another run of the sync holds its lease, or took it over (exit 4)."""

    exit_code = 4
    status = "busy"


class Unfinished(TailraceError):
    """Rows are left over, or a system was out of reach; try again later (exit 5).

    `not_before` is the time (RFC 3339) before which trying again is of no use, where one is known.
    """

    exit_code = 5
    status = "unfinished"

    def __init__(
        self, message: str, *, not_before: str | None = None, report: RunReport | None = None
    ) -> None:
        super().__init__(message, report=report)
        self.not_before = not_before or (report.not_before if report else None)


class QuotaExhausted(Unfinished):
    """The account's quota is spent; it is back at `not_before` (exit 6)."""

    exit_code = 6
    status = "quota"


class StateLost(TailraceError):
    """The state store is missing, empty, another one or corrupt (exit 7)."""

    exit_code = 7
    status = "state_lost"


class RejectedRows(TailraceError):
    """More rows were rejected or invalid than the sync tolerates (exit 1)."""

    exit_code = 1
    status = "rejected"


class Cancelled(TailraceError):
    """The run was told to stop; what was in flight is settled or unknown (exit 130 or 143)."""

    exit_code = 128 + signal.SIGINT
    status = "cancelled"

    def __init__(
        self, message: str, *, signal_number: int = signal.SIGINT, report: RunReport | None = None
    ) -> None:
        super().__init__(message, report=report)
        self.exit_code = 128 + signal_number


class _ByStatus:
    classes: ClassVar[dict[str, type[TailraceError]]] = {
        kind.status: kind
        for kind in (
            RejectedRows,
            ConfigError,
            GuardRefused,
            Busy,
            Unfinished,
            QuotaExhausted,
            StateLost,
            Cancelled,
        )
    }


def error_of_status(status: str, message: str, *, report: RunReport | None = None) -> TailraceError:
    """The error that a run which ended with `status` is raised as.

    A status that is not known is an error of its own: never a reason to call the run a success.
    """
    kind = _ByStatus.classes.get(status)
    if kind is None:
        return TailraceError(f"a run ended with the unknown status {status!r}: {message}")
    return kind(message, report=report)
