"""State in PostgreSQL, and workers whose disks are new: what is lost with which, and is noticed."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from tailrace import StateLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from state_stores import Kept, PostgresState
    from sync_world import Ended, World

pytestmark = pytest.mark.parametrize("make_kept", ["postgresql"], indirect=True)

ROWS = 300
LEFT = 30
CHANGED = 5


@pytest.fixture
def mirror(make_kept: Callable[..., Kept]) -> Kept:
    """A mirror of 300 people, all delivered; 30 of them have left and 5 changed since."""
    kept = make_kept()
    world = kept.world
    world.declare(mode="mirror")
    world.people(ROWS)
    world.settles()
    world.sql(f"delete from people where substr(person_id, 2)::int < {LEFT}")
    changed = f"substr(person_id, 2)::int >= {ROWS - CHANGED}"
    world.sql(f"update people set level = 'high' where {changed}")
    return kept


def forget(world: World) -> None:
    """As a worker with a new disk: the project's files are there, and nothing that it left."""
    shutil.rmtree(world.folder / ".tailrace")


def last_report(kept: Kept) -> dict[str, object]:
    """What an orchestrator has kept of the state."""
    (run,) = kept.world.project().runs("people", 1)
    found: dict[str, object] = run["report"]["state"]
    return found


def test_a_worker_with_a_new_disk_goes_on_with_the_state_in_postgres(mirror: Kept) -> None:
    world = mirror.world
    before = last_report(mirror)
    forget(world)
    ended = world.run()
    assert ended.error is None, ended.error
    counts = ended.counts
    assert (counts.changed, counts.removed, counts.added) == (CHANGED, LEFT, 0)
    assert (counts.accepted, counts.unchanged) == (CHANGED + LEFT, ROWS - LEFT - CHANGED)
    assert ended.requests == 1 + LEFT
    assert world.unequal() == set()
    # The store is the same one; what was seen of it is known again.
    assert ended.report is not None
    seen = asdict(ended.report.state)
    assert seen["store_id"] == before["store_id"]
    assert seen["epoch"] == mirror.state.epoch()
    world.assert_quiet()
    drop_schema(mirror.state)
    assert_refused(world)


def drop_schema(state: PostgresState) -> None:
    with state.server.session(state.database) as cursor:
        cursor.execute("drop schema tailrace cascade")


def put_in_place(state: PostgresState, other: str) -> None:
    """Give the store's name to another database."""
    with state.server.session(state.server.database) as cursor:
        cursor.execute(f"drop database {state.database} with (force)")
        cursor.execute(f"alter database {other} rename to {state.database}")


def put_an_empty_one_in_place(state: PostgresState) -> None:
    put_in_place(state, state.server.new_state().database)


LOSSES: dict[str, Callable[[PostgresState], None]] = {
    "its schema is dropped": drop_schema,
    "an empty database is in its place": put_an_empty_one_in_place,
}


def assert_refused(world: World) -> Ended:
    ended = world.run()
    assert (ended.code, ended.requests) == (7, 0), ended.error
    assert "reset" in str(ended.error)
    return ended


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_a_lost_store_is_noticed_and_reset_is_the_way_out(
    lose: Callable[[PostgresState], None], mirror: Kept
) -> None:
    world = mirror.world
    lose(mirror.state)
    assert_refused(world)
    assert_refused(world)
    assert len(world.delivered()) == ROWS
    world.project().reset("people")
    # A new baseline: every row is sent, nothing is deleted.
    ended = world.run()
    assert (ended.code, ended.counts.added, ended.counts.removed) == (0, ROWS - LEFT, 0)
    assert len(world.delivered()) == ROWS
    world.assert_quiet()


def test_a_damaged_store_is_dropped_by_a_person_and_then_reset(mirror: Kept) -> None:
    world, state = mirror.world, mirror.state
    with state.server.session(state.database) as cursor:
        cursor.execute("drop table tailrace.journal")
    assert "table tailrace.journal is missing" in str(assert_refused(world).error)
    with pytest.raises(StateLost, match="drop the schema tailrace"):
        world.project().reset("people")
    drop_schema(state)
    world.project().reset("people")
    ended = world.run()
    assert (ended.code, ended.counts.added, ended.counts.removed) == (0, ROWS - LEFT, 0)


def test_an_older_copy_of_the_store_is_noticed(mirror: Kept) -> None:
    world, state = mirror.world, mirror.state
    with state.server.session(state.server.database) as cursor:
        cursor.execute(f"create database older template {state.database}")
    assert world.run().error is None
    put_in_place(state, "older")
    world.people(10, first=ROWS)
    assert "older copy" in str(assert_refused(world).error)


def test_a_new_disk_and_a_lost_store_are_noticed_by_who_has_kept_its_mark(mirror: Kept) -> None:
    """As Airflow and Dagster have. Where nobody has, the first run writes and deletes nothing."""
    world = mirror.world
    mark = last_report(mirror)
    forget(world)
    drop_schema(mirror.state)
    ended = world.run(expect_state=mark)
    assert (ended.code, ended.requests) == (7, 0)
    assert len(world.delivered()) == ROWS
    ended = world.run()
    assert (ended.code, ended.counts.added, ended.counts.removed) == (0, ROWS - LEFT, 0)
    assert len(world.delivered()) == ROWS
