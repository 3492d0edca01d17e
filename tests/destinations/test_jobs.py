"""Jobs that a tool works off by itself: they break off, take long, and are told of in nonsense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

pytestmark = pytest.mark.forms(lambda form: form.jobs)

STATUS = ("job_status", "import_status")
"""The sandbox's names of what is asked of a job at work."""


def job_of_p5(world: World, fault: str, **options: Any) -> dict[str, Any]:
    """The first job that has a certain row goes wrong."""
    match = {"key": world.form.key_at_tool("p5")}
    return {"match": match, "do": fault, "times": 1, **options}


@pytest.mark.parametrize("fault", ["job_failed", "job_killed", "job_gone"])
def test_a_job_that_breaks_off_in_the_middle_hides_no_row_and_makes_none_twice(
    world: World, fault: str
) -> None:
    batch = world.form.batch_rows
    world.people(3 * batch)
    share = {} if fault == "job_gone" else {"share": 0.5}
    world.sandbox.set_faults([job_of_p5(world, fault, **share)])
    ended = world.run()
    assert ended.counts.rejected == 0
    # Rows that can be sent again at no risk are.
    left = batch if world.form.waits_a_run else 0
    assert (ended.code, ended.left_over) == (5 if left else 0, left)
    assert ended.counts.accepted == 3 * batch - left
    assert world.settles().counts.accepted == left
    assert world.created() == 3 * batch


def test_a_job_that_takes_its_time_is_waited_for(world: World) -> None:
    world.people(3)
    world.sandbox.set_faults([job_of_p5(world, "job_slow", seconds=1)])
    world.people(3, first=3)
    ended = world.settles()
    assert (ended.requests, ended.counts.accepted) == (1, 6)
    assert set(world.writes().values()) == {1}


def test_a_job_at_work_when_the_time_is_over_is_taken_up_by_the_next_run(
    world: World, timing: Callable[..., None]
) -> None:
    world.people(6)
    world.sandbox.set_faults([job_of_p5(world, "job_slow", seconds=2)])
    timing(deadline_s=0.5, drain_s=0.5)
    ended = world.run()
    assert (ended.code, ended.counts.pending) == (5, 6)
    timing(deadline_s=None)
    world.sql("update people set level = 'high' where person_id = 'p3'")
    ended = world.settles()
    assert (ended.counts.unchanged, ended.counts.changed) == (5, 1)
    assert world.created() == 6
    assert set(world.writes().values()) == {1, 2}, "what was at work is not sent again"


@pytest.mark.parametrize("fault", ["html200", "empty200", "bad_json", "truncated", "503"])
def test_what_is_no_word_about_a_job_is_asked_for_again(world: World, fault: str) -> None:
    world.people(6)
    world.sandbox.set_faults([{"match": {"op": op}, "do": fault, "times": 2} for op in STATUS])
    ended = world.settles()
    assert (ended.requests, ended.counts.accepted) == (1, 6)
    assert set(world.writes().values()) == {1}
