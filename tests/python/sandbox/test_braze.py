"""Braze's sandbox: 75 objects a request, errors by place, users that are made later."""

from __future__ import annotations

from typing import Any

import pytest

TRACK = "/users/track"
EXPORT = "/users/export/ids"
MOMENT = "2026-01-31T09:30:00Z"


@pytest.fixture
def workspace(braze: Any) -> Any:
    return braze()


def track(workspace: Any, *rows: Any, **more: Any) -> Any:
    return workspace("POST", TRACK, {"attributes": list(rows), **more})


def stored(workspace: Any, name: str = "users") -> list[dict[str, Any]]:
    return [one.values for one in workspace.vendor.collections()[name]]


def test_users_are_made_and_changed_and_null_takes_away(workspace: Any) -> None:
    first = track(workspace, {"external_id": "A1", "score": 0.5, "tier": "low"})
    assert (first.status, first.body) == (201, {"message": "success", "attributes_processed": 1})
    track(workspace, {"external_id": "A1", "score": 0.75, "tier": None, "email": "a@acme.test"})
    assert stored(workspace) == [{"external_id": "A1", "score": 0.75, "email": "a@acme.test"}]
    track(workspace, {"email": "A@acme.test", "phone": "+15551234567"})
    assert len(stored(workspace)) == 1


def test_rows_that_are_not_taken_are_named_by_their_places(workspace: Any) -> None:
    rows = [
        {"external_id": "A1", "score": 1},
        {"score": 1},
        {"external_id": "A2", "email": "bad"},
        {"external_id": 5},
        "row",
        {"user_alias": {"alias_name": "x"}},
        {"external_id": "A3", "gender": "X"},
        {"external_id": "A4", "dob": "1990-02-30"},
        {"external_id": "A5", "note": "x" * 256},
    ]
    events = [
        {"external_id": "A1", "name": "seen"},
        {"external_id": "A1", "name": "x", "time": MOMENT},
    ]
    reply = track(workspace, *rows, events=events)
    assert (reply.status, reply.body["message"]) == (201, "success")
    counts = (reply.body["attributes_processed"], reply.body["events_processed"])
    assert counts == (1, 1)
    places = [(one["input_array"], one["index"]) for one in reply.body["errors"]]
    assert places == [*(("attributes", at) for at in range(1, 9)), ("events", 0)]
    assert "'external_id'" in reply.body["errors"][0]["type"]
    assert [one["external_id"] for one in stored(workspace)] == ["A1"]
    assert len(stored(workspace, "events")) == 1


@pytest.mark.parametrize(("clash", "errors", "kept"), [("error", 1, 1), ("drop", 0, 1)])
def test_an_attribute_keeps_its_type(braze: Any, clash: str, errors: int, kept: Any) -> None:
    workspace = braze(type_clash=clash)
    track(workspace, {"external_id": "A1", "score": 1})
    reply = track(
        workspace, {"external_id": "A1", "score": "high", "note": "x"}, {"external_id": "B"}
    )
    assert len(reply.body.get("errors", [])) == errors
    assert stored(workspace)[0]["score"] == kept
    assert ("note" in stored(workspace)[0]) is (clash == "drop")


def test_who_is_only_to_be_updated_is_not_made(workspace: Any) -> None:
    alias = {"alias_name": "a", "alias_label": "crm"}
    track(workspace, {"external_id": "A1", "x": 1, "_update_existing_only": True})
    track(workspace, {"user_alias": alias, "x": 1})
    assert stored(workspace) == []
    track(workspace, {"user_alias": alias, "x": 1, "_update_existing_only": False})
    track(workspace, {"user_alias": alias, "x": 2})
    assert [one["x"] for one in stored(workspace)] == [2]


def test_purchases_need_a_price(workspace: Any) -> None:
    one = {"external_id": "A1", "product_id": "p", "currency": "USD", "price": 9.5, "time": MOMENT}
    bad = [{**one, "price": "9"}, {**one, "time": "now"}, {**one, "properties": 5}]
    reply = workspace("POST", TRACK, {"purchases": [one, *bad]})
    assert (reply.body["purchases_processed"], len(reply.body["errors"])) == (1, 3)
    assert stored(workspace, "purchases")[0]["price"] == 9.5


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        [],
        {},
        {"attributes": []},
        {"attributes": [{"x": 1}]},
        {"attributes": {}},
        {"users": []},
        {"attributes": [{"external_id": "A"}] * 70, "events": [{}] * 6},
    ],
)
def test_a_request_that_is_none_is_refused(workspace: Any, body: Any) -> None:
    reply = workspace("POST", TRACK, body)
    assert reply.status == 400
    assert reply.body["message"] != "success"
    assert stored(workspace) == []


def test_an_old_account_has_75_of_each(braze: Any) -> None:
    events = [{"external_id": "A", "name": "x", "time": MOMENT}] * 75
    body = {"attributes": [{"external_id": f"A{n}"} for n in range(75)], "events": events}
    assert braze()("POST", TRACK, body).status == 400
    assert braze(count="each")("POST", TRACK, body).status == 201


def test_what_is_accepted_is_done_later(braze: Any, clock: Any) -> None:
    workspace = braze(job_ms=5000)
    track(workspace, {"external_id": "A1"})
    assert stored(workspace) == []
    clock.now += 5
    assert len(stored(workspace)) == 1


def test_users_are_exported_and_deleted(workspace: Any) -> None:
    track(workspace, {"external_id": "A1", "x": 1}, {"external_id": "A2"}, {"external_id": "A3"})
    body = {"external_ids": ["A1", "A2", "A9"]}
    fields = {"fields_to_export": ["braze_id", "external_id", "email", "custom_attributes"]}
    told = workspace("POST", EXPORT, {**body, **fields}).body
    users = told["users"]
    own = [(one["external_id"], one["custom_attributes"]) for one in users]
    assert own == [("A1", {"x": 1}), ("A2", {})]
    assert (told["message"], told["invalid_user_ids"]) == ("success", ["A9"])
    reply = workspace("POST", "/users/delete", body)
    assert reply.body == {"deleted": 2, "message": "success"}
    assert [one["external_id"] for one in stored(workspace)] == ["A3"]
    for wrong in ({}, {"external_ids": ["x"] * 51}, {"external_ids": [5]}, {"external_ids": "A3"}):
        assert workspace("POST", "/users/delete", wrong).status == 400
    gone = {"braze_id": users[0]["braze_id"], **fields}
    assert workspace("POST", EXPORT, gone).body["users"] == []


def test_an_export_shows_the_fields_that_were_asked_for(workspace: Any) -> None:
    alias = {"alias_name": "a", "alias_label": "crm"}
    user = {"external_id": "A1", "email": "a@acme.test", "dob": "1990-01-02", "tier": "low"}
    track(workspace, {**user, "user_alias": alias, "twitter": {"id": 1}})

    def export(fields: list[str], **who: Any) -> Any:
        reply = workspace("POST", EXPORT, {**who, "fields_to_export": fields})
        return reply.body["users"] if reply.status == 201 else reply.status

    everything = ["email", "custom_attributes", "user_aliases"]
    told = {"email": "a@acme.test", "custom_attributes": {"tier": "low"}, "user_aliases": [alias]}
    assert export(everything, email_address="A@acme.test") == [told]
    assert export(everything, user_aliases=[alias]) == [told]
    assert export(["dob"], external_ids=["A1"]) == [{"dob": "1990-01-02"}]
    assert export(["dob"], external_ids=["A1"] * 51) == 400
    assert export(["dob"], external_ids=["A1"], phone="+1", email_address="a@acme.test") == 400
    assert export(["tier"], external_ids=["A1"]) == 400
    assert export([], external_ids=["A1"]) == 400
    assert export(["dob"]) == 400
    assert export(["dob"], external_ids=["A1"], colour="red") == 400
    assert workspace("POST", EXPORT, {"external_ids": ["A1"]}).status == 400
    assert workspace("GET", EXPORT).status == 404


def test_exports_have_a_limit_of_their_own(braze: Any, clock: Any) -> None:
    clock.now = 3000.0
    workspace = braze(limits="standard")
    ask = {"external_ids": ["A"], "fields_to_export": ["email"]}
    answers = [workspace("POST", EXPORT, ask).status for _ in range(251)]
    assert (answers.count(201), answers[-1]) == (250, 429)
    assert track(workspace, {"external_id": "A"}).status == 201
    clock.now += 60
    assert workspace("POST", EXPORT, ask).status == 201


def test_limits_are_told_in_headers_alone(braze: Any, clock: Any) -> None:
    clock.now = 3000.5
    workspace = braze(limits={"max": 2, "interval_ms": 3000})
    reply = track(workspace, {"external_id": "A"})
    assert dict(reply.headers) == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": "3003",
    }
    track(workspace, {"external_id": "A"})
    reply = track(workspace, {"external_id": "A"})
    assert (reply.status, dict(reply.headers)["X-RateLimit-Remaining"]) == (429, "0")
    assert "Retry-After" not in dict(reply.headers)
    clock.now = 3003.0
    assert track(workspace, {"external_id": "A"}).status == 201


def test_a_key_is_needed(braze: Any) -> None:
    workspace = braze(api_keys=["k"])
    assert track(workspace, {"external_id": "A"}).status == 401
    workspace.headers["authorization"] = "Bearer k"
    assert track(workspace, {"external_id": "A"}).status == 201
    assert workspace("GET", TRACK).status == 404


def test_faults_refuse_rows_and_requests(start: Any) -> None:
    rules = [
        {"match": {"nth": 1}, "do": "partial_207", "ok_share": 0.0, "message": "No."},
        {"match": {"nth": 2}, "do": 503},
        {"match": {"nth": 3}, "do": "job_killed"},
    ]
    sandbox, client = start({"vendors": {"braze": {}}, "faults": rules})
    body = {"attributes": [{"external_id": "A1"}]}
    first = client("POST", TRACK, body)
    assert (first.status, first.json()["errors"][0]["type"]) == (400, "No.")
    assert client("POST", TRACK, body).json() == {"message": "Service unavailable"}
    assert client("POST", TRACK, body).status == 201
    assert sandbox.records("braze", "users") == []
    assert client("POST", TRACK, b" " * 4_000_001).status == 413
