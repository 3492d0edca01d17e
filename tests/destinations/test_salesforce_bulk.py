"""Salesforce's jobs of Bulk API 2.0: by size, side by side, read row by row in any order, and what
is done when one breaks off, an answer is lost or the process dies. The sandbox's log judges."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME, KEY
from killed_run import kill_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

FORM = BY_NAME["salesforce"]
ROWS = 2000
"""From so many on the API is chosen by size."""


def world_of(make_world: Callable[..., World], api: str = "bulk", **options: Any) -> World:
    world = make_world(replace(FORM, options={**FORM.options, **options}))
    world.connect(api=api)
    return world


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return world_of(make_world)


def ops(world: World) -> Counter[str]:
    names = (one["op"] for one in world.sandbox.log("salesforce"))
    return Counter(name for name in names if name not in ("details", "describe"))


def jobs(world: World) -> list[dict[str, Any]]:
    return [one["values"] for one in world.sandbox.records("salesforce", "jobs_ingest")]


def test_the_api_is_chosen_by_the_number_of_rows(make_world: Callable[..., World]) -> None:
    world = world_of(make_world, "auto")
    world.people(ROWS - 1)
    assert world.settles().requests == 10
    assert jobs(world) == []
    world.people(ROWS, first=ROWS)
    ended = world.settles()
    assert ended.counts.accepted == ROWS
    assert [one["rows"] for one in jobs(world)] == [ROWS]
    assert ended.requests <= 8


def test_a_job_takes_few_requests_and_every_row_is_told(world: World) -> None:
    world.people(500)
    ended = world.settles()
    assert ended.counts.accepted == 500
    counted = ops(world)
    assert counted.pop("job_status") <= 3
    assert counted == {"create_job": 1, "upload": 1, "upsert": 1, "successful_results": 1}
    assert world.created() == 500


def test_rows_are_overwritten_emptied_and_taken_away(world: World) -> None:
    world.declare(mode="mirror")
    world.people(60)
    world.settles()
    world.sql("update people set level = 'high', note = null where person_id in ('p1', 'p2')")
    world.sql("update people set note = '' where person_id = 'p3'")
    world.sql("delete from people where person_id in ('p5', 'p59')")
    counts = world.run(compared=False).counts
    assert (counts.changed, counts.removed, counts.accepted) == (3, 2, 5)
    held = world.delivered()
    assert held["p1"] == {KEY: "p1", "level": "high"}
    assert "note" not in held["p3"], "an empty text is none, as it is in Collections"
    assert len(held) == 58
    assert [one["operation"] for one in jobs(world)] == ["upsert", "upsert", "delete"]
    assert world.project().verify("people").equal == 58


def test_texts_of_every_kind_arrive_as_they_are(world: World) -> None:
    texts = {
        "quotes": 'a "quoted", text',
        "lines": "one\ntwo\r\nthree",
        "commas": ",,;|",
        "accents": "Zoë 東京 👍🏽",
        "spaces": "  kept  ",
        "hash": "#N/A or not",
        "formula": "=1+1",
    }
    for key, text in texts.items():
        world.sql("insert into people values (?, ?, 'n')", key, text)
    world.settles()
    held = world.delivered()
    assert {key: held[key]["level"] for key in texts} == texts
    assert len(jobs(world)) == 1


def test_a_text_that_means_null_in_a_file_goes_by_collections(world: World) -> None:
    world.people(50)
    world.sql("update people set level = '#N/A' where person_id in ('p7', 'p33')")
    assert world.settles().counts.accepted == 50
    assert world.delivered()["p7"]["level"] == "#N/A"
    assert [one["rows"] for one in jobs(world)] == [48]


def test_a_null_keeps_what_is_there_where_the_field_says_so(world: World) -> None:
    world.declare(fields={**world.sync["fields"], "level": {"column": "level", "nulls": "keep"}})
    world.sql("insert into people values ('p1', 'low', 'one')")
    assert world.run(compared=False).code == 0
    world.sql("update people set level = null, note = 'two'")
    assert world.run(compared=False).code == 0
    assert world.delivered()["p1"] == {KEY: "p1", "level": "low", "note": "two"}


def test_refused_rows_are_the_right_ones_and_say_why(world: World) -> None:
    world.people(300)
    world.sandbox.set_faults([{"match": {"op": "upsert"}, "do": "partial_207", "ok_share": 0.7}])
    ended = world.run()
    assert ended.code == 1
    assert ended.report is not None
    assert {row.code for row in ended.report.rejected_sample} == {
        "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    }
    listed = {row["key"] for row in world.project().rejected("people")}
    assert listed == set(world.model()) - set(world.delivered())
    assert len(listed) == ended.counts.rejected > 30


def test_rows_that_are_locked_go_again(make_world: Callable[..., World]) -> None:
    world = world_of(make_world, "auto")
    world.people(ROWS)
    rule = {"match": {"op": "upsert"}, "do": "partial_207", "ok_share": 0.9}
    world.sandbox.set_faults([{**rule, "code": "UNABLE_TO_LOCK_ROW", "times": 1}])
    ended = world.settles()
    assert ended.counts.accepted == ROWS
    assert world.created() == ROWS
    assert len(jobs(world)) == 1


def test_a_parent_is_named_by_its_external_id(make_world: Callable[..., World]) -> None:
    boss = {"type": "reference", "reference_to": [FORM.object], "relationship": "Boss__r"}
    fields = {**FORM.options["objects"][FORM.object]["fields"], "Boss__c": boss}
    world = world_of(make_world, objects={FORM.object: {"fields": fields}})
    world.sql("insert into people values ('chief', 'low', null)")
    world.settles()
    world.declare(fields={**world.sync["fields"], f"Boss__r.{KEY}": "note"})
    world.sql("insert into people values ('p1', 'low', 'chief'), ('p2', 'low', 'nobody')")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.rejected) == (1, 1)
    assert ended.report is not None
    assert ended.report.rejected_sample[0].key == "p2"
    assert "Boss__c" in world.delivered()["p1"]


def test_many_jobs_run_side_by_side(make_world: Callable[..., World]) -> None:
    world = world_of(make_world, "auto", job_ms=300)
    world.people(90_000)
    ended = world.run(compared=False)
    assert ended.code == 0, ended.error
    assert ended.counts.accepted == 90_000
    begun = jobs(world)
    assert sorted(one["rows"] for one in begun) == [10_000, 20_000, 20_000, 20_000, 20_000]
    assert max(one["under_way"] for one in begun) >= 2
    assert world.created() == 90_000
    assert ended.requests <= 5 * 8 + 10


def test_a_plan_tells_the_requests_that_jobs_take(make_world: Callable[..., World]) -> None:
    world = world_of(make_world, "auto")
    world.people(ROWS - 1)
    assert world.project().plan("people").requests == 10
    world.people(40_000, first=ROWS)
    planned = world.project().plan("people").requests
    ended = world.run(compared=False)
    assert ended.code == 0
    assert planned / 2 <= ended.requests <= planned


# -- what breaks off ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["job_failed", "job_killed", "job_gone"])
def test_a_job_that_breaks_off_is_finished_by_another(world: World, fault: str) -> None:
    world.people(300)
    share = {} if fault == "job_gone" else {"share": 0.5}
    world.sandbox.set_faults([{"match": {"key": "p5"}, "do": fault, "times": 1, **share}])
    assert world.settles().counts.accepted == 300
    assert world.created() == 300
    assert len(jobs(world)) == 2
    first, second = (one["rows"] for one in jobs(world))
    assert first == 300
    # What the first one has written is not sent again, where it tells what that is.
    assert second == (300 if fault == "job_gone" else 150)


STEPS = ("create_job", "upload", "upsert", "successful_results")


@pytest.mark.parametrize("fault", ["503", "reset_before", "apply_then_reset", "429"])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_without_an_answer_writes_every_row_once(
    world: World, step: str, fault: str
) -> None:
    world.people(100)
    world.sandbox.set_faults([{"match": {"op": step}, "do": fault, "times": 1}])
    ended = world.settles()
    assert ended.counts.accepted == 100
    assert world.created() == 100
    writes = world.sandbox.writes("salesforce", FORM.object)
    assert set(writes.values()) == {1}, "the job itself is asked what has become of it"
    assert not [one for one in jobs(world) if one["state"] == "InProgress"]


@pytest.mark.parametrize("fault", ["html200", "empty200", "bad_json", "truncated", "503"])
@pytest.mark.parametrize("step", ["job_status", "successful_results"])
def test_an_answer_that_makes_no_sense_is_asked_for_again(
    world: World, step: str, fault: str
) -> None:
    world.people(100)
    world.sandbox.set_faults([{"match": {"op": step}, "do": fault, "times": 2}])
    assert world.settles().counts.accepted == 100
    assert len(jobs(world)) == 1


def test_a_field_that_is_not_there_stops_the_run(world: World) -> None:
    world.declare(fields={**world.sync["fields"], "Nowhere__c": "note"})
    world.people(300)
    ended = world.run(compared=False)
    assert ended.code == 2
    assert "Nowhere__c" in str(ended.error)
    assert world.delivered() == {}
    assert ended.counts.not_attempted == 300


def test_the_days_batches_end_the_run_and_the_next_sends_the_rest(
    make_world: Callable[..., World],
) -> None:
    world = world_of(make_world, limits={"daily": 10_000, "batches": 1})
    world.people(100)
    world.settles()
    world.people(50, first=100)
    ended = world.run()
    assert ended.code == 6
    assert ended.report is not None
    assert ended.report.not_before is not None
    assert ended.counts.accepted == 0
    world.sandbox.set_limits({"salesforce": "none"})
    assert world.settles().counts.accepted == 50
    assert world.created() == 150


def test_an_insert_whose_close_was_lost_is_made_once(world: World) -> None:
    world.declare(mode="insert")
    world.people(100)
    world.sandbox.set_faults([{"match": {"op": "insert"}, "do": "apply_then_reset", "times": 1}])
    ended = world.settles()
    assert ended.counts.accepted == 100
    assert world.created() == 100


def test_records_are_deleted_for_good_where_that_is_asked_for(world: World) -> None:
    world.connect(hard_delete=True, api="auto")
    world.declare(mode="mirror")
    world.people(30)
    world.settles()
    world.sql("delete from people where person_id in ('p5', 'p6')")
    assert world.settles().counts.removed == 2
    assert [one["operation"] for one in jobs(world)] == ["hardDelete"]


def test_a_right_that_is_lacking_is_told(make_world: Callable[..., World]) -> None:
    world = world_of(make_world, hard_delete=False)
    world.connect(hard_delete=True)
    world.declare(mode="mirror")
    world.people(30)
    world.settles()
    world.sql("delete from people where person_id = 'p5'")
    ended = world.run()
    assert ended.code == 2
    assert "hardDelete" in str(ended.error)
    assert len(world.delivered()) == 30


def test_a_run_killed_while_a_job_is_at_work_is_taken_up_by_the_next(
    make_world: Callable[..., World],
) -> None:
    world = world_of(make_world, job_ms=3000)
    world.people(500)
    # A poll is made for what is on record.
    kill_once(lambda: ops(world)["job_status"] >= 1, world.folder, world.environment)
    world.sql("update people set level = 'high' where person_id = 'p3'")
    ended = world.run(counted=False)
    assert ended.code == 0, ended.error
    assert (ended.counts.unchanged, ended.counts.changed) == (499, 1)
    assert [one["rows"] for one in jobs(world)] == [500, 1], "nothing in the job is sent again"
    assert world.created() == 500
