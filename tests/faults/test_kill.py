"""Runs killed at any moment: the next one finishes the work, and the one after has none."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from moments import Moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Program
    from state_stores import Kept
    from sync_world import World

CALLS = 24
LATENCY_MS = [5, 40]
SEED = 20_261_122


def moments() -> list[tuple[str, str, int, float]]:
    """Form, phase, requests to wait for, and seconds to let pass after that."""
    dice = random.Random(SEED)
    read = [("read", 0, dice.uniform(0, 0.02))]
    send = [("send", dice.randint(1, CALLS - 2), dice.uniform(0, 0.03)) for _ in range(3)]
    settle = [("settle", CALLS, dice.uniform(0, 0.06)) for _ in range(2)]
    forms = ["hubspot", "rest_errors", "rest_put"]
    return [(forms[at % 3], *moment) for at, moment in enumerate([*read, *send, *settle])]


@pytest.fixture
def kill(
    make_kept: Callable[..., Kept],
    make_program: Callable[[World], Program],
    until: Callable[..., None],
) -> Callable[[str, str, int, float], World]:
    """A world whose first run was killed at that moment."""

    def start_and_kill(form: str, phase: str, requests: int, pause: float) -> World:
        kept = make_kept(form, latency_ms=LATENCY_MS)
        world = kept.world
        world.connect(max_in_flight=3)
        world.declare(mode="mirror")
        world.people(CALLS * world.form.batch_rows)
        process = make_program(world).start()
        if phase == "read":
            until(kept.state.running)
        else:
            until(lambda: world.requests() >= requests or process.poll() is not None)
        time.sleep(pause)
        process.kill()
        process.communicate()
        # What had left before it died may still be on its way through the sandbox.
        until(world.is_still)
        return world

    return start_and_kill


@pytest.mark.parametrize(
    "moment", moments(), ids=[f"{phase}-{calls}-{form}" for form, phase, calls, _ in moments()]
)
def test_a_killed_run_is_finished_by_the_next(
    moment: tuple[str, str, int, float], kill: Callable[..., World]
) -> None:
    world = kill(*moment)
    sent = len(world.delivered())
    ended = world.settles()
    rows = CALLS * world.form.batch_rows
    assert ended.counts.accepted + ended.counts.unchanged == rows
    # What was on record as delivered is not sent again; what was not, is.
    assert ended.counts.accepted >= rows - sent
    assert world.created() == rows


@pytest.mark.parametrize("moment", moments()[1:4], ids=["rest_errors", "rest_put", "hubspot"])
def test_a_model_that_goes_on_after_a_kill_is_followed(
    moment: tuple[str, str, int, float], kill: Callable[..., World]
) -> None:
    """Rows whose delivery is in doubt change, leave and come; a late request may still land, so
    until that is past they, and no others, are sent with each run."""
    world = kill(*moment)
    world.sql("update people set level = 'high' where person_id in ('p0', 'p7')")
    world.sql("delete from people where person_id in ('p1', 'p5')")
    world.people(1, first=CALLS * world.form.batch_rows)
    for _ in range(2):
        ended = world.run()
        assert ended.error is None, ended.error
        assert world.unequal() == set()
    assert ended.counts.changed <= 2
    assert ended.counts.removed <= 2
    assert ended.counts.added == 0


# Of the calls that a run makes. More moments need no other code: set it to a few hundred.
MOMENTS = int(os.environ.get("TAILRACE_KILL_MOMENTS", "12"))
SHARES = [round((i + 0.5) / MOMENTS, 4) for i in range(MOMENTS)]
BATCHES = 10
IN_FLIGHT = 2


def ten_batches(make_kept: Callable[..., Kept]) -> Kept:
    """500 people to send, of whom the tool holds 45 otherwise, and 20 to delete one by one."""
    kept = make_kept("rest_errors")
    world = kept.world
    world.connect(max_in_flight=IN_FLIGHT)
    world.declare(mode="mirror")
    world.people(65)
    assert world.run().code == 0
    world.sql("delete from people where substr(person_id, 2)::int < 20")
    world.sql("update people set level = 'high'")
    world.people(BATCHES * 50 - 45, first=65)
    return kept


@pytest.fixture(scope="module")
def steps_of_a_run() -> dict[str, int]:
    """How many calls that change something a run of ten batches makes, by the kind of store."""
    return {}


@pytest.mark.parametrize("share", SHARES)
def test_a_run_killed_at_any_call_that_changes_something_is_finished_by_the_next(
    share: float,
    make_kept: Callable[..., Kept],
    run_until_moment: Callable[..., tuple[int, str]],
    steps_of_a_run: dict[str, int],
    tmp_path: Path,
) -> None:
    """Writes to the store and sends to store and tool, counted over the whole run.

    What is sent again without need are batches whose outcome is not on record yet: those in
    flight, and a window of intents, which is twice as many.
    """
    kept = ten_batches(make_kept)
    kind = kept.state.kind
    if kind not in steps_of_a_run:
        counted = tmp_path / "steps"
        assert run_until_moment(ten_batches(make_kept), None, counted=counted)[0] == 0
        steps_of_a_run[kind] = counted.stat().st_size
    world = kept.world
    before = world.writes()
    at = int(share * steps_of_a_run[kind])
    code, _ = run_until_moment(kept, Moment(f"step*{at}"))
    # Group commits join more or less from run to run: a late moment may not come.
    assert code in ((-signal.SIGKILL,) if share < 0.6 else (-signal.SIGKILL, 0))
    assert world.run().error is None
    assert world.unequal() == set()
    assert world.created() == 65 + BATCHES * 50 - 45
    extra = {key: count - before.get(key, 0) - 1 for key, count in world.writes().items()}
    assert sum(count for count in extra.values() if count > 0) <= 3 * IN_FLIGHT * 50
    again = world.run()
    assert again.error is None
    assert again.counts.unchanged == again.counts.scanned
    assert (again.requests, again.counts.removed) == (0, 0)
    assert world.unequal() == set()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
@pytest.mark.parametrize("form", ["hubspot", "rest_put"])
def test_a_signal_ends_a_run_within_five_seconds_with_everything_settled(
    form: str,
    number: signal.Signals,
    code: int,
    make_kept: Callable[..., Kept],
    make_program: Callable[[World], Program],
    until: Callable[..., None],
) -> None:
    world = make_kept(form, latency_ms=100).world
    world.connect(max_in_flight=2)
    rows = 24 * world.form.batch_rows
    world.people(rows)
    process = make_program(world).start()
    until(lambda: world.requests() >= 4)
    started = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - started < 5) == (code, True)
    assert "Traceback" not in err
    world.assert_no_secret([out, err])
    report = json.loads(out)
    assert report["status"] == "cancelled"
    assert report["counts"]["unknown"] == 0
    sent = report["counts"]["accepted"]
    assert 0 < sent == len(world.delivered()) < rows
    assert world.settles().counts.accepted == rows - sent
    assert world.created() == rows


def test_a_second_signal_does_not_spoil_the_first(
    make_kept: Callable[..., Kept],
    make_program: Callable[[World], Program],
    until: Callable[..., None],
) -> None:
    world = make_kept("rest_errors", latency_ms=300).world
    world.people(30 * world.form.batch_rows)
    process = make_program(world).start()
    until(lambda: world.requests() >= 2)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    until(world.is_still)
    world.settles()
    assert world.created() == 30 * world.form.batch_rows


def test_a_run_that_is_told_to_stop_and_killed_a_second_later_is_finished_by_the_next(
    make_kept: Callable[..., Kept],
    make_program: Callable[[World], Program],
    until: Callable[..., None],
) -> None:
    """Its last requests are answered after that second only: it is killed while it waits."""
    kept = make_kept("rest_errors", latency_ms=20)
    world = kept.world
    world.connect(max_in_flight=2)
    rows = 12 * 50
    world.people(rows)
    slow = [{"match": {"nth": nth}, "do": "slow", "delay_ms": 2500} for nth in (5, 6)]
    world.sandbox.set_faults(slow)
    process = make_program(world).start()
    until(lambda: world.requests() >= 6)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.kill()
    out, err = process.communicate()
    assert (process.returncode, out) == (-signal.SIGKILL, "")
    assert "Traceback" not in err
    # Told to stop, it has begun nothing more.
    assert world.requests() == 6
    assert kept.state.statuses() == ["running"]
    until(world.is_still)
    assert len(world.delivered()) == 6 * 50
    ended = world.settles()
    # Four batches are on record; of the two that were under way nobody knows.
    assert (ended.counts.unchanged, ended.counts.accepted) == (4 * 50, 8 * 50)
    assert kept.state.statuses() == ["interrupted", "done", "done"]
    assert world.created() == rows
    assert sorted(world.writes().values()) == [1] * (10 * 50) + [2] * (2 * 50)


def test_a_frozen_run_is_not_taken_over_and_ends_its_work(
    make_kept: Callable[..., Kept],
    make_program: Callable[[World], Program],
    until: Callable[..., None],
) -> None:
    """It keeps its lock: nobody takes over while it lives. Frozen in mid-commit it keeps
    SQLite's lock too, and then the other run cannot even ask (5)."""
    world = make_kept("rest_errors", latency_ms=50).world
    world.connect(max_in_flight=1)
    rows = 20 * world.form.batch_rows
    world.people(rows)
    process = make_program(world).start()
    until(lambda: world.requests() >= 3)
    process.send_signal(signal.SIGSTOP)
    until(world.is_still)
    ended = world.run()
    assert ended.code in (4, 5)
    assert ended.requests == 0
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    assert world.unequal() == set()
    world.assert_quiet()
