"""A run that is stopped in the middle: what was in flight is settled, the next run goes on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tailrace import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from destination_forms import Form
    from sync_world import World

CALLS = 24


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture
def slow(form: Form, make_world: Callable[..., World]) -> World:
    """A world that takes most of a second for the rows it has."""
    world = make_world(form, latency_ms=60)
    world.connect(max_in_flight=2)
    world.people(CALLS * form.batch_rows)
    return world


@pytest.mark.appends
def test_a_run_cancelled_from_another_thread_settles_and_the_next_goes_on(
    slow: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tailrace import _core

    handles: list[Any] = []

    def keep(*arguments: Any, **named: Any) -> Any:
        handles.append(_true(*arguments, **named))
        return handles[-1]

    _true = _core.RunHandle
    monkeypatch.setattr(_core, "RunHandle", keep)
    asked: list[float] = []

    def stop() -> None:
        until(lambda: slow.requests() >= 5)
        asked.append(time.monotonic())
        handles[0].cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    ended = slow.run()
    took = time.monotonic() - asked[0]
    thread.join()
    assert isinstance(ended.error, Cancelled)
    assert took < 3.5
    batch = slow.form.batch_rows
    sent = ended.taken
    assert 0 < sent < CALLS * batch
    assert ended.counts.not_attempted > 0
    # Both requests under way were answered within the time that a stop has.
    assert ended.counts.unknown == 0
    assert len(slow.delivered()) == sent
    again = slow.settles()
    assert again.counts.accepted == CALLS * batch - sent
    assert slow.created() == CALLS * batch


@pytest.mark.forms(lambda form: form.name in ("hubspot", "rest_put", "slack"))
@pytest.mark.appends
def test_an_exception_of_the_caller_stops_the_run_and_goes_on_to_the_caller(slow: World) -> None:
    def look(_: object) -> None:
        if slow.requests() >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slow.project().run("people", progress=look)
    stopped_at = slow.requests()
    assert stopped_at < CALLS
    assert slow.settles().counts.accepted >= (CALLS - stopped_at) * slow.form.batch_rows
    assert slow.created() == CALLS * slow.form.batch_rows


@pytest.mark.forms(lambda form: form.name in ("hubspot", "rest_errors"))
def test_a_stop_does_not_wait_for_an_answer_that_does_not_come(world: World) -> None:
    world.people(1)
    world.sandbox.set_faults([{"do": "timeout", "seconds": 30}])
    started: list[float] = []

    def look(_: object) -> None:
        if world.requests() >= 1:
            started.append(time.monotonic())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.project().run("people", progress=look)
    assert time.monotonic() - started[0] < 4
    (run,) = world.project().runs("people", 1)
    assert run["status"] == "cancelled"
    assert run["report"]["counts"]["unknown"] == 1
    world.sandbox.set_faults([])
    assert world.settles(counted=False).counts.accepted == 1
