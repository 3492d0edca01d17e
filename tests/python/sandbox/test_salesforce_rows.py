"""What Salesforce's sandbox takes in a row, and what it refuses with which code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from salesforce_forms import (  # noqa: E402
    BASE,
    FIELDS,
    ask,
    code_of,
    codes,
    typed,
    upserted,
    values,
)

Make = Any


def row(**more: Any) -> dict[str, Any]:
    return {"Ext__c": "a", "Name": "A", **more}


@pytest.mark.parametrize(
    ("name", "sent", "held"),
    [
        ("Score__c", 12, 12),
        ("Score__c", "12.50", 12.5),
        ("Count__c", 7, 7),
        ("Active__c", True, True),
        ("Active__c", "true", True),
        ("Renewal__c", "2026-02-28", "2026-02-28"),
        ("Renewal__c", "2026-02-28T00:00:00Z", "2026-02-28"),
        ("Seen_At__c", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00.000+0000"),
        ("Seen_At__c", "2026-02-28T00:30:00.5+02:00", "2026-02-27T22:30:00.500+0000"),
        ("Mail__c", "a@b.example", "a@b.example"),
        ("Segment__c", "low", "low"),
        ("Tags__c", "a;b", "a;b"),
        ("Industry", "Whatever", "Whatever"),
        ("Name", "\u00e4\U0001f600", "\u00e4\U0001f600"),
    ],
)
def test_a_value_that_fits_is_held(org: Any, name: str, sent: Any, held: Any) -> None:
    assert codes(upserted(org, row(**{name: sent})).body) == [""]
    assert values(org)[0][name] == held


@pytest.mark.parametrize(
    ("name", "sent", "code"),
    [
        ("Ext__c", "12345678901", "STRING_TOO_LONG"),
        ("Name", "x" * 256, "STRING_TOO_LONG"),
        ("Score__c", 10_000, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Count__c", 2**31, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Mail__c", "nobody", "INVALID_EMAIL_ADDRESS"),
        ("Segment__c", "LOW", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Tags__c", "a;c", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Name", None, "REQUIRED_FIELD_MISSING"),
        ("Name", "", "REQUIRED_FIELD_MISSING"),
        ("Sum__c", 1, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("CreatedDate", "2026-02-28T10:00:00Z", "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("OwnerId", "garbage", "MALFORMED_ID"),
        ("OwnerId", "0015g00000000001AAA", "MALFORMED_ID"),
        ("ParentId", "0015g0000000009", "INVALID_CROSS_REFERENCE_KEY"),
        ("ParentId", "0035g0000000001", "FIELD_INTEGRITY_EXCEPTION"),
    ],
)
def test_a_value_that_does_not_fit_refuses_its_row(
    org: Any, name: str, sent: Any, code: str
) -> None:
    good = {"Ext__c": "z", "Name": "Z"}
    reply = upserted(org, {**row(), name: sent}, good)
    assert (reply.status, codes(reply.body)) == (200, [code, ""])
    assert reply.body[0]["success"] is False
    assert "id" not in reply.body[0]
    assert [one["Ext__c"] for one in values(org)] == ["z"]


@pytest.mark.parametrize(
    ("name", "sent", "code"),
    [
        ("Name", 1, "JSON_PARSER_ERROR"),
        ("Ext__c", 1, "JSON_PARSER_ERROR"),
        ("Name", True, "JSON_PARSER_ERROR"),
        ("Score__c", "many", "JSON_PARSER_ERROR"),
        ("Score__c", False, "JSON_PARSER_ERROR"),
        ("Count__c", 1.5, "JSON_PARSER_ERROR"),
        ("Active__c", 1, "JSON_PARSER_ERROR"),
        ("Renewal__c", "2026-02-30", "JSON_PARSER_ERROR"),
        ("Seen_At__c", "2026-02-28 10:00", "JSON_PARSER_ERROR"),
        ("Seen_At__c", "2026-02-28T10:00:00", "JSON_PARSER_ERROR"),
        ("Mail__c", ["a@b.example"], "JSON_PARSER_ERROR"),
        ("Nowhere__c", "x", "INVALID_FIELD"),
        ("Parent", "x", "JSON_PARSER_ERROR"),
        ("Parent", {"Name": "x"}, "INVALID_FIELD"),
        ("Parent", {"Ext__c": "x", "Loose__c": "y"}, "INVALID_FIELD"),
    ],
)
def test_what_cannot_be_read_refuses_the_request_or_where_asked_its_row(
    salesforce: Make, name: str, sent: Any, code: str
) -> None:
    rows = ({**row(), name: sent}, {"Ext__c": "z", "Name": "Z"})
    strict, kind = salesforce(fields=FIELDS), salesforce(fields=FIELDS, unreadable="row")
    assert code_of(upserted(strict, *rows)) == f"400 {code}"
    assert values(strict) == []
    assert codes(upserted(kind, *rows).body) == [code, ""]


def test_names_are_found_in_any_case(org: Any) -> None:
    reply = org(
        "PATCH",
        f"{BASE}/composite/sobjects/account/ext__C",
        typed({"EXT__c": "a", "name": "A", "SCORE__C": 1}, kind="ACCOUNT"),
    )
    assert codes(reply.body) == [""]
    assert values(org)[0].keys() >= {"Ext__c", "Name", "Score__c"}


def test_null_clears_and_what_is_not_named_stays(org: Any) -> None:
    upserted(org, row(Score__c=1, Segment__c="low"))
    upserted(org, row(Score__c=None))
    assert values(org)[0].keys() & {"Score__c", "Segment__c"} == {"Segment__c"}


def test_case_counts_in_an_external_id_only_where_the_field_says_so(org: Any) -> None:
    upserted(org, row())
    assert upserted(org, {"Ext__c": "A", "Name": "B"}).body[0]["created"] is False
    assert values(org)[0]["Ext__c"] == "A"
    for key in ("s", "S"):
        reply = upserted(org, {"Strict__c": key, "Name": key}, field="Strict__c")
        assert reply.body[0]["created"] is True


def test_a_value_of_an_external_id_that_comes_twice_refuses_all_its_rows(org: Any) -> None:
    reply = upserted(org, row(), {"Ext__c": "b", "Name": "B"}, row(Ext__c="A"))
    assert codes(reply.body) == ["DUPLICATE_VALUE", "", "DUPLICATE_VALUE"]
    assert "Duplicate external id specified: a" in reply.body[0]["errors"][0]["message"]
    both = typed({"Strict__c": "s", "Name": "1"}, {"Strict__c": "S", "Name": "2"})
    reply = org("PATCH", f"{BASE}/composite/sobjects/Account/Strict__c", both)
    assert codes(reply.body) == ["", ""]


def test_a_row_without_its_external_id_is_refused(org: Any) -> None:
    reply = upserted(org, {"Name": "A"}, {"Ext__c": None, "Name": "B"}, row())
    assert codes(reply.body) == ["MISSING_ARGUMENT", "MISSING_ARGUMENT", ""]


def test_an_external_id_that_several_have_means_none_of_them(org: Any) -> None:
    made = org(
        "POST",
        f"{BASE}/composite/sobjects",
        typed({"Name": "1", "Loose__c": "x"}, {"Name": "2", "Loose__c": "X"}),
    )
    assert codes(made.body) == ["", ""]
    reply = upserted(org, {"Loose__c": "x", "Name": "3"}, field="Loose__c")
    assert codes(reply.body) == ["DUPLICATE_EXTERNAL_ID"]
    first, second = (one["id"] for one in made.body)
    assert first in reply.body[0]["errors"][0]["message"]
    org("DELETE", f"{BASE}/sobjects/Account/{second}")
    assert codes(upserted(org, {"Loose__c": "x", "Name": "3"}, field="Loose__c").body) == [""]


def test_a_value_that_another_record_has_is_refused_with_its_id(org: Any) -> None:
    made = upserted(org, row(Code__c="c")).body[0]["id"]
    reply = upserted(org, {"Ext__c": "b", "Name": "B", "Code__c": "C"})
    (error,) = reply.body[0]["errors"]
    assert error["statusCode"] == "DUPLICATE_VALUE"
    assert error["message"].endswith(made)


@pytest.mark.parametrize("field", ["Name", "Nowhere__c", "Id"])
def test_only_an_external_id_names_records(org: Any, field: str) -> None:
    assert code_of(upserted(org, row(), field=field)) == "404 NOT_FOUND"


def test_a_field_that_is_set_once_stays(org: Any) -> None:
    assert codes(upserted(org, row(Fixed__c="x")).body) == [""]
    assert codes(upserted(org, row(Fixed__c="y")).body) == ["INVALID_FIELD_FOR_INSERT_UPDATE"]


def test_together_means_that_one_bad_row_undoes_all(org: Any) -> None:
    rows = [row(Code__c="c"), {"Ext__c": "b", "Name": "B", "Code__c": "C"}]
    reply = upserted(org, *rows, all_or_none=True)
    assert codes(reply.body) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "DUPLICATE_VALUE"]
    assert values(org) == []
    reply = upserted(org, rows[0], {"Ext__c": "b", "Name": "B"}, all_or_none=True)
    assert codes(reply.body) == ["", ""]
    ids = ",".join([one["id"] for one in reply.body] + ["0015g0000000zzz"])
    gone = org("DELETE", f"{BASE}/composite/sobjects?ids={ids}&allOrNone=true").body
    assert codes(gone)[0] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert len(values(org)) == 2


def test_an_update_needs_the_id_of_a_record_that_is_there(org: Any) -> None:
    made = upserted(org, row(), {"Ext__c": "b", "Name": "B"}).body
    first, second = (one["id"] for one in made)
    org("DELETE", f"{BASE}/sobjects/Account/{second}")
    reply = org(
        "PATCH",
        f"{BASE}/composite/sobjects",
        typed(
            {"Name": "none"},
            {"id": second, "Name": "gone"},
            {"id": "0015g0000000zzz", "Name": "never"},
            {"id": "nonsense", "Name": "odd"},
            {"Id": first, "Name": "A2"},
        ),
    )
    assert codes(reply.body) == [
        *("MISSING_ARGUMENT", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"),
        *("MALFORMED_ID", ""),
    ]
    twice = typed({"id": first, "Name": "1"}, {"id": first[:15], "Name": "2"})
    reply = org("PATCH", f"{BASE}/composite/sobjects", twice)
    assert codes(reply.body) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]
    assert values(org)[0]["Name"] == "A2"


def test_a_reference_that_may_be_to_several_objects_needs_its_type(org: Any) -> None:
    upserted(org, row())
    path = f"{BASE}/composite/sobjects"
    task = {"Subject": "Call", "What": {"Ext__c": "a"}}
    assert code_of(org("POST", path, typed(task, kind="Task"))) == "400 INVALID_FIELD"
    task["What"] = {"attributes": {"type": "Account"}, "Ext__c": "a"}
    assert codes(org("POST", path, typed(task, kind="Task")).body) == [""]
    found = ask(org, "SELECT What.Name, Owner.Username FROM Task").body["records"]
    assert found[0]["What"]["Name"] == "A"
    assert found[0]["Owner"]["Username"] == "admin@sandbox.test"


def test_rows_of_many_types_are_ten_runs_at_most(org: Any) -> None:
    records = [
        {"attributes": {"type": kind}, "Name": "N", "LastName": "L"}
        for _ in range(6)
        for kind in ("Account", "Contact")
    ]
    for one in records:
        del one["LastName" if one["attributes"]["type"] == "Account" else "Name"]
    path = f"{BASE}/composite/sobjects"
    assert code_of(org("POST", path, {"records": records})) == "400 LIMIT_EXCEEDED"
    assert codes(org("POST", path, {"records": records[:10]}).body) == [""] * 10


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "JSON_PARSER_ERROR"),
        ([], "JSON_PARSER_ERROR"),
        ({}, "MISSING_ARGUMENT"),
        ({"records": []}, "MISSING_ARGUMENT"),
        ({"records": ["a"]}, "JSON_PARSER_ERROR"),
        ({"records": [{"Ext__c": "a"}]}, "INVALID_TYPE"),
        ({"records": [{"attributes": {"type": "Nothing"}}]}, "INVALID_TYPE"),
        ({"records": [{"attributes": {"type": "Contact"}}]}, "INVALID_TYPE"),
        ({"allOrNone": "no", "records": [{}]}, "JSON_PARSER_ERROR"),
        ({"rows": []}, "JSON_PARSER_ERROR"),
        ({"records": [{"attributes": {"type": "Account"}, "id": "0015g"}]}, "INVALID_FIELD"),
    ],
)
def test_a_request_of_another_shape_is_refused(org: Any, body: Any, code: str) -> None:
    reply = org("PATCH", f"{BASE}/composite/sobjects/Account/Ext__c", body)
    assert code_of(reply) == f"400 {code}"


def test_a_fault_may_refuse_rows_with_a_code_of_its_own(start: Make) -> None:
    sandbox, client = start({"vendors": {"salesforce": {"fields": FIELDS}}})
    rule = {"do": "partial_207", "ok_share": 0, "code": "UNABLE_TO_LOCK_ROW", "times": 1}
    sandbox.set_faults([{"match": {"op": "upsert"}, **rule}])
    path = f"{BASE}/composite/sobjects/Account/Ext__c"
    assert codes(client("PATCH", path, typed(row())).json()) == ["UNABLE_TO_LOCK_ROW"]
    assert codes(client("PATCH", path, typed(row())).json()) == [""]
    entries = sandbox.log("salesforce")
    assert [(one["op"], one["keys"], one["rejected"]) for one in entries] == [
        ("upsert", ["a"], 1),
        ("upsert", ["a"], 0),
    ]
    assert sandbox.writes("salesforce", "Account") == {"a": 1}
