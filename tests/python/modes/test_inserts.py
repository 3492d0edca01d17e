"""Inserts whose answer is lost: each way to be safe, and what a person decides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tailrace import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

    Timing = Callable[..., None]

LOST = [{"match": {"key": "p0"}, "times": 1, "do": "apply_then_reset"}]


def insert_one(world: World, safety: str, **changes: Any) -> Any:
    """A run whose only insert is applied, and whose answer is lost."""
    world.declare(mode="insert", insert_safety=safety, **changes)
    world.people(1)
    world.sandbox.set_faults(LOST)
    ended = world.run()
    world.sandbox.set_faults([])
    return ended


@pytest.fixture
def parked(world: World, timing: Timing) -> World:
    """A world with one parked row, whose record was made."""
    timing(quiet_s=0)
    ended = insert_one(world, "park")
    assert (ended.code, ended.counts.unknown) == (5, 1)
    ended = world.run()
    assert (ended.code, ended.counts.rejected, ended.requests) == (1, 1, 0)
    (row,) = world.project().rejected("people")
    assert (row["key"], row["code"], row["hold"]) == ("p0", "parked", "parked")
    return world


def test_a_parked_row_is_never_sent_by_itself(parked: World) -> None:
    for _ in range(2):
        ended = parked.run()
        assert (ended.code, ended.requests) == (1, 0)
    assert parked.project().retry("people") == 0
    assert parked.created() == 1


def test_a_parked_row_that_arrived_is_delivered(parked: World) -> None:
    parked.project().deliver("people", "p0")
    assert parked.project().rejected("people") == []
    ended = parked.run()
    assert (ended.code, ended.requests, ended.counts.unchanged) == (0, 0, 1)
    with pytest.raises(errors.ConfigError, match="no parked row has the key 'p0'"):
        parked.project().deliver("people", "p0")


def test_a_parked_row_that_is_released_is_sent_once_more(parked: World) -> None:
    assert parked.project().retry("people", "p0") == 1
    (row,) = parked.project().rejected("people")
    assert row["hold"] == "released"
    ended = parked.run(compared=False)
    assert ended.requests == 1
    # The record is there, and the tool says so: the row is as rejected as any other.
    assert (ended.code, ended.counts.rejected) == (1, 1)
    assert parked.created() == 1


def test_a_release_is_good_for_one_send(parked: World) -> None:
    assert parked.project().retry("people", "p0") == 1
    parked.sandbox.set_faults(LOST)
    ended = parked.run(compared=False)
    assert (ended.code, ended.counts.unknown, ended.requests) == (5, 1, 1)
    parked.sandbox.set_faults([])
    ended = parked.run(compared=False)
    assert (ended.code, ended.counts.rejected, ended.requests) == (1, 1, 0)
    (row,) = parked.project().rejected("people")
    assert (row["code"], row["hold"]) == ("parked", "parked")


LOST_SECOND = [{"match": {"nth": 2}, "do": "apply_then_reset"}]


def command(world: World, *arguments: str) -> Any:
    """The document that a command of `tailrace` prints."""
    ended = subprocess.run(
        [sys.executable, "-m", "tailrace.cli", *arguments, "--json", "--project", world.folder],
        env={**os.environ, **world.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ended.stdout)


def insert_hundreds(world: World, mode: str, *, compared: bool = True) -> Any:
    """A run of 250 rows, one request after the other, that loses the answer to the second."""
    world.connect(max_in_flight=1)
    world.declare(mode=mode)
    world.people(250)
    world.sandbox.set_faults(LOST_SECOND)
    ended = world.run(compared=compared)
    world.sandbox.set_faults([])
    return ended


def test_hubspot_parks_what_may_have_been_appended_until_a_person_decides(
    notes: World, timing: Timing
) -> None:
    timing(quiet_s=0)
    ended = insert_hundreds(notes, "append", compared=False)
    assert (ended.code, ended.counts.accepted, ended.counts.unknown) == (5, 150, 100)
    assert notes.created() == 250
    ended = notes.run(compared=False)
    assert (ended.code, ended.requests) == (1, 0)
    assert (ended.counts.rejected, ended.counts.unchanged) == (100, 150)

    rows = command(notes, "rejected")["rejected"]
    assert {(row["code"], row["hold"]) for row in rows} == {("parked", "parked")}
    second = [one for one in notes.log() if one["status"] == 0]
    assert len(second) == 1
    assert len(rows) == len({row["key"] for row in rows}) == 100
    sent_twice, arrived, *waiting = sorted(row["key"] for row in rows)
    assert command(notes, "rejected", "--retry") == {"released": {"people": 0}}
    command(notes, "rejected", "--delivered", arrived)
    command(notes, "rejected", "--retry", sent_twice)
    ended = notes.run(compared=False)
    assert (ended.code, ended.requests) == (1, 1)
    assert (ended.counts.accepted, ended.counts.rejected) == (1, 98)
    assert sorted(row["key"] for row in command(notes, "rejected")["rejected"]) == waiting
    # The only record that was made twice is the one that a person has asked for.
    made = Counter(
        one["values"]["person_id"] for one in notes.sandbox.records("hubspot", "contacts")
    )
    assert {key for key, count in made.items() if count > 1} == {sent_twice}
    assert made.total() == notes.created() == 251


def test_hubspot_looks_up_what_may_have_been_inserted_where_nothing_is_said(
    hubspot: World, timing: Timing
) -> None:
    timing(quiet_s=0)
    ended = insert_hundreds(hubspot, "insert")
    while ended.code == 5:
        assert hubspot.created() == 250
        ended = hubspot.run()
    assert (ended.code, hubspot.created()) == (0, 250)
    assert hubspot.unequal() == set()
    assert hubspot.project().rejected("people") == []
    hubspot.assert_quiet()


def test_a_row_is_looked_up_before_it_is_sent_again(world: World, timing: Timing) -> None:
    timing(quiet_s=0)
    ended = insert_one(world, "read_back")
    while ended.code == 5:
        ended = world.run()
    assert (ended.code, world.created()) == (0, 1)
    world.assert_quiet()


def test_a_row_is_sent_again_under_its_key(api: World, timing: Timing) -> None:
    timing(quiet_s=0)
    ended = insert_one(api, "idempotency_key")
    while ended.code == 5:
        ended = api.run()
    assert (ended.code, api.created()) == (0, 1)
    api.assert_quiet()


def test_a_duplicate_is_made_only_where_it_is_allowed(events: World, timing: Timing) -> None:
    timing(quiet_s=0)
    events.declare(mode="append", insert_safety="duplicate_ok")
    events.people(1)
    events.sandbox.set_faults(LOST)
    ended = events.run(compared=False)
    events.sandbox.set_faults([])
    while ended.code == 5:
        ended = events.run(compared=False)
    assert (ended.code, events.created()) == (0, 2)


def test_a_reset_makes_no_record_again(world: World) -> None:
    world.declare(mode="insert")
    world.people(3)
    world.run()
    with pytest.raises(errors.ConfigError, match="make all of them again"):
        world.project().reset("people")
    world.project().reset("people", adopt=True)
    ended = world.run()
    assert (ended.code, ended.requests, world.created()) == (0, 0, 3)


def test_a_lost_store_is_no_reason_to_make_records_again(world: World) -> None:
    world.declare(mode="insert")
    world.people(3)
    world.run()
    for path in (world.folder / ".tailrace").glob("state.db*"):
        path.unlink()
    with pytest.raises(errors.StateLost):
        world.project().run("people")
    world.project().reset("people", adopt=True)
    ended = world.run()
    assert (ended.code, ended.requests, world.created()) == (0, 0, 3)
