"""Processes that die, stores that are damaged, systems that are away: with nothing faked.

Runs that are to die are `tailrace run` as a program of its own; what comes after them runs in this
process, where it costs a tenth of a second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support")]

from sync_fixtures import ground, make_world, timing  # noqa: E402, F401

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync_world import World

PROGRAM = [sys.executable, "-m", "tailrace.cli"]


class Program:
    """`tailrace` on a world's project, each in a process group of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._started: list[subprocess.Popen[str]] = []

    def start(self, command: str = "run", *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*PROGRAM, command, "--json", "--project", str(self.world.folder), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **self.world.environment},
        )
        self._started.append(process)
        return process

    def __call__(self, command: str = "run", *arguments: str) -> tuple[int, str, str]:
        process = self.start(command, *arguments)
        out, err = process.communicate(timeout=60)
        self.world.assert_no_secret([out, err])
        return process.returncode, out, err

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def make_program() -> Iterator[Callable[[World], Program]]:
    made: list[Program] = []

    def make(world: World) -> Program:
        made.append(Program(world))
        return made[-1]

    yield make
    for program in made:
        program.close()


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits until something is true, and fails where that takes too long."""

    def wait(happened: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end
            time.sleep(0.001)

    return wait
