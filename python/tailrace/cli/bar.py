"""The progress bar of a terminal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tailrace.cli.watching import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    import tailrace.report


class _Console(Console):
    """A console whose terminal may go away: rich would end the program with it."""

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True


class BarWatch:
    """A bar a run, on standard error. A terminal that goes away ends the bar, not the run."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._console = _Console(stderr=file is None, file=file)

    @contextlib.contextmanager
    def of(self, sync: str) -> Iterator[Callable[[tailrace.report.Progress], None]]:
        """Watch one run."""
        bar = Progress(
            TextColumn("{task.fields[sync]}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            auto_refresh=False,  # a thread of its own would fail where nothing catches it
        )
        task = bar.add_task("", total=None, sync=sync, told="")

        def look(progress: tailrace.report.Progress) -> None:
            settled = progress.accepted + progress.rejected
            with contextlib.suppress(OSError, ValueError):
                bar.update(
                    task,
                    total=progress.planned or None,
                    completed=settled if progress.planned else 0,
                    told=describe(progress),
                    refresh=True,
                )

        with contextlib.suppress(OSError, ValueError):
            bar.start()
        try:
            yield look
        finally:
            with contextlib.suppress(OSError, ValueError):
                bar.stop()
