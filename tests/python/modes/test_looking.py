"""Looking before and after: verify, try, plans that are sent later, shards, guards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tailrace import Project, errors

if TYPE_CHECKING:
    from sync_world import World


def test_records_that_nobody_touched_are_equal(world: World) -> None:
    world.people(5)
    world.settles()
    found = world.project().verify("people")
    assert (found.checked, found.equal, found.rows) == (5, 5, ())
    assert found.agrees


def test_what_somebody_changed_in_the_tool_is_found_and_repaired(world: World, tool: Any) -> None:
    world.people(5)
    world.settles()
    tool.edit("p1", "note", "edited")
    tool.drop("p2")
    world.sql("update people set level = 'high' where person_id = 'p3'")
    found = world.project().verify("people")
    assert (found.equal, found.different, found.missing, found.pending) == (2, 1, 1, 1)
    assert {row.key: row.state for row in found.rows} == {"p1": "different", "p2": "missing"}
    (field,) = next(row for row in found.rows if row.key == "p1").fields
    assert (field.field, field.ours, field.theirs) == ("note", "note 1", "edited")
    assert not found.agrees
    world.project().verify("people", repair=True)
    assert world.unequal() == {"p3"}, "what changed in the model is the next run's"
    assert world.settles().counts.changed == 1


def test_a_repair_of_thousands_sends_them_and_nothing_else(world: World, tool: Any) -> None:
    world.declare(on_removed="delete")
    world.people(1300)
    world.settles()
    for number in range(1200):
        tool.edit(f"p{number}", "note", "edited")
    world.sql("delete from people where person_id in ('p1298', 'p1299')")
    world.sql("update people set level = 'high' where person_id = 'p1297'")
    found = world.project().verify("people", repair=True)
    assert (found.different, found.extra, found.pending) == (1200, 2, 1)
    assert (len(found.rows), len(found.keys_to_repair)) == (1000, 1200)
    assert len(world.delivered()) == 1300, "nothing was taken away"
    assert world.unequal() == {"p1297", "p1298", "p1299"}, "they are the next run's"


def test_trying_a_row_sends_nothing_until_it_is_told_to(world: World) -> None:
    world.people(2)
    trial = world.project().try_row("people", "p1")
    assert (world.requests(), trial.answers, trial.outcome) == (0, (), None)
    assert "note 1" in trial.requests[0].body
    trial = world.project().try_row("people", "p1", send=True)
    assert (trial.outcome, world.delivered().keys()) == ("accepted", {"p1"})
    assert trial.answers[0].status < 300
    assert world.settles().counts.added == 1


def test_a_row_that_is_not_there_cannot_be_tried(world: World) -> None:
    world.people(1)
    with pytest.raises(errors.ConfigError, match="p7"):
        world.project().try_row("people", "p7")


def test_shards_wait_for_one_another_and_send_everything_once(world: World) -> None:
    world.people(90)
    project = world.project()
    with pytest.raises(errors.Unfinished, match="have not counted") as caught:
        project.run("people", shard=(0, 2, "one"))
    assert caught.value.not_before
    assert world.requests() == 0
    second = project.run("people", shard=(1, 2, "one"))
    first = project.run("people", shard=(0, 2, "one"))
    assert first.counts.accepted + second.counts.accepted == 90
    assert world.created() == 90
    world.assert_quiet()


def test_a_field_that_is_suddenly_null_stops_the_run(world: World) -> None:
    world.declare(guards={"max_null_jump": {"note": "10%"}})
    world.people(20)
    world.settles()
    world.sql("update people set note = null where person_id in ('p1', 'p2', 'p3')")
    before = world.requests()
    ended = world.run()
    assert (ended.code, world.requests()) == (3, before)
    assert ended.report is not None
    assert [breach.guard for breach in ended.report.breaches] == ["max_null_jump"]
    assert world.run(allow_guard=["max_null_jump"]).code == 0
    assert world.unequal() == set()


def test_a_refused_run_and_a_plan_keep_what_they_would_have_sent(world: World) -> None:
    world.declare(on_removed="delete", guards={"max_removed": 3})
    world.people(12)
    world.settles()
    world.sql("delete from people where substr(person_id, 2)::int < 6")
    kept = world.folder / ".tailrace" / "plans" / "people.plan"
    ended = world.run()
    assert (ended.code, ended.requests) == (3, 0)
    assert f"--plan {kept} --allow-guard max_removed" in str(ended.error)
    kept.unlink()
    assert world.project().plan("people").file == str(kept)
    assert world.run(plan_file=kept).code == 3, "not without being allowed"
    assert world.run(plan_file=kept, allow_guard=["max_removed"]).counts.removed == 6
    assert world.unequal() == set()
    assert not kept.exists(), "it is stale from now on"
    world.assert_quiet()


def test_a_run_that_is_not_refused_takes_an_older_plan_away(world: World) -> None:
    world.declare(on_removed="delete", guards={"max_removed": 3})
    world.people(12)
    world.settles()
    world.sql("delete from people where substr(person_id, 2)::int < 6")
    assert world.run().code == 3
    kept = world.folder / ".tailrace" / "plans" / "people.plan"
    assert kept.exists()
    world.people(6)
    assert world.run().code == 0
    assert not kept.exists()


def test_each_target_keeps_plans_of_its_own(world: World) -> None:
    world.root["targets"] = {"prod": {}}
    world.declare(on_removed="delete", guards={"max_removed": 3})
    world.people(12)
    project = Project.load(world.folder, target="prod", env=world.environment)
    project.run("people")
    world.sql("delete from people")
    with pytest.raises(errors.GuardRefused, match=r"/\.tailrace/plans/prod/people\.plan"):
        project.run("people")


def test_a_model_may_grow_by_any_factor_but_the_one_that_is_said(world: World) -> None:
    world.declare(guards={"max_added": "400%"})
    world.people(10)
    world.settles()
    world.people(40, first=10)
    assert world.settles().counts.added == 40
    world.people(201, first=50)
    assert world.run().code == 3
