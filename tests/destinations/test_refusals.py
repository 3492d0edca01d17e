"""Rows that the tool refuses, one by one and by the batch; the others arrive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sync_world import World

pytestmark = pytest.mark.answers


@pytest.mark.appends
def test_half_of_the_rows_refused(world: World) -> None:
    rows = 3 * world.form.batch_rows if world.form.batch_rows > 1 else 40
    world.people(rows)
    world.sandbox.set_faults([{"do": "partial_207", "ok_share": 0.5, "message": "not this one"}])
    ended = world.run()
    refused = rows - len(world.delivered())
    assert rows * 0.3 < refused < rows * 0.7
    assert (ended.code, ended.counts.rejected) == (1, refused)
    assert ended.counts.accepted == rows - refused
    assert ended.report is not None
    assert len(ended.report.rejected_sample) == 20
    said = "" if world.form.wordless else "not this one"
    assert all(row.code and said in row.message for row in ended.report.rejected_sample)
    # Held back without a request, and still counted: a second run must not turn green.
    world.sandbox.set_faults([])
    again = world.run()
    assert (again.code, again.requests, again.counts.rejected) == (1, 0, refused)
    listed = {row["key"] for row in world.project().rejected("people")}
    assert listed == set(world.model()) - set(world.delivered())
    world.sql("update people set note = 'better'")
    assert world.settles().counts.accepted == rows
    assert world.project().rejected("people") == []


@pytest.mark.parametrize("refusal", ["bad request", "conflict"])
def test_a_batch_refused_for_one_row_is_halved_down_to_it(world: World, refusal: str) -> None:
    status = world.form.conflict if refusal == "conflict" else "400"
    batch = world.form.batch_rows
    bad = f"p{batch // 3}"
    world.people(batch)
    world.sandbox.set_faults(
        [{"match": {"key": world.form.key_at_tool(bad)}, "do": status, "message": "bad apple"}]
    )
    ended = world.run()
    if status in world.form.hopeless:
        # It is said of the request, so that no row is called rejected for it.
        assert (ended.code, ended.requests, ended.counts.not_attempted) == (2, 1, batch)
        assert "bad apple" in str(ended.error)
        return
    assert (ended.code, ended.counts.rejected) == (1, 1)
    assert ended.counts.accepted == batch - 1
    assert ended.requests <= 2 * math.ceil(math.log2(batch)) + 1
    assert ended.report is not None
    (row,) = ended.report.rejected_sample
    assert row.key == bad
    assert "bad apple" in row.message
    # Each of the others was written once.
    writes = world.sandbox.writes(world.form.vendor, world.form.object)
    assert set(writes.values()) == {1} or batch == 1
    assert world.unequal() == {bad}


@pytest.mark.appends
def test_a_message_of_the_tool_does_not_carry_the_credential(world: World) -> None:
    from sync_world import SECRET

    world.people(1)
    status = world.form.conflict if "400" in world.form.hopeless else "400"
    world.sandbox.set_faults([{"do": status, "message": f"bad token {SECRET} in the request"}])
    ended = world.run()  # looks for the credential everywhere
    if status in world.form.hopeless:
        assert (ended.code, ended.counts.not_attempted) == (2, 1)
        assert "bad token" in str(ended.error)
        return
    assert ended.code == 1
    assert ended.report is not None
    assert "bad token" in ended.report.rejected_sample[0].message


@pytest.mark.appends
def test_too_large_a_request_is_split(world: World) -> None:
    batch = world.form.batch_rows
    world.people(batch)
    world.sandbox.set_faults([{"do": "413", "times": 1}])
    ended = world.run()
    if batch == 1:
        assert (ended.code, ended.counts.rejected) == (1, 1)
        return
    assert (ended.code, ended.counts.accepted, ended.requests) == (0, batch, 3)
    assert world.unequal() == set()


@pytest.mark.forms(lambda form: form.vendor == "hubspot")
def test_a_field_that_the_tool_lacks_is_one_error_and_not_one_a_row(world: World) -> None:
    world.declare(fields={**world.sync["fields"], "nowhere": "note"})
    world.people(250)
    ended = world.run(compared=False)
    assert ended.code == 2
    assert "nowhere" in str(ended.error)
    assert ended.requests <= 3
    assert world.delivered() == {}


@pytest.mark.forms(lambda form: form.vendor == "hubspot")
def test_a_value_that_the_tool_does_not_take_is_named_with_its_field(world: World) -> None:
    world.declare(fields={"person_id": "person_id", "big": "big"}, tolerate={"rejected": 1})
    world.sql(
        "create or replace table people as select i::varchar as person_id, case when i = 7"
        " then 'seven' else i::varchar end as big from range(50) as t(i)"
    )
    ended = world.run()
    assert (ended.code, ended.counts.rejected, ended.counts.accepted) == (0, 1, 49)
    assert ended.report is not None
    (row,) = ended.report.rejected_sample
    assert (row.key, row.field) == ("7", "big")


@pytest.mark.forms(lambda form: form.vendor == "hubspot")
def test_two_rows_that_claim_one_unique_value_leave_one_of_them_out(world: World) -> None:
    world.declare(fields={"person_id": "person_id", "email": "email"})
    world.sql(
        "create or replace table people as select i::varchar as person_id,"
        " 'p' || (case when i = 33 then 4 else i end) || '@example.com' as email"
        " from range(40) as t(i)"
    )
    ended = world.run()
    assert (ended.code, ended.counts.rejected, ended.counts.accepted) == (1, 1, 39)
    assert ended.report is not None
    (row,) = ended.report.rejected_sample
    assert row.key in ("4", "33")
    assert row.code == "CONFLICT"
    assert ended.requests <= (1 if world.form.answers_alone else 2 * math.ceil(math.log2(40)) + 1)
