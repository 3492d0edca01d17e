"""Iterable's sandbox: users in bulk, lists of those that were not taken, fields that keep types."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.sandbox.config import ConfigError

BULK = "/api/users/bulkUpdate"


@pytest.fixture
def project(iterable: Any) -> Any:
    return iterable()


def user(email: str = "", user_id: str = "", **fields: Any) -> dict[str, Any]:
    row = {"email": email, "userId": user_id, "dataFields": fields}
    return {name: value for name, value in row.items() if value}


def update(project: Any, *rows: Any) -> Any:
    return project("POST", BULK, {"users": list(rows)})


def stored(project: Any, name: str = "users") -> list[dict[str, Any]]:
    return [one.values for one in project.vendor.collections()[name]]


def failures(body: Any) -> dict[str, list[str]]:
    return {name: listed for name, listed in body["failedUpdates"].items() if listed}


def test_users_are_made_and_changed(project: Any) -> None:
    reply = update(project, user("a@acme.test", risk=0.5), user(user_id="U1", risk=1))
    assert (reply.status, reply.body["successCount"], reply.body["failCount"]) == (200, 2, 0)
    update(project, user("A@acme.test", risk=None, place={"city": "Rome"}))
    assert stored(project)[0] == {"email": "A@acme.test", "place": {"city": "Rome"}}
    nested = {**user("a@acme.test", place={"zip": "1"}), "mergeNestedObjects": True}
    update(project, nested)
    assert stored(project)[0]["place"] == {"city": "Rome", "zip": "1"}
    update(project, user("a@acme.test", place={"zip": "2"}))
    assert stored(project)[0]["place"] == {"zip": "2"}


def test_users_that_are_not_taken_are_listed_by_what_was_wrong(project: Any) -> None:
    update(project, user("a@acme.test", "U1", risk=0.5), user("b@acme.test", "U2"))
    rows = [
        user("bad"),
        user(risk=1.5),
        user("c@acme.test", risk="high"),
        user(user_id="U1", risk=True),
        user("a@acme.test", "U2"),
        user("d@acme.test", risk=2),
    ]
    body = update(project, *rows).body
    assert (body["successCount"], body["failCount"]) == (1, 5)
    assert failures(body) == {
        "invalidEmails": ["bad"],
        "invalidUserIds": [""],
        "invalidDataEmails": ["c@acme.test"],
        "invalidDataUserIds": ["U1"],
        "conflictEmails": ["a@acme.test"],
    }
    assert (body["invalidEmails"], body["invalidUserIds"]) == (["bad"], [""])
    fields = project("GET", "/api/users/getFields").body["fields"]
    assert fields == {"email": "string", "userId": "string", "risk": "double"}
    assert [one.get("risk") for one in stored(project)] == [0.5, None, 2]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        [],
        {},
        {"users": []},
        {"users": ["row"]},
        {"users": [{"email": 5}]},
        {"users": [{"email": "a@acme.test", "dataFields": []}]},
        {"users": [{"email": "a@acme.test", "colour": "red"}]},
        {"users": [user("a@acme.test")], "colour": "red"},
    ],
)
def test_a_request_that_is_none_is_refused(project: Any, body: Any) -> None:
    reply = project("POST", BULK, body)
    assert (reply.status, set(reply.body)) == (400, {"msg", "code", "params"})
    assert stored(project) == []


def test_one_user_is_written_read_and_deleted(project: Any) -> None:
    reply = project("POST", "/api/users/update", user("a@acme.test", "U1", risk=0.5))
    assert reply.body["code"] == "Success"
    assert project("POST", "/api/users/update", user("bad")).status == 400
    found = project("GET", "/api/users/A%40acme.test").body["user"]
    assert (found["userId"], found["dataFields"]["risk"]) == ("U1", 0.5)
    assert project("DELETE", "/api/users/a@acme.test").status == 200
    assert project("GET", "/api/users/a@acme.test").status == 404
    assert stored(project) == []


def test_data_fields_may_be_there_from_the_start(iterable: Any) -> None:
    project = iterable(fields={"risk": "double", "vip": "boolean"})
    fields = project("GET", "/api/users/getFields").body["fields"]
    assert fields == {"email": "string", "userId": "string", "risk": "double", "vip": "boolean"}
    body = update(project, user("a@acme.test", vip="yes"), user("b@acme.test", risk=1)).body
    assert failures(body) == {"invalidDataEmails": ["a@acme.test"]}
    for wrong in (["risk"], {"risk": "money"}):
        with pytest.raises(ConfigError, match="fields"):
            iterable(fields=wrong)


def test_lists_have_members(project: Any) -> None:
    (one,) = project("GET", "/api/lists").body["lists"]
    rows = [user("a@acme.test"), user("bad"), user(user_id="U1")]
    body = project("POST", "/api/lists/subscribe", {"listId": one["id"], "subscribers": rows}).body
    assert (body["successCount"], failures(body)) == (2, {"invalidEmails": ["bad"]})
    assert len(stored(project, "lists")[0]["members"]) == 2
    rows = [user("a@acme.test"), user("nobody@acme.test"), user(user_id="U9")]
    body = project(
        "POST", "/api/lists/unsubscribe", {"listId": one["id"], "subscribers": rows}
    ).body
    assert failures(body) == {
        "notFoundEmails": ["nobody@acme.test"],
        "notFoundUserIds": ["U9"],
    }
    assert len(stored(project, "lists")[0]["members"]) == 1
    for wrong in ({"listId": 99, "subscribers": rows}, {"listId": one["id"], "subscribers": []}):
        assert project("POST", "/api/lists/subscribe", wrong).status == 400


def test_an_event_is_recorded_once_for_its_id(project: Any) -> None:
    event = {"email": "a@acme.test", "eventName": "paid", "id": "e1", "dataFields": {"sum": 5}}
    body = project(
        "POST", "/api/events/trackBulk", {"events": [event, event, {**event, "id": "e2"}]}
    )
    assert body.body["successCount"] == 3
    assert [one["id"] for one in stored(project, "events")] == ["e1", "e2"]
    bad = {"eventName": "paid"}
    told = project(
        "POST", "/api/events/trackBulk", {"events": [bad, {**event, "email": "bad"}]}
    ).body
    assert set(failures(told)) == {"invalidUserIds", "invalidEmails"}
    assert project("POST", "/api/events/trackBulk", {"events": [{}]}).status == 400


def test_bulk_requests_have_a_limit_of_their_own(iterable: Any, clock: Any) -> None:
    project = iterable(limits={"bulk": 1, "others": 2})
    assert [update(project, user("a@acme.test")).status for _ in range(2)] == [200, 429]
    fields = [project("GET", "/api/users/getFields").status for _ in range(3)]
    assert fields == [200, 200, 429]
    clock.now += 1
    assert update(project, user("a@acme.test")).status == 200


def test_the_lists_are_found_beside_klaviyos(start: Any) -> None:
    _, client = start({"vendors": ["klaviyo", "iterable"]})
    key = {"api-key": "k"}
    assert client("GET", "/iterable/api/lists", None, key).json()["lists"][0]["id"] == 1
    assert client("GET", "/api/lists", None, key).status == 400
    assert client("GET", "/api/users/getFields", None, key).status == 200


def test_a_key_is_needed_and_faults_speak_as_the_vendor(start: Any) -> None:
    rules = [
        {"match": {"nth": 1}, "do": "partial_207", "ok_share": 0.0},
        {"match": {"nth": 2}, "do": 429},
    ]
    _, client = start({"vendors": {"iterable": {"api_keys": ["k"]}}, "faults": rules})
    key, body = {"api-key": "k"}, {"users": [user("a@acme.test")]}
    assert client("POST", BULK, body).json()["code"] == "BadApiKey"
    told = client("POST", BULK, body, key).json()
    assert failures(told) == {"invalidDataEmails": ["a@acme.test"]}
    answer = client("POST", BULK, body, key)
    assert (answer.status, answer.json()["code"]) == (429, "RateLimitExceeded")
    assert client("POST", BULK, b" " * 4_000_001, key).status == 413
