"""The generic API's declared operations beside upsert: what each takes, refuses and answers."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.sandbox.config import ConfigError

Make = Any

PEOPLE = {
    "path": "/people",
    "key": "email",
    "results": {"path": "errors"},
    "schema": {"required": ["name"], "properties": {"name": {"type": ["string", "null"]}}},
    "update": {"path": "/people/{match}"},
    "insert": {"path": "/people/new"},
    "delete": {"path": "/people/{key}"},
    "archive": {"path": "/people/{key}/archive", "body": {"by": "$key"}},
    "clear": {"method": "PUT", "path": "/people/{match}/fields"},
    "read": {"path": "/people/{match}", "record": "data"},
    "all": {"path": "/people", "results": "items", "link": "next_link", "rows": 2},
}


@pytest.fixture
def people(rest: Make) -> Any:
    api = rest(objects={"people": PEOPLE})
    api("POST", "/rest/people", [{"email": "a@b.co", "name": "Ann", "note": "x"}])
    return api


def stored(api: Make) -> list[dict[str, Any]]:
    return [record.values for record in api.vendor.collections()["people"]]


def test_an_update_changes_the_fields_that_it_names(people: Make) -> None:
    assert people("PATCH", "/rest/people/a%40b.co", {"note": "y"}).status == 200
    assert stored(people) == [{"email": "a@b.co", "name": "Ann", "note": "y"}]


def test_an_update_of_a_record_that_is_not_there_is_a_404(people: Make) -> None:
    reply = people("PATCH", "/rest/people/c%40d.co", {"note": "y"})
    assert (reply.status, reply.body["code"]) == (404, "not_found")
    assert len(stored(people)) == 1


def test_an_update_is_held_to_the_schema_but_need_not_be_whole(people: Make) -> None:
    assert people("PATCH", "/rest/people/a%40b.co", {"name": 7}).status == 422
    assert people("PATCH", "/rest/people/a%40b.co", {"email": "x@y.co"}).status == 422
    assert stored(people) == [{"email": "a@b.co", "name": "Ann", "note": "x"}]


def test_an_insert_of_a_record_that_is_there_is_a_409(people: Make) -> None:
    rows = [{"email": "a@b.co", "name": "Eve"}]
    reply = people("POST", "/rest/people/new", rows)
    assert reply.status == 409
    assert stored(people)[0]["name"] == "Ann"
    assert people("POST", "/rest/people/new", [{"email": "c@d.co", "name": "Cid"}]).status == 200
    assert people("POST", "/rest/people/new", [{"email": "e@f.co"}]).status == 422


def test_an_operation_without_a_path_has_the_objects_shape_and_results(rest: Make) -> None:
    results = {"path": "out.rows", "include": "all"}
    body = {"inputs": "$rows"}
    object_ = {"path": "/a", "body": body, "results": results, "update": {}, "insert": {}}
    api = rest(objects={"a": {**object_, "insert": {"method": "PUT"}}})
    api("POST", "/rest/a", {"inputs": [{"id": 1}]})
    reply = api("PATCH", "/rest/a", {"inputs": [{"id": 1, "v": 2}, {"id": 9}]})
    assert reply.status == 207
    assert [row["status"] for row in reply.body["out"]["rows"]] == [200, 404]
    reply = api("PUT", "/rest/a", {"inputs": [{"id": 1}, {"id": 9}]})
    assert [row["status"] for row in reply.body["out"]["rows"]] == [409, 200]
    assert api("PATCH", "/rest/a", [{"id": 1}]).status == 400


def test_an_object_of_inserts_alone_takes_no_upsert(rest: Make) -> None:
    api = rest(objects={"events": {"insert": {"path": "/events/new"}}})
    assert api("POST", "/rest/events", [{"id": 1}]).status == 404
    assert api("POST", "/rest/events/new", [{"id": 1}]).status == 200


def test_what_is_archived_is_out_of_sight_and_kept(people: Make) -> None:
    path = "/rest/people/a%40b.co/archive"
    assert people("POST", path, {"by": "somebody"}).status == 400
    assert people("POST", path).status == 400
    assert people("POST", path, {"by": "a@b.co"}).status == 204
    assert stored(people) == []
    collection = people.vendor.collections()["people"]
    assert [record.values["name"] for record in collection.archived] == ["Ann"]
    assert collection.deleted == 0
    assert people("GET", "/rest/people/a%40b.co").status == 404
    assert people("POST", path, {"by": "a@b.co"}).status == 404
    assert people("POST", "/rest/people/new", [{"email": "a@b.co", "name": "A"}]).status == 200


def test_a_delete_takes_no_body(people: Make) -> None:
    assert people("DELETE", "/rest/people/a%40b.co", {"sure": True}).status == 400
    assert people("DELETE", "/rest/people/a%40b.co").status == 204
    assert people("DELETE", "/rest/people/a%40b.co").status == 404


def test_a_clear_empties_fields_and_makes_nothing(people: Make) -> None:
    path = "/rest/people/a%40b.co/fields"
    assert people("PUT", path, {"email": "a@b.co", "name": None, "note": None}).status == 200
    assert stored(people) == [{"email": "a@b.co", "name": None, "note": None}]
    assert people("PUT", "/rest/people/c%40d.co/fields", {"note": None}).status == 404


def test_a_record_is_read_where_it_is_declared_to_stand(people: Make) -> None:
    reply = people("GET", "/rest/people/a%40b.co")
    assert reply.body == {"data": {"email": "a@b.co", "name": "Ann", "note": "x"}}
    assert people("GET", "/rest/people/c%40d.co").status == 404


def test_a_query_finds_a_list_that_may_be_empty(rest: Make) -> None:
    read = {"path": "/a", "query": "mail", "results": "found.items"}
    every = {"path": "/a", "results": "items"}
    api = rest(objects={"a": {"path": "/a", "read": read, "all": every}})
    api("POST", "/rest/a", [{"id": 1, "mail": "x"}, {"id": 2, "mail": "y"}])
    assert api("GET", "/rest/a?mail=y").body == {"found": {"items": [{"id": 2, "mail": "y"}]}}
    assert api("GET", "/rest/a?mail=z").body == {"found": {"items": []}}
    assert [one["id"] for one in api("GET", "/rest/a").body["items"]] == [1, 2]


def test_pages_lead_on_by_cursor_and_by_link(people: Make) -> None:
    people("POST", "/rest/people", [{"email": f"u{n}", "name": "n"} for n in range(4)])
    first = people("GET", "/rest/people").body
    assert (len(first["items"]), first["next"]) == (2, 2)
    assert first["next_link"] == "/people?limit=2&after=2"
    last = people("GET", "/rest/people?limit=2&after=4").body
    assert (len(last["items"]), last["next"], last["next_link"]) == (1, None, None)


@pytest.fixture
def once(rest: Make) -> Any:
    setting = {"header": "X-Once", "ttl_s": 60, "mismatch": 409}
    return rest(objects={"a": {"path": "/a", "insert": {"path": "/a/new"}, "once": setting}})


def test_an_insert_under_one_key_is_done_once(once: Make) -> None:
    row, key = [{"id": 1}], {"x-once": "k"}
    first = once("POST", "/rest/a/new", row, key)
    again = once("POST", "/rest/a/new", row, key)
    assert (first.status, first.payload()) == (again.status, again.payload())
    assert once("POST", "/rest/a/new", [{"id": 2}], key).status == 409
    assert once("POST", "/rest/a/new", row, {"x-once": "other"}).status == 409
    assert once("POST", "/rest/a/new", row, {"idempotency-key": "k"}).status == 409
    assert len(once.vendor.collections()["a"]) == 1


def test_a_key_is_forgotten_when_its_time_is_over(once: Make, clock: Any) -> None:
    row, key = [{"id": 1}], {"x-once": "k"}
    once("POST", "/rest/a/new", row, key)
    clock.now += 59
    assert once("POST", "/rest/a/new", row, key).status == 200
    clock.now += 1
    assert once("POST", "/rest/a/new", row, key).status == 409, "the record is there"


def test_a_key_has_no_meaning_where_none_is_declared(rest: Make) -> None:
    api = rest(objects={"a": {"path": "/a", "insert": {"path": "/a/new"}}})
    key = {"idempotency-key": "k"}
    assert api("POST", "/rest/a/new", [{"id": 1}], key).status == 200
    assert api("POST", "/rest/a/new", [{"id": 1}], key).status == 409


def test_a_key_may_be_required(rest: Make) -> None:
    api = rest(objects={"a": {"insert": {"path": "/a"}, "once": {"required": True}}})
    assert api("POST", "/rest/a", [{"id": 1}]).status == 400
    assert api("POST", "/rest/a", [{"id": 1}], {"idempotency-key": "k"}).status == 200


@pytest.mark.parametrize(
    "part",
    [
        {"update": {"pth": "/a"}},
        {"archive": {"path": "/a"}},
        {"archive": {"path": "/a/{key}", "rows": 1}},
        {"read": {"path": "/a"}},
        {"read": {"path": "/a/{key}", "query": "id"}},
        {"all": {"path": "/a", "rows": 0}},
        {"once": {"ttl_s": 0}},
        {"once": {"mismatch": 500}},
        {"insert": {"batch_rows": "many"}},
    ],
)
def test_wrong_operations_are_refused(rest: Make, part: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        rest(objects={"a": part})
