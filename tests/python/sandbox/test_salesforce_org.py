"""Logins, limits, versions, describe, single records and queries of Salesforce's sandbox."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from salesforce_forms import (  # noqa: E402
    BASE,
    ask,
    code_of,
    codes,
    typed,
    upserted,
    values,
)

from tailrace.sandbox.config import ConfigError  # noqa: E402
from tailrace.sandbox.salesforce.ids import make_id, read_id  # noqa: E402

Make = Any
FORM = {"content-type": "application/x-www-form-urlencoded", "authorization": ""}
CLIENT = {"client_id": "app", "client_secret": "s"}


def token(org: Any, **form: str) -> Any:
    return org("POST", "/services/oauth2/token", urlencode(form).encode(), FORM)


# -- ids -----------------------------------------------------------------------------------------


def test_an_id_says_in_three_characters_which_letters_are_capitals() -> None:
    assert read_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert read_id("001A0000006Vm9rIAC") == "001A0000006Vm9rIAC"
    assert read_id("001a0000006vm9rIAC") is None
    assert read_id("001A0000006Vm9") is None
    ids = {make_id("001", number) for number in range(5000)}
    assert len({one.lower() for one in ids}) == 5000


# -- logins and limits ---------------------------------------------------------------------------


def test_every_grant_that_is_configured_is_offered(salesforce: Make) -> None:
    org = salesforce(oauth={**CLIENT, "refresh_token": "r"})
    for grant in ({"grant_type": "client_credentials"}, {"grant_type": "refresh_token"}):
        reply = token(org, **CLIENT, **grant, refresh_token="r")
        assert reply.status == 200
        assert reply.body["instance_url"] == "http://salesforce.invalid"
        assert "/id/00D" in reply.body["id"]
        assert not reply.body.keys() & {"expires_in", "refresh_token"}
        login = {"authorization": f"Bearer {reply.body['access_token']}"}
        assert org("GET", f"{BASE}/limits", headers=login).status == 200
    assert token(org, **CLIENT, grant_type="password").body["error"] == "unsupported_grant_type"


def test_a_session_ends(salesforce: Make, clock: Any) -> None:
    org = salesforce(oauth={**CLIENT, "expires_in_s": 60})
    body = token(org, **CLIENT, grant_type="client_credentials").body
    login = {"authorization": f"OAuth {body['access_token']}"}
    assert org("GET", f"{BASE}/limits", headers=login).status == 200
    clock.now += 60
    reply = org("GET", f"{BASE}/limits", headers=login)
    assert code_of(reply) == "401 INVALID_SESSION_ID"


def test_a_token_is_revoked_with_those_that_came_of_it(salesforce: Make) -> None:
    def revoke(**form: str) -> Any:
        return org("POST", "/services/oauth2/revoke", urlencode(form).encode(), FORM)

    def status(session: str) -> int:
        login = {"authorization": f"Bearer {session}"}
        return int(org("GET", f"{BASE}/limits", headers=login).status)

    org = salesforce(oauth={**CLIENT, "refresh_token": "r"})
    renewal = {**CLIENT, "grant_type": "refresh_token", "refresh_token": "r"}
    first, second = (token(org, **renewal).body["access_token"] for _ in range(2))
    assert revoke(token=first).status == 200
    assert (status(first), status(second)) == (401, 200)
    assert revoke(token="r").status == 200
    assert status(second) == 401
    assert token(org, **renewal).body["error"] == "invalid_grant"
    assert revoke(token="nobody").status == 200
    assert revoke(other="x").body["error"] == "invalid_request"


def test_who_says_nothing_is_nobody(org: Any, salesforce: Make) -> None:
    assert code_of(org("GET", BASE, headers={"authorization": ""})) == "401 INVALID_AUTH_HEADER"
    named = salesforce(tokens=["one"])
    assert named("GET", BASE, headers={"authorization": "Bearer one"}).status == 200
    reply = named("GET", BASE, headers={"authorization": "Bearer two"})
    assert code_of(reply) == "401 INVALID_SESSION_ID"


def test_a_days_calls_are_counted_and_told(salesforce: Make, clock: Any) -> None:
    org = salesforce(limits={"daily": 3, "used": 1})
    for used in (2, 3):
        reply = org("GET", f"{BASE}/limits")
        assert ("Sforce-Limit-Info", f"api-usage={used}/3") in reply.headers
    assert reply.body["DailyApiRequests"] == {"Max": 3, "Remaining": 0}
    refused = org("GET", BASE)
    assert code_of(refused) == "403 REQUEST_LIMIT_EXCEEDED"
    assert ("Sforce-Limit-Info", "api-usage=3/3") in refused.headers
    clock.now += 86_400
    assert org("GET", BASE).status == 200


def test_only_requests_that_take_long_are_counted_at_once(salesforce: Make, clock: Any) -> None:
    org = salesforce(limits={"daily": 100, "concurrent": 1, "long_ms": 20_000})
    org.vendor.running[1] = clock.now
    clock.now += 19
    assert org("GET", BASE).status == 200
    clock.now += 1
    reply = org("GET", BASE)
    assert code_of(reply) == "403 REQUEST_LIMIT_EXCEEDED"
    assert "Concurrent" in reply.body[0]["message"]
    del org.vendor.running[1]
    assert org("GET", BASE).status == 200


def test_requests_under_way_are_known_over_http_and_forgotten(start: Make) -> None:
    limits = {"daily": 100, "concurrent": 1, "long_ms": 1}
    sandbox, client = start({"vendors": {"salesforce": {"limits": limits}}, "latency_ms": 5})
    for _ in range(3):
        assert client("GET", f"{BASE}/limits").status == 200
    assert sandbox.counters("salesforce")["rate_limited"] == 0


def test_faults_speak_as_salesforce_does(start: Make) -> None:
    sandbox, client = start({"vendors": {"salesforce": {}}})
    expected = {
        "quota": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests"),
        "429": (403, "REQUEST_LIMIT_EXCEEDED", "Concurrent"),
        "401_once": (401, "INVALID_SESSION_ID", "expired"),
        "503": (503, "SERVER_UNAVAILABLE", ""),
        "500": (500, "UNKNOWN_EXCEPTION", ""),
    }
    for do, (status, code, word) in expected.items():
        sandbox.set_faults([{"do": do, "times": 1}])
        answer = client("GET", f"{BASE}/limits")
        assert (answer.status, answer.json()[0]["errorCode"]) == (status, code)
        assert word in answer.json()[0]["message"]


# -- what an org tells of itself -----------------------------------------------------------------


def test_versions_and_paths_that_there_are_not_are_not_found(org: Any) -> None:
    listed = org("GET", "/services/data").body
    assert listed[0]["version"] == "31.0"
    assert {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"} in listed
    for path in ("v68.0", "v30.0", "v60.0/nothing", "v60.0/sobjects/Nothing/describe"):
        assert code_of(org("GET", f"/services/data/{path}")) == "404 NOT_FOUND"
    assert code_of(org("PUT", f"{BASE}/limits")) == "405 METHOD_NOT_ALLOWED"
    old = "/services/data/v45.0/composite/sobjects/Account/Ext__c"
    assert code_of(org("PATCH", old, typed({"Ext__c": "a"}))) == "404 NOT_FOUND"


def test_an_object_tells_of_itself_in_short_and_at_length(org: Any) -> None:
    short = org("GET", f"{BASE}/sobjects/Account").body["objectDescribe"]
    long = org("GET", f"{BASE}/sobjects/Account/describe").body
    assert short["keyPrefix"] == "001"
    assert short.items() <= long.items()
    assert short in org("GET", f"{BASE}/sobjects").body["sobjects"]


def test_a_described_object_comes_back_as_it_was_described(
    org: Any, salesforce: Make, tmp_path: Path
) -> None:
    described = org("GET", f"{BASE}/sobjects/Account/describe").body
    own = {**described, "name": "Thing__c", "keyPrefix": "a77"}
    file = tmp_path / "thing.json"
    file.write_text(json.dumps({"status": 0, "result": own}), encoding="utf-8")
    other = salesforce(describe=[described, str(file)])
    for name in ("Account", "Thing__c"):
        again = other("GET", f"{BASE}/sobjects/{name}/describe").body
        assert again["fields"][:7] == described["fields"][:7]
        assert [one for one in again["fields"] if one not in described["fields"]] == [
            one for one in again["fields"] if one["name"] == "External_Id__c" and name == "none"
        ]
    made = other("POST", f"{BASE}/sobjects/Thing__c", {"Name": "T"}).body
    assert made["id"].startswith("a77")
    reply = other("POST", f"{BASE}/sobjects/Thing__c", {"Name": "T", "Segment__c": "odd"})
    assert code_of(reply) == "400 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_an_account_may_have_objects_of_its_own(salesforce: Make) -> None:
    fields = {"Owner_Account__c": {"type": "reference", "reference_to": "Account"}}
    org = salesforce(objects={"Seat__c": {"label": "Seat", "fields": fields}})
    org("PATCH", f"{BASE}/sobjects/Account/External_Id__c/p", {"Name": "Parent"})
    row = {"External_Id__c": "s", "Owner_Account__r": {"External_Id__c": "p"}}
    reply = org(
        "PATCH",
        f"{BASE}/composite/sobjects/Seat__c/External_Id__c",
        typed(row, kind="Seat__c"),
    )
    assert codes(reply.body) == [""]
    assert ask(org, "SELECT Owner_Account__r.Name FROM Seat__c").body["totalSize"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"field": {}}, "did you mean 'fields'"),
        ({"fields": {"Acount": {}}}, "did you mean 'Account'"),
        ({"fields": {"Account": {"A__c": "strin"}}}, "A__c: type is one of"),
        ({"fields": {"Account": {"A__c": "picklist"}}}, "A__c: values belong to"),
        ({"fields": {"Account": {"A__c": "reference"}}}, "A__c: reference_to belongs to"),
        ({"fields": {"Account": {"A__c": {"length": 0}}}}, "A__c: length is a whole number"),
        (
            {"fields": {"Account": {"A__c": {"type": "reference", "reference_to": "X"}}}},
            "names 'X', which is no object",
        ),
        ({"limits": "startup"}, "limits is none, one of developer, enterprise, unlimited"),
        ({"limits": {"concurrent": 1}}, "limits is none"),
        ({"unreadable": "never"}, "unreadable is one of request, row"),
        ({"describe": "/nowhere.json"}, "describe: /nowhere.json"),
        ({"describe": {"fields": []}}, "an answer of sobjects/NAME/describe"),
        ({"tokens": [1]}, "tokens is a text or a list"),
    ],
)
def test_a_wrong_option_is_named(salesforce: Make, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        salesforce(**options)


# -- one record ----------------------------------------------------------------------------------


def test_one_record_by_its_external_id(org: Any) -> None:
    path = f"{BASE}/sobjects/Account/Ext__c/{quote('a b', safe='')}"
    assert code_of(org("PATCH", path, {"Ext__c": "x", "Name": "A"})) == "400 INVALID_FIELD"
    assert code_of(org("PATCH", path, {"Name": "A", "Id": "x"})) == "400 INVALID_FIELD"
    assert org("PATCH", f"{path}?updateOnly=true", {"Name": "A"}).status == 404
    made = org("PATCH", path, {"Name": "A"})
    assert (made.status, made.body["created"]) == (201, True)
    changed = org("PATCH", f"{path}?updateOnly=true", {"Name": "B"})
    assert (changed.status, changed.body["created"]) == (200, False)
    assert org("PATCH", path.replace("v60", "v45"), {"Name": "C"}).status == 204
    assert values(org) == [{**values(org)[0], "Ext__c": "a b", "Name": "C"}]
    assert org("GET", f"{path}?fields=Name,Score__c").body["Name"] == "C"
    assert org("DELETE", path).status == 204
    assert code_of(org("DELETE", path)) == "404 NOT_FOUND"
    gone = org("PATCH", f"{BASE}/sobjects/Account/{made.body['id']}", {"Name": "D"})
    assert code_of(gone) == "404 ENTITY_IS_DELETED"


def test_many_records_are_read_by_their_ids(org: Any) -> None:
    made = upserted(org, {"Ext__c": "a", "Name": "A"}, {"Ext__c": "b", "Name": "B"}).body
    ids = [made[1]["id"], "0015g0000000zzz", made[0]["id"]]
    body = {"ids": ids, "fields": ["Name"]}
    found = org("POST", f"{BASE}/composite/sobjects/Account", body).body
    assert [one and one["Name"] for one in found] == ["B", None, "A"]
    query = f"ids={','.join(ids)}&fields=Name"
    assert org("GET", f"{BASE}/composite/sobjects/Account?{query}").body == found
    many = {"ids": [ids[0]] * 2001, "fields": ["Name"]}
    assert code_of(org("POST", f"{BASE}/composite/sobjects/Account", many)) == (
        "400 EXCEEDED_ID_LIMIT"
    )


# -- queries -------------------------------------------------------------------------------------


@pytest.fixture
def people(org: Any) -> Any:
    upserted(
        org,
        {"Ext__c": "a", "Name": "Ann's", "Score__c": 1, "Active__c": True},
        {"Ext__c": "b", "Name": "Bob", "Score__c": 2.5, "Renewal__c": "2026-01-31"},
        {"Ext__c": "C", "Name": "cyd", "Seen_At__c": "2026-01-31T10:00:00Z", "Segment__c": "low"},
    )
    return org


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Ext__c = 'A'", "a"),
        ("Ext__c IN ('b', 'c', 'x')", "bC"),
        ("Ext__c NOT IN ('b', 'c')", "a"),
        ("Name = 'ann\\'s'", "a"),
        ("Name LIKE '%B%'", "b"),
        ("Name LIKE '_yd'", "C"),
        ("NOT Name LIKE '%b%'", "aC"),
        ("Score__c > 1", "b"),
        ("Score__c >= 1 AND Score__c <= 2.5", "ab"),
        ("Score__c = null", "C"),
        ("Score__c != null", "ab"),
        ("Score__c <> 1", "bC"),
        ("Active__c = true", "a"),
        ("Renewal__c < 2026-02-01", "b"),
        ("Seen_At__c = 2026-01-31T11:00:00+01:00", "C"),
        ("Segment__c != 'low'", "ab"),
        ("(Ext__c = 'a' OR Ext__c = 'b') AND Score__c < 2", "a"),
        ("Ext__c = 'a' AND Ext__c = 'b'", ""),
        ("Owner.Username = 'admin@sandbox.test'", "abC"),
        ("Parent.Name = null", "abC"),
    ],
)
def test_a_condition_finds_its_records(people: Any, condition: str, found: str) -> None:
    reply = ask(people, f"SELECT Ext__c FROM Account WHERE {condition}")
    assert "".join(one["Ext__c"] for one in reply.body["records"]) == found
    count = ask(people, f"select count() from account where {condition}").body
    assert count == {"totalSize": len(found), "done": True, "records": []}


@pytest.mark.parametrize(
    ("ending", "found"),
    [
        ("ORDER BY Ext__c DESC", "Cba"),
        ("ORDER BY Score__c", "Cab"),
        ("ORDER BY Score__c DESC NULLS LAST, Name ASC", "baC"),
        ("ORDER BY Ext__c LIMIT 1 OFFSET 1", "b"),
        ("LIMIT 0", ""),
    ],
)
def test_an_order_and_a_limit_are_kept(people: Any, ending: str, found: str) -> None:
    reply = ask(people, f"SELECT Ext__c FROM Account {ending}")
    assert "".join(one["Ext__c"] for one in reply.body["records"]) == found


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = Bob", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'Bob", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT ten", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account; drop", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("SELECT Nobody.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Score__c = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Renewal__c = '2026-01-31'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Notes__c = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
def test_a_query_that_means_nothing_is_refused(people: Any, soql: str, code: str) -> None:
    assert code_of(ask(people, soql)) == f"400 {code}"


def test_pages_are_as_long_as_asked_and_a_stranger_finds_none(org: Any) -> None:
    for first in range(0, 600, 200):
        upserted(org, *[{"Ext__c": f"k{n}", "Name": "N"} for n in range(first, first + 200)])
    reply = ask(org, "SELECT Id FROM Account", **{"sforce-query-options": "batchSize=250"})
    seen = [one["Id"] for one in reply.body["records"]]
    assert (len(seen), reply.body["totalSize"], reply.body["done"]) == (250, 600, False)
    while not reply.body["done"]:
        reply = org("GET", reply.body["nextRecordsUrl"])
        seen += [one["Id"] for one in reply.body["records"]]
    assert len(set(seen)) == len(seen) == 600
    wrong = org("GET", f"{BASE}/query/01g5g0000000009AAA-250")
    assert code_of(wrong) == "400 INVALID_QUERY_LOCATOR"


def test_an_address_has_a_greatest_length(start: Make) -> None:
    _, client = start({"vendors": {"salesforce": {}}})
    for count, status in ((200, 200), (900, 414)):
        ids = ",".join(f"'{n:018}'" for n in range(count))
        soql = quote(f"SELECT Id FROM Account WHERE External_Id__c IN ({ids})", safe="")
        assert client("GET", f"{BASE}/query?q={soql}").status == status
