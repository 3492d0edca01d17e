"""What is particular to HubSpot: members of lists, and properties that a run makes."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME, KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

FORM = BY_NAME["hubspot"]
KEYED = {KEY: {"type": "string", "unique": True}}
LISTS = {
    "vip": None,
    "snapshot": {"processing": "SNAPSHOT"},
    "by filter": {"processing": "DYNAMIC"},
    "shops": {"object": "companies"},
}


def ops(world: World) -> list[str]:
    return [one["op"] for one in world.log()]


def asked(world: World) -> list[str]:
    """Also what was asked of the fields."""
    every = (one["op"] for one in world.sandbox.log("hubspot"))
    return [op for op in every if op != "details"]


def put(world: World, method: str, path: str, body: Any) -> Any:
    """Ask the sandbox past the sync, as somebody else does."""
    request = urllib.request.Request(
        world.sandbox.url + path,
        data=json.dumps(body).encode(),
        method=method,
        headers={"Authorization": f"Bearer {world.secrets[0]}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def make(world: World, *keys: str, object_name: str = "contacts") -> dict[str, str]:
    """Make records; HubSpot's ids by key."""
    made: dict[str, str] = {}
    for at in range(0, len(keys), 100):
        inputs = [{"properties": {KEY: key}} for key in keys[at : at + 100]]
        answer = put(
            world, "POST", f"/crm/v3/objects/{object_name}/batch/create", {"inputs": inputs}
        )
        made |= {one["properties"][KEY]: one["id"] for one in answer["results"]}
    return made


# -- lists ---------------------------------------------------------------------------------------


@pytest.fixture
def listed(make_world: Callable[..., World]) -> World:
    properties = {**FORM.options["properties"], "companies": KEYED}
    options = {**FORM.options, "lists": LISTS, "properties": properties}
    world = make_world(replace(FORM, options=options))
    world.declare(object="list:1", fields={KEY: KEY})
    return world


def members(world: World, number: int = 1) -> set[str]:
    (one,) = (one for one in world.sandbox.records("hubspot", "lists") if one["id"] == str(number))
    object_name = "companies" if one["values"]["objectTypeId"] == "0-2" else "contacts"
    records = world.sandbox.records("hubspot", object_name)
    names = {record["id"]: record["values"][KEY] for record in records}
    return {names[id_] for id_ in one["values"]["members"] if id_ in names}


@pytest.mark.parametrize("number", [1, 2])
def test_a_mirrored_list_has_the_members_of_the_model(listed: World, number: int) -> None:
    listed.declare(object=f"list:{number}", mode="mirror")
    make(listed, *(f"p{i}" for i in range(620)))
    before = len(ops(listed))
    listed.people(620)
    ended = listed.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 620), ended.error
    assert members(listed, number) == {f"p{i}" for i in range(620)}
    # What the list is, for the mapping and for the rows; then seven look-ups, and two changes.
    made = ops(listed)[before:]
    assert (made.count("list_facts"), made.count("read")) == (2, 7)
    assert made.count("add-and-remove") == 2
    listed.sql("delete from people where person_id in ('p0', 'p619')")
    listed.declare(guards={"max_removed": "100%"})
    ended = listed.run(compared=False)
    assert (ended.counts.removed, ended.counts.accepted) == (2, 2)
    assert members(listed, number) == {f"p{i}" for i in range(1, 619)}
    assert ops(listed)[-2:] == ["list_facts", "add-and-remove"], "the ids were known"
    assert len(listed.sandbox.records("hubspot", "contacts")) == 620, "off the list, still contacts"
    assert listed.run(compared=False).requests == 0


def test_a_list_of_companies_takes_companies(listed: World) -> None:
    make(listed, "p0", "p1")
    make(listed, "p1", "p2", object_name="companies")
    listed.declare(object="list:4")
    listed.people(3)
    ended = listed.run(compared=False)
    assert (ended.counts.accepted, ended.counts.skipped) == (2, 1)
    assert members(listed, 4) == {"p1", "p2"}


@pytest.mark.parametrize(
    ("how", "skipped", "rejected", "code"),
    [
        ({"mode": "upsert"}, 1, 0, 0),
        ({"mode": "update"}, 1, 0, 0),
        ({"mode": "update", "on_missing": "reject"}, 0, 1, 1),
    ],
)
def test_people_that_are_no_contacts_are_passed_over_and_tried_again(
    listed: World, how: dict[str, Any], skipped: int, rejected: int, code: int
) -> None:
    make(listed, "p0", "p2")
    listed.declare(**how)
    listed.people(3)
    ended = listed.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (code, 2)
    assert (ended.counts.skipped, ended.counts.rejected) == (skipped, rejected)
    if rejected:
        assert ended.report is not None
        assert [one.code for one in ended.report.rejected_sample] == ["missing"]
        return
    make(listed, "p1")
    assert listed.run(compared=False).counts.accepted == 1
    assert members(listed) == {"p0", "p1", "p2"}


def test_who_is_on_the_list_already_or_has_left_it_is_as_it_should_be(listed: World) -> None:
    ids = make(listed, "p0", "p1", "p2")
    put(listed, "PUT", "/crm/v3/lists/1/memberships/add", [ids["p1"]])
    listed.declare(mode="mirror", guards={"max_removed": "100%", "allow_empty": True})
    listed.people(3)
    assert listed.run(compared=False).counts.accepted == 3
    put(listed, "PUT", "/crm/v3/lists/1/memberships/remove", [ids["p2"]])
    archived = {"inputs": [{"id": ids["p1"]}]}
    put(listed, "POST", "/crm/v3/objects/contacts/batch/archive", archived)
    listed.sql("delete from people")
    ended = listed.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 3), ended.error
    assert members(listed) == set()


@pytest.mark.parametrize(
    ("number", "said"), [(3, "list 3 is DYNAMIC"), (77, "HubSpot has no list 77")]
)
def test_a_list_that_takes_nobody_ends_the_run_before_anything_is_sent(
    listed: World, number: int, said: str
) -> None:
    make(listed, "p0")
    listed.people(1)
    listed.declare(object=f"list:{number}")
    before = len(ops(listed))
    ended = listed.run(compared=False)
    assert (ended.code, ended.counts.not_attempted) == (2, 1)
    assert said in str(ended.error)
    assert set(ops(listed)[before:]) == {"list_facts"}
    (problem,) = listed.project().check("people")
    assert said in problem.message


def test_a_list_is_checked_and_planned_without_a_write(listed: World) -> None:
    make(listed, "p0")
    listed.people(1)
    assert listed.project().check("people") == []
    assert listed.project().plan("people").requests == 2
    listed.declare(match="level", fields={"level": "level"})
    (problem,) = listed.project().check("people")
    assert "list:1.level is not unique" in problem.message
    assert members(listed) == set()
    assert set(asked(listed)) == {"create", "list_facts", "properties"}


def test_a_row_can_be_tried(listed: World) -> None:
    make(listed, "p0")
    listed.people(1)
    shown = listed.project().try_row("people", "p0")
    assert [one.path for one in shown.requests] == ["/crm/v3/objects/0-1/batch/read"]
    assert members(listed) == set()


@pytest.mark.parametrize(
    "fault",
    [
        {"do": 429, "policy": "SECONDLY"},
        {"do": 503},
        {"do": 503, "applied": True},
        {"do": "apply_then_reset"},
        {"do": "reset_before"},
    ],
)
@pytest.mark.parametrize("op", ["read", "add-and-remove"])
def test_no_fault_of_the_network_or_the_tool_costs_a_member(
    listed: World, op: str, fault: dict[str, Any], timing: Callable[..., None]
) -> None:
    timing(quiet_s=0)
    make(listed, *(f"p{i}" for i in range(120)))
    listed.people(120)
    listed.sandbox.set_faults([{**fault, "match": {"op": op}, "times": 1}])
    ended = listed.run(compared=False, counted=False)
    assert ended.counts.rejected == ended.counts.skipped == 0
    listed.sandbox.set_faults([])
    assert listed.run(compared=False, counted=False).code == 0
    assert members(listed) == {f"p{i}" for i in range(120)}
    assert listed.run(compared=False).requests == 0


# -- properties that are made --------------------------------------------------------------------


@pytest.fixture
def bare(make_world: Callable[..., World]) -> World:
    """An account whose contacts have the number and no other property of ours."""
    world = make_world(replace(FORM, options={**FORM.options, "properties": {"contacts": KEYED}}))
    world.sql("alter table people add column score decimal(9, 2)")
    world.sql("alter table people add column active boolean")
    world.sql("alter table people add column born date")
    world.sql("alter table people add column seen timestamptz")
    names = (KEY, "level", "score", "active", "born", "seen")
    world.declare(create_fields=True, fields={name: name for name in names})
    world.sql(
        "insert into people values ('p0', 'low', 'n', 1.5, true, '2001-02-03',"
        " '2024-01-02T03:04:05Z')"
    )
    return world


MADE = {
    "level": "string",
    "score": "number",
    "active": "bool",
    "born": "date",
    "seen": "datetime",
}


def properties_of(world: World) -> dict[str, str]:
    found = put(world, "GET", "/crm/v3/properties/contacts", None)["results"]
    return {one["name"]: one["type"] for one in found if not one["hubspotDefined"]}


def test_missing_properties_are_made_before_the_first_row(bare: World) -> None:
    ended = bare.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 1), ended.error
    assert asked(bare) == ["properties", *["create_property"] * 5, "upsert"]
    assert properties_of(bare) == {KEY: "string", **MADE}
    (row,) = (one["values"] for one in bare.sandbox.records("hubspot", "contacts"))
    assert row["score"] == "1.50"
    assert row["active"] == "true"
    assert row["seen"].startswith("2024-01-02T03:04:05")
    assert ended.report is not None
    assert any("score (number)" in note for note in ended.report.notes)
    bare.sql("insert into people (person_id) values ('p1')")
    ended = bare.run(compared=False)
    assert ended.code == 0, ended.error
    assert ops(bare).count("create_property") == 5, "none is made twice"
    assert bare.run(compared=False).requests == 0


def test_plan_and_check_tell_what_would_be_made_and_make_nothing(bare: World) -> None:
    plan = bare.project().plan("people")
    assert {one.name: one.type for one in plan.create_fields} == MADE
    remarks: list[str] = []
    assert bare.project().check("people", remarks=remarks) == []
    assert len(remarks) == 5
    assert any("contacts.score (number)" in one for one in remarks)
    assert set(asked(bare)) == {"properties"}
    shown = bare.project().try_row("people", "p0")
    assert len(shown.requests) == 1
    assert properties_of(bare) == {KEY: "string"}


def test_a_row_that_is_tried_for_good_has_its_properties_made(bare: World) -> None:
    bare.project().try_row("people", "p0", send=True)
    assert properties_of(bare) == {KEY: "string", **MADE}


def test_the_property_that_rows_are_matched_by_is_made_unique(bare: World) -> None:
    bare.declare(match="number", fields={"number": KEY, "level": "level"})
    ended = bare.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 1), ended.error
    found = put(bare, "GET", "/crm/v3/properties/contacts/number", None)
    assert found["hasUniqueValue"] is True


@pytest.mark.parametrize("name", ["Churn", "churn-risk", "1st", "a" * 101])
def test_a_name_that_is_none_is_refused_before_anything_is_made(bare: World, name: str) -> None:
    bare.declare(fields={KEY: KEY, "level": "level", name: "score"})
    ended = bare.run(compared=False)
    assert (ended.code, ended.counts.not_attempted) == (2, 1)
    assert f"'{name}' is no name" in str(ended.error)
    (problem,) = bare.project().check("people")
    assert f"'{name}' is no name" in problem.message
    assert set(asked(bare)) == {"properties"}


def test_without_the_switch_an_unknown_property_is_named_with_the_way_on(bare: World) -> None:
    bare.declare(create_fields=False, fields={KEY: KEY, "firstnam": "level"})
    (problem,) = bare.project().check("people")
    assert "firstname" in problem.message
    assert "`create_fields: true`" in problem.message
    ended = bare.run(compared=False)
    assert ended.code == 2
    assert "create_fields: true" in str(ended.error)
    assert bare.project().plan("people").create_fields == ()


def test_a_token_without_the_right_is_told_what_to_ask_for(
    make_world: Callable[..., World], bare: World
) -> None:
    options = {**FORM.options, "properties": {"contacts": KEYED}, "no_schemas": bare.secrets}
    world = make_world(replace(FORM, options=options))
    world.declare(create_fields=True)
    world.people(1)
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.not_attempted) == (2, 1)
    assert "crm.schemas.contacts.write" in str(ended.error)
    assert world.sandbox.records("hubspot", "contacts") == []


def test_somebody_who_makes_the_same_at_the_same_time_does_no_harm(
    bare: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run has made a property since this one asked which there are."""
    from tailrace.sandbox.hubspot import vendor

    shown = vendor.properties.as_json
    theirs = {
        "name": "score",
        "label": "Score",
        "type": "number",
        "fieldType": "number",
        "groupName": "contactinformation",
    }
    put(bare, "POST", "/crm/v3/properties/contacts", theirs)
    hidden = {"name": "hidden", "type": "string"}
    monkeypatch.setattr(
        vendor.properties, "as_json", lambda one: hidden if one.name == "score" else shown(one)
    )
    ended = bare.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 1), ended.error
    answers = [one["status"] for one in bare.log() if one["op"] == "create_property"]
    assert sorted(answers) == [201, 201, 201, 201, 201, 409]


def test_a_run_that_broke_off_between_two_properties_makes_the_others(
    bare: World, timing: Callable[..., None]
) -> None:
    timing(quiet_s=0)
    bare.sandbox.set_faults([{"do": 403, "match": {"op": "create_property", "key": ["born"]}}])
    ended = bare.run(compared=False, counted=False)
    assert (ended.code, ended.counts.not_attempted) == (2, 1)
    assert 0 < len(properties_of(bare)) < 6
    bare.sandbox.set_faults([])
    ended = bare.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 1), ended.error
    assert properties_of(bare) == {KEY: "string", **MADE}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("hubspot", {"object": "p1_cars"}),
        ("hubspot", {"object": "list:1", "fields": {KEY: KEY}}),
        ("marketo", {}),
        ("salesforce", {}),
        ("rest_put", {}),
    ],
)
def test_where_no_fields_are_made_the_switch_is_refused(
    make_world: Callable[..., World], name: str, changes: dict[str, Any]
) -> None:
    world = make_world(name)
    world.declare(create_fields=True, **changes)
    world.people(1)
    (problem,) = world.project().check("people")
    assert "create_fields is not offered" in problem.message
    assert world.run().code == 2
    assert world.requests() == 0
