"""Intercom's sandbox: contacts one by one with no upsert, companies, attributes, searching."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from specs import spec

from tailrace.sandbox import ConfigError
from tailrace.sandbox.run import make_app

if TYPE_CHECKING:
    from pathlib import Path

ATTRIBUTES = {
    "contact": {
        "risk": "float",
        "seats": "integer",
        "vip": "boolean",
        "renewal": "date",
        "tier": {"type": "options", "options": ["low", "high"]},
    },
    "company": {"arr": "integer"},
}
SPEC = spec("intercom/api.intercom.io-2.16.trimmed.json")


@pytest.fixture
def workspace(intercom: Any) -> Any:
    return intercom(attributes=ATTRIBUTES)


def create(workspace: Any, **body: Any) -> Any:
    return workspace("POST", "/contacts", body)


def told(reply: Any) -> tuple[int, str]:
    assert reply.body["type"] == "error.list"
    (error,) = reply.body["errors"]
    return reply.status, error["code"]


def stored(workspace: Any, name: str = "contacts") -> list[dict[str, Any]]:
    return [one.values for one in workspace.vendor.collections()[name]]


def search(workspace: Any, **query: Any) -> list[str]:
    body = workspace("POST", "/contacts/search", {"query": query}).body
    return [one["external_id"] for one in body["data"]]


# -- contacts ------------------------------------------------------------------------------------


def test_a_contact_is_made_once_and_then_changed(workspace: Any) -> None:
    made = create(workspace, external_id="A1", email="a@acme.test", custom_attributes={"risk": 0.5})
    assert (made.status, made.body["role"]) == (200, "user")
    again = create(workspace, external_id="A1")
    assert told(again) == (409, "conflict")
    number = made.body["id"]
    assert number in again.body["errors"][0]["message"]
    assert told(create(workspace, email="A@acme.test", role="user")) == (409, "conflict")
    assert create(workspace, email="a@acme.test", role="lead").status == 200
    path = f"/contacts/{number}"
    change = {"name": "Ann", "email": None, "custom_attributes": {"risk": None, "seats": 3}}
    assert workspace("PUT", path, change).body["name"] == "Ann"
    shown = workspace("GET", "/contacts/find_by_external_id/A1").body
    assert (shown["email"], shown["custom_attributes"]) == (None, {"seats": 3})
    assert told(workspace("PUT", "/contacts/nobody", {"name": "x"})) == (404, "not_found")
    assert told(workspace("GET", "/contacts/find_by_external_id/A9")) == (404, "not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"email": "bad"},
        {"email": 5},
        {"role": "admin"},
        {"external_id": 5},
        {"signed_up_at": "2026-01-31"},
        {"email_verified": "yes"},
        {"custom_attributes": []},
        {"custom_attributes": {"nothing": 1}},
        {"custom_attributes": {"risk": "high"}},
        {"custom_attributes": {"seats": 1.5}},
        {"custom_attributes": {"vip": 1}},
        {"custom_attributes": {"renewal": "soon"}},
        {"custom_attributes": {"tier": "middle"}},
        {"name": "x" * 256},
        {"colour": "red"},
    ],
)
def test_what_does_not_fit_is_refused(workspace: Any, change: Any) -> None:
    assert told(create(workspace, **{"external_id": "A1", **change})) == (400, "parameter_invalid")
    assert stored(workspace) == []


def test_a_contact_needs_something_to_be_known_by(workspace: Any) -> None:
    assert told(create(workspace, name="x")) == (400, "parameter_not_found")
    assert create(workspace, role="lead").status == 200


def test_contacts_are_searched_page_by_page(workspace: Any) -> None:
    for n in range(5):
        create(workspace, external_id=f"A{n}", custom_attributes={"seats": n, "tier": "low"})
    assert search(workspace, field="external_id", operator="IN", value=["A1", "a3", "A9"]) == [
        "A1",
        "A3",
    ]
    assert search(workspace, field="custom_attributes.seats", operator=">", value=3) == ["A4"]
    both = [
        {"field": "custom_attributes.tier", "operator": "=", "value": "low"},
        {"field": "custom_attributes.seats", "operator": "<", "value": 1},
    ]
    assert search(workspace, operator="AND", value=both) == ["A0"]
    assert search(workspace, field="external_id", operator="$", value="2") == ["A2"]
    seen, after = [], None
    while True:
        query = {"field": "role", "operator": "=", "value": "user"}
        pages = {"per_page": 2, **({"starting_after": after} if after else {})}
        body = workspace("POST", "/contacts/search", {"query": query, "pagination": pages}).body
        seen.append([one["external_id"] for one in body["data"]])
        after = body["pages"].get("next", {}).get("starting_after")
        if after is None:
            break
    assert seen == [["A0", "A1"], ["A2", "A3"], ["A4"]]
    assert body["total_count"] == 5


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": []},
        {"query": {"field": "colour", "operator": "=", "value": "x"}},
        {"query": {"field": "email", "operator": "LIKE", "value": "x"}},
        {"query": {"field": "email", "operator": "IN", "value": "x"}},
        {"query": {"field": "email", "operator": "=", "value": ["x"]}},
        {"query": {"operator": "AND", "value": []}},
        {
            "query": {"field": "email", "operator": "=", "value": "x"},
            "pagination": {"per_page": 151},
        },
        {"query": {"field": "email", "operator": "=", "value": "x"}, "pagination": []},
    ],
)
def test_a_search_that_is_none_is_refused(workspace: Any, body: Any) -> None:
    assert told(workspace("POST", "/contacts/search", body))[0] == 400


def test_contacts_are_deleted_and_archived(workspace: Any) -> None:
    numbers = [create(workspace, external_id=f"A{n}").body["id"] for n in range(3)]
    gone = workspace("DELETE", f"/contacts/{numbers[0]}").body
    assert gone == {"type": "contact", "id": numbers[0], "external_id": "A0", "deleted": True}
    assert workspace("POST", f"/contacts/{numbers[1]}/archive").body["archived"] is True
    assert told(workspace("DELETE", f"/contacts/{numbers[0]}")) == (404, "not_found")
    assert [one["external_id"] for one in stored(workspace)] == ["A2"]
    assert workspace("GET", "/contacts").body["total_count"] == 1


# -- companies and attributes --------------------------------------------------------------------


def test_companies_are_upserted_and_seen_once_somebody_belongs_to_them(workspace: Any) -> None:
    body = {"company_id": "C1", "name": "Acme", "monthly_spend": 9.9, "plan": "pro"}
    made = workspace("POST", "/companies", body).body
    assert (made["monthly_spend"], made["plan"]["name"]) == (9, "pro")
    change = {"company_id": "C1", "custom_attributes": {"arr": 5}}
    again = workspace("POST", "/companies", change).body
    assert (again["id"], again["name"], again["custom_attributes"]) == (
        made["id"],
        "Acme",
        {"arr": 5},
    )
    assert workspace("GET", "/companies").body["data"] == []
    contact = create(workspace, external_id="A1").body["id"]
    workspace("POST", f"/contacts/{contact}/companies", {"id": made["id"]})
    assert [one["company_id"] for one in workspace("GET", "/companies").body["data"]] == ["C1"]
    assert workspace("GET", "/companies?company_id=C1").body["user_count"] == 1
    path = f"/companies/{made['id']}"
    assert told(workspace("PUT", path, {"company_id": "C2"})) == (400, "parameter_invalid")
    assert workspace("PUT", path, {"name": "B"}).body["name"] == "B"
    assert workspace("GET", path).body["name"] == "B"
    assert workspace("DELETE", path).body["deleted"] is True
    assert told(workspace("GET", path)) == (404, "company_not_found")
    assert told(workspace("POST", "/companies", {"name": "x"})) == (400, "parameter_not_found")
    wrong = {"company_id": "C", "size": "many"}
    assert told(workspace("POST", "/companies", wrong)) == (400, "parameter_invalid")


def test_attributes_are_listed_made_and_taken_over(start: Any, tmp_path: Path) -> None:
    _, first = start({"vendors": {"intercom": {"attributes": ATTRIBUTES}}})
    made = {"name": "code", "model": "contact", "data_type": "string"}
    assert first("POST", "/data_attributes", made).status == 200
    assert first("POST", "/data_attributes", made).status == 400
    for wrong in ({"name": "x"}, {**made, "data_type": "list"}, {**made, "model": "lead"}):
        assert first("POST", "/data_attributes", wrong).status == 400
    answer = first("GET", "/data_attributes?model=contact").json()
    assert [one["name"] for one in answer["data"]] == [*ATTRIBUTES["contact"], "code"]
    answer["data"].append({"name": "email", "data_type": "string", "custom": False})
    file = tmp_path / "attributes.json"
    file.write_text(json.dumps(answer), encoding="utf-8")
    _, second = start({"vendors": {"intercom": {"attributes": {"contact": str(file)}}}})
    again = second("GET", "/data_attributes?model=contact").json()["data"]
    assert [{**one, "id": 0} for one in again] == [{**one, "id": 0} for one in answer["data"][:-1]]
    assert second("GET", "/data_attributes?model=lead").status == 400


@pytest.mark.parametrize(
    "options",
    [
        {"limits": "fast"},
        {"attributes": {"lead": {}}},
        {"attributes": {"contact": {"a": "text"}}},
        {"attributes": {"contact": {"a": {"type": "options"}}}},
        {"attributes": {"contact": {"data": [{}]}}},
    ],
)
def test_a_configuration_that_makes_no_sense_is_named(options: Any) -> None:
    with pytest.raises(ConfigError, match="intercom"):
        make_app({"vendors": {"intercom": options}})


# -- the vendor's own description, tokens, limits ------------------------------------------------


def test_requests_and_answers_are_what_the_vendor_describes(workspace: Any) -> None:
    body = {"external_id": "A1", "email": "a@acme.test", "custom_attributes": {"seats": 1}}
    assert SPEC.request_problems("POST", "/contacts", body) == []
    made = workspace("POST", "/contacts", body).body
    number = made["id"]
    calls: list[tuple[str, str, Any]] = [
        ("PUT", f"/contacts/{number}", {"name": "Ann"}),
        ("GET", f"/contacts/{number}", None),
        ("GET", "/contacts/find_by_external_id/A1", None),
        ("POST", "/contacts/search", {"query": {"field": "id", "operator": "=", "value": number}}),
        ("GET", "/data_attributes", None),
        ("GET", "/contacts", None),
        ("DELETE", f"/contacts/{number}", None),
    ]
    for method, path, sent in calls:
        if sent is not None:
            assert SPEC.request_problems(method, path, sent) == [], path
        answer = workspace(method, path, sent).body
        # Times and what nobody has filled in are null in real answers, whatever the type says.
        problems = [one for one in SPEC.problems(method, path, 200, answer) if "None" not in one]
        assert problems == [], path


def test_the_description_refuses_what_is_broken_on_purpose(workspace: Any) -> None:
    path = "/contacts/find_by_external_id/A1"
    answer = create(workspace, external_id="A1").body
    assert SPEC.problems("GET", path, 200, {**answer, "id": 5, "custom_attributes": []}) != []
    assert SPEC.request_problems("POST", "/contacts/search", {"query": 5}) != []


def test_a_token_is_needed_and_limits_are_told(intercom: Any, clock: Any) -> None:
    workspace = intercom(tokens=["t1"])
    assert told(workspace("GET", "/me")) == (401, "unauthorized")
    clock.now = 1000.0
    limited = intercom(limits={"max": 1, "interval_ms": 10_000})
    reply = limited("GET", "/me")
    assert dict(reply.headers) == {
        "X-RateLimit-Limit": "1",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1010",
    }
    assert told(limited("GET", "/me")) == (429, "rate_limit_exceeded")
    clock.now += 10
    assert limited("GET", "/me").status == 200


def test_other_refusals_and_faults_are_lists_of_errors(start: Any) -> None:
    _, client = start({"vendors": {"intercom": {}}, "faults": [{"do": 503, "times": 1}]})
    assert client("GET", "/contacts").json()["errors"][0]["code"] == "service_unavailable"
    text = {"content-type": "text/plain"}
    assert client("POST", "/contacts", b"x", text).status == 415
    assert client("POST", "/contacts", b"{").json()["errors"][0]["code"] == "bad_request"
    assert client("PATCH", "/contacts").json()["errors"][0]["code"] == "not_found"
