"""Rejected rows: held back, tried again, released, and written down or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sync_world import World


@pytest.fixture
def choosy(picky: World) -> World:
    """Three rows, of which the tool refused one in a later run: the first would send none."""
    picky.people(3)
    picky.settles()
    picky.sql("update people set level = 'odd' where person_id = 'p1'")
    ended = picky.run()
    assert (ended.code, ended.counts.accepted, ended.counts.rejected) == (1, 0, 1)
    return picky


def test_a_row_is_held_back_and_the_run_stays_red(choosy: World) -> None:
    ended = choosy.run()
    assert (ended.code, ended.requests, ended.counts.rejected) == (1, 0, 1)
    (row,) = choosy.project().rejected("people")
    assert (row["key"], row["hold"]) == ("p1", "permanent")


def test_a_row_that_changed_is_sent_again(choosy: World) -> None:
    choosy.sql("update people set level = 'high' where person_id = 'p1'")
    assert choosy.settles().counts.accepted == 1
    assert choosy.project().rejected("people") == []


def test_a_row_that_is_released_is_sent_again(choosy: World) -> None:
    assert choosy.project().retry("people") == 1
    ended = choosy.run()
    assert (ended.code, ended.requests, ended.counts.rejected) == (1, 1, 1)
    (row,) = choosy.project().rejected("people")
    assert (row["hold"], row["attempts"]) == ("permanent", 2)
    assert choosy.run().requests == 0


def test_a_message_that_may_quote_a_value_is_stored_nowhere(picky: World) -> None:
    picky.declare(rejected={"messages": "code_only"})
    picky.people(1)
    picky.settles()
    picky.sql("update people set level = 'canary-value'")
    picky.run()
    (row,) = picky.project().rejected("people")
    assert row["code"]
    assert row["message"] == ""
    for path in (picky.folder / ".tailrace").rglob("*"):
        if path.is_file():
            assert b"canary-value" not in path.read_bytes(), path


def test_every_operation_is_written_down_where_that_is_asked_for(world: World) -> None:
    world.declare(row_log=True)
    world.people(2)
    world.settles()
    world.sql("update people set level = 'high' where person_id = 'p1'")
    world.settles()
    entries = world.project().log("people", "p1")
    assert [(one["op"], one["status"]) for one in entries] == [("upsert", "accepted")] * 2
    assert entries[0]["at"] >= entries[1]["at"]
    assert len(world.project().log("", "p0")) == 1


def test_nothing_is_written_down_of_rows_otherwise(world: World) -> None:
    world.people(1)
    world.settles()
    assert world.project().log("people", "p0") == []
