"""Runs several syncs, one after the other: one that fails does not stop the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.cli import exits, stopping
from tailrace.cli.guarding import error_document, message_of, show_traceback
from tailrace.errors import TailraceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tailrace.cli.settings import Settings
    from tailrace.cli.watching import Watch
    from tailrace.project import Project
    from tailrace.report import RunReport


@dataclass(frozen=True)
class Ended:
    """How one run ended. `report` is None where it did not get far enough to have one."""

    sync: str
    code: int
    report: RunReport | None
    error: BaseException | None

    def to_dict(self) -> dict[str, Any]:
        """The report, or what stands in its place."""
        if self.report is not None:
            return self.report.to_dict()
        if isinstance(self.error, TailraceError):
            return error_document(self.error, self.sync)
        status = "cancelled" if isinstance(self.error, KeyboardInterrupt) else "unfinished"
        what = str(self.error) or type(self.error).__name__
        return {"sync": self.sync, "status": status, "exit_code": self.code, "message": what}


@dataclass(frozen=True)
class Wanted:
    """What `tailrace run` was told."""

    allow_guards: tuple[str, ...] = ()
    full_refresh: bool = False


def run_all(
    project: Project, names: Iterable[str], wanted: Wanted, watch: Watch, settings: Settings
) -> list[Ended]:
    """Run `names` in this order. After a signal the rest is left out."""
    ended: list[Ended] = []
    for name in names:
        one = run_one(project, name, wanted, watch, settings)
        ended.append(one)
        if one.code in (exits.INTERRUPTED, exits.TERMINATED):
            break
    return ended


def run_one(project: Project, name: str, wanted: Wanted, watch: Watch, settings: Settings) -> Ended:
    """Run one sync and tell its error, if any; never raises for one."""
    error: BaseException | None = None
    report: RunReport | None = None
    code = exits.DONE
    with watch.of(name) as look:
        try:
            report = project.run(
                name,
                progress=look,
                allow_guard=wanted.allow_guards,
                full_refresh=wanted.full_refresh,
            )
        except TailraceError as raised:
            error, report, code = raised, raised.report, raised.exit_code
        except KeyboardInterrupt as raised:
            error, report = raised, getattr(raised, "report", None)
            code = stopping.exit_code_of(raised)
        except Exception as raised:  # noqa: BLE001  (told below; the other syncs still run)
            error, code = raised, exits.UNFINISHED
    if error is not None:
        _tell(settings, name, error)
    return Ended(name, code, report, error)


def _tell(settings: Settings, name: str, error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt):
        settings.note(f"{name}: {error or 'stopped'}")
    elif isinstance(error, TailraceError):
        settings.error(message_of(error, name))
    else:
        settings.error(
            f"error: {name}: this is a fault of ours, not yours: {type(error).__name__}: {error}; "
            "run it again with --debug and report what it prints"
        )
    if settings.debug:
        show_traceback(error)


def exit_code(ended: Iterable[Ended]) -> int:
    """The exit code of them all."""
    return exits.first_that_applies(one.code for one in ended)
