"""Runs `dbt build` of the example as a program of its own, and tells why it failed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.errors import ConfigError, TailraceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

_LAST_LINES = 40
_GRACE_S = 5.0


def dbt_program() -> Path:
    """The `dbt` of the running Python's own environment.

    Raises:
        ConfigError: It is not installed.
    """
    program = Path(sys.executable).with_name("dbt")
    if not program.is_file():
        raise ConfigError(
            f"the demo needs dbt beside {sys.executable}: "
            "pip install 'dbt-core<1.12' dbt-duckdb (dbt-postgres for Postgres)"
        )
    return program


class DbtBuild:
    """One `dbt build` in the background, a context manager: on leaving, the program has ended.

    Args:
        folder: The dbt project.
        as_of: The day that scores are computed for.
        environment: Everything that dbt may see.
        shown: Let its output through to standard error instead of keeping it for a failure.
    """

    def __init__(
        self, folder: Path, as_of: str, environment: Mapping[str, str], *, shown: bool = False
    ) -> None:
        self.as_of = as_of
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed on leaving)
        command = [str(dbt_program()), "build", "--profiles-dir", ".", "--no-use-colors"]
        # A signal that came between the start and the `with` would leave the program behind.
        with _signals_later():
            self._process = subprocess.Popen(
                [*command, "--vars", json.dumps({"as_of": as_of})],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=2 if shown else self._said,
                stderr=2 if shown else self._said,
                start_new_session=True,  # a Ctrl-C of the terminal is ours to pass on
            )
            self._end = weakref.finalize(self, _end_group, self._process)

    def finish(self) -> None:
        """Wait for its end.

        Raises:
            TailraceError: It failed; the message has the end of what it said.
        """
        code = self._process.wait()
        if code == 0:
            return
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").splitlines()
        said = "\n".join(lines[-_LAST_LINES:])
        raise TailraceError(f"`dbt build` as of {self.as_of} failed with exit {code}\n{said}")

    def __enter__(self) -> DbtBuild:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        self._said.close()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
            return


@contextlib.contextmanager
def _signals_later() -> Iterator[None]:
    """Within it a signal to stop waits until the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for late in came:
        os.kill(os.getpid(), late)
