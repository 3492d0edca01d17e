"""Each cell of the table of modes: what a run does, and that the next one does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sync_world import World


def level_of(world: World, key: str) -> Any:
    return world.delivered()[key]["level"]


def test_upsert_makes_what_is_missing_and_overwrites_what_is_there(world: World, tool: Any) -> None:
    tool.make("p0", level="old", note="old")
    world.people(3)
    assert world.settles().counts.accepted == 3
    world.sql("update people set level = 'high' where person_id = 'p1'")
    assert world.settles().counts.changed == 1
    assert world.created() == 3


def test_update_writes_records_that_are_there(world: World, tool: Any) -> None:
    world.declare(mode="update")
    for key in ("p0", "p1"):
        tool.make(key, level="old", note="old")
    world.people(2)
    assert world.settles().counts.accepted == 2
    world.sql("update people set level = 'high' where person_id = 'p1'")
    assert world.settles().counts.changed == 1
    assert level_of(world, "p1") == "high"
    assert world.created() == 2


def test_update_skips_a_record_that_is_missing_and_tries_it_again(world: World, tool: Any) -> None:
    world.declare(mode="update")
    tool.make("p0", level="old", note="old")
    world.people(2)
    for _ in range(2):
        ended = world.run()
        assert ended.code == 0
        assert ended.counts.skipped == 1
        assert ended.requests >= 1
    assert world.created() == 1
    tool.make("p1", level="old", note="old")
    assert world.settles().counts.accepted == 1


def test_update_rejects_a_record_that_is_missing_where_it_is_told_to(
    world: World, tool: Any
) -> None:
    world.declare(mode="update", on_missing="reject")
    tool.make("p0", level="old", note="old")
    world.people(2)
    ended = world.run()
    assert (ended.code, ended.counts.accepted, ended.counts.rejected) == (1, 1, 1)
    (row,) = world.project().rejected("people")
    assert (row["key"], row["code"]) == ("p1", "missing")
    assert world.created() == 1


def test_insert_makes_each_record_once_ever(world: World) -> None:
    world.declare(mode="insert")
    world.people(3)
    assert world.run().counts.accepted == 3
    world.sql("update people set level = 'high'")
    ended = world.run(compared=False)
    assert (ended.code, ended.requests, ended.counts.unchanged) == (0, 0, 3)
    world.people(1, first=3)
    assert world.run(compared=False).counts.added == 1
    assert world.created() == 4
    assert level_of(world, "p0") == "low"


def test_insert_of_a_record_that_is_there_is_rejected_by_the_tool(world: World, tool: Any) -> None:
    world.declare(mode="insert")
    tool.make("p1", level="old", note="old")
    world.people(3)
    ended = world.run()
    assert (ended.code, ended.counts.accepted, ended.counts.rejected) == (1, 2, 1)
    assert [row["key"] for row in world.project().rejected("people")] == ["p1"]
    assert level_of(world, "p1") == "old"
    assert world.created() == 3


def test_append_makes_a_record_of_each_new_version(events: World) -> None:
    events.declare(mode="append")
    events.people(3)
    assert events.run().counts.accepted == 3
    events.sql("update people set level = 'high' where person_id = 'p1'")
    assert events.run(compared=False).counts.changed == 1
    assert events.created() == 4
    ended = events.run(compared=False)
    assert (ended.code, ended.requests) == (0, 0)
    levels = [
        one["values"]["level"]
        for one in events.sandbox.records("rest", "people")
        if one["values"]["person_id"] == "p1"
    ]
    assert sorted(levels) == ["high", "low"]


def test_mirror_takes_away_what_left_the_model(world: World) -> None:
    world.declare(mode="mirror")
    world.people(5)
    world.settles()
    world.sql("delete from people where person_id = 'p4'")
    assert world.settles().counts.removed == 1


def test_a_model_that_is_emptied_deletes_nothing(world: World) -> None:
    world.declare(mode="mirror")
    world.people(5)
    world.settles()
    world.sql("delete from people")
    ended = world.run()
    assert (ended.code, ended.requests) == (3, 0)
    assert len(world.delivered()) == 5


@pytest.mark.parametrize("on_removed", ["delete", "archive"])
def test_removed_rows_are_taken_away(world: World, on_removed: str) -> None:
    world.declare(on_removed=on_removed)
    world.people(5)
    world.settles()
    world.sql("delete from people where person_id = 'p4'")
    ended = world.run()
    assert (ended.code, ended.counts.removed, ended.counts.accepted) == (0, 1, 1)
    assert "p4" not in world.delivered()
    world.assert_quiet()


def test_removed_rows_are_cleared_but_for_what_identifies_them(world: World) -> None:
    world.declare(on_removed="clear")
    world.people(5)
    world.settles()
    world.sql("delete from people where person_id = 'p4'")
    ended = world.run()
    assert (ended.code, ended.counts.removed, ended.counts.accepted) == (0, 1, 1)
    left = world.delivered()["p4"]
    assert not left.get("level")
    assert not left.get("note")
    world.assert_quiet()


def test_a_removed_row_that_is_ignored_may_come_back_for_nothing(world: World) -> None:
    world.people(5)
    world.settles()
    world.sql("delete from people where person_id = 'p4'")
    ended = world.run()
    assert (ended.code, ended.requests, ended.counts.removed) == (0, 0, 0)
    assert "p4" in world.delivered()
    world.sql("insert into people values ('p4', 'low', 'note 4')")
    ended = world.run()
    assert (ended.code, ended.requests) == (0, 0)


def test_a_first_run_may_take_the_model_as_delivered(world: World) -> None:
    world.declare(backfill="skip")
    world.people(5)
    assert world.run(compared=False).requests == 0
    world.sql("update people set level = 'high' where person_id = 'p1'")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.changed, ended.counts.unchanged) == (0, 1, 4)
    assert world.delivered().keys() == {"p1"}


def test_rows_are_sent_again_when_their_time_has_come(world: World, tool: Any) -> None:
    world.people(3)
    world.declare(resync_every="7d")
    world.settles()
    tool.edit("p1", "note", "edited")
    assert world.run(compared=False).requests == 0
    world.declare(resync_every="1ms")
    ended = world.run()
    assert (ended.code, ended.counts.accepted) == (0, 3)
    assert world.unequal() == set()


def test_only_the_fields_that_changed_are_sent(world: World, tool: Any) -> None:
    world.declare(send="changed_fields")
    world.people(3)
    world.settles()
    tool.edit("p1", "note", "edited")
    world.sql("update people set level = 'high' where person_id = 'p1'")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 1)
    record = world.delivered()["p1"]
    assert (record["level"], record["note"]) == ("high", "edited")
    world.sql("update people set note = 'new' where person_id = 'p1'")
    assert world.run().code == 0
    assert world.unequal() == set()


@pytest.mark.parametrize("send", ["row", "changed_fields"])
def test_a_field_that_leaves_the_mapping_keeps_its_value_in_the_tool(
    world: World, send: str
) -> None:
    if send == "changed_fields":
        world.declare(send=send)
    world.people(3)
    world.settles()
    fields = world.sync["fields"]
    world.declare(fields={name: column for name, column in fields.items() if name != "note"})
    plan = world.project().plan("people")
    ended = world.run(compared=False)
    # The rows have other versions; which fields they had is known only where it is kept.
    again = 3 if send == "row" else 0
    assert plan.counts["changed"] == again
    assert (ended.code, ended.counts.accepted) == (0, again)
    assert ended.requests == world.form.calls(again)
    kept = {key: (one["level"], one["note"]) for key, one in world.delivered().items()}
    assert kept == {f"p{i}": ("low", f"note {i}") for i in range(3)}
    assert world.run(compared=False).requests == 0
    # A change of what is still mapped leaves it alone too.
    world.sql("update people set level = 'high', note = 'other' where person_id = 'p1'")
    assert world.run(compared=False).counts.accepted == 1
    record = world.delivered()["p1"]
    assert (record["level"], record["note"]) == ("high", "note 1")


def test_a_renamed_sync_keeps_its_state(world: World) -> None:
    world.people(3)
    world.settles()
    world.declare(name="renamed", was="people")
    before = world.requests()
    report = world.project().run("renamed")
    assert (report.counts.unchanged, world.requests()) == (3, before)
    assert world.project().run("renamed").counts.unchanged == 3
