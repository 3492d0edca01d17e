"""One sync after the other: one that fails is told, and does not stop the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tailrace.cli import exits, stopping
from tailrace.cli.guarding import error_document, message_of, show_traceback
from tailrace.errors import TailraceError, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from tailrace.cli.settings import Settings

T = TypeVar("T")

# Every row of such a run has been answered for, so that what comes after may start.
_DELIVERED = frozenset({exits.DONE, exits.REJECTED})


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """What became of one sync: a value, or an error and its exit code."""

    sync: str
    code: int
    value: T | None = None
    error: BaseException | None = None

    @property
    def stopped(self) -> bool:
        """Whether a signal ended it: then the syncs that are left are not begun."""
        return self.code in (exits.INTERRUPTED, exits.TERMINATED)

    def failure(self) -> dict[str, Any]:
        """What stands in the JSON where the value would."""
        if isinstance(self.error, TailraceError):
            return error_document(self.error, self.sync)
        status = "cancelled" if self.stopped else "unfinished"
        what = str(self.error) or type(self.error).__name__
        return {"sync": self.sync, "status": status, "exit_code": self.code, "message": what}


def attempt(settings: Settings, sync: str, work: Callable[[], T]) -> Attempt[T]:
    """Do `work` for one sync and tell its error, if any; never raises for one.

    A `Cancelled` of the run and a signal of ours are the same: both stop the rest.
    """
    error: BaseException
    try:
        return Attempt(sync, exits.DONE, work())
    except TailraceError as raised:
        error, code = raised, raised.exit_code
    except KeyboardInterrupt as raised:
        error, code = raised, stopping.exit_code_of(raised)
    except Exception as raised:  # noqa: BLE001  (told below; the other syncs still get their turn)
        error, code = raised, exits.UNFINISHED
    _tell(settings, sync, error)
    return Attempt(sync, code, error=error)


def attempt_all(
    settings: Settings, syncs: Iterable[str], work: Callable[[str], T]
) -> list[Attempt[T]]:
    """`work` for each of `syncs`, in this order, until a signal."""
    made: list[Attempt[T]] = []
    for sync in syncs:
        made.append(attempt(settings, sync, partial(work, sync)))
        if made[-1].stopped:
            break
    return made


def attempt_in_order(
    settings: Settings, parents: Mapping[str, Collection[str]], work: Callable[[str], T]
) -> list[Attempt[T]]:
    """The same for syncs that come after others: one whose parent did not deliver is not begun.

    Args:
        parents: As `Project.parents_first` gives them, in their order.
    """
    made: dict[str, Attempt[T]] = {}
    for sync, before in parents.items():
        missing = [made[one] for one in before if made[one].code not in _DELIVERED]
        made[sync] = attempt(settings, sync, partial(_begin, work, sync, missing))
        if made[sync].stopped:
            break
    return list(made.values())


def _begin(work: Callable[[str], T], sync: str, missing: Sequence[Attempt[T]]) -> T:
    if missing:
        first = missing[0]
        raise Unfinished(
            f"not started: {first.sync}, which it comes after, ended with exit code {first.code}"
        )
    return work(sync)


def exit_code(made: Iterable[Attempt[Any]]) -> int:
    """The exit code of them all, by the precedence of the table."""
    return exits.first_that_applies(one.code for one in made)


def _tell(settings: Settings, sync: str, error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt):
        settings.note(f"{sync}: {error or 'stopped'}")
    elif isinstance(error, TailraceError):
        settings.error(message_of(error, sync))
    else:
        what = f"{type(error).__name__}: {error}"
        settings.error(
            f"error: {sync}: this is a fault of Tailrace, not yours: {what}\n"
            "Run it again with --debug and report what it prints (read it first: it may quote rows)"
        )
    if settings.debug:
        show_traceback(error)
