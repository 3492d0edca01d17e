"""Klaviyo's sandbox as a whole: keys, limits, lists, events, what the vendor describes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from klaviyo_forms import HEADERS, JOBS, imported, pointed, profile, start_import, stored
from specs import spec

from tailrace.sandbox import ConfigError
from tailrace.sandbox.run import make_app

UPSERT = "/api/profile-import"
SPEC = spec("klaviyo/openapi-2026-07-15.trimmed.json")


@pytest.fixture
def account(klaviyo: Any) -> Any:
    return klaviyo()


# -- keys, revisions, limits ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ("Klaviyo-API-Key pk_1", 200, ""),
        ("Klaviyo-API-Key pk_2", 401, "authentication_failed"),
        ("Bearer pk_1", 401, "authentication_failed"),
        ("pk_1", 401, "authentication_failed"),
        ("", 401, "not_authenticated"),
    ],
)
def test_a_key_is_needed_and_has_to_be_known(
    klaviyo: Any, authorization: str, status: int, code: str
) -> None:
    account = klaviyo(api_keys=["pk_1"])
    reply = account("GET", "/api/lists", headers={"authorization": authorization})
    assert reply.status == status
    if code:
        assert [one for one, _ in pointed(reply)] == [code]


def test_a_revision_is_needed_and_any_date_is_one(account: Any) -> None:
    for revision in ("2023-02-22", "2026-10-15", "2026-07-15.pre"):
        assert account("GET", "/api/lists", headers={"revision": revision}).status == 200
    for revision in ("", "latest"):
        assert account("GET", "/api/lists", headers={"revision": revision}).status == 400


def test_a_key_is_of_one_account(klaviyo: Any) -> None:
    for options, number in (({}, "SANDBX"), ({"account_id": "Qx1"}, "Qx1")):
        (told,) = klaviyo(**options)("GET", "/api/accounts").body["data"]
        assert (told["type"], told["id"]) == ("account", number)


def test_other_refusals_have_their_codes(account: Any) -> None:
    text = {"content-type": "text/plain"}
    reply = account("POST", UPSERT, b"{}", text)
    assert (reply.status, pointed(reply)[0][0]) == (415, "unsupported_media_type")
    reply = account("PUT", UPSERT, {})
    assert (reply.status, pointed(reply)[0][0]) == (405, "method_not_allowed")
    assert account("GET", "/api/profile-merge").status == 404
    plain = {"content-type": "application/json"}
    assert account("POST", UPSERT, {"data": profile(email="a@acme.test")}, plain).status == 201


def test_each_endpoint_has_its_own_windows(klaviyo: Any, clock: Any) -> None:
    clock.now = 1200.0
    account = klaviyo(limits="standard")

    def upserts(count: int) -> list[int]:
        body = {"data": profile(email="a@acme.test")}
        return [account("POST", UPSERT, body).status for _ in range(count)]

    def imports() -> Any:
        return account("POST", JOBS, imported(profile(email="a@acme.test")))

    assert upserts(76) == [201, *[200] * 74, 429]
    reply = imports()
    headers = dict(reply.headers)
    assert (reply.status, headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == (
        *(202, "150"),
        "149",
    )
    assert headers["RateLimit-Reset"] == "60"
    assert [imports().status for _ in range(10)] == [202] * 9 + [429]
    clock.now += 1
    assert upserts(75) == [200] * 75
    for _ in range(8):
        clock.now += 1
        assert upserts(75) == [200] * 75
    clock.now += 1
    reply = account("POST", UPSERT, {"data": profile(email="a@acme.test")})
    assert (reply.status, dict(reply.headers)) == (429, {"Retry-After": "50"})
    assert "Expected available in 50 seconds" in reply.body["errors"][0]["detail"]
    clock.now += 50
    assert upserts(1) == [200]


def test_limits_can_be_the_same_for_all(klaviyo: Any, clock: Any) -> None:
    account = klaviyo(limits={"burst": 2, "steady": 3})
    assert [account("GET", "/api/lists").status for _ in range(3)] == [200, 200, 429]
    clock.now += 1
    assert [account("GET", "/api/lists").status for _ in range(2)] == [200, 429]
    assert account("GET", "/api/profiles").status == 200


def test_the_paces_are_those_of_the_vendors_description(account: Any) -> None:
    served = 0
    for pattern, operations in SPEC.document["paths"].items():
        for method, operation in operations.items():
            found = account.vendor._endpoints.find(
                method.upper(), re.sub(r"\{\w+\}", "x1", pattern)
            )
            if "x-klaviyo-ratelimit" not in operation or found is None:
                continue
            served += 1
            given = operation["x-klaviyo-ratelimit"]
            pace = {"burst": f"{found.pace.burst}/s", "steady": f"{found.pace.steady}/m"}
            if found.pace.daily:
                pace["daily"] = f"{found.pace.daily}/d"
            assert pace == given, (method, pattern)
    assert served == 17


@pytest.mark.parametrize(
    "options",
    [
        {"limits": "fast"},
        {"limits": {"steady": 5}},
        {"api_keys": [5]},
        {"bulk_validation": "later"},
        {"job_ms": -1},
        {"lists": {}, "list": []},
    ],
)
def test_a_configuration_that_makes_no_sense_is_named(options: Any) -> None:
    with pytest.raises(ConfigError, match="klaviyo"):
        make_app({"vendors": {"klaviyo": options}})


# -- lists ---------------------------------------------------------------------------------------


def members_of(account: Any, number: str) -> list[str]:
    body = account("GET", f"/api/lists/{number}/relationships/profiles").body
    return [one["id"] for one in body["data"]]


def test_members_are_added_and_removed_by_id(account: Any) -> None:
    rows = [profile(email=f"p{n}@acme.test") for n in range(3)]
    ids = [account("POST", UPSERT, {"data": row}).body["data"]["id"] for row in rows]
    (one,) = account("GET", "/api/lists").body["data"]
    path = f"/api/lists/{one['id']}/relationships/profiles"
    body = {"data": [{"type": "profile", "id": number} for number in ids]}
    assert SPEC.request_problems("POST", path, body) == []
    for _ in range(2):
        reply = account("POST", path, body)
        assert (reply.status, reply.body) == (204, None)
    assert members_of(account, one["id"]) == ids
    assert account("DELETE", path, {"data": body["data"][:2]}).status == 204
    assert account("DELETE", path, {"data": body["data"][:1]}).status == 204
    assert members_of(account, one["id"]) == ids[2:]
    stranger = {"data": [*body["data"], {"type": "profile", "id": "nobody"}]}
    assert account("POST", path, stranger).status == 404
    assert members_of(account, one["id"]) == ids[2:]
    for wrong in ([], [{"id": ids[0]}], "x", [{"type": "profile", "id": "x"}] * 1001):
        assert account("POST", path, {"data": wrong}).status == 400
    assert account("POST", "/api/lists/nothing/relationships/profiles", body).status == 404


def test_lists_are_made_named_found_and_deleted(account: Any) -> None:
    body = {"data": {"type": "list", "attributes": {"name": "Risky"}}}
    made = account("POST", "/api/lists", body).body["data"]
    found = account("GET", '/api/lists?filter=equals(name,"Risky")').body["data"]
    assert [one["id"] for one in found] == [made["id"]]
    data = {"type": "list", "id": made["id"], "attributes": {"name": "Safe"}}
    account("PATCH", f"/api/lists/{made['id']}", {"data": data})
    shown = account("GET", f"/api/lists/{made['id']}").body["data"]["attributes"]
    assert (shown["name"], shown["opt_in_process"]) == ("Safe", "single_opt_in")
    assert account("DELETE", f"/api/lists/{made['id']}").status == 204
    assert account("GET", f"/api/lists/{made['id']}").status == 404
    for attributes in ({}, {"name": 5}, {"name": "x", "opt_in_process": "never"}, {"nom": "x"}):
        wrong = {"data": {"type": "list", "attributes": attributes}}
        assert account("POST", "/api/lists", wrong).status == 400


# -- events --------------------------------------------------------------------------------------


def event(email: str, of: str = "Scored", **attributes: Any) -> dict[str, Any]:
    named = {"data": {"type": "metric", "attributes": {"name": of}}}
    values = {"properties": {"risk": 0.5}, "metric": named, **attributes}
    who = {"profile": {"data": profile(email=email)}} if email else {}
    return {"type": "event", "attributes": {**values, **who}}


def many(*groups: tuple[str, list[Any]]) -> dict[str, Any]:
    rows = [
        {
            "type": "event-bulk-create",
            "attributes": {"profile": {"data": profile(email=email)}, "events": {"data": events}},
        }
        for email, events in groups
    ]
    attributes = {"events-bulk-create": {"data": rows}}
    return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}


def test_an_event_is_recorded_once_and_makes_its_profile(account: Any, clock: Any) -> None:
    clock.now = 1_770_000_000
    body = {"data": event("a@acme.test", unique_id="e1", time="2026-01-31T09:30:00Z")}
    for _ in range(2):
        reply = account("POST", "/api/events", body)
        assert (reply.status, reply.body) == (202, None)
    assert (
        account(
            "POST", "/api/events", {"data": event("a@acme.test", "Seen", unique_id="e1")}
        ).status
        == 202
    )
    (who,) = account("GET", "/api/profiles").body["data"]
    found = account("GET", f'/api/events?filter=equals(profile_id,"{who["id"]}")').body["data"]
    assert [one["attributes"]["event_properties"] for one in found] == [{"risk": 0.5}] * 2
    assert found[0]["attributes"]["datetime"] == "2026-01-31T09:30:00+00:00"
    metrics = account("GET", "/api/metrics").body["data"]
    assert [one["attributes"]["name"] for one in metrics] == ["Scored", "Seen"]


def test_an_event_keeps_what_it_was_given(account: Any) -> None:
    deep: Any = "end"
    for _ in range(9):
        deep = {"a": deep}
    given = {
        "properties": {"deep": deep, "note": "é" * 50_000},
        "value": 9.5,
        "value_currency": "EUR",
        "unique_id": "e1",
        "backfill": True,
    }
    assert account("POST", "/api/events", {"data": event("a@acme.test", **given)}).status == 202
    (held,) = stored(account, "events")
    assert {name: held[name] for name in given} == given


def test_what_one_event_says_of_its_profile_makes_it_or_is_laid_over_it(account: Any) -> None:
    for number, who in enumerate(
        [
            profile(external_id="x1"),
            profile(external_id="x1", email="a@acme.test"),
            profile(email="A@acme.test"),
        ]
    ):
        one = event("", unique_id=f"e{number}", profile={"data": who})
        assert account("POST", "/api/events", {"data": one}).status == 202
    (held,) = stored(account)
    assert (held["external_id"], len(stored(account, "events"))) == ("x1", 3)
    nobody = event("", profile={"data": profile(title="x")})
    reply = account("POST", "/api/events", {"data": nobody})
    assert pointed(reply) == [("invalid", "/data/attributes/profile/data/attributes")]
    by_id = {**profile(), "id": account("GET", "/api/profiles").body["data"][0]["id"]}
    one = event("", unique_id="e9", profile={"data": by_id})
    assert account("POST", "/api/events", {"data": one}).status == 202
    assert (len(stored(account)), len(stored(account, "events"))) == (1, 4)


def test_a_second_has_one_event_without_an_id(account: Any, clock: Any) -> None:
    for _ in range(3):
        account("POST", "/api/events", {"data": event("a@acme.test")})
    assert len(stored(account, "events")) == 1
    clock.now += 1
    account("POST", "/api/events", {"data": event("a@acme.test")})
    assert len(stored(account, "events")) == 2


def test_events_come_by_the_thousand(account: Any) -> None:
    groups = [
        (f"p{n}@acme.test", [event("", unique_id=f"e{n}-{at}") for at in range(10)])
        for n in range(100)
    ]
    path = "/api/event-bulk-create-jobs"
    assert account("POST", path, many(*groups)).status == 202
    assert (len(stored(account, "events")), len(stored(account))) == (1000, 100)
    more = many(*groups, ("q@acme.test", [event("", unique_id="x")]))
    assert account("POST", path, more).status == 400
    wrong = many(("a@acme.test", [event(""), event("", value="x")]), ("bad", [event("")]))
    reply = account("POST", path, wrong)
    where = "/data/attributes/events-bulk-create/data"
    assert [one for _, one in pointed(reply)] == [
        f"{where}/0/attributes/events/data/1/attributes/value",
        f"{where}/1/attributes/profile/data/attributes/email",
    ]
    assert len(stored(account, "events")) == 1000


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"properties": []}, "properties"),
        ({"properties": {str(n): n for n in range(401)}}, "properties"),
        ({"value": "much"}, "value"),
        ({"unique_id": 5}, "unique_id"),
        ({"time": "yesterday"}, "time"),
        ({"time": "1989-12-31T00:00:00Z"}, "time"),
        ({"time": "1972-01-01T00:00:00Z"}, "time"),
        ({"metric": {"data": {"type": "metric", "attributes": {}}}}, "metric/data/attributes/name"),
        ({"metric": {}}, "metric/data"),
        (
            {"metric": {"data": {"type": "metric", "attributes": {"name": "x" * 128}}}},
            "metric/data/attributes/name",
        ),
        ({"properties": {"note": "é" * 50_001}}, "properties/note"),
        ({"properties": {"deep": [[[[[[[[[[]]]]]]]]]]}}, "properties/deep"),
        ({"backfill": "yes"}, "backfill"),
        ({"value_currency": 978}, "value_currency"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_event_is_pointed_at(account: Any, attributes: Any, pointer: str) -> None:
    reply = account("POST", "/api/events", {"data": event("a@acme.test", **attributes)})
    assert (reply.status, pointed(reply)) == (400, [("invalid", f"/data/attributes/{pointer}")])
    assert stored(account, "events") == []


# -- the vendor's own description ----------------------------------------------------------------


def without_nulls(answer: Any) -> Any:
    """Links that lead nowhere are null in real answers, and not described so."""
    links = answer.get("links")
    if not links:
        return answer
    return {**answer, "links": {name: one for name, one in links.items() if one}}


def test_requests_and_answers_are_what_the_vendor_describes(account: Any) -> None:
    body = {"data": profile(email="a@acme.test", location={"city": "Rome"}, properties={"x": 1})}
    assert SPEC.request_problems("POST", UPSERT, body) == []
    for status in (201, 200):
        assert SPEC.problems("POST", UPSERT, status, account("POST", UPSERT, body).body) == []
    rows = imported(profile(email="b@acme.test"), {**profile(title="x"), "id": "nobody"})
    assert SPEC.request_problems("POST", JOBS, rows) == []
    queued = account("POST", JOBS, rows)
    assert SPEC.problems("POST", JOBS, 202, queued.body) == []
    job = queued.body["data"]["id"]
    for path in (
        *(f"{JOBS}/{job}", f"{JOBS}/{job}/import-errors", JOBS, "/api/profiles", "/api/lists"),
        f"/api/profiles/{account('GET', '/api/profiles').body['data'][0]['id']}",
        f"/api/lists/{account('GET', '/api/lists').body['data'][0]['id']}",
    ):
        answer = account("GET", path)
        assert SPEC.problems("GET", path, 200, without_nulls(answer.body)) == [], path


def test_refusals_are_what_the_vendor_describes(account: Any) -> None:
    for status, body in ((400, {"data": profile(email="bad")}), (415, b"x")):
        headers = {"content-type": "text/plain"} if status == 415 else {}
        reply = account("POST", UPSERT, body, headers)
        assert reply.status == status
        assert SPEC.problems("POST", UPSERT, status, reply.body) == []


def test_the_description_refuses_what_is_broken_on_purpose(account: Any) -> None:
    job = start_import(account, profile(email="a@acme.test"))
    answer = account("GET", f"{JOBS}/{job}").body
    answer["data"]["attributes"]["status"] = "done"
    assert SPEC.problems("GET", f"{JOBS}/{job}", 200, answer) != []
    assert SPEC.request_problems("POST", UPSERT, {"data": {"type": "person"}}) != []


# -- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "status", "code"),
    [
        ("401_once", 401, "authentication_failed"),
        (429, 429, "throttled"),
        ("batch_409", 409, "duplicate_profile"),
        (503, 503, "error"),
        (400, 400, "invalid"),
    ],
)
def test_faults_speak_as_the_vendor_does(start: Any, do: Any, status: int, code: str) -> None:
    _, client = start({"vendors": {"klaviyo": {}}, "faults": [{"do": do, "times": 1}]})
    answer = client("POST", UPSERT, {"data": profile(email="a@acme.test")}, HEADERS)
    assert (answer.status, answer.json()["errors"][0]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/vnd.api+json"
