"""Plans that are sent later, whole or in parts, and what a plan says of itself."""

from __future__ import annotations

import os
import subprocess
import sys
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


ROWS = 5_000
LIMITS = [{"requests": 10, "per": "1m"}, {"requests": 400, "per": "1d"}]


def words_of_plan(world: World) -> str:
    """What `tailrace plan` prints."""
    ended = subprocess.run(
        [sys.executable, "-m", "tailrace.cli", "plan", "--project", world.folder],
        env={**os.environ, **world.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout


def costs(world: World) -> tuple[int, float, float | None]:
    plan = world.project().plan("people").to_dict()
    return plan["requests"], round(plan["minutes"], 9), plan["daily_share"]


def test_a_plan_says_what_the_run_will_cost_of_the_limits_that_are_declared(hubspot: World) -> None:
    hubspot.people(ROWS)
    hubspot.declare(mode="mirror")
    hubspot.connect(limits=LIMITS)
    # 50 requests: ten go at once, the others ten a minute; an eighth of the day's.
    assert costs(hubspot) == (50, 4.0, 0.125)
    said = words_of_plan(hubspot)
    assert "50 requests, at least 4.0 minutes by the destination's limits" in said
    assert "12.5% of the daily calls" in said
    # The tool's own limits are those of the account's tier where nothing else is declared.
    hubspot.connect(limits=None)
    assert costs(hubspot) == (50, 0.0, 50 / 250_000)
    ended = hubspot.run()
    assert (ended.code, ended.requests) == (0, 50)


def test_a_plan_says_what_the_tier_of_an_account_allows(hubspot: World) -> None:
    hubspot.people(200 * 100)
    hubspot.connect(tier="professional")
    requests, minutes, share = costs(hubspot)
    # 190 in ten seconds, 650,000 a day.
    assert (requests, share) == (200, 200 / 650_000)
    assert minutes == round(10 / 190 * 10 / 60, 9)
    said = words_of_plan(hubspot)
    assert "200 requests, at least 0.5 s by the destination's limits" in said
    assert "less than 0.1% of the daily calls" in said


def test_a_plan_counts_the_requests_that_take_rows_away(world: World) -> None:
    world.people(400)
    world.declare(mode="mirror")
    world.settles()
    world.sql("delete from people where substr(person_id, 2)::int < 90")
    world.sql("update people set level = 'high' where substr(person_id, 2)::int >= 360")
    world.people(70, first=400)
    requests, _, _ = costs(world)
    ended = world.run()
    assert (ended.code, ended.counts.removed) == (0, 90)
    assert ended.requests == requests
