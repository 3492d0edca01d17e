"""Marketo's bulk imports: by size, two at a time of a queue of ten, told of row by row, and what is
done when one breaks off, an answer is lost or the process dies. The sandbox's log judges."""

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

FORM = BY_NAME["marketo"]
ROWS = 10_000
"""From so many on the API is chosen by size."""


def world_of(make_world: Callable[..., World], api: str = "bulk", **options: Any) -> World:
    world = make_world(replace(FORM, options={**FORM.options, **options}))
    world.connect(api=api)
    return world


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return world_of(make_world)


def ops(world: World) -> Counter[str]:
    return Counter(one["op"] for one in world.log())


def imports(world: World) -> list[dict[str, Any]]:
    return [one["values"] for one in world.sandbox.records("marketo", "imports")]


def test_the_api_is_chosen_by_the_number_of_rows(make_world: Callable[..., World]) -> None:
    world = world_of(make_world, "auto")
    world.people(ROWS - 1)
    planned = world.project().plan("people").requests
    ended = world.run()
    assert (ended.code, ended.requests) == (0, 34), ended.error
    assert planned == 34
    assert imports(world) == []
    world.people(ROWS, first=ROWS)
    planned = world.project().plan("people").requests
    ended = world.settles()
    assert ended.counts.accepted == ROWS
    assert [one["rows"] for one in imports(world)] == [ROWS]
    assert ended.requests <= planned == 4
    assert world.created() == 2 * ROWS - 1


def test_an_import_takes_few_requests_and_every_row_is_told(world: World) -> None:
    world.people(500)
    ended = world.settles()
    assert ended.counts.accepted == 500
    counted = ops(world)
    assert counted.pop("import_status") <= 3
    assert counted == {"import": 1}, "there are no failures to read of"
    assert world.created() == 500


def test_many_imports_keep_the_queue_filled_and_two_at_work(
    make_world: Callable[..., World],
) -> None:
    world = world_of(make_world, "auto", job_ms=400)
    world.people(85_000)
    ended = world.run(compared=False)
    assert ended.code == 0, ended.error
    assert ended.counts.accepted == 85_000
    begun = imports(world)
    assert sorted(one["rows"] for one in begun) == [10_000, 25_000, 25_000, 25_000]
    assert 2 < max(one["under_way"] for one in begun) <= 4
    assert world.created() == 85_000
    assert ended.requests <= 4 * 4 + 10


def test_a_file_has_at_most_ten_megabytes(world: World) -> None:
    world.sql(
        "insert into people select 'p' || i, repeat('x', 10000), 'n' from range(1500) as t(i)"
    )
    ended = world.run(compared=False)
    assert ended.code == 0, ended.error
    sizes = [one["rows"] for one in imports(world)]
    assert sum(sizes) == 1500
    assert len(sizes) == 2, "15 MB"
    assert world.created() == 1500


def test_texts_of_every_kind_arrive_as_they_are(world: World) -> None:
    texts = {
        "quotes": 'a "quoted", text',
        "lines": "one\ntwo\r\nthree",
        "commas": ",,;|",
        "accents": "Zoë 東京 👍🏽",
        "spaces": "  kept  ",
        "formula": "=1+1",
        "null": "NULL or not",
    }
    for key, text in texts.items():
        world.sql("insert into people values (?, ?, 'n')", key, text)
    world.settles()
    held = world.delivered()
    assert {key: held[key]["level"] for key in texts} == texts
    assert len(imports(world)) == 1


def test_what_a_file_cannot_say_for_certain_goes_by_requests(world: World) -> None:
    """What an empty cell does, and what NULL means in one, no page of the vendor's says."""
    world.people(50)
    world.settles()
    world.sql("update people set level = 'high'")
    world.sql("update people set note = null where person_id = 'p1'")
    world.sql("update people set note = '' where person_id = 'p2'")
    world.sql("update people set note = 'NULL' where person_id = 'p3'")
    assert world.run(compared=False).code == 0
    assert [one["rows"] for one in imports(world)] == [50, 47]
    held = world.delivered()
    assert held["p1"] == held["p2"] | {KEY: "p1"} == {KEY: "p1", "level": "high"}
    assert held["p3"]["note"] == "NULL"


def test_fields_that_are_not_sent_stay_as_they_are(world: World) -> None:
    world.declare(send="changed_fields")
    world.people(50)
    world.settles()
    world.sql("update people set level = 'high' where person_id = 'p7'")
    world.settles()
    assert len(imports(world)) == 1


def test_refused_rows_are_the_right_ones_and_say_why(world: World) -> None:
    world.people(300)
    rule = {"match": {"op": "import"}, "do": "partial_207", "ok_share": 0.7, "message": "not so"}
    world.sandbox.set_faults([rule])
    ended = world.run()
    assert ended.code == 1
    assert ended.report is not None
    assert {(row.code, row.message) for row in ended.report.rejected_sample} == {
        ("import_failure", "not so")
    }
    listed = {row["key"] for row in world.project().rejected("people")}
    assert listed == set(world.model()) - set(world.delivered())
    assert len(listed) == ended.counts.rejected > 30


def test_a_row_whose_value_was_left_out_is_no_delivered_row(
    make_world: Callable[..., World],
) -> None:
    world = world_of(make_world, import_misfits="warn")
    world.declare(fields={KEY: KEY, "flag": "level"})
    world.sql("insert into people values ('p1', 'true', 'n'), ('p2', 'true', 'n')")
    assert world.run(compared=False).counts.accepted == 2
    world.sql("update people set level = if(person_id = 'p1', 'false', 'perhaps')")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.accepted, ended.counts.rejected) == (1, 1, 1)
    assert ended.report is not None
    (row,) = ended.report.rejected_sample
    assert (row.key, row.code) == ("p2", "import_warning")
    assert "perhaps" in row.message


@pytest.mark.parametrize("api", ["auto", "bulk"])
def test_a_field_that_is_not_there_ends_the_run_before_a_row_is_written(
    make_world: Callable[..., World], api: str
) -> None:
    """An import says no more than that it failed: the instance's fields tell why."""
    world = world_of(make_world, api)
    world.declare(fields={**world.sync["fields"], "nowhere": "note"})
    world.people(ROWS)
    ended = world.run(compared=False)
    assert (ended.code, ended.requests) == (2, 0)
    assert "nowhere" in str(ended.error)
    assert world.delivered() == {}
    assert ended.counts.accepted == 0


# -- what breaks off ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["job_failed", "job_killed", "job_gone"])
def test_an_import_that_breaks_off_is_sent_again_by_the_next_run(world: World, fault: str) -> None:
    world.people(300)
    share = {} if fault == "job_gone" else {"share": 0.5}
    world.sandbox.set_faults([{"match": {"key": "p5"}, "do": fault, "times": 1, **share}])
    ended = world.run()
    assert (ended.code, ended.counts.unknown, ended.counts.accepted) == (5, 300, 0)
    assert world.settles().counts.accepted == 300
    assert world.created() == 300


@pytest.mark.parametrize("fault", ["503", "reset_before", "apply_then_reset"])
def test_an_import_without_an_answer_is_not_repeated_in_the_same_run(
    world: World, fault: str
) -> None:
    """Nobody can ask for an import that has no number: a second one beside it would make every new
    lead twice."""
    world.people(100)
    world.sandbox.set_faults([{"match": {"op": "import"}, "do": fault, "times": 1}])
    ended = world.run(counted=False)
    assert (ended.code, ended.counts.unknown) == (5, 100)
    assert ops(world)["import"] == 1
    assert world.settles().counts.accepted == 100
    assert world.created() == 100


@pytest.mark.parametrize("fault", ["html200", "empty200", "bad_json", "truncated", "503"])
@pytest.mark.parametrize("step", ["import_status", "import_failures"])
def test_an_answer_that_makes_no_sense_is_asked_for_again(
    world: World, step: str, fault: str
) -> None:
    world.people(100)
    refuse = {"match": {"op": "import"}, "do": "partial_207", "ok_share": 0.5}
    world.sandbox.set_faults([refuse, {"match": {"op": step}, "do": fault, "times": 2}])
    ended = world.run()
    assert ended.code == 1, ended.error
    assert ended.counts.accepted + ended.counts.rejected == 100
    assert len(world.delivered()) == ended.counts.accepted
    assert len(imports(world)) == 1


def test_a_queue_that_others_have_filled_is_waited_for(make_world: Callable[..., World]) -> None:
    """Ten imports of an instance may be queued or at work, whoever's they are."""
    world = world_of(make_world, job_ms=200)
    world.connect(max_jobs=10)
    rule = {"match": {"op": "import"}, "do": "429", "policy": "1016", "times": 1}
    world.sandbox.set_faults([rule])
    world.people(600)
    ended = world.settles()
    assert ended.counts.accepted == 600
    assert world.created() == 600
    assert ops(world)["import"] == 2


def test_a_run_killed_while_an_import_is_at_work_is_taken_up_by_the_next(
    make_world: Callable[..., World],
) -> None:
    world = world_of(make_world, job_ms=1500)
    world.people(500)
    # A poll is made for what is on record.
    kill_once(lambda: ops(world)["import_status"] >= 1, world.folder, world.environment)
    world.sql("update people set level = 'high' where person_id = 'p3'")
    ended = world.run(counted=False)
    assert ended.code == 0, ended.error
    assert (ended.counts.unchanged, ended.counts.changed) == (499, 1)
    assert [one["rows"] for one in imports(world)] == [500, 1], "nothing at work is sent again"
    assert world.created() == 500
