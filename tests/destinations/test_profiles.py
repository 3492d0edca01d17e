"""What is particular to the tools that are declared by profiles alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "python" / "sandbox")]

from specs import spec  # noqa: E402
from sync_world import body, traced  # noqa: E402

from tailrace.sandbox.intercom import Intercom  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from sync_world import World

INTERCOM = "intercom/api.intercom.io-2.16.trimmed.json"


# -- Braze ---------------------------------------------------------------------------------------


def test_braze_takes_75_users_a_request_where_nothing_else_is_said(
    make_world: Callable[..., World],
) -> None:
    world = make_world("braze")
    del world.connection["batch_rows"]
    world.write()
    world.people(151)
    assert world.settles().requests == 3
    world.declare(mode="mirror")
    world.sql("delete from people where substr(person_id, 2)::int >= 91")
    ended = world.run(allow_guard=["max_removed"])
    assert (ended.code, ended.counts.removed, ended.requests) == (0, 60, 2)
    assert len(world.delivered()) == 91


def test_a_user_of_braze_is_known_by_a_text_whatever_the_model_has(
    make_world: Callable[..., World],
) -> None:
    world = make_world("braze")
    world.sql("create or replace table people (person_id int, level varchar, note varchar)")
    world.sql("insert into people values (7, 'low', 'n')")
    _, (request,) = traced(world, compared=False)
    (user,) = body(request)["attributes"]
    assert user == {"external_id": "7", "level": "low", "note": "n"}


# -- Customer.io ---------------------------------------------------------------------------------


def test_requests_to_customerio_are_cut_by_bytes(make_world: Callable[..., World]) -> None:
    world = make_world("customerio")
    del world.connection["batch_rows"]
    world.declare(fields={**world.sync["fields"], **{f"more{n}": "note" for n in range(20)}})
    world.sql("insert into people select 'p' || i, 'low', repeat('x', 900) from range(120) t(i)")
    ended, requests = traced(world, compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 120)
    sizes = [entry["bytes_sent"] for entry in requests]
    assert max(sizes) < 500_000
    assert len(requests) == -(-sum(sizes) // 499_000)


def test_a_person_too_large_for_customerio_is_rejected_and_nobody_else(
    make_world: Callable[..., World],
) -> None:
    world = make_world("customerio")
    world.declare(fields={**world.sync["fields"], **{f"more{n}": "note" for n in range(40)}})
    world.people(10)
    world.sql("update people set note = repeat('x', 900) where person_id = 'p4'")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.rejected, ended.counts.accepted) == (1, 1, 9)
    assert ended.report is not None
    (row,) = ended.report.rejected_sample
    assert (row.key, row.code) == ("p4", "row_too_large")
    assert ended.requests == 1


# -- Iterable ------------------------------------------------------------------------------------


def test_more_failures_than_names_leave_the_others_in_doubt(
    make_world: Callable[..., World],
    timing: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tailrace.sandbox.iterable import vendor

    true_tried = vendor._tried

    def forgetful(call: Any, at: int, row: Any, act: Any) -> str:
        failure = true_tried(call, at, row, act)
        # Refused, counted, and on no list of the answer.
        if row["userId"] == "p3":
            call.applied, call.rejected = call.applied - 1, call.rejected + 1
        return failure

    monkeypatch.setattr(vendor, "_tried", forgetful)
    world = make_world("iterable")
    world.people(10)
    timing(deadline_s=1, drain_s=1)
    ended = world.run()
    assert (ended.code, ended.counts.accepted, ended.counts.unknown) == (5, 0, 10)


def test_users_of_iterable_may_be_known_by_their_addresses(
    make_world: Callable[..., World],
) -> None:
    world = make_world("iterable")
    world.sync["object"] = "users_by_email"
    world.sync["match"] = "email"
    world.declare(mode="mirror", fields={"email": {"sql": "person_id || '@example.com'"}})
    world.people(30)
    ended, requests = traced(world, compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 30)
    assert body(requests[0])["users"][0]["email"].endswith("@example.com")
    world.sql("delete from people where person_id = 'p7'")
    assert world.run(compared=False).counts.removed == 1
    assert len(world.sandbox.records("iterable", "users")) == 29


# -- Intercom ------------------------------------------------------------------------------------


def test_every_request_to_intercom_is_one_that_its_description_has(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = set()
    true_principal = Intercom.principal

    def look(self: Intercom, request: Any) -> str:
        versions.add(request.headers.get("intercom-version"))
        return true_principal(self, request)

    monkeypatch.setattr(Intercom, "principal", look)
    description = spec(INTERCOM)
    world = make_world("intercom")
    world.declare(mode="mirror")
    world.people(25)
    _, made = traced(world)
    world.sql("update people set level = 'high', note = null where person_id < 'p2'")
    world.sql("delete from people where person_id = 'p9'")
    _, changed = traced(world)
    checked = set()
    for entry in made + changed:
        path = "/" + entry["url"].split("/intercom/", 1)[1]
        checked.add((entry["method"], path.split("/")[-1] if "search" in path else ""))
        if entry["method"] == "DELETE":
            continue
        found = description.request_problems(entry["method"], path, body(entry))
        # The description types custom attributes as texts; its own examples have other values.
        assert [one for one in found if "custom_attributes" not in one] == []
    assert {method for method, _ in checked} == {"POST", "PUT", "DELETE"}
    assert versions == {"2.16"}
    wrong = {"query": {"field": 5, "operator": "IS", "value": ["p1"]}}
    assert description.request_problems("POST", "/contacts/search", wrong)
    assert description.request_problems("POST", "/contacts", {"external_id": 5})


def test_every_question_to_intercom_is_one_that_its_description_has(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    true_read = Intercom.read

    def look(self: Intercom, request: Any) -> Any:
        if request.method == "GET" or request.path.endswith("/search"):
            asked.append(request)
        return true_read(self, request)

    monkeypatch.setattr(Intercom, "read", look)
    description = spec(INTERCOM)
    world = make_world("intercom")
    world.people(3)
    assert world.run().code == 0
    assert world.project().verify("people").equal == 3
    world.sync["object"] = "companies"
    told = {"company_id": "person_id", "name": "note"}
    monkeypatch.setattr(
        world, "_told", lambda: {**world.sync, "match": "company_id", "fields": told}
    )
    world.write()
    assert world.run(compared=False).code == 0
    assert world.project().verify("people").equal == 3
    for request in asked:
        query = dict(request.query)
        assert description.parameter_problems(request.method, request.path, "query", query) == []
        if request.method == "POST":
            searched = json.loads(request.body)
            assert description.request_problems("POST", request.path, searched) == []
    paths = {"/me", "/data_attributes", "/contacts/search", "/companies"}
    assert {request.path for request in asked} == paths
    assert description.parameter_problems("GET", "/companies", "query", {"key": "p1"})


def test_contacts_are_looked_up_many_at_a_time(make_world: Callable[..., World]) -> None:
    world = make_world("intercom")
    world.people(45)
    ended = world.settles()
    before = 2  # whose the token is, and which attributes there are
    assert (ended.questions, ended.requests) == (before + 3, 45)
    world.sql("update people set level = 'high'")
    ended = world.settles()
    assert (ended.questions, ended.requests) == (3, 45)
    assert world.created() == 45


def test_another_contacts_address_is_not_written_over(make_world: Callable[..., World]) -> None:
    """Two contacts cannot have one address: the second is rejected, and the first stays."""
    world = make_world("intercom")
    world.people(2)
    mail = "p0@example.com"
    world.sync["fields"] = {"person_id": "person_id"}
    told = world._told()
    told["fields"] = {"external_id": "person_id", "email": {"sql": f"'{mail}'"}}
    (world.folder / "syncs" / "people.yml").write_text(json.dumps(told), encoding="utf-8")
    world.connect(max_in_flight=1)
    (world.folder / "syncs" / "people.yml").write_text(json.dumps(told), encoding="utf-8")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.accepted, ended.counts.rejected) == (1, 1, 1)
    assert ended.report is not None
    (row,) = ended.report.rejected_sample
    assert row.code == "conflict"
    assert "already exists with id=" in row.message
    (contact,) = world.sandbox.records("intercom", "contacts")
    assert contact["values"]["email"] == mail
    assert contact["values"]["external_id"] != row.key


def test_an_attribute_that_intercom_does_not_have_rejects_the_rows(
    make_world: Callable[..., World],
) -> None:
    world = make_world("intercom")
    world.declare(fields={**world.sync["fields"], "nowhere": "note"})
    world.people(3)
    # A token that may not list the attributes, so that nobody knew before.
    world.sandbox.set_faults([{"match": {"op": "fields"}, "do": 403}])
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.rejected) == (1, 3)
    assert ended.report is not None
    assert "'nowhere' does not exist" in ended.report.rejected_sample[0].message
