"""Marketo's sandbox as a whole: tokens, limits, fields, static lists, what faults look like."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from specs import spec

from tailrace.sandbox import ConfigError
from tailrace.sandbox.run import make_app

if TYPE_CHECKING:
    from pathlib import Path

LEADS = "/rest/v1/leads.json"
TOKEN = "/identity/oauth/token"
OAUTH = {"client_id": "app", "client_secret": "secret"}
ASK = f"{TOKEN}?grant_type=client_credentials&client_id=app&client_secret=secret"
READ = f"{LEADS}?filterType=email&filterValues=a@acme.test"
# The vendor's own examples of answers have neither, whatever the description says.
MAPI = spec("marketo/swagger-mapi.trimmed.json", "errors", "warnings")
IDENTITY = spec("marketo/swagger-identity.json")


def code(reply: Any) -> str:
    assert reply.status == 200
    return str(reply.body["errors"][0]["code"]) if not reply.body["success"] else ""


# -- tokens --------------------------------------------------------------------------------------


def test_a_token_is_told_again_until_its_time_is_over(marketo: Any, clock: Any) -> None:
    instance = marketo(oauth={**OAUTH, "expires_in_s": 60})
    first = instance("GET", ASK).body
    assert IDENTITY.problems("GET", TOKEN, 200, first) == []
    assert (first["expires_in"], first["token_type"]) == (60, "bearer")
    clock.now += 59
    again = instance("POST", ASK).body
    assert (again["access_token"], again["expires_in"]) == (first["access_token"], 1)
    bearer = {"authorization": f"Bearer {first['access_token']}"}
    assert code(instance("GET", READ, headers=bearer)) == ""
    clock.now += 1
    assert code(instance("GET", READ, headers=bearer)) == "602"
    third = instance("GET", ASK).body
    assert third["access_token"] != first["access_token"]
    assert third["expires_in"] == 60


def test_a_token_is_needed_and_has_to_be_known(marketo: Any) -> None:
    instance = marketo(oauth=OAUTH)
    assert code(instance("GET", READ)) == "601"
    assert code(instance("GET", READ, headers={"authorization": "Basic x"})) == "601"
    instance.headers.pop("authorization")
    assert code(instance("GET", READ)) == "600"
    token = instance("GET", ASK).body["access_token"]
    assert code(instance("GET", f"{READ}&access_token={token}")) == "600"
    fixed = marketo(tokens=["t"])
    assert code(fixed("GET", READ)) == ""
    assert code(fixed("GET", READ, headers={"authorization": "Bearer u"})) == "601"


def test_a_token_can_be_good_for_so_many_calls(marketo: Any) -> None:
    instance = marketo(oauth={**OAUTH, "uses": 2})
    token = instance("GET", ASK).body["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert [code(instance("GET", READ, headers=bearer)) for _ in range(3)] == ["", "", "602"]
    assert instance("GET", ASK).body["access_token"] != token


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("grant_type=client_credentials&client_id=app&client_secret=no", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=app", 401, "invalid_client"),
        ("grant_type=password&client_id=app&client_secret=secret", 400, "unsupported_grant_type"),
    ],
)
def test_a_service_that_is_unknown_gets_no_token(
    marketo: Any, query: str, status: int, error: str
) -> None:
    reply = marketo(oauth=OAUTH)("GET", f"{TOKEN}?{query}")
    assert (reply.status, reply.body["error"]) == (status, error)


def test_a_token_is_asked_for_in_the_address_and_not_in_a_form(marketo: Any) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = ASK.partition("?")[2].encode()
    assert marketo(oauth=OAUTH)("POST", TOKEN, body, form).status == 400


# -- limits --------------------------------------------------------------------------------------


def test_a_hundred_calls_in_twenty_seconds(marketo: Any, clock: Any) -> None:
    instance = marketo(limits="standard")
    assert [code(instance("GET", READ)) for _ in range(100)] == [""] * 100
    reply = instance("GET", READ)
    assert reply.body["errors"] == [
        {"code": "606", "message": "Max rate limit '100' exceeded with in '20' secs"}
    ]
    assert reply.headers == []
    assert instance("GET", ASK).status == 200
    clock.now += 20
    assert code(instance("GET", READ)) == ""


def test_a_day_has_so_many_calls_and_ends_at_midnight_in_the_middle_of_america(
    marketo: Any, clock: Any
) -> None:
    clock.now = 6 * 3600 - 5
    instance = marketo(limits={"max": 100, "daily": 5, "used": 3})
    assert [code(instance("GET", READ)) for _ in range(3)] == ["", "", "607"]
    clock.now += 10
    assert code(instance("GET", READ)) == ""
    (usage,) = instance("GET", "/rest/v1/stats/usage.json").body["result"]
    assert usage == {
        "date": "1970-01-01",
        "total": 2,
        "users": [{"userId": "sandbox@marketo.test", "count": 2}],
    }


def test_only_so_many_calls_at_once(start: Any, in_flight: Any) -> None:
    sandbox, client = start(
        {
            "vendors": {"marketo": {"limits": {"max": 1000, "concurrent": 2}}},
            "faults": [{"match": {"op": "find"}, "do": "slow", "delay_ms": 400, "times": 2}],
        }
    )
    others = [type(client)(sandbox.url) for _ in range(2)]
    threads = [threading.Thread(target=other, args=("GET", READ)) for other in others]
    for thread in threads:
        thread.start()
    in_flight(sandbox, "marketo", 2)
    answer = client("GET", READ)
    assert answer.status == 200
    assert answer.json()["errors"][0]["code"] == "615"
    assert client("GET", ASK).status == 200
    for thread in threads:
        thread.join()
    assert client("GET", READ).json()["success"] is True
    for other in others:
        other.close()


@pytest.mark.parametrize(
    "options",
    [
        {"limits": "fast"},
        {"limits": {"daily": 5}},
        {"limits": {"max": 0}},
        {"oauth": {"client_id": "a"}},
        {"oauth": {**OAUTH, "uses": 0}},
        {"oauth": {**OAUTH, "scope": "x"}},
        {"fields": {"a": "number"}},
        {"fields": {"1a": "string"}},
        {"fields": {"a": {"type": "float", "length": 5}}},
        {"fields": {"a": {"typ": "float"}}},
        {"fields": {"result": [{"dataType": "string"}]}},
        {"lists": ["A", "a"]},
        {"same_key": "maybe"},
        {"job_ms": "long"},
        {"max_body_bytes": 0},
    ],
)
def test_a_configuration_that_makes_no_sense_is_named(options: Any) -> None:
    with pytest.raises(ConfigError, match="marketo"):
        make_app({"vendors": {"marketo": options}})


# -- fields --------------------------------------------------------------------------------------


def test_fields_are_described_three_times(marketo: Any) -> None:
    instance = marketo(fields={"code": {"type": "string", "length": 5, "label": "Code"}})
    for path in ("describe", "describe2", "schema/fields"):
        answer = instance("GET", f"/rest/v1/leads/{path}.json").body
        problems = MAPI.problems("GET", f"/rest/v1/leads/{path}.json", 200, answer)
        # Descriptions of fields are null in the vendor's own examples.
        assert [one for one in problems if "description" not in one] == []
    listed = instance("GET", "/rest/v1/leads/describe.json").body["result"]
    (one,) = [one for one in listed if one["rest"]["name"] == "code"]
    assert (one["dataType"], one["length"], one["displayName"]) == ("string", 5, "Code")
    assert one["rest"] == {"name": "code", "readOnly": False}
    (again,) = instance("GET", "/rest/v1/leads/describe2.json").body["result"]
    searchable = {name for (name,) in again["searchableFields"]}
    assert {"id", "email", "code", "externalId"} <= searchable
    assert not searchable & {"firstName", "createdAt"}
    fields = {one["name"]: one for one in again["fields"]}
    assert (fields["createdAt"]["updateable"], fields["email"]["updateable"]) == (False, True)
    (alone,) = instance("GET", "/rest/v1/leads/schema/fields/code.json").body["result"]
    assert (alone["name"], alone["isCustom"]) == ("code", True)
    assert code(instance("GET", "/rest/v1/leads/schema/fields/nothing.json")) == "1006"


def test_fields_can_be_made(marketo: Any) -> None:
    instance = marketo()
    path = "/rest/v1/leads/schema/fields.json"
    one = {"name": "churnRisk", "displayName": "Churn Risk", "dataType": "float"}
    body = {"input": [one]}
    assert MAPI.request_problems("POST", path, body) == []
    answer = instance("POST", path, body).body
    assert MAPI.problems("POST", path, 200, answer) == []
    assert answer["result"] == [{"name": "churnRisk", "status": "created"}]
    assert code(instance("POST", path, body)) == "1017"
    assert code(instance("POST", path, {"input": [{**one, "name": "1"}]})) == "1003"
    row = {"email": "a@acme.test", "churnRisk": 0.5}
    assert instance("POST", LEADS, {"input": [row]}).body["result"][0]["status"] == "created"


def test_a_real_instances_fields_can_be_taken_over(start: Any, tmp_path: Path) -> None:
    declared = {"code": {"type": "string", "length": 5}, "churnRisk": "float"}
    _, first = start({"vendors": {"marketo": {"fields": declared}}})
    answer = first("GET", "/rest/v1/leads/describe.json").json()
    last = len(answer["result"])
    answer["result"] += [
        {"id": 900, "displayName": "Only Soap", "dataType": "string", "soap": {"name": "S"}},
        {
            "id": 901,
            "displayName": "Odd",
            "dataType": "lead_function",
            "length": 9,
            "rest": {"name": "odd", "readOnly": True},
        },
    ]
    file = tmp_path / "describe.json"
    file.write_text(json.dumps(answer), encoding="utf-8")
    _, second = start({"vendors": {"marketo": {"fields": str(file)}}})
    again = second("GET", "/rest/v1/leads/describe.json").json()["result"]
    assert again[:last] == answer["result"][:last]
    assert [(one["rest"]["name"], one["dataType"], one["length"]) for one in again[last:]] == [
        ("odd", "string", 9)
    ]
    rows = [{"email": "a@acme.test", "code": "longer"}, {"email": "a@acme.test", "odd": "x"}]
    result = second("POST", LEADS, {"input": rows}).json()["result"]
    assert [one["reasons"][0]["code"] for one in result] == ["1003", "1003"]


# -- static lists --------------------------------------------------------------------------------


def test_a_lists_members_are_added_asked_for_and_removed(marketo: Any) -> None:
    instance = marketo(lists=["Risky", "Safe"])
    rows = [{"email": f"p{n}@acme.test"} for n in range(3)]
    ids = [one["id"] for one in instance("POST", LEADS, {"input": rows}).body["result"]]
    (risky, safe) = instance("GET", "/rest/v1/lists.json").body["result"]
    assert (risky["name"], safe["name"]) == ("Risky", "Safe")
    path = f"/rest/v1/lists/{risky['id']}/leads.json"
    body = {"input": [{"id": ids[0]}, {"id": ids[1]}, {"id": 5}]}
    assert MAPI.request_problems("POST", path, body) == []
    added = instance("POST", path, body).body
    assert MAPI.problems("POST", path, 200, added) == []
    assert [one["status"] for one in added["result"]] == ["added", "added", "skipped"]
    assert added["result"][2]["reasons"] == [{"code": "1004", "message": "Lead not found"}]
    members = instance("GET", f"{path}?batchSize=1").body
    assert MAPI.problems("GET", path, 200, members) == []
    assert [one["email"] for one in members["result"]] == ["p0@acme.test"]
    assert members["nextPageToken"]
    asked = f"/rest/v1/lists/{risky['id']}/leads/ismember.json?id={ids[0]}&id={ids[2]},5"
    are = instance("GET", asked).body["result"]
    assert [one["status"] for one in are] == ["memberof", "notmemberof", "skipped"]
    removed = instance("DELETE", path, {"input": [{"id": ids[0]}, {"id": ids[2]}]}).body
    assert MAPI.problems("DELETE", path, 200, removed) == []
    assert [one["status"] for one in removed["result"]] == ["removed", "skipped"]
    assert removed["result"][1]["reasons"][0]["code"] == "1015"
    instance("DELETE", LEADS, {"input": [{"id": ids[1]}]})
    assert instance("GET", path).body["result"] == []
    assert code(instance("GET", "/rest/v1/lists/7/leads.json")) == "1013"


def test_lists_are_made_and_found_by_name(marketo: Any) -> None:
    instance = marketo()
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = b'name=Risky&folder={"id":13,"type":"Folder"}'
    made = instance("POST", "/rest/asset/v1/staticLists.json", body, form).body["result"][0]
    by_name = instance("GET", "/rest/asset/v1/staticList/byName.json?name=Risky").body["result"]
    assert by_name == [made]
    answer = instance("GET", f"/rest/v1/lists/{made['id']}.json").body
    assert MAPI.problems("GET", f"/rest/v1/lists/{made['id']}.json", 200, answer) == []
    path = "/rest/v1/lists.json"
    listed = instance("GET", f"{path}?name=Risky").body
    assert MAPI.problems("GET", path, 200, listed) == []
    assert [one["id"] for one in listed["result"]] == [made["id"]]
    assert code(instance("POST", "/rest/asset/v1/staticLists.json", body, form)) == "709"
    assert code(instance("POST", "/rest/asset/v1/staticLists.json", b"name=x", form)) == "701"
    assert code(instance("GET", "/rest/asset/v1/staticList/byName.json?name=No")) == "702"


# -- the vendor's own description ----------------------------------------------------------------


def test_answers_are_what_the_vendor_describes(marketo: Any) -> None:
    instance = marketo()
    sent = {"action": "createOrUpdate", "lookupField": "email"}
    body = {**sent, "input": [{"email": "a@acme.test", "firstName": "A"}, {"email": "bad"}]}
    assert MAPI.request_problems("POST", LEADS, body) == []
    synced = instance("POST", LEADS, body).body
    assert MAPI.problems("POST", LEADS, 200, synced) == []
    found = instance("GET", READ).body
    assert MAPI.problems("GET", LEADS, 200, found) == []
    for path in ("/rest/v1/stats/usage.json", "/rest/v1/leads/partitions.json"):
        assert MAPI.problems("GET", path, 200, instance("GET", path).body) == []
    path = "/rest/v1/leads/delete.json"
    body = {"input": [{"id": found["result"][0]["id"]}]}
    assert MAPI.request_problems("POST", path, body) == []
    assert MAPI.problems("POST", path, 200, instance("POST", path, body).body) == []


def test_the_description_refuses_what_is_broken_on_purpose(marketo: Any) -> None:
    answer = marketo()("POST", LEADS, {"input": [{"email": "a@acme.test"}]}).body
    assert MAPI.problems("POST", LEADS, 200, {**answer, "success": "yes"}) != []
    assert MAPI.problems("POST", LEADS, 200, {"result": []}) != []
    assert MAPI.request_problems("POST", LEADS, {"action": "upsert", "input": []}) != []


# -- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "status", "expected"),
    [
        ({"do": "401_once"}, 200, "602"),
        ({"do": 429}, 200, "606"),
        ({"do": "quota"}, 200, "607"),
        ({"do": 500, "policy": "604"}, 200, "604"),
        ({"do": 400, "policy": "713"}, 200, "713"),
        ({"do": 503}, 503, ""),
        ({"do": "batch_409"}, 409, ""),
    ],
)
def test_faults_speak_as_the_vendor_does(start: Any, rule: Any, status: int, expected: str) -> None:
    _, client = start({"vendors": {"marketo": {}}, "faults": [{**rule, "match": {"nth": 1}}]})
    answer = client("POST", LEADS, {"input": [{"email": "a@acme.test"}]})
    assert answer.status == status
    if expected:
        assert [one["code"] for one in answer.json()["errors"]] == [expected]
    else:
        assert answer.headers["content-type"].startswith("text/html")


def test_rows_can_be_refused_dropped_and_shuffled(start: Any) -> None:
    rules = [
        {"match": {"nth": 1}, "do": "partial_207", "ok_share": 0.0, "code": "1022"},
        {"match": {"nth": 2}, "do": "missing_results"},
    ]
    sandbox, client = start({"vendors": {"marketo": {}}, "faults": rules})
    body = {"input": [{"email": f"p{n}@acme.test"} for n in range(3)]}
    first = client("POST", LEADS, body).json()["result"]
    assert [one["reasons"][0]["code"] for one in first] == ["1022"] * 3
    assert len(client("POST", LEADS, body).json()["result"]) == 2
    assert len(sandbox.records("marketo", "leads")) == 3


def test_the_paths_are_marketos_also_beside_the_generic_api(start: Any) -> None:
    _, client = start({"vendors": ["rest", "marketo"]})
    assert client("GET", READ).json()["success"] is True
    assert client("GET", f"/marketo{READ}").json()["success"] is True
    assert client("GET", "/rest/accounts").status == 200
