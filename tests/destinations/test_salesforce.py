"""What is particular to Salesforce: records by their ids, spelling of external ids, parents, locked
rows, the day's calls, logins."""

from __future__ import annotations

import json
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME, KEY
from sync_world import SECRET

LOGINS = Path(__file__).resolve().parents[1] / "python" / "logins"
sys.path.append(str(LOGINS))

from login_keys import PUBLIC_KEY  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

FORM = BY_NAME["salesforce"]
DATA = "/services/data/v60.0"


def form_with(limits: Any = "none", **fields: Any) -> Any:
    """The form with other fields or limits of its object."""
    options = dict(FORM.options)
    declared = options["objects"][FORM.object]["fields"]
    options["objects"] = {FORM.object: {"fields": {**declared, **fields}}}
    return replace(FORM, options={**options, "limits": limits})


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(FORM)


def ops(world: World) -> list[str]:
    """What the sandbox was asked to do, but for whose login it is."""
    return [one["op"] for one in world.log()]


def make(world: World, *records: dict[str, Any]) -> list[str]:
    """Make records past the sync; their ids."""
    listed = [{"attributes": {"type": FORM.object}, **one} for one in records]
    request = urllib.request.Request(
        f"{world.sandbox.url}{DATA}/composite/sobjects",
        data=json.dumps({"records": listed}).encode(),
        headers={"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [one["id"] for one in json.load(answer)]


def test_rows_are_made_overwritten_and_taken_away(world: World) -> None:
    world.declare(mode="mirror")
    world.people(450)
    assert world.settles().requests == 3
    world.sql("update people set level = 'high', note = null where person_id in ('p1', 'p2')")
    world.sql("delete from people where person_id in ('p5', 'p449')")
    world.people(1, first=900)
    ended = world.settles()
    assert (ended.counts.changed, ended.counts.added, ended.counts.removed) == (2, 1, 2)
    assert ops(world) == ["upsert"] * 4 + ["delete"], "the ids were known"
    found = world.project().verify("people")
    assert (found.equal, found.different, found.missing, found.extra) == (449, 0, 0, 0)


def test_an_update_looks_its_records_up_and_passes_over_what_is_not_there(world: World) -> None:
    make(world, {KEY: "p0"}, {KEY: "p150"}, {KEY: "p299"})
    world.declare(mode="update")
    world.people(300)
    ended = world.run()
    assert ended.code == 0, ended.error
    assert (ended.counts.accepted, ended.counts.skipped) == (3, 297)
    assert sorted(ops(world)) == ["insert", "query", "query", "update", "update"]
    assert {one["level"] for one in world.delivered().values()} == {"low"}
    assert world.created() == 3


def test_records_are_written_by_their_ids_where_those_are_the_match(world: World) -> None:
    first, second = make(world, {KEY: "a"}, {KEY: "b"})
    world.declare(mode="update", match="Id", fields={"Id": "person_id", "level": "level"})
    gone = first[:-6] + "zzz"
    for row in (first[:15], second, gone):
        world.sql("insert into people values (?, 'new', 'n')", row)
    ended = world.run(compared=False)
    assert ended.code == 0, ended.error
    assert (ended.counts.accepted, ended.counts.skipped) == (2, 1)
    held = {one["level"] for one in world.delivered().values()}
    assert held == {"new"}
    # One record, whatever the length of its id.
    world.sql("insert into people values (?, 'twin', 'n')", first)
    assert world.run(compared=False).counts.invalid == 2


def test_a_record_of_another_spelling_is_not_touched(make_world: Callable[..., World]) -> None:
    world = make_world(form_with(**{KEY: {"external_id": True, "unique": True}}))
    make(world, {KEY: "P1", "level": "theirs"}, {KEY: "p2"})
    world.declare(mode="update")
    world.people(4)
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.rejected, ended.counts.accepted) == (1, 1, 1)
    assert ended.report is not None
    (row,) = ended.report.rejected_sample
    assert (row.key, row.code) == ("p1", "ambiguous_case")
    assert world.delivered()["P1"]["level"] == "theirs"


def test_several_records_of_one_value_are_written_to_by_none(
    make_world: Callable[..., World],
) -> None:
    world = make_world(form_with(**{KEY: {"external_id": True, "case_sensitive": True}}))
    make(world, {KEY: "p1"}, {KEY: "p1"}, {KEY: "p2"})
    world.people(3)
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.rejected, ended.counts.accepted) == (1, 1, 2)
    assert ended.report is not None
    assert ended.report.rejected_sample[0].code == "DUPLICATE_EXTERNAL_ID"
    world.declare(mode="update")
    ended = world.run(full_refresh=True, compared=False)
    assert ended.report is not None
    assert {one.code for one in ended.report.rejected_sample} <= {
        "ambiguous",
        "DUPLICATE_EXTERNAL_ID",
    }
    assert world.created() == 4


def test_numbers_may_be_external_ids(make_world: Callable[..., World]) -> None:
    world = make_world(form_with(Number__c={"type": "double", "external_id": True, "unique": True}))
    world.sql("create or replace table people as select i::int as nr, 'a' as level"
              " from range(5) as t(i)")  # fmt: skip
    world.declare(key="nr", match="Number__c", fields={"Number__c": "nr", "level": "level"})
    assert world.run(compared=False).counts.accepted == 5
    world.declare(mode="update")
    world.sql("update people set level = 'b' where nr < 3")  # the mode is new: all rows go
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 5), ended.error
    levels = sorted(
        one["values"]["level"] for one in world.sandbox.records("salesforce", FORM.object)
    )
    assert levels == ["a", "a", "b", "b", "b"]
    assert world.project().verify("people").equal == 5


# -- parents --------------------------------------------------------------------------------------

BOSS = {"type": "reference", "reference_to": [FORM.object], "relationship": "Boss__r"}


@pytest.fixture
def staff(make_world: Callable[..., World]) -> World:
    """People whose boss is one of them, or nobody who is there."""
    world = make_world(form_with(Boss__c=BOSS))
    make(world, {KEY: "chief"})
    world.declare(fields={**world.sync["fields"], f"Boss__r.{KEY}": "note"})
    world.sql("insert into people values ('p1', 'low', 'chief'), ('p2', 'low', 'nobody'),"
              " ('p3', 'low', 'chief')")  # fmt: skip
    return world


def test_a_parent_is_named_by_its_external_id(staff: World) -> None:
    ended = staff.run(compared=False)
    assert (ended.code, ended.counts.accepted, ended.counts.rejected) == (1, 2, 1)
    assert ended.report is not None
    (row,) = ended.report.rejected_sample
    assert (row.key, row.code) == ("p2", "INVALID_FIELD")
    assert "nobody not found" in row.message
    held = staff.delivered()
    assert held["p1"]["Boss__c"] == held["p3"]["Boss__c"]
    assert staff.project().check("people") == []


@pytest.mark.parametrize("rows", [200, 20])
def test_rows_that_are_locked_go_again_in_smaller_batches(world: World, rows: int) -> None:
    world.people(rows)
    rule = {"do": "partial_207", "ok_share": 0.4, "code": "UNABLE_TO_LOCK_ROW", "times": 1}
    world.sandbox.set_faults([rule])
    ended = world.settles()
    assert ended.counts.accepted == rows
    assert world.created() == rows
    sizes = [entry["rows"] for entry in world.log()]
    assert sizes[0] == rows
    assert len(sizes) > 1
    assert max(sizes[1:]) <= 25


# -- refusals -------------------------------------------------------------------------------------


def test_a_field_that_is_not_there_stops_the_run_before_a_row_is_written(world: World) -> None:
    world.declare(fields={**world.sync["fields"], "Nowhere__c": "note"})
    world.people(450)
    ended = world.run(compared=False)
    assert ended.code == 2
    assert "Nowhere__c" in str(ended.error)
    assert world.delivered() == {}
    assert ended.counts.accepted == ended.counts.rejected == 0


def test_an_object_that_is_not_there_stops_the_run(world: World) -> None:
    world.declare(object="Persn__c")
    world.people(3)
    ended = world.run(compared=False)
    assert ended.code == 2
    assert "object" in str(ended.error)


def test_check_names_what_does_not_fit(make_world: Callable[..., World]) -> None:
    world = make_world(form_with(Sum__c={"type": "double", "read_only": True}))
    world.people(1)
    assert world.project().check("people") == []
    world.declare(fields={**world.sync["fields"], "Sum__c": "level", "levl": "level"})
    problems = [str(one) for one in world.project().check("people")]
    assert any("Sum__c cannot be written" in one for one in problems)
    assert any("no field 'levl'" in one and "'level'" in one for one in problems)
    world.declare(match="note", fields={KEY: KEY, "note": "note"})
    (problem,) = world.project().check("people")
    assert "note is not unique" in str(problem)
    world.declare(object="Persn__c")
    assert "object" in str(world.project().check("people")[0])


def test_a_value_of_the_wrong_kind_is_found_and_its_neighbours_are_written(world: World) -> None:
    world.declare(fields={KEY: KEY, "big": "level"})
    world.people(20, level="7")
    assert world.run(compared=False).counts.accepted == 20
    world.sql("update people set level = if(person_id = 'p11', 'seven', '8')")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.rejected, ended.counts.accepted) == (1, 1, 19)
    assert ended.report is not None
    assert ended.report.rejected_sample[0].key == "p11"


def test_a_spent_day_ends_the_run_with_the_time_to_come_back(
    make_world: Callable[..., World],
) -> None:
    world = make_world(form_with({"daily": 5}))
    world.connect(max_in_flight=1)
    world.people(1400)
    ended = world.run()
    assert ended.code == 6
    assert ended.report is not None
    assert ended.report.not_before is not None
    assert ended.counts.accepted == 600, "two asked whose login it is and for the fields"
    assert ended.report.http.calls_left == 0
    world.sandbox.set_limits({"salesforce": "none"})
    assert world.settles().counts.accepted == 800


def test_too_many_calls_at_once_are_waited_for(world: World) -> None:
    world.people(3)
    world.sandbox.set_faults([{"do": "429", "times": 1}])
    assert world.settles().requests == 2


def test_a_share_of_the_days_calls_is_left_to_others(make_world: Callable[..., World]) -> None:
    world = make_world(form_with({"daily": 20}))
    world.connect(daily_calls="50%", max_in_flight=1)
    world.people(20 * 200)
    ended = world.run()
    assert ended.code == 6
    assert 8 <= ended.requests <= 10


def test_an_insert_whose_answer_was_lost_is_looked_for(world: World) -> None:
    world.declare(mode="insert", insert_safety="read_back")
    world.people(50)
    world.sandbox.set_faults([{"match": {"op": "insert"}, "do": "apply_then_reset", "times": 1}])
    for _ in range(4):
        ended = world.run()
        if ended.code == 0:
            break
    assert world.created() == 50
    assert set(world.delivered()) == set(world.model())


# -- logins ---------------------------------------------------------------------------------------

APP = {"client_id": "app", "client_secret": "${env:DESTINATION_SECRET}"}


def logged_in(make_world: Callable[..., World], auth: dict[str, Any], **oauth: Any) -> World:
    """A world whose sandbox gives out tokens, and knows no other."""
    options = {"oauth": {"client_id": "app", "client_secret": "$SECRET", **oauth}}
    form = form_with()
    world = make_world(
        replace(form, credential_option="oauth", credential=options["oauth"], login=auth)
    )
    world.connect(auth=auth)
    return world


def test_client_credentials_log_in_and_again_when_the_session_ends(
    make_world: Callable[..., World],
) -> None:
    world = logged_in(make_world, {"client_credentials": APP}, uses=3)
    world.connect(max_in_flight=1)
    world.people(1000)
    ended = world.run(counted=False)
    assert ended.code == 0, ended.error
    assert world.unequal() == set()
    assert sum(one["op"] == "token" for one in world.sandbox.log("salesforce")) >= 2


def test_a_refresh_token_logs_in(make_world: Callable[..., World]) -> None:
    auth = {"refresh_token": {**APP, "refresh_token": "${env:DESTINATION_SECRET}"}}
    world = logged_in(make_world, auth, refresh_token="$SECRET")
    world.people(3)
    assert world.run(counted=False).code == 0
    assert world.unequal() == set()


def test_a_signed_assertion_logs_in(make_world: Callable[..., World]) -> None:
    login = {"client_id": "app", "username": "ann@acme.test"}
    grant = {
        "issuer": "app",
        "subject": "ann@acme.test",
        "audience": "https://login.salesforce.com",
        "public_key": PUBLIC_KEY,
    }
    world = logged_in(make_world, {"jwt": {**login, "private_key": "${env:KEY}"}}, jwt=grant)
    world.environment["KEY"] = (LOGINS / "key.pem").read_text(encoding="utf-8")
    world.people(3)
    assert world.run(counted=False).code == 0
    assert world.unequal() == set()


# -- values that cannot fit -----------------------------------------------------------------------

NARROW = {
    "Short__c": {"length": 5},
    "Whole__c": "int",
    "Since__c": "date",
    "Seen__c": "datetime",
    "Open__c": "boolean",
    "Tier__c": {"type": "picklist", "values": ["gold", "silver"]},
    "Tags__c": {"type": "multipicklist", "values": ["a", "b"]},
    "Needed__c": {"required": True},
}


def test_check_counts_the_values_that_cannot_fit_and_shows_three(
    make_world: Callable[..., World],
) -> None:
    world = make_world(form_with(**NARROW))
    world.sql(
        "create or replace table people as select 'p' || i as person_id,"
        " case when i < 5 then 'ÄÖÜ' || i || 'x' else '12345' end as short,"
        " case when i = 7 then '7.5' else '7.0' end as whole,"
        " case when i = 8 then '29.2.2024' else '2024-02-29' end as since,"
        " timestamp '2024-02-29 12:00:00' as seen,"
        " case when i = 9 then 'maybe' else 'Yes' end as open,"
        " case when i % 2 = 0 then 'Gold' else 'gold' end as tier,"
        " case when i = 3 then 'a;c' else 'b;a' end as tags,"
        " case when i = 4 then null else 'x' end as needed"
        " from range(10) as t(i)"
    )
    names = {name: name.removesuffix("__c").lower() for name in NARROW}
    world.declare(fields={KEY: KEY, **names})
    problems = {one.key: str(one) for one in world.project().check("people")}
    assert set(problems) == {f"fields.{name}" for name in NARROW} - {"fields.Short__c"}
    assert "takes whole numbers: one row does not fit: p7 ('7.5')" in problems["fields.Whole__c"]
    assert "p8 ('29.2.2024')" in problems["fields.Since__c"]
    assert "with a zone (timestamptz): 10 rows do not fit: p0" in problems["fields.Seen__c"]
    assert "takes true and false: one row" in problems["fields.Open__c"]
    assert (
        "its list alone: 5 rows do not fit: p0 ('Gold'), p2 ('Gold'), p4 ('Gold'), …"
        in (problems["fields.Tier__c"])
    )
    assert "p3 ('a;c')" in problems["fields.Tags__c"]
    assert "is required: one row does not fit: p4 ('NULL')" in problems["fields.Needed__c"]
    world.sql("update people set short = short || '!' where person_id <> 'p9'")
    problems = {one.key: str(one) for one in world.project().check("people")}
    assert "takes at most 5 characters: 9 rows do not fit" in problems["fields.Short__c"]
    assert (world.questions(), world.requests()) == (2, 0), "for the fields, and nothing was sent"
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.not_attempted) == (2, 10)
    assert "Short__c takes at most 5 characters: 9 rows do not fit: p0 (" in str(ended.error)
    assert "`tolerate: {rejected: 10}`" in str(ended.error)
    assert ended.requests == 0, "a run holds its rows against the fields before the first"
    assert world.delivered() == {}


def test_check_finds_nothing_where_everything_fits(make_world: Callable[..., World]) -> None:
    world = make_world(form_with(Seen__c="datetime", Short__c={"length": 5}))
    world.sql(
        "create or replace table people as select 'p1' as person_id, '12345' as short,"
        " timestamptz '2024-02-29 12:00:00.5+02' as seen, 1.5 as amount, true as flag,"
        " date '2024-02-29' as day union all select 'p2', null, null, null, null, null"
    )
    world.declare(
        fields={
            KEY: KEY,
            "Short__c": "short",
            "Seen__c": "seen",
            "amount": "amount",
            "flag": "flag",
            "day": "day",
        }
    )
    assert world.project().check("people") == []
