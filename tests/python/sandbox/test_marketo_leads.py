"""Leads of Marketo's sandbox: what a row must be, what becomes of it, what two calls do at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tailrace.sandbox.wire import Request

LEADS = "/rest/v1/leads.json"
FIELDS = {
    "churnRisk": "float",
    "seats": "integer",
    "isActive": "boolean",
    "renewal": "date",
    "seenAt": "datetime",
    "code": {"type": "string", "length": 5},
    "notes": "text",
    "given": {"type": "string", "read_only": True},
}


@pytest.fixture
def instance(marketo: Any) -> Any:
    return marketo(fields=FIELDS)


def sync(instance: Any, *rows: Any, **more: Any) -> Any:
    reply = instance("POST", LEADS, {"input": list(rows), **more})
    assert reply.status == 200
    return reply.body


def statuses(body: Any) -> list[str]:
    return [one["status"] for one in body["result"]]


def reason(body: Any, at: int = 0) -> tuple[str, str]:
    (one,) = body["result"][at]["reasons"]
    return one["code"], one["message"]


def refused(reply: Any) -> str:
    assert reply.status == 200
    assert reply.body["success"] is False
    assert "result" not in reply.body
    (one,) = reply.body["errors"]
    return str(one["code"])


def stored(instance: Any) -> list[dict[str, Any]]:
    return [one.values for one in instance.vendor.collections()["leads"]]


def read(instance: Any, by: str, *values: str, fields: str = "") -> list[Any]:
    asked = f"{LEADS}?filterType={by}&filterValues={','.join(values)}"
    body = instance("GET", asked + (f"&fields={fields}" if fields else "")).body
    assert body["success"] is True
    return list(body["result"])


# -- writing -------------------------------------------------------------------------------------


def test_an_upsert_creates_and_then_updates_in_the_order_of_the_rows(instance: Any) -> None:
    rows = [{"email": f"p{n}@acme.test", "firstName": f"N{n}"} for n in range(300)]
    first = sync(instance, *rows)
    assert statuses(first) == ["created"] * 300
    again = sync(instance, {"email": "P7@acme.test", "firstName": "Ann"}, {"email": "x@acme.test"})
    assert statuses(again) == ["updated", "created"]
    assert again["result"][0]["id"] == first["result"][7]["id"]
    assert stored(instance)[7] == {"email": "P7@acme.test", "firstName": "Ann"}
    assert len(stored(instance)) == 301


def test_leads_are_looked_up_by_any_field_that_is_for_it(instance: Any) -> None:
    made = sync(
        instance, {"externalId": "A1", "seats": 5, "email": "a@acme.test"}, lookupField="externalId"
    )
    assert statuses(made) == ["created"]
    body = sync(instance, {"seats": 5, "churnRisk": 0.5}, lookupField="seats")
    assert (statuses(body), body["result"][0]["id"]) == (["updated"], made["result"][0]["id"])
    number = made["result"][0]["id"]
    body = sync(instance, {"id": number, "code": "x"}, lookupField="id", action="updateOnly")
    assert statuses(body) == ["updated"]
    assert stored(instance) == [
        {"externalId": "A1", "seats": 5, "email": "a@acme.test", "churnRisk": 0.5, "code": "x"}
    ]


@pytest.mark.parametrize(
    ("by", "code"), [("firstName", "1011"), ("nothing", "1006"), ("churnRisk", "1011"), (5, "1006")]
)
def test_a_lookup_field_that_is_none_refuses_the_request(instance: Any, by: Any, code: str) -> None:
    body = {"input": [{"email": "a@acme.test"}], "lookupField": by}
    assert refused(instance("POST", LEADS, body)) == code
    assert stored(instance) == []


def test_actions_do_what_they_are_called(instance: Any) -> None:
    row = {"email": "a@acme.test"}
    assert reason(sync(instance, row, action="updateOnly"))[0] == "1004"
    assert statuses(sync(instance, row, action="createOnly")) == ["created"]
    assert reason(sync(instance, row, action="createOnly")) == ("1005", "Lead already exists")
    assert statuses(sync(instance, row, action="updateOnly")) == ["updated"]
    assert statuses(sync(instance, row, action="createDuplicate")) == ["created"]
    body = sync(instance, row)
    assert reason(body) == ("1007", "Multiple leads match the lookup criteria")
    assert reason(sync(instance, row, action="updateOnly"))[0] == "1007"
    assert len(stored(instance)) == 2


@pytest.mark.parametrize("action", ["createOrUpdate", "createOnly", "createDuplicate"])
def test_an_id_is_for_updates_alone(instance: Any, action: str) -> None:
    body = sync(instance, {"id": 5, "email": "a@acme.test"}, action=action)
    assert reason(body)[0] == "1003"
    reply = instance("POST", LEADS, {"input": [{"id": 5}], "lookupField": "id", "action": action})
    assert refused(reply) == "1003"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"churnRisk": "high"}, "1001"),
        ({"churnRisk": True}, "1001"),
        ({"churnRisk": [1]}, "1001"),
        ({"seats": 1.5}, "1001"),
        ({"seats": 2**31}, "1001"),
        ({"seats": True}, "1001"),
        ({"isActive": "maybe"}, "1001"),
        ({"renewal": "2026-02-30"}, "1001"),
        ({"renewal": "31.01.2026"}, "1001"),
        ({"renewal": 20260131}, "1001"),
        ({"seenAt": "2026-01-31T25:00:00Z"}, "1001"),
        ({"seenAt": "yesterday"}, "1001"),
        ({"code": "longer"}, "1003"),
        ({"firstName": "x" * 256}, "1003"),
        ({"notes": "\u00e4" * 15_001}, "1003"),
        ({"email": "nobody"}, "1003"),
        ({"email": "\u00e4nn@acme.test"}, "1003"),
        ({"email": None}, "1003"),
        ({"given": "x"}, "1003"),
        ({"createdAt": "2026-01-01T00:00:00Z"}, "1003"),
        ({"nothing": 1}, "1006"),
        ({"company": "Acme"}, "1021"),
    ],
)
def test_a_row_that_does_not_fit_is_skipped_with_its_reason(
    instance: Any, values: Any, code: str
) -> None:
    good = {"email": "b@acme.test"}
    body = sync(instance, {"email": "a@acme.test", **values}, good)
    assert statuses(body) == ["skipped", "created"]
    assert reason(body)[0] == code
    assert body["success"] is True
    assert stored(instance) == [good]


def test_values_are_kept_by_their_types(instance: Any) -> None:
    row = {
        "email": "a@acme.test",
        "churnRisk": "0.25",
        "seats": "12",
        "isActive": "1",
        "renewal": "2026-01-31",
        "seenAt": "2026-01-31T09:30:00+02:00",
        "code": 7,
    }
    assert statuses(sync(instance, row)) == ["created"]
    (kept,) = stored(instance)
    assert (kept["churnRisk"], kept["seats"], kept["isActive"]) == (0.25, 12, True)
    assert (kept["seenAt"], kept["code"]) == ("2026-01-31T07:30:00Z", "7")
    sync(instance, {"email": "a@acme.test", "churnRisk": None, "code": "", "seats": 12.0})
    (kept,) = stored(instance)
    assert "churnRisk" not in kept
    assert "code" not in kept
    assert kept["seats"] == 12


def test_a_cleared_value_is_not_found_any_more(instance: Any) -> None:
    sync(instance, {"email": "a@acme.test", "externalId": "A1"})
    assert len(read(instance, "externalId", "a1")) == 1
    sync(instance, {"email": "a@acme.test", "externalId": None})
    assert read(instance, "externalId", "A1") == []
    sync(instance, {"email": "a@acme.test", "externalId": "A2"})
    assert len(read(instance, "externalId", "A1", "A2")) == 1


def test_unknown_fields_can_fail_the_whole_request(marketo: Any) -> None:
    instance = marketo(unknown_fields="request")
    body = {"input": [{"email": "a@acme.test"}, {"email": "b@acme.test", "nothing": 1}]}
    assert refused(instance("POST", LEADS, body)) == "1006"
    assert stored(instance) == []


# -- one key twice -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("same_key", "second", "leads"),
    [("duplicate", "created", 2), ("update", "updated", 1), ("refuse", "skipped", 1)],
)
def test_two_rows_of_one_key_in_a_call(
    marketo: Any, same_key: str, second: str, leads: int
) -> None:
    instance = marketo(same_key=same_key)
    body = sync(instance, {"email": "a@acme.test"}, {"email": "A@ACME.TEST", "firstName": "N"})
    assert statuses(body) == ["created", second]
    assert len(stored(instance)) == leads
    if same_key == "refuse":
        assert reason(body, 1) == ("1036", "Duplicate object found in input")


def test_two_calls_of_one_key_that_overlap_make_two_leads(start: Any, in_flight: Any) -> None:
    slow = [{"match": {"nth": 1}, "do": "slow", "delay_ms": 300}]
    sandbox, first = start({"vendors": {"marketo": {}}, "faults": slow})
    second = type(first)(sandbox.url)
    body = {"input": [{"email": "a@acme.test"}]}
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(first("POST", LEADS, body).json()))
    thread.start()
    in_flight(sandbox, "marketo", 1)
    answers.append(second("POST", LEADS, body).json())
    thread.join()
    assert [one["result"][0]["status"] for one in answers] == ["created", "created"]
    assert len(sandbox.records("marketo", "leads")) == 2
    after = second("POST", LEADS, body).json()
    assert after["result"][0]["reasons"][0]["code"] == "1007"
    second.close()


def test_create_only_makes_no_second_lead_however_calls_overlap(marketo: Any, clock: Any) -> None:
    instance = marketo()
    body = b'{"action":"createOnly","input":[{"email":"a@acme.test"}]}'
    early = Request("POST", LEADS, {}, instance.headers, body, began_s=clock() - 5)
    held = instance.vendor.read(early)
    sync(instance, {"email": "a@acme.test"})
    assert instance.vendor.apply(held).body["result"][0]["reasons"][0]["code"] == "1005"


def test_a_call_that_is_done_late_does_not_see_what_came_between(marketo: Any, clock: Any) -> None:
    instance = marketo()
    body = b'{"input":[{"email":"a@acme.test"}]}'
    held = instance.vendor.read(Request("POST", LEADS, {}, instance.headers, body))
    clock.now += 1
    sync(instance, {"email": "a@acme.test"})
    assert instance.vendor.apply(held).body["result"][0]["status"] == "created"
    assert len(stored(instance)) == 2


# -- requests that cannot be meant ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "609"),
        (b"[]", "609"),
        ({"input": [5]}, "609"),
        ({"input": [{"email": "a@acme.test"}], "inputs": []}, "609"),
        ({"input": []}, "701"),
        ({}, "701"),
        ({"input": [{"email": "a@acme.test"}] * 301}, "1003"),
        ({"input": [{"email": "a@acme.test"}], "action": "upsert"}, "1003"),
        ({"input": [{"email": "a@acme.test"}], "partitionName": "Other"}, "1008"),
        (
            {
                "input": [{"email": "a@acme.test"}],
                "partitionName": "Default",
                "action": "updateOnly",
            },
            "1003",
        ),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(instance: Any, body: Any, code: str) -> None:
    assert refused(instance("POST", LEADS, body)) == code
    assert stored(instance) == []


def test_other_refusals_have_their_codes(instance: Any) -> None:
    other = {"content-type": "text/plain"}
    assert refused(instance("POST", LEADS, b"{}", other)) == "612"
    assert refused(instance("PUT", LEADS, {})) == "605"
    assert refused(instance("POST", "/rest/v1/leads", {})) == "610"
    reply = instance("GET", f"{LEADS}?filterType=email&filterValues={'x' * 8200}")
    assert (reply.status, reply.content_type) == (414, "text/html; charset=utf-8")


def test_more_than_a_megabyte_is_too_much(start: Any) -> None:
    _, client = start({"vendors": {"marketo": {}}})
    answer = client("POST", LEADS, b" " * 1_000_001)
    assert answer.status == 413
    assert answer.headers["content-type"].startswith("text/html")


# -- reading and deleting ------------------------------------------------------------------------


def test_leads_are_read_by_filter_page_by_page(instance: Any) -> None:
    sync(instance, *({"email": f"p{n}@acme.test", "seats": n % 2} for n in range(7)))
    asked = f"{LEADS}?filterType=seats&filterValues=0,1&batchSize=3&fields=email,firstName"
    pages, token = [], ""
    while True:
        body = instance("GET", asked + (f"&nextPageToken={token}" if token else "")).body
        pages.append([one["email"] for one in body["result"]])
        token = body.get("nextPageToken", "")
        assert body["moreResult"] is bool(token)
        if not token:
            break
    assert pages == [
        [f"p{n}@acme.test" for n in range(3)],
        [f"p{n}@acme.test" for n in range(3, 6)],
        ["p6@acme.test"],
    ]
    (one,) = read(instance, "email", "P1@acme.test")
    assert set(one) == {"id", "email", "firstName", "lastName", "createdAt", "updatedAt"}
    assert read(instance, "email", "nobody@acme.test") == []


def test_a_long_filter_comes_by_post(instance: Any) -> None:
    sync(instance, {"email": "a@acme.test"})
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = b"_method=GET&filterType=email&filterValues=a%40acme.test"
    assert len(instance("POST", LEADS, body, form).body["result"]) == 1
    rest = b"filterType=email&filterValues=a%40acme.test"
    assert len(instance("POST", f"{LEADS}?_method=GET", rest, form).body["result"]) == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("filterType=email", "1002"),
        ("filterValues=a", "1002"),
        ("filterType=firstName&filterValues=a", "1011"),
        ("filterType=nothing&filterValues=a", "1006"),
        ("filterType=email&filterValues=a&fields=nothing", "1006"),
        ("filterType=email&filterValues=a&batchSize=many", "1001"),
        ("filterType=email&filterValues=a&nextPageToken=!", "1003"),
        (f"filterType=id&filterValues={','.join(map(str, range(301)))}", "1003"),
    ],
)
def test_a_filter_that_is_none_is_refused(instance: Any, query: str, code: str) -> None:
    assert refused(instance("GET", f"{LEADS}?{query}")) == code


def test_a_filter_finds_a_thousand_leads_and_not_one_more(instance: Any) -> None:
    for first in range(0, 900, 300):
        sync(instance, *({"email": f"p{first + n}@acme.test", "seats": 1} for n in range(300)))
    sync(instance, *({"email": f"q{n}@acme.test", "seats": 1} for n in range(100)))
    assert len(read(instance, "seats", "1")) == 300
    sync(instance, {"email": "r@acme.test", "seats": 1})
    assert refused(instance("GET", f"{LEADS}?filterType=seats&filterValues=1")) == "1003"


def test_one_lead_is_read_by_its_id(instance: Any) -> None:
    number = sync(instance, {"email": "a@acme.test", "seats": 3})["result"][0]["id"]
    body = instance("GET", f"/rest/v1/lead/{number}.json?fields=email,seats,code").body
    assert body["result"] == [{"id": number, "email": "a@acme.test", "seats": 3, "code": None}]
    assert refused(instance("GET", "/rest/v1/lead/5.json")) == "1004"


def test_leads_are_deleted_by_id_in_three_ways(instance: Any) -> None:
    made = sync(instance, *({"email": f"p{n}@acme.test"} for n in range(4)))["result"]
    ids = [one["id"] for one in made]
    body = instance(
        "POST", "/rest/v1/leads/delete.json", {"input": [{"id": ids[0]}, {"id": 5}]}
    ).body
    assert body["result"][0] == {"id": ids[0], "status": "deleted"}
    assert (body["result"][1]["id"], reason(body, 1)[0]) == (5, "1004")
    body = instance("POST", f"/rest/v1/leads/delete.json?id={ids[1]}&id={ids[2]}").body
    assert statuses(body) == ["deleted", "deleted"]
    assert statuses(instance("DELETE", LEADS, {"input": [{"id": str(ids[3])}]}).body) == ["deleted"]
    assert stored(instance) == []
    assert refused(instance("POST", "/rest/v1/leads/delete.json")) == "1002"
    assert refused(instance("POST", "/rest/v1/leads/delete.json?id=a")) == "1001"
    assert instance.vendor.collections()["leads"].writes["p0@acme.test"] == 2
