"""How far a run is: a bar on a terminal, elsewhere a line a second at most."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from tailrace.cli import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tailrace.cli.settings import Settings
    from tailrace.report import Progress

    Look = Callable[[Progress], None]

_LINE_EVERY_S = 1.0


class Watch(Protocol):
    """Gives each sync what its run calls with its progress."""

    def of(self, sync: str) -> AbstractContextManager[Look]:
        """Watch one run, from its start to its end."""
        ...


def watch_for(settings: Settings) -> Watch:
    """A bar where somebody looks at standard error, nothing with --quiet, else lines."""
    if settings.level < 0:
        return NoWatch()
    if streams.is_terminal(sys.stderr) and settings.level == 0:
        from tailrace.cli.bar import BarWatch

        return BarWatch()
    return LineWatch(streams.write_err)


class NoWatch:
    """For --quiet."""

    @contextmanager
    def of(self, sync: str) -> Iterator[Look]:  # noqa: ARG002
        """Pass over everything."""
        yield lambda progress: None  # noqa: ARG005


class LineWatch:
    """A line at the start, a line at the end, and in between one a second where something moved.

    Args:
        write: takes a line.
        clock: seconds, monotonic.
    """

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock

    @contextmanager
    def of(self, sync: str) -> Iterator[Look]:
        """Watch one run."""
        start = self._clock()
        self._write(f"{sync}: started")
        shown, last, last_text = start, None, ""

        def look(progress: Progress) -> None:
            nonlocal shown, last, last_text
            last = progress
            now = self._clock()
            text = describe(progress)
            if now - shown >= _LINE_EVERY_S and text != last_text:
                shown, last_text = now, text
                self._write(f"{sync}: {now - start:.0f} s: {text}")

        try:
            yield look
        finally:
            told = f": {count(last)}" if last is not None else ""
            self._write(f"{sync}: ended after {self._clock() - start:.1f} s{told}")


def describe(progress: Progress) -> str:
    """`send: 1,200 of 23,570 accepted, 3 rejected, 12 requests`."""
    return f"{progress.phase}: {count(progress)}"


def count(progress: Progress) -> str:
    """The same without the phase."""
    if progress.planned == 0:
        return f"{progress.scanned:,} rows read"
    parts = [f"{progress.accepted:,} of {progress.planned:,} accepted"]
    parts += [
        f"{count:,} {name}"
        for name, count in (("rejected", progress.rejected), ("unknown", progress.unknown))
        if count
    ]
    parts.append(f"{progress.requests:,} requests")
    return ", ".join(parts)
