"""A run that is frozen until its lease has ended: another takes over, and it writes no more."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import moments
import pytest
from moments import Moment
from sync_world import assert_sums

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Program
    from state_stores import Kept
    from sync_world import Ended, World

LEASE_S = 1.0
TIMES = {"lease_s": LEASE_S, "send_window_s": LEASE_S / 2}
BATCH = 50
ROWS = 10 * BATCH
# The model as it was: the frozen run has the warehouse's file open, so that it cannot change.
EARLIER = "select person_id, 'low' as level, note from people"


@dataclass
class Frozen:
    """A run that stands still, and the world that it works in."""

    kept: Kept
    process: subprocess.Popen[str]

    def go_on(self) -> tuple[int, str, str]:
        """Its exit code and what it printed."""
        self.process.send_signal(signal.SIGCONT)
        out, err = self.process.communicate(timeout=30)
        self.kept.world.assert_no_secret([out, err])
        return self.process.returncode, out, err


@pytest.fixture
def freeze(
    make_kept: Callable[..., Kept],
    make_program: Callable[[World], Program],
    moment_library: Path,
    until: Callable[..., None],
) -> Callable[[str], Frozen]:
    """Starts a run of ten batches, one at a time, that freezes at the moment."""

    def start(after: str) -> Frozen:
        kept = make_kept("rest_errors", latency_ms=20)
        world = kept.world
        world.connect(max_in_flight=1)
        world.people(ROWS, level="high")
        world.declare(model={"sql": EARLIER})
        moment = Moment(after, "freeze")
        variables = moments.environment(moment_library, world, kept.state, moment)
        process = make_program(world).start(variables=variables, times=TIMES)
        until(lambda: stands_still(process))
        until(world.is_still)
        assert 0 < len(world.delivered()) < ROWS
        return Frozen(kept, process)

    return start


def stands_still(process: subprocess.Popen[str]) -> bool:
    look = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT
    found = os.waitid(os.P_PID, process.pid, look)
    if found is None:
        return False
    assert found.si_code == os.CLD_STOPPED, process.communicate()
    return True


def take_over(world: World) -> Ended:
    """The first run that is not told that another one is at work."""
    end = time.monotonic() + 20 * LEASE_S
    while (ended := world.run()).code == 4:
        assert ended.requests == 0
        assert time.monotonic() < end, "the lease of a frozen run has no end"
    return ended


def assert_fenced(frozen: Frozen) -> None:
    """Continued, it ends as one that another has taken over from, and records nothing more."""
    state = frozen.kept.state
    before = (state.epoch(), state.journal(), state.statuses())
    assert before[2] == ["interrupted", "done"]
    code, out, err = frozen.go_on()
    assert code == 4, out + err
    report = json.loads(out)
    assert report["status"] == "busy"
    assert_sums(report)
    assert (state.epoch(), state.journal(), state.statuses()) == before


def test_a_frozen_run_that_lost_its_lease_sends_nothing_more(
    freeze: Callable[[str], Frozen], until: Callable[..., None]
) -> None:
    """It has recorded that it will send the batches after the third, and has an answer to read."""
    frozen = freeze("answer*3")
    world = frozen.kept.world
    assert frozen.kept.state.journal()["intent"] >= 1
    world.declare(model={"table": "people"})
    ended = take_over(world)
    assert (ended.error, ended.counts.accepted) == (None, ROWS)
    assert world.unequal() == set()
    requests = world.requests()
    assert_fenced(frozen)
    until(world.is_still)
    assert world.requests() == requests
    assert world.unequal() == set()
    assert world.created() == ROWS
    # What the frozen run may have had under way is sent once more, and nothing else.
    ended = world.run()
    assert (ended.error, world.unequal()) == (None, set())
    assert ended.counts.accepted <= 4 * BATCH


def test_the_one_request_that_a_frozen_run_may_still_send_is_put_right_by_the_next(
    freeze: Callable[[str], Frozen], until: Callable[..., None]
) -> None:
    """It stands between its look at the clock and the first byte: nobody but it can know that."""
    frozen = freeze("request*3")
    world = frozen.kept.world
    world.declare(model={"table": "people"})
    ended = take_over(world)
    assert (ended.error, ended.counts.accepted) == (None, ROWS)
    requests = world.requests()
    assert_fenced(frozen)
    until(world.is_still)
    assert world.requests() == requests + 1
    assert len(world.unequal()) == BATCH, "an old version has overwritten the new one"
    ended = world.run()
    assert (ended.error, world.unequal()) == (None, set())
    assert BATCH <= ended.counts.accepted <= 4 * BATCH
    assert world.created() == ROWS
