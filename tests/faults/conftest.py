"""Processes that die, stores that are damaged, systems that are away: with nothing faked.

Runs that are to die are `tailrace run` as a program of its own; what comes after them runs in this
process, where it costs a tenth of a second.
"""

from __future__ import annotations

import json
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

import moments  # noqa: E402
from state_stores import Kept, SqliteState, StateServer  # noqa: E402
from sync_fixtures import ground, make_world, timing  # noqa: E402, F401

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from destination_forms import Form
    from moments import Moment
    from sync_world import World

PROGRAM = [sys.executable, "-m", "tailrace.cli"]
# The same with times of the run spec that a project has no key for.
TIMED = """
import json, sys
from tailrace import run_spec
from tailrace.cli.main import main
run_spec._TIMING |= json.loads(sys.argv.pop(1))
main()
"""


class Program:
    """`tailrace` on a world's project, each in a process group of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self,
        command: str = "run",
        *arguments: str,
        variables: dict[str, str] | None = None,
        times: dict[str, float] | None = None,
    ) -> subprocess.Popen[str]:
        program = PROGRAM
        if times is not None:
            program = [sys.executable, "-c", TIMED, json.dumps(times)]
        process = subprocess.Popen(
            [*program, command, "--json", "--project", str(self.world.folder), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **self.world.environment, **(variables or {})},
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


@pytest.fixture(scope="session")
def state_server() -> Iterator[StateServer]:
    """One PostgreSQL server for the whole session."""
    with StateServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def make_kept(
    request: pytest.FixtureRequest,
    make_world: Callable[..., World],  # noqa: F811
) -> Callable[..., Kept]:
    """A world in each kind of state store."""

    def make(form: Form | str = "rest_errors", **changes: object) -> Kept:
        world = make_world(form, **changes)
        if request.param == "sqlite":
            return Kept(world, SqliteState(world.folder))
        server: StateServer = request.getfixturevalue("state_server")
        state = server.new_state()
        world.keep_state_at(state.url, server.password)
        return Kept(world, state)

    return make


@pytest.fixture(scope="session")
def moment_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moments.build(tmp_path_factory.mktemp("moment"))


@pytest.fixture
def run_until_moment(
    make_program: Callable[[World], Program],
    moment_library: Path,
    until: Callable[..., None],
) -> Callable[..., tuple[int, str]]:
    """A run of `tailrace` in which the moment comes: its exit code and what it printed.

    Returns when what had left before it died has been dealt with by the tool.
    """

    def run(kept: Kept, moment: Moment | None, **options: Path) -> tuple[int, str]:
        variables = moments.environment(moment_library, kept.world, kept.state, moment, **options)
        process = make_program(kept.world).start(variables=variables)
        out, err = process.communicate(timeout=60)
        kept.world.assert_no_secret([out, err])
        until(kept.world.is_still)
        return process.returncode, out

    return run


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits until something is true, and fails where that takes too long."""

    def wait(happened: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end
            time.sleep(0.001)

    return wait
