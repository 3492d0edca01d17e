"""What is particular to Marketo: errors of status 200 by their codes, tokens, leads of one value,
static lists."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME, KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

FORM = BY_NAME["marketo"]
LIST = 1001
"""The sandbox's first static list."""
OAUTH = {"client_id": "app", "client_secret": "$SECRET"}


def world_of(make_world: Callable[..., World], **options: Any) -> World:
    return make_world(replace(FORM, options={**FORM.options, **options}))


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(FORM)


def ops(world: World) -> list[str]:
    return [one["op"] for one in world.log()]


def make(world: World, *leads: dict[str, Any]) -> None:
    """Make leads past the sync, as another integration does, whatever there is."""
    asked = {"action": "createDuplicate", "lookupField": KEY, "input": list(leads)}
    request = urllib.request.Request(
        f"{world.sandbox.url}/rest/v1/leads.json",
        data=json.dumps(asked).encode(),
        headers={"Authorization": f"Bearer {world.secrets[0]}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["success"]


# -- leads ---------------------------------------------------------------------------------------


def test_rows_are_made_overwritten_and_taken_away(world: World) -> None:
    world.declare(mode="mirror")
    world.people(650)
    assert world.settles().requests == 3
    world.sql("update people set level = 'high', note = null where person_id in ('p1', 'p2')")
    world.sql("delete from people where person_id in ('p5', 'p649')")
    world.people(1, first=900)
    ended = world.settles()
    assert (ended.counts.changed, ended.counts.added, ended.counts.removed) == (2, 1, 2)
    assert ops(world) == ["createOrUpdate"] * 4 + ["delete"], "the ids were known"
    found = world.project().verify("people")
    assert (found.equal, found.different, found.missing) == (649, 0, 0)


def test_an_update_passes_over_what_is_not_there(world: World) -> None:
    make(world, {KEY: "p0"}, {KEY: "p299"})
    world.people(300)
    world.declare(mode="update")
    ended = world.run()
    assert ended.code == 0, ended.error
    assert (ended.counts.accepted, ended.counts.skipped) == (2, 298)
    assert world.created() == 2


def test_an_insert_leaves_what_is_there_alone(world: World) -> None:
    make(world, {KEY: "p1", "level": "theirs"})
    world.people(3)
    world.declare(mode="insert")
    ended = world.run()
    assert (ended.code, ended.counts.accepted, ended.counts.rejected) == (1, 2, 1)
    assert ended.report is not None
    assert ended.report.rejected_sample[0].code == "1005"
    assert world.delivered()["p1"]["level"] == "theirs"


def test_an_insert_whose_answer_was_lost_is_looked_up_and_made_once(
    world: World, timing: Callable[..., None]
) -> None:
    timing(quiet_s=0)
    world.people(20)
    world.declare(mode="insert", insert_safety="read_back")
    world.sandbox.set_faults([{"do": "apply_then_reset", "times": 1}])
    ended = world.run()
    assert (ended.code, ended.counts.unknown) == (5, 20)
    assert world.settles().counts.accepted == 20
    assert "find" in ops(world)
    assert world.created() == 20


def test_several_leads_of_one_value_are_written_to_by_none(world: World) -> None:
    make(world, {KEY: "p1"}, {KEY: "P1"}, {KEY: "p2"})
    world.people(3)
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.rejected, ended.counts.accepted) == (1, 1, 2)
    assert ended.report is not None
    assert [(row.key, row.code) for row in ended.report.rejected_sample] == [("p1", "1007")]
    assert world.created() == 4


def test_rows_that_differ_by_case_alone_would_be_one_lead_and_are_not_sent(world: World) -> None:
    world.people(3)
    world.sql("insert into people values (' P1 ', 'high', 'twin')")
    ended = world.run()
    assert (ended.code, ended.counts.invalid, ended.counts.accepted) == (1, 2, 2)
    assert world.created() == 2


def test_a_key_is_never_in_two_requests_at_once(
    make_world: Callable[..., World], timing: Callable[..., None]
) -> None:
    """Of two upserts of one new key at the same time Marketo makes two leads: here the first is
    still at work when its answer is lost."""
    world = make_world(FORM, latency_ms=400)
    world.connect(timeout="200ms", resend_after="600ms")
    world.people(30)
    timing(deadline_s=2, drain_s=1)
    ended = world.run(counted=False)
    assert ended.counts.accepted == 0, "no answer comes in time"
    assert len(ops(world)) >= 2
    timing(deadline_s=None)
    assert world.created() == 30
    world.connect(timeout="20s")
    assert world.settles().counts.accepted == 30
    assert world.created() == 30


def test_leads_are_written_by_their_ids_where_those_are_the_match(world: World) -> None:
    make(world, {KEY: "a"}, {KEY: "b"})
    ids = [one["id"] for one in world.sandbox.records("marketo", "leads")]
    world.declare(mode="update", match="id", fields={"id": "person_id", "level": "level"})
    for one in (*ids, "999"):
        world.sql("insert into people values (?, 'new', 'n')", one)
    ended = world.run(compared=False)
    assert ended.code == 0, ended.error
    assert (ended.counts.accepted, ended.counts.skipped) == (2, 1)
    assert {one["level"] for one in world.delivered().values()} == {"new"}
    world.declare(mode="upsert")
    ended = world.run(compared=False)
    assert ended.code == 2, "leads are made under no id of ours"


def test_a_row_that_leaves_the_model_is_emptied_where_that_is_asked_for(world: World) -> None:
    world.declare(on_removed="clear")
    world.people(3)
    world.settles()
    world.sql("delete from people where person_id = 'p1'")
    assert world.run(compared=False).code == 0
    assert world.delivered()["p1"] == {KEY: "p1"}


def test_removals_are_looked_up_where_the_ids_are_not_known(world: World) -> None:
    """An import tells no ids; 300 long values do not fit into an address."""
    world.declare(mode="mirror")
    world.connect(api="bulk")
    world.sql(
        "insert into people select 'a-rather-long-value-of-a-person-' || i, 'low', 'n'"
        " from range(320) as t(i)"
    )
    assert world.run().code == 0
    world.sql("delete from people where person_id not like '%-1_'")
    ended = world.run(allow_guard=["max_removed"])
    assert (ended.code, ended.counts.removed) == (0, 310)
    assert sorted(ops(world)[-4:]) == ["delete", "delete", "find", "find"]
    assert len(world.delivered()) == 10


# -- errors by code ------------------------------------------------------------------------------


def test_a_field_that_marketo_lacks_is_one_error_and_not_one_a_row(world: World) -> None:
    world.declare(fields={**world.sync["fields"], "nowhere": "note"})
    world.people(1500)
    ended = world.run(compared=False)
    assert ended.code == 2
    assert "nowhere" in str(ended.error)
    assert ended.requests <= 5
    assert ended.counts.not_attempted == 1500
    assert world.delivered() == {}


def test_too_many_at_once_is_waited_for(make_world: Callable[..., World]) -> None:
    limits = {"max": 1000, "interval_ms": 1000, "concurrent": 1}
    form = replace(FORM, options={**FORM.options, "limits": limits})
    world = make_world(form, latency_ms=30)
    world.people(12 * 300)
    ended = world.settles()
    assert ended.report is not None
    assert ended.report.http.rate_limited >= 1
    assert world.created() == 3600


def test_a_spent_day_ends_the_run_with_the_midnight_that_brings_it_back(
    make_world: Callable[..., World],
) -> None:
    limits = {"max": 1000, "interval_ms": 1000, "daily": 50_000, "used": 49_997}
    world = world_of(make_world, limits=limits)
    world.people(4 * 300)
    ended = world.run()
    assert (ended.code, ended.counts.accepted, ended.counts.unknown) == (6, 600, 0)
    assert ended.report is not None
    assert ended.report.not_before is not None
    again = datetime.fromisoformat(ended.report.not_before.replace("Z", "+00:00"))
    midnight = again.replace(hour=6, minute=0, second=0, microsecond=0)
    assert abs(again - midnight) < timedelta(minutes=1)
    world.sandbox.set_limits({"marketo": "none"})
    assert world.settles().counts.accepted == 600


def test_the_days_quota_is_a_limit_that_a_plan_counts_with(world: World) -> None:
    world.people(3000)
    world.connect(limits=None, daily_quota=1000)
    plan = world.project().plan("people")
    assert plan.requests == 10
    assert plan.daily_share == pytest.approx(0.01)


# -- tokens --------------------------------------------------------------------------------------


def by_client(make_world: Callable[..., World], **oauth: Any) -> World:
    login = {**OAUTH, **oauth}
    form = replace(FORM, login=OAUTH, credential_option="oauth", credential=login)
    return make_world(form)


def test_a_token_is_asked_for_in_the_address_and_used_until_its_end(
    make_world: Callable[..., World],
) -> None:
    world = by_client(make_world)
    world.people(1500)
    ended = world.run(counted=False)
    assert ended.code == 0, ended.error
    assert ops(world).count("token") == 1
    assert len(world.delivered()) == 1500
    before = len(ops(world))
    assert world.run(counted=False).counts.unchanged == 1500
    assert len(ops(world)) == before, "nothing to do needs no token"


def test_a_token_that_ends_in_mid_run_is_renewed_and_the_call_repeated(
    make_world: Callable[..., World],
) -> None:
    world = by_client(make_world, uses=3)
    world.connect(max_in_flight=1)
    world.people(8 * 300)
    ended = world.run(counted=False)
    assert ended.code == 0, ended.error
    assert ended.counts.accepted == 2400
    assert world.created() == 2400
    assert ops(world).count("token") == 3
    assert world.project().verify("people").equal == 2400, "a question renews it too"


def test_a_client_that_is_refused_is_said_and_shown_nowhere(
    make_world: Callable[..., World],
) -> None:
    world = by_client(make_world)
    world.connect(auth={**OAUTH, "client_secret": "another-canary"})
    world.secrets.append("another-canary-is-no-secret-of-the-files")
    world.people(3)
    ended = world.run(counted=False)
    assert ended.code == 2
    assert "Bad client credentials" in str(ended.error)
    assert "another-canary" not in str(ended.error)
    assert world.delivered() == {}


# -- static lists --------------------------------------------------------------------------------


def test_members_are_put_on_a_list_and_taken_off(world: World) -> None:
    make(world, *({KEY: f"p{n}"} for n in range(4)))
    world.declare(object=f"list:{LIST}", mode="mirror", fields={KEY: KEY})
    world.people(5)
    ended = world.run(compared=False)
    assert ended.code == 0, ended.error
    assert (ended.counts.accepted, ended.counts.skipped) == (4, 1), "p4 is no lead"
    ids = [int(one["id"]) for one in world.sandbox.records("marketo", "leads")]
    assert members(world) == ids
    # A lead that comes into being becomes a member with the next run.
    make(world, {KEY: "p4"})
    world.sql("delete from people where person_id = 'p0'")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 2)
    assert len(members(world)) == 4
    assert ids[0] not in members(world)
    assert len(world.sandbox.records("marketo", "leads")) == 5, "leads stay"


def members(world: World) -> list[int]:
    (one,) = world.sandbox.records("marketo", "lists")
    return list(one["values"]["members"])


@pytest.mark.parametrize("leads", [0, 1])
def test_a_list_that_is_not_there_ends_the_run_whoever_would_be_on_it(
    world: World, leads: int
) -> None:
    if leads:
        make(world, {KEY: "p0"})
    world.declare(object="list:77", fields={KEY: KEY})
    world.people(1)
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.not_attempted) == (2, 1)
    assert "Marketo has no object 'list:77'" in str(ended.error)
    (problem,) = world.project().check("people")
    assert problem.key == "object"
    assert "Marketo has no object 'list:77'" in problem.message


# -- before anything is sent ---------------------------------------------------------------------


def problems(world: World) -> list[str]:
    return [str(one) for one in world.project().check("people")]


def test_check_knows_the_fields_of_the_instance(world: World) -> None:
    assert problems(world) == []
    world.declare(fields={KEY: KEY, "levl": "level", "createdAt": "note"})
    first, second = problems(world)
    assert "createdAt cannot be written" in first
    assert "no field 'levl'; did you mean 'level'" in second


def test_check_knows_what_leads_are_found_by(world: World) -> None:
    world.declare(match="level", fields={"level": KEY})
    (problem,) = problems(world)
    assert "leads.level is not unique" in problem


def test_values_that_cannot_fit_are_counted_before_anything_is_sent(world: World) -> None:
    world.declare(fields={**FORM_FIELDS, "flag": "level", "day": "note"})
    world.people(5)
    told = " ".join(problems(world))
    assert "flag" in told
    assert "day" in told
    assert "5 rows" in told
    assert "createOrUpdate" not in ops(world)


FORM_FIELDS = {KEY: KEY}


@pytest.mark.parametrize(
    ("changes", "path", "part"),
    [
        ({"object": "companies"}, "object", "no object 'companies'"),
        ({"object": "list:"}, "object", "list:ID"),
        ({"mode": "append"}, "mode", "append is not offered"),
        ({"on_removed": "archive"}, "on_removed", "archive is not offered"),
        ({"object": "list:5", "mode": "update"}, "mode", "update is not offered"),
    ],
)
def test_what_marketo_cannot_do_is_said_with_its_place(
    world: World, changes: dict[str, Any], path: str, part: str
) -> None:
    world.declare(**changes)
    told = " ".join(problems(world))
    assert part in told
    assert path in told
    assert world.requests() == 0
