"""Plans that are sent later, whole or in parts, and what a plan says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tailrace import errors

if TYPE_CHECKING:
    from pathlib import Path

    from sync_world import World


def test_a_plan_that_is_written_is_what_is_sent(world: World, ground: Path) -> None:
    world.people(5)
    plan = world.project().plan("people", write_plan=ground / "people.plan")
    assert plan.file == str(ground / "people.plan")
    assert world.requests() == 0
    world.people(5, first=5)
    report = world.project().run("people", plan_file=plan.file)
    assert report.counts.accepted == 5
    assert len(world.delivered()) == 5
    assert world.settles().counts.added == 5


def test_a_plan_that_went_stale_or_was_altered_is_refused(world: World, ground: Path) -> None:
    world.people(5)
    file = ground / "people.plan"
    world.project().plan("people", write_plan=file)
    whole = file.read_bytes()
    for at in (len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(errors.ConfigError):
            world.project().run("people", plan_file=file)
    file.write_bytes(whole)
    assert world.requests() == 0
    world.settles()
    before = world.requests()
    with pytest.raises(errors.GuardRefused):
        world.project().run("people", plan_file=file)
    assert world.requests() == before


def test_a_plan_in_parts_is_sent_by_a_run_each(world: World, ground: Path) -> None:
    world.people(90)
    plan = world.project().plan("people", plan_parts=(ground / "parts", 3))
    assert len(plan.parts) == 3
    sent = [world.project().run("people", plan_file=part).counts.accepted for part in plan.parts]
    assert sum(sent) == 90
    assert all(sent)
    assert world.unequal() == set()
    world.assert_quiet()


def test_a_plan_says_that_the_mapping_changed(world: World) -> None:
    world.people(5)
    world.settles()
    world.declare(fields={"person_id": "person_id", "level": "level"})
    plan = world.project().plan("people")
    assert plan.mapping_changed
    assert plan.counts["changed"] == 5
    assert plan.reasons
