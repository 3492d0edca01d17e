"""The generic API: default collections, declared objects, refusals, sending twice, limits."""

from __future__ import annotations

import base64
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tailrace.sandbox.config import ConfigError

Make = Any


def stored(api: Make, name: str = "a") -> list[dict[str, Any]]:
    return [record.values for record in api.vendor.collections()[name]]


# -- default collections -------------------------------------------------------------------------


@pytest.mark.parametrize("body", [[{"id": 1, "v": 2}], {"inputs": [{"id": 1, "v": 2}]}])
def test_a_collection_takes_an_array_or_inputs(rest: Make, body: Any) -> None:
    api = rest()
    reply = api("POST", "/rest/a", body)
    assert (reply.status, reply.body) == (200, {"accepted": 1, "errors": []})
    assert stored(api) == [{"id": 1, "v": 2}]


def test_one_object_is_created_and_then_updated(rest: Make) -> None:
    api = rest()
    assert api("POST", "/rest/a", {"id": "k", "v": 1, "w": None}).status == 201
    assert api("POST", "/rest/a", {"id": "k", "v": 2}).status == 200
    assert stored(api) == [{"id": "k", "v": 2, "w": None}]


def test_the_key_may_be_another_field(rest: Make) -> None:
    api = rest()
    api("POST", "/rest/a?key=code", [{"code": "x"}, {"code": "y"}])
    assert api("GET", "/rest/a/y").body == {"code": "y"}
    assert api("POST", "/rest/a", {"id": "y", "v": 1}).status == 200
    assert api("GET", "/rest/a/y").body == {"code": "y", "id": "y", "v": 1}


def test_each_bad_row_is_listed_and_the_good_ones_are_written(rest: Make) -> None:
    api = rest()
    rows = [{"id": "ok"}, {"v": 1}, {"id": ""}, {"id": None}, {"id": 1.5}, {"id": True}, "row"]
    reply = api("POST", "/rest/a", rows)
    assert (reply.status, reply.body["accepted"]) == (207, 1)
    codes = [error["code"] for error in reply.body["errors"]]
    assert codes == ["missing_key"] * 5 + ["not_an_object"]
    assert {error["status"] for error in reply.body["errors"]} == {422}
    assert stored(api) == [{"id": "ok"}]


def test_every_copy_of_a_key_in_one_request_is_refused(rest: Make) -> None:
    api = rest()
    reply = api("POST", "/rest/a", [{"id": "1"}, {"id": 2}, {"id": 1}])
    assert [(e["key"], e["code"]) for e in reply.body["errors"]] == [("1", "duplicate_key")] * 2
    assert stored(api) == [{"id": 2}]


def test_a_single_bad_row_answers_with_its_own_status(rest: Make) -> None:
    reply = rest()("POST", "/rest/a", {"v": 1})
    assert (reply.status, reply.body["code"], reply.body["accepted"]) == (422, "missing_key", 0)
    assert reply.content_type == "application/problem+json"


def test_put_replaces_patch_overlays_delete_removes(rest: Make) -> None:
    api = rest()
    assert api("PUT", "/rest/a/k", {"v": 1, "w": 2}).status == 201
    assert api("PUT", "/rest/a/k", {"v": 3}).status == 200
    assert api("GET", "/rest/a/k").body == {"id": "k", "v": 3}
    assert api("PATCH", "/rest/a/k", {"w": 4}).status == 200
    assert api("GET", "/rest/a/k").body == {"id": "k", "v": 3, "w": 4}
    assert api("PATCH", "/rest/a/x", {"w": 4}).status == 404
    assert api("DELETE", "/rest/a/k").status == 204
    assert api("DELETE", "/rest/a/k").status == 404
    assert api("GET", "/rest/a/k").status == 404


def test_a_key_in_a_path_is_decoded_once(rest: Make) -> None:
    api = rest()
    api("PUT", "/rest/a/x%2Fy%20%25z%C3%BC", {"v": 1})
    assert stored(api) == [{"id": "x/y %zü", "v": 1}]
    assert api("GET", "/rest/a/x%2Fy%20%25z%C3%BC").status == 200


def test_a_key_in_the_body_must_be_that_of_the_path(rest: Make) -> None:
    reply = rest()("PUT", "/rest/a/k", {"id": "other"})
    assert (reply.status, reply.body["code"]) == (422, "key_mismatch")


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [("upsert", [201, 200]), ("insert", [201, 409]), ("update", [404, 404]), ("append", [201] * 2)],
)
def test_the_mode_says_what_happens_to_a_key_that_is_there(
    rest: Make, mode: str, statuses: list[int]
) -> None:
    api = rest()
    found = [api("POST", f"/rest/a?mode={mode}", {"id": 1}).status for _ in range(2)]
    assert found == statuses


def test_numbers_come_back_with_all_their_digits(rest: Make) -> None:
    api = rest()
    api("PUT", "/rest/a/k", b'{"n":12345678901234567890.123456789,"i":18446744073709551616}')
    payload = api("GET", "/rest/a/k").payload()
    assert payload == b'{"id":"k","n":12345678901234567890.123456789,"i":18446744073709551616}'


def test_hostile_values_are_kept_as_they_came(rest: Make) -> None:
    api = rest()
    row = {"id": "<b>", "v": "\u0000\N{GRINNING FACE}</td>", "deep": {"a": [None, {"b": 1}]}}
    api("POST", "/rest/a", row)
    assert stored(api) == [row]


def test_the_list_is_paged(rest: Make) -> None:
    api = rest()
    api("POST", "/rest/a", [{"id": n} for n in range(5)])
    first = api("GET", "/rest/a?limit=3").body
    rest_of_it = api("GET", f"/rest/a?limit=3&after={first['next']}").body
    assert [one["id"] for one in first["results"] + rest_of_it["results"]] == list(range(5))
    assert rest_of_it["next"] is None


def test_reading_makes_no_collection(rest: Make) -> None:
    api = rest()
    api("GET", "/rest/ghost")
    api("GET", "/rest/ghost/1")
    api("DELETE", "/rest/ghost/1")
    api("POST", "/rest/ghost", [{"no": "key"}])
    assert dict(api.vendor.collections()) == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'"x"', 400), (b"7", 400), (b'{"inputs":[]}', 400), (b"", 400)],
)
def test_what_holds_no_rows_is_refused(rest: Make, body: bytes, status: int) -> None:
    assert rest()("POST", "/rest/a", body).status == status


def test_the_wrong_method_and_the_wrong_type_are_named(rest: Make) -> None:
    api = rest()
    reply = api("POST", "/rest/a/k", {})
    assert (reply.status, dict(reply.headers)["Allow"]) == (405, "DELETE, GET, PATCH, PUT")
    assert api("POST", "/rest/a", [{}], {"content-type": "text/csv"}).status == 415
    assert api("GET", "/rest/a/b/c").status == 404


# -- declared objects ----------------------------------------------------------------------------

ACCOUNTS = {
    "method": "PUT",
    "path": "/v2/accounts",
    "batch_rows": 3,
    "body": {"data": {"rows": "$rows"}, "kind": "accounts"},
    "key": "account_id",
    "results": {
        "path": "outcome.failed",
        "key": "ref",
        "status": "http",
        "code": "why",
        "message": "text",
    },
    "delete": {"method": "POST", "path": "/v2/accounts/{key}/delete"},
    "schema": {
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "account_id": {"type": ["string", "integer"]},
            "name": {"type": "string", "maxLength": 5},
            "plan": {"enum": ["free", "paid", None]},
            "seats": {"type": "integer"},
            "score": {"type": ["number", "null"]},
            "active": {"type": "boolean"},
        },
    },
}


def wrapped(*rows: Any) -> Any:
    return {"data": {"rows": list(rows)}, "kind": "accounts"}


@pytest.fixture
def declared(rest: Make) -> Make:
    return rest(objects={"accounts": ACCOUNTS})


def test_a_declared_object_is_served_at_its_path_in_its_shape(declared: Make) -> None:
    reply = declared("PUT", "/rest/v2/accounts", wrapped({"account_id": 1, "name": "Ada"}))
    assert (reply.status, reply.body) == (200, {"accepted": 1, "outcome": {"failed": []}})
    assert stored(declared, "accounts") == [{"account_id": 1, "name": "Ada"}]


@pytest.mark.parametrize(
    "body",
    [
        [{"account_id": 1, "name": "Ada"}],
        {"data": {"rows": []}, "kind": "accounts"},
        {"data": {"rows": [{"account_id": 1, "name": "A"}]}},
        {"data": {"rows": [{"account_id": 1, "name": "A"}]}, "kind": "users"},
        {"data": {"rows": [{"account_id": 1, "name": "A"}]}, "kind": "accounts", "x": 1},
        {"data": [], "kind": "accounts"},
    ],
)
def test_another_shape_is_refused(declared: Make, body: Any) -> None:
    assert declared("PUT", "/rest/v2/accounts", body).status == 400
    assert stored(declared, "accounts") == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": None}, "wrong_type"),
        ({"name": "Lovelace"}, "too_long"),
        ({"plan": "gold"}, "not_allowed"),
        ({"plan": True}, "not_allowed"),
        ({"seats": 1.5}, "wrong_type"),
        ({"seats": "1"}, "wrong_type"),
        ({"seats": True}, "wrong_type"),
        ({"score": "1"}, "wrong_type"),
        ({"active": "true"}, "wrong_type"),
        ({"other": 1}, "unknown_field"),
    ],
)
def test_the_schema_refuses_a_row_and_not_its_neighbours(
    declared: Make, change: dict[str, Any], code: str
) -> None:
    good = {"account_id": "g", "name": "Ada", "plan": None, "seats": 2.0, "score": None}
    bad = {"account_id": "b", "name": "Bob", **change}
    reply = declared("PUT", "/rest/v2/accounts", wrapped(bad, good))
    (listed,) = reply.body["outcome"]["failed"]
    assert (reply.status, listed["ref"], listed["http"], listed["why"]) == (207, "b", 422, code)
    assert listed["text"]
    assert [one["account_id"] for one in stored(declared, "accounts")] == ["g"]


def test_a_missing_required_field_is_refused(declared: Make) -> None:
    reply = declared("PUT", "/rest/v2/accounts", wrapped({"account_id": 1}))
    assert reply.body["outcome"]["failed"][0]["why"] == "required"


def test_too_many_rows_are_a_413(declared: Make) -> None:
    rows = [{"account_id": n, "name": "A"} for n in range(4)]
    assert declared("PUT", "/rest/v2/accounts", wrapped(*rows)).status == 413
    assert declared("PUT", "/rest/v2/accounts", wrapped(*rows[:3])).status == 200


def test_the_declared_delete_removes(declared: Make) -> None:
    declared("PUT", "/rest/v2/accounts", wrapped({"account_id": 1, "name": "A"}))
    assert declared("POST", "/rest/v2/accounts/1/delete").status == 204
    assert declared("POST", "/rest/v2/accounts/1/delete").status == 404


def test_declared_objects_close_the_default_collections(declared: Make) -> None:
    assert declared("POST", "/rest/a", [{"id": 1}]).status == 404


def test_without_results_the_status_speaks_for_all_rows(rest: Make) -> None:
    schema = {"properties": {"v": {"type": "integer"}}}
    api = rest(objects={"a": {"path": "/a", "body": "rows", "schema": schema}})
    reply = api("POST", "/rest/a", [{"id": 1, "v": 1}, {"id": 2, "v": "x"}])
    assert (reply.status, "errors" in reply.body) == (422, False)
    assert stored(api) == []


def test_results_of_every_row_can_be_asked_for(rest: Make) -> None:
    results = {"path": "rows", "include": "all"}
    api = rest(objects={"a": {"body": "rows", "results": results}})
    reply = api("POST", "/rest/a", [{"id": 1}, {"id": None}])
    assert [row["status"] for row in reply.body["rows"]] == [200, 422]


def test_partial_success_may_hide_behind_a_200(rest: Make) -> None:
    reply = rest(partial_status=200)("POST", "/rest/a", [{"id": 1}, {}])
    assert (reply.status, len(reply.body["errors"])) == (200, 1)


# -- sending twice -------------------------------------------------------------------------------


def test_an_idempotency_key_is_done_once_and_answered_alike(rest: Make) -> None:
    api = rest()
    key = {"idempotency-key": "k1"}
    first = api("POST", "/rest/a?mode=append", [{"v": 1}], key)
    again = api("POST", "/rest/a?mode=append", [{"v": 1}], key)
    assert first.payload() == again.payload()
    assert dict(again.headers)["Idempotency-Replayed"] == "true"
    assert len(stored(api)) == 1
    api("POST", "/rest/a?mode=append", [{"v": 1}], {"idempotency-key": "k2"})
    api("POST", "/rest/a?mode=append", [{"v": 1}])
    assert len(stored(api)) == 3


def test_an_idempotency_key_belongs_to_its_body(rest: Make) -> None:
    api = rest()
    api("POST", "/rest/a", [{"id": 1}], {"idempotency-key": "k"})
    assert api("POST", "/rest/a", [{"id": 2}], {"idempotency-key": "k"}).status == 422
    assert stored(api) == [{"id": 1}]


def test_a_refused_request_does_not_use_up_its_key(rest: Make) -> None:
    api = rest()
    key = {"idempotency-key": "k"}
    assert api("POST", "/rest/a?mode=update", {"id": 1}, key).status == 404
    api("POST", "/rest/a", {"id": 1})
    assert api("POST", "/rest/a?mode=update", {"id": 1}, key).status == 200


# -- logins and limits ---------------------------------------------------------------------------


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("auth", "headers", "status"),
    [
        ({"bearer": "t"}, {"authorization": "Bearer t"}, 200),
        ({"bearer": "t"}, {"authorization": "Bearer x"}, 401),
        ({"bearer": ["a", "t"]}, {"authorization": "Bearer t"}, 200),
        ({"basic": {"user": "u", "password": "p:q"}}, {"authorization": basic("u:p:q")}, 200),
        ({"basic": {"user": "u", "password": "p"}}, {"authorization": basic("u:x")}, 401),
        ({"basic": {"user": "u", "password": "p"}}, {"authorization": "Basic !"}, 401),
        ({"header": {"name": "X-Key", "value": "v"}}, {"x-key": "v"}, 200),
        ({"header": {"name": "X-Key", "value": "v"}}, {"x-key": "w"}, 401),
        ({"header": {"name": "X-Key", "value": "v"}}, {}, 401),
        ("none", {"authorization": ""}, 200),
    ],
)
def test_each_login_form_is_checked(
    rest: Make, auth: Any, headers: dict[str, str], status: int
) -> None:
    assert rest(auth=auth)("GET", "/rest/a", headers=headers).status == status


def test_a_limit_answers_with_the_seconds_to_wait(rest: Make, clock: Any) -> None:
    api = rest(limits={"kind": "fixed", "max": 2, "interval_ms": 10_000})
    clock.now = 1003.5
    replies = [api("GET", "/rest/a") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert dict(replies[2].headers)["Retry-After"] == "7"
    clock.now += 7
    assert api("GET", "/rest/a").status == 200


def test_a_limit_may_answer_with_a_date(rest: Make) -> None:
    api = rest(limits={"max": 1, "retry_after": "http_date"})
    api("GET", "/rest/a")
    header = dict(api("GET", "/rest/a").headers)["Retry-After"]
    assert header.endswith("GMT")
    assert parsedate_to_datetime(header).tzinfo is not None


def test_a_limit_may_keep_silent(rest: Make) -> None:
    api = rest(limits={"max": 1, "retry_after": "none"})
    api("GET", "/rest/a")
    refused = api("GET", "/rest/a")
    assert (refused.status, "Retry-After" in dict(refused.headers)) == (429, False)


@pytest.mark.parametrize(
    "options",
    [
        {"auth": {"token": "t"}},
        {"auth": {"basic": {"user": "u"}}},
        {"limits": "starter"},
        {"limits": {"max": 1, "retry_after": "later"}},
        {"objects": []},
        {"objects": {"a": {"mode": "merge"}}},
        {"objects": {"a": {"path": "a"}}},
        {"objects": {"a": {"results": {"where": "errors"}}}},
        {"objects": {"a": {"schema": {"properties": {"x": {"type": "text"}}}}}},
        {"objects": {"a": {"delete": {"path": "/a"}}}},
        {"partial_status": 202},
        {"authentication": "none"},
    ],
)
def test_wrong_options_are_refused(rest: Make, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        rest(**options)
