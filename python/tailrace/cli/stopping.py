"""SIGINT and SIGTERM: the first one stops in an orderly way, the second one at once."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal asked the command to end. Nothing that catches `Exception` swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def install() -> None:
    """Raise `Stopped` in the main thread on a signal.

    One that the caller ignores, as `nohup` and background jobs of a script do, stays ignored.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _first)


@contextmanager
def once() -> Iterator[None]:
    """Within it a second signal does not end the process at once: for work that has to stop what
    it has started, in a bounded time."""
    before = [signal.getsignal(number) for number in _SIGNALS]
    for number, handler in zip(_SIGNALS, before, strict=True):
        if handler is _first:
            signal.signal(number, _first_and_only)
    try:
        yield
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)


def _first(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for each in _SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _second)
    raise Stopped(number)


def _first_and_only(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for each in _SIGNALS:
        # Not SIG_IGN: one that has come already but was not handled yet would be complained about.
        signal.signal(each, _passed_over)
    raise Stopped(number)


def _passed_over(number: int, frame: FrameType | None) -> None:
    """The clean-up is under way, and takes a bounded time."""


def _second(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    # The journal is ahead of every request, so ending here loses nothing; it leaves doubts.
    os._exit(128 + number)


def exit_code_of(error: BaseException) -> int:
    """130 for a plain KeyboardInterrupt."""
    return int(getattr(error, "exit_code", 128 + signal.SIGINT))
