"""Rows whose key or match value cannot name a record: listed, never sent, and never a delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sync_world import World


@pytest.mark.parametrize("value", ["null", "''", "'   '"], ids=["null", "empty", "blank"])
@pytest.mark.appends
def test_a_row_without_a_match_value_is_invalid_and_the_others_go_out(
    world: World, value: str
) -> None:
    world.people(5)
    world.sql(f"insert into people values ({value}, 'low', 'nobody')")
    ended = world.run()
    assert (ended.code, ended.counts.invalid, ended.counts.accepted) == (1, 1, 5)
    assert set(world.delivered()) == {f"p{i}" for i in range(5)}
    again = world.run()
    assert (again.code, again.requests, again.counts.invalid) == (1, 0, 1)


@pytest.mark.appends
def test_all_copies_of_a_duplicate_are_invalid_and_none_is_sent(world: World) -> None:
    world.people(5)
    world.sql("insert into people values ('p2', 'high', 'copy'), ('p2', 'high', 'copy')")
    ended = world.run()
    assert (ended.code, ended.counts.invalid, ended.counts.accepted) == (1, 3, 4)
    assert ended.report is not None
    assert {row.key for row in ended.report.invalid_sample} == {"p2"}
    assert "p2" not in world.delivered()


def test_a_row_that_becomes_a_duplicate_keeps_the_record_it_has(world: World) -> None:
    world.declare(mode="mirror")
    world.people(5)
    world.settles()
    world.sql("insert into people values ('p2', 'high', 'copy')")
    ended = world.run()
    assert (ended.code, ended.counts.invalid, ended.counts.removed) == (1, 2, 0)
    assert ended.requests == 0
    assert world.delivered()["p2"]["level"] == "low"


@pytest.mark.appends
def test_invalid_rows_within_the_tolerance_leave_the_run_done(world: World) -> None:
    world.declare(tolerate={"rejected": 1})
    world.people(3)
    world.sql("insert into people values (null, 'low', 'nobody')")
    ended = world.run()
    assert (ended.code, ended.counts.invalid, ended.counts.accepted) == (0, 1, 3)


@pytest.mark.forms(lambda form: form.vendor == "hubspot")
def test_matches_that_differ_by_case_alone_are_one_record(world: World) -> None:
    world.declare(fields={"email": "email", "level": "level"}, match="email", key="person_id")
    world.sql(
        "create or replace table people as select i::varchar as person_id, 'low' as level, mail"
        " as email from (values (1, 'A@b.co'), (2, ' a@B.co '), (3, 'c@d.co')) as t(i, mail)"
    )
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.invalid, ended.counts.accepted) == (1, 2, 1)
    records = world.sandbox.records("hubspot", "contacts")
    assert [record["values"]["email"] for record in records] == ["c@d.co"]
