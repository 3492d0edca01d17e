"""Bulk API 2.0 of Salesforce's sandbox: a job's way, and its files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from salesforce_forms import (  # noqa: E402
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


# -- a job's way ---------------------------------------------------------------------------------


def test_a_job_is_written_and_told_row_by_row(org: Any) -> None:
    upserted(org, {"Ext__c": "k3", "Name": "old"})
    lines = [f"k{n},Name {n},{n / 4}" for n in range(450)] + ["bad,,1", "k1000,N,many"]
    job = sent(org, "Ext__c,Name,Score__c\n" + "\n".join(lines) + "\n")
    told = info(org, job)
    assert told["state"] == "JobComplete"
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (452, 2)
    assert (told["jobType"], told["apiVersion"]) == ("V2Ingest", 60.0)
    good = results(org, job, "successfulResults")
    assert {one["Ext__c"]: one["sf__Created"] for one in good} == {
        f"k{n}": "false" if n == 3 else "true" for n in range(450)
    }
    order = [one["Ext__c"] for one in good]
    assert order != [f"k{n}" for n in range(450)], "never in the order of the file"
    held = {one["Ext__c"]: one["Name"] for one in values(org)}
    assert held["k3"] == "Name 3"
    assert errors(org, job) == {
        "bad": "REQUIRED_FIELD_MISSING",
        "k1000": "INVALID_TYPE_ON_FIELD_IN_RECORD",
    }
    (missing,) = (one for one in results(org, job, "failedResults") if one["Ext__c"] == "bad")
    assert missing["sf__Error"] == (
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    )
    assert results(org, job, "unprocessedrecords") == []


def test_a_job_takes_its_time(salesforce: Make, clock: Any) -> None:
    org = salesforce(fields=FIELDS, job_ms=10_000)
    job = sent(org, "Ext__c,Name\na,A\n")
    assert code_of(org("GET", f"{JOBS}/{job}/failedResults")) == "400 INVALIDJOBSTATE"
    seen = []
    for _ in range(3):
        seen.append((info(org, job)["state"], len(values(org))))
        clock.now += 5
    assert seen == [("UploadComplete", 0), ("InProgress", 0), ("JobComplete", 1)]
    (entry,) = values(org, "jobs_ingest")
    assert (entry["rows"], entry["under_way"], entry["ended_s"] - entry["begun_s"]) == (1, 1, 10)


def test_jobs_run_side_by_side_and_are_listed(salesforce: Make, clock: Any) -> None:
    org = salesforce(fields=FIELDS, job_ms=1000)
    jobs = [sent(org, f"Ext__c,Name\nk{n},N\n") for n in range(3)]
    assert [one["under_way"] for one in values(org, "jobs_ingest")] == [1, 2, 3]
    clock.now += 1
    listed = org("GET", JOBS).body
    assert (listed["done"], listed["nextRecordsUrl"]) == (True, None)
    assert [(one["id"], one["state"]) for one in listed["records"]] == [
        (job, "JobComplete") for job in jobs
    ]
    assert org("DELETE", f"{JOBS}/{jobs[0]}").status == 204
    assert code_of(org("GET", f"{JOBS}/{jobs[0]}")) == "404 NOT_FOUND"


def test_a_job_that_is_aborted_keeps_what_it_did(salesforce: Make, clock: Any) -> None:
    org = salesforce(fields=FIELDS, job_ms=1000)
    text = "Ext__c,Name\n" + "".join(f"k{n},N\n" for n in range(10))
    waiting, working, unsent = sent(org, text), sent(org, text.replace("k", "w")), opened(org)
    assert close(org, waiting, "Aborted").body["state"] == "Aborted"
    clock.now += 0.5
    close(org, working, "Aborted")
    close(org, unsent, "Aborted")
    counts = [[len(results(org, job, which)) for which in SETS] for job in (waiting, working)]
    assert counts == [[0, 0, 10], [5, 0, 5]]
    assert {one["Ext__c"] for one in values(org)} == {f"w{n}" for n in range(5)}
    assert info(org, unsent)["state"] == "Aborted"
    assert code_of(close(org, working, "Aborted")) == "400 INVALIDJOBSTATE"


def test_a_job_is_uploaded_once_and_closed_once(org: Any) -> None:
    job = opened(org)
    assert code_of(org("DELETE", f"{JOBS}/{job}")) == "400 INVALIDJOBSTATE"
    assert upload(org, job, "Ext__c,Name\na,A\n").status == 201
    assert code_of(upload(org, job, "Ext__c,Name\nb,B\n")) == "400 INVALIDJOBSTATE"
    assert close(org, job).status == 200
    assert code_of(close(org, job)) == "400 INVALIDJOBSTATE"
    assert code_of(upload(org, job, "x")) == "400 INVALIDJOBSTATE"
    assert [one["Ext__c"] for one in values(org)] == ["a"]
    other = opened(org)
    reply = org("PUT", f"{JOBS}/{other}/batches", b"{}")
    assert code_of(reply) == "415 UNSUPPORTED_MEDIA_TYPE"
    assert code_of(org("PATCH", f"{JOBS}/{other}", {"state": "Open"})) == "400 INVALIDJOB"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"object": "Nothing"}, "INVALIDENTITY"),
        ({"operation": "merge"}, "INVALIDOPERATION"),
        ({"externalIdFieldName": None}, "INVALIDJOB"),
        ({"externalIdFieldName": "Name"}, "INVALIDJOB"),
        ({"operation": "insert"}, "INVALIDJOB"),
        ({"lineEnding": "CR"}, "INVALIDJOB"),
        ({"columnDelimiter": ";"}, "INVALIDJOB"),
        ({"contentType": "JSON"}, "INVALIDCONTENTTYPE"),
        ({"colour": "red"}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_job_that_cannot_be_meant_is_not_opened(org: Any, change: Any, code: str) -> None:
    body = {"object": "Account", "operation": "upsert", "externalIdFieldName": "Ext__c"}
    reply = org("POST", JOBS, {**body, **change})
    assert code_of(reply) == f"400 {code}"
    assert org("GET", JOBS).body["records"] == []


# -- files ---------------------------------------------------------------------------------------


def test_an_empty_cell_leaves_a_field_alone_and_a_mark_clears_it(org: Any) -> None:
    upserted(org, {"Ext__c": "a", "Name": "A", "Score__c": 1, "Segment__c": "low"})
    upserted(org, {"Ext__c": "p", "Name": "P"})
    sent(org, "Ext__c,Score__c,Segment__c,Parent.Ext__c\na,,#N/A,P\n")
    first, parent = org.vendor.collections()["Account"]
    assert first.values.keys() & {"Score__c", "Segment__c"} == {"Score__c"}
    assert first.values["ParentId"] == parent.id
    sent(org, "Ext__c,Parent.Ext__c,Name\na,,A2\n")
    assert first.values["ParentId"] == parent.id
    job = sent(org, "Ext__c,Parent.Ext__c,Name\na,#N/A,A3\nb,nobody,B\nz,,#N/A\n")
    assert "ParentId" not in first.values
    assert errors(org, job) == {"b": "INVALID_FIELD", "z": "REQUIRED_FIELD_MISSING"}


def test_a_reference_to_several_objects_names_one_of_them(org: Any) -> None:
    upserted(org, {"Ext__c": "a", "Name": "A"})
    header = "Subject,Account:What.Ext__c"
    assert (
        info(org, sent(org, f"{header}\nCall,A\n", "insert", object="Task"))["numberRecordsFailed"]
        == 0
    )
    for wrong, message in {
        "What.Ext__c": "type is needed",
        "Lead:What.Ext__c": "Unable to find relationship: What",
        "Nobody.Ext__c": "Unable to find relationship: Nobody",
        "User:Owner.Username": "type is not needed",
        "Account:What.Name": "Field name not found : Account:What.Name",
    }.items():
        told = info(org, sent(org, f"Subject,{wrong}\nCall,A\n", "insert", object="Task"))
        assert told["state"] == "Failed"
        assert message in told["errorMessage"]


@pytest.mark.parametrize(
    ("name", "cell", "held"),
    [
        ("Score__c", "12.5", 12.5),
        ("Count__c", "7", 7),
        ("Active__c", "TRUE", True),
        ("Active__c", "0", False),
        ("Renewal__c", "2026-02-28", "2026-02-28"),
        ("Seen_At__c", "2026-02-28T10:00:00+01:00", "2026-02-28T09:00:00.000+0000"),
        ("Notes__c", '" two\nlines, ""quoted"" "', ' two\nlines, "quoted" '),
    ],
)
def test_a_cell_is_read_by_its_fields_type(org: Any, name: str, cell: str, held: Any) -> None:
    job = sent(org, f"Ext__c,Name,{name}\na,A,{cell}\n")
    assert errors(org, job) == {}
    assert values(org)[0][name] == held
    assert results(org, job, "successfulResults")[0][name].lower() in (
        str(held).lower(),
        cell.lower(),
    )


@pytest.mark.parametrize(
    ("ending", "delimiter", "text"),
    [
        ("CRLF", "COMMA", 'Ext__c,Name\r\na,"A,\r\n1"\r\n'),
        ("LF", "TAB", "Ext__c\tName\na\tA,\n"),
        ("LF", "SEMICOLON", 'Ext__c;Name\na;"A;1"\n'),
        ("LF", "PIPE", "Ext__c|Name\na|A\n"),
        ("LF", "CARET", "Ext__c^Name\na^A\n"),
        ("LF", "BACKQUOTE", "Ext__c`Name\na`A\n"),
    ],
)
def test_lines_and_cells_are_parted_as_the_job_says(
    org: Any, ending: str, delimiter: str, text: str
) -> None:
    job = sent(org, text, lineEnding=ending, columnDelimiter=delimiter)
    assert info(org, job)["numberRecordsFailed"] == 0
    told = org("GET", f"{JOBS}/{job}/successfulResults").payload().decode()
    assert told.endswith("\r\n" if ending == "CRLF" else "\n")
    assert values(org)[0]["Name"].startswith("A")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ext__c,Nowhere__c\na,A\n", "InvalidBatch : Field name not found : Nowhere__c"),
        ("Name\nA\n", "InvalidBatch : Field name not found : Ext__c"),
        ("\ufeffExt__c,Name\na,A\n", "Field name not found : \ufeffExt__c"),
        ("Ext__c,Name,NAME\na,A,A\n", "Field name found twice : NAME"),
        ("Ext__c,Name\r\na,A\r\n", "Current LineEnding setting is LF"),
        ("Ext__c,Name\na\n", "Row 2 has 1 cells, the header has 2"),
        ('Ext__c,Name\na,"A" \n', "Failed to parse CSV"),
        (b"Ext__c,Name\na,\xff\n", "not encoded in UTF-8"),
        ("", "no header"),
    ],
)
def test_a_file_that_cannot_be_read_fails_the_job(org: Any, text: Any, message: str) -> None:
    job = sent(org, text)
    told = info(org, job)
    assert told["state"] == "Failed"
    assert message in told["errorMessage"]
    assert told["numberRecordsProcessed"] == 0
    assert values(org) == []
    for which in SETS[:2]:
        assert results(org, job, which) == []
