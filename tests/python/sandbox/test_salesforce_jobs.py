"""Bulk API 2.0 of Salesforce's sandbox: what the operations do, limits and faults."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from salesforce_forms import (  # noqa: E402
    BASE,
    FIELDS,
    JOBS,
    SETS,
    close,
    code_of,
    errors,
    info,
    opened,
    results,
    sent,
    upload,
    upserted,
    values,
)

Make = Any


# -- operations ----------------------------------------------------------------------------------


def test_rows_of_one_transaction_exclude_each_other(org: Any) -> None:
    far = "".join(f"k{n},N\n" for n in range(200))
    job = sent(org, f"Ext__c,Name\na,1\nA,2\n{far}a,3\nb,4\n")
    assert errors(org, job) == {"a": "DUPLICATE_VALUE", "A": "DUPLICATE_VALUE"}
    held = {one["Ext__c"]: one["Name"] for one in values(org)}
    assert (held["a"], held["b"]) == ("3", "4"), "the last one is of another transaction"


def test_an_insert_makes_and_an_id_column_that_is_empty_is_none(org: Any) -> None:
    job = sent(org, "Id,Ext__c,Name\n,a,A\n0015g0000000001,b,B\n", "insert")
    assert errors(org, job) == {"b": "INVALID_FIELD"}
    again = sent(org, "Ext__c,Name\na,A\n", "insert")
    assert errors(org, again) == {"a": "DUPLICATE_VALUE"}


def test_an_update_and_an_upsert_by_id(org: Any) -> None:
    made = upserted(org, {"Ext__c": "a", "Name": "A"}, {"Ext__c": "b", "Name": "B"}).body
    first, second = (one["id"] for one in made)
    job = sent(org, f"Id,Name\n{first},A2\n{second[:15]},B2\n,C\n0015g0000000zzz,D\n", "update")
    assert [one["Name"] for one in values(org)] == ["A2", "B2"]
    assert errors(org, job, "Name") == {
        "C": "MISSING_ARGUMENT",
        "D": "INVALID_CROSS_REFERENCE_KEY",
    }
    job = sent(org, f"Id,Name\n{first},A3\n,New\n", externalIdFieldName="Id")
    created = {one["Name"]: one["sf__Created"] for one in results(org, job, "successfulResults")}
    assert created == {"A3": "false", "New": "true"}
    told = info(org, sent(org, "Name\nA\n", "update"))
    assert told["errorMessage"] == "InvalidBatch : Field name not found : Id"


def test_a_delete_takes_ids_alone(org: Any) -> None:
    made = upserted(org, *[{"Ext__c": key, "Name": key} for key in "abc"]).body
    first, second, third = (one["id"] for one in made)
    told = info(org, sent(org, f"Id,Name\n{first},a\n", "delete"))
    assert "must contain only ids" in told["errorMessage"]
    job = sent(org, f"Id\n{first}\n{second}\nnonsense\n{first}\n", "delete")
    assert sorted(errors(org, job, "Id").values()) == ["ENTITY_IS_DELETED", "MALFORMED_ID"]
    again = sent(org, f"Id\n{first}\n", "delete")
    assert errors(org, again, "Id") == {first: "ENTITY_IS_DELETED"}
    sent(org, f"Id\n{third}\n", "hardDelete")
    gone = sent(org, f"Id\n{third}\n", "delete")
    assert errors(org, gone, "Id") == {third: "INVALID_CROSS_REFERENCE_KEY"}
    assert values(org) == []


def test_deleting_past_the_bin_takes_a_permission(salesforce: Make) -> None:
    org = salesforce(fields=FIELDS, hard_delete=False)
    reply = org("POST", JOBS, {"object": "Account", "operation": "hardDelete"})
    assert code_of(reply) == "400 FEATURENOTENABLED"
    assert opened(org, "delete")


def test_earlier_versions_tell_no_ids_of_failed_rows(org: Any) -> None:
    job = opened(org)
    upload(org, job, "Ext__c,Name\na,\n")
    close(org, job)
    assert "sf__Id" in results(org, job, "failedResults")[0]
    old = JOBS.replace("v60", "v52")
    body = {"object": "Account", "operation": "insert"}
    made = org("POST", old, body).body["id"]
    org("PUT", f"{old}/{made}/batches", b"Name\n#N/A\n", {"content-type": "text/csv"})
    org("PATCH", f"{old}/{made}", {"state": "UploadComplete"})
    assert list(results(org, made, "failedResults")[0]) == ["sf__Error", "Name"]
    too_old = JOBS.replace("v60", "v40")
    assert code_of(org("POST", too_old, body)) == "404 NOT_FOUND"


# -- limits and faults ---------------------------------------------------------------------------


def test_beyond_the_days_batches_nothing_is_done_and_nothing_told(
    salesforce: Make, clock: Any
) -> None:
    org = salesforce(fields=FIELDS, limits={"daily": 1000, "batches": 2})
    text = "Ext__c,Name\n" + "".join(f"k{n},N\n" for n in range(20_001))
    job = sent(org, text)
    told = info(org, job)
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 20_000)
    assert "ApiBatchItems Limit exceeded" in told["errorMessage"]
    assert [len(results(org, job, which)) for which in SETS] == [20_000, 0, 0]
    assert org("GET", f"{BASE}/limits").body["DailyBulkApiBatches"] == {"Max": 2, "Remaining": 0}
    clock.now += 86_400
    assert info(org, sent(org, "Ext__c,Name\nz,Z\n"))["state"] == "JobComplete"


def test_a_file_has_a_greatest_size(start: Make) -> None:
    options = {"fields": FIELDS, "max_file_bytes": 1000, "max_body_bytes": 500}
    _, client = start({"vendors": {"salesforce": options}})
    body = {"object": "Account", "operation": "insert"}
    job = client("POST", JOBS, body).json()["id"]
    path, kind = f"{JOBS}/{job}/batches", {"Content-Type": "text/csv"}
    assert client("PUT", path, b"Name\n" + b"x" * 996, kind).status == 413
    assert client("PUT", path, b"Name\n" + b"x" * 995, kind).status == 201


def fault_of(sandbox: Any, do: str, **options: Any) -> None:
    sandbox.set_faults([{"match": {"op": "upsert"}, "do": do, "times": 1, **options}])


def over_http(client: Any, keys: str = "abcd") -> str:
    body = {"object": "Account", "operation": "upsert", "externalIdFieldName": "Ext__c"}
    job = client("POST", JOBS, body).json()["id"]
    text = "Ext__c,Name\n" + "".join(f"{key},N\n" for key in keys)
    client("PUT", f"{JOBS}/{job}/batches", text.encode(), {"Content-Type": "text/csv"})
    client("PATCH", f"{JOBS}/{job}", {"state": "UploadComplete"})
    return str(job)


def counted(client: Any, job: str) -> list[int]:
    return [client("GET", f"{JOBS}/{job}/{which}").body.count(b"\n") - 1 for which in SETS]


@pytest.mark.parametrize(("do", "state"), [("job_failed", "Failed"), ("job_killed", "Aborted")])
def test_a_job_that_breaks_has_done_a_part(start: Make, do: str, state: str) -> None:
    sandbox, client = start({"vendors": {"salesforce": {"fields": FIELDS}}})
    fault_of(sandbox, do, share=0.25)
    job = over_http(client)
    assert client("GET", f"{JOBS}/{job}").json()["state"] == state
    assert counted(client, job) == [1, 0, 3]
    assert [one["values"]["Ext__c"] for one in sandbox.records("salesforce", "Account")] == ["a"]


def test_a_job_whose_closing_got_no_answer_is_closed_again(start: Make) -> None:
    sandbox, client = start({"vendors": {"salesforce": {"fields": FIELDS}}})
    fault_of(sandbox, "503")
    job = over_http(client)
    assert client("GET", f"{JOBS}/{job}").json()["state"] == "Open"
    assert client("PATCH", f"{JOBS}/{job}", {"state": "UploadComplete"}).status == 200
    assert counted(client, job) == [4, 0, 0]


def test_a_job_may_be_forgotten(start: Make) -> None:
    sandbox, client = start({"vendors": {"salesforce": {"fields": FIELDS}}})
    fault_of(sandbox, "job_gone")
    assert client("GET", f"{JOBS}/{over_http(client)}").status == 404
    assert len(sandbox.records("salesforce", "Account")) == 4


def test_rows_of_a_job_may_be_locked(start: Make) -> None:
    sandbox, client = start({"vendors": {"salesforce": {"fields": FIELDS, "job_ms": 1}}})
    fault_of(sandbox, "partial_207", ok_share=0.5, code="UNABLE_TO_LOCK_ROW")
    job = over_http(client, "abcdefghijklmnop")
    refused = next(one for one in sandbox.log("salesforce") if one["op"] == "upsert")["rejected"]
    assert 0 < refused < 16
    deadline = time.monotonic() + 10
    while client("GET", f"{JOBS}/{job}").json()["state"] != "JobComplete":
        assert time.monotonic() < deadline
    assert counted(client, job) == [16 - refused, refused, 0]
    body = client("GET", f"{JOBS}/{job}/failedResults").body
    assert body.count(b'"UNABLE_TO_LOCK_ROW:') == refused


def test_a_result_set_may_tell_less_than_what_happened(start: Make) -> None:
    sandbox, client = start({"vendors": {"salesforce": {"fields": FIELDS}}})
    job = over_http(client)
    sandbox.set_faults(
        [{"match": {"op": "successful_results"}, "do": "missing_results", "times": 1}]
    )
    assert counted(client, job) == [3, 0, 0]
    assert counted(client, job) == [4, 0, 0]


def test_closing_is_the_write_and_is_known_by_its_rows(start: Make) -> None:
    sandbox, client = start({"vendors": {"salesforce": {"fields": FIELDS}}})
    over_http(client)
    entries = [(one["op"], one["object"], one["keys"]) for one in sandbox.log("salesforce")]
    assert entries == [
        ("create_job", "Account", []),
        ("upload", "Account", []),
        ("upsert", "Account", ["a", "b", "c", "d"]),
    ]
    assert sandbox.writes("salesforce", "Account") == dict.fromkeys("abcd", 1)
    assert sandbox.counters("salesforce")["rows_applied"] == 4
