"""Rows that leave the model leave the tool, where the sync mirrors; guards stand before that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World


# A function takes rows away in one call, and the sandbox behind it in one request each: what is
# counted here would be two things. Its own removals are in test_python.py.
pytestmark = pytest.mark.forms(lambda form: form.type != "python")


@pytest.fixture
def mirror(world: World) -> World:
    """A world that mirrors 30 people, all of them delivered."""
    world.declare(mode="mirror")
    world.people(30)
    world.settles()
    return world


def calls_to_delete(world: World, rows: int) -> int:
    return rows if world.form.calls_per_delete else 1


def test_rows_that_left_the_model_are_deleted_and_no_others(mirror: World) -> None:
    mirror.sql("delete from people where person_id in ('p3', 'p4', 'p29')")
    ended = mirror.settles()
    assert (ended.counts.removed, ended.counts.accepted) == (3, 3)
    assert ended.requests == calls_to_delete(mirror, 3)
    assert len(mirror.delivered()) == 27


def test_a_changed_match_value_is_one_record_gone_and_one_made(mirror: World) -> None:
    mirror.sql("update people set person_id = 'q3' where person_id = 'p3'")
    ended = mirror.settles()
    assert (ended.counts.added, ended.counts.removed) == (1, 1)
    assert "p3" not in mirror.delivered()
    assert "q3" in mirror.delivered()


def test_a_record_that_is_gone_already_counts_as_deleted(
    mirror: World, timing: Callable[..., None]
) -> None:
    timing(quiet_s=0)  # else the delete whose answer was lost might still land, and is repeated
    mirror.sql("delete from people where person_id = 'p5'")
    mirror.sandbox.set_faults([{"do": "apply_then_reset", "times": 1}])
    ended = mirror.settles()
    assert (ended.counts.removed, ended.counts.accepted) == (1, 1)
    # Where records are looked up first, the second look tells.
    looks = mirror.form.asks or (mirror.form.jobs and not mirror.form.remembers)
    assert ended.requests == (1 if looks else 2)


def test_a_delete_that_fails_is_tried_again_by_the_next_run(
    mirror: World, timing: Callable[..., None]
) -> None:
    mirror.sql("delete from people where person_id = 'p5'")
    mirror.sandbox.set_faults([{"do": "503"}])
    timing(deadline_s=1, drain_s=1)
    ended = mirror.run()
    assert (ended.code, ended.left_over) == (5, 1)
    assert "p5" in mirror.delivered()
    mirror.sandbox.set_faults([])
    timing(deadline_s=None, quiet_s=0)
    assert mirror.settles().counts.removed == 1


def test_a_row_that_comes_back_is_made_again(mirror: World) -> None:
    mirror.sql("delete from people where person_id = 'p5'")
    mirror.settles()
    mirror.sql("insert into people values ('p5', 'low', 'note 5')")
    assert mirror.settles().counts.added == 1


def test_an_empty_model_deletes_nothing_and_asks_nothing(mirror: World) -> None:
    mirror.sql("delete from people")
    ended = mirror.run()
    assert (ended.code, ended.requests) == (3, 0)
    assert len(mirror.delivered()) == 30
    allowed = mirror.run(allow_guard=["empty"])
    assert (allowed.code, allowed.counts.removed) == (0, 30)
    assert mirror.delivered() == {}


@pytest.mark.forms(lambda form: form.name in ("hubspot", "rest_errors"))
def test_a_model_that_shrinks_by_more_than_the_guard_deletes_nothing(world: World) -> None:
    world.declare(mode="mirror")
    world.people(600)
    world.settles()
    world.sql("delete from people where substr(person_id, 2)::int < 130")
    ended = world.run()
    assert (ended.code, ended.requests) == (3, 0)
    assert ended.report is not None
    assert [breach.guard for breach in ended.report.breaches] == ["max_removed"]
    assert len(world.delivered()) == 600


def test_without_a_baseline_nothing_is_deleted(mirror: World) -> None:
    """A reset forgets what was delivered: what the tool holds besides stays."""
    mirror.sql("delete from people where person_id = 'p5'")
    mirror.project().reset("people")
    ended = mirror.run()
    assert (ended.code, ended.counts.removed, ended.counts.added) == (0, 0, 29)
    assert "p5" in mirror.delivered()


def test_rows_removed_under_ignore_stay_and_cost_nothing(world: World) -> None:
    world.people(30)
    world.settles()
    world.sql("delete from people where person_id = 'p5'")
    ended = world.run()
    assert (ended.code, ended.requests, ended.counts.removed) == (0, 0, 0)
    assert "p5" in world.delivered()
    world.sql("insert into people values ('p5', 'low', 'note 5')")
    world.assert_quiet()
