"""What the tests of Salesforce's sandbox ask with."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

BASE = "/services/data/v60.0"
JOBS = f"{BASE}/jobs/ingest"
SETS = ("successfulResults", "failedResults", "unprocessedrecords")
FIELDS = {
    "Account": {
        "Ext__c": {"external_id": True, "unique": True, "length": 10},
        "Strict__c": {"external_id": True, "unique": True, "case_sensitive": True},
        "Loose__c": {"external_id": True},
        "Code__c": {"unique": True},
        "Score__c": {"type": "double", "precision": 6, "scale": 2},
        "Count__c": "int",
        "Active__c": "boolean",
        "Renewal__c": "date",
        "Seen_At__c": "datetime",
        "Mail__c": "email",
        "Segment__c": {"type": "picklist", "values": ["low", "high"]},
        "Tags__c": {"type": "multipicklist", "values": ["a", "b"]},
        "Fixed__c": {"create_only": True},
        "Sum__c": {"type": "double", "read_only": True},
        "Notes__c": "textarea",
    }
}


def typed(*records: dict[str, Any], kind: str = "Account", all_or_none: bool = False) -> Any:
    """The body of a collections request."""
    listed = [{"attributes": {"type": kind}, **one} for one in records]
    return {"allOrNone": all_or_none, "records": listed}


def upserted(org: Any, *records: dict[str, Any], field: str = "Ext__c", **more: Any) -> Any:
    """The answer to an upsert of Accounts."""
    return org("PATCH", f"{BASE}/composite/sobjects/Account/{field}", typed(*records, **more))


def codes(results: Any) -> list[str]:
    """The code of each row, empty where it was written."""
    return [one["errors"][0]["statusCode"] if one["errors"] else "" for one in results]


def code_of(reply: Any) -> str:
    """The code of a request that was refused as a whole, with its status."""
    (error,) = reply.body
    return f"{reply.status} {error['errorCode']}"


def ask(org: Any, soql: str, **headers: str) -> Any:
    """The answer to a query."""
    return org("GET", f"{BASE}/query?q={quote(soql)}", headers=headers)


def values(org: Any, name: str = "Account") -> list[dict[str, Any]]:
    """What the records of an object hold, oldest first."""
    return [one.values for one in org.vendor.collections()[name]]


# -- jobs -----------------------------------------------------------------------------------------


def opened(org: Any, operation: str = "upsert", **more: Any) -> str:
    """The id of a job that waits for its file."""
    body = {"object": "Account", "operation": operation, "contentType": "CSV", **more}
    if operation == "upsert":
        body.setdefault("externalIdFieldName", "Ext__c")
    reply = org("POST", JOBS, body)
    assert (reply.status, reply.body["state"]) == (200, "Open")
    assert reply.body["contentUrl"] == f"{JOBS[1:]}/{reply.body['id']}/batches"
    return str(reply.body["id"])


def upload(org: Any, job: str, text: str | bytes) -> Any:
    """The answer to a job's file."""
    data = text if isinstance(text, bytes) else text.encode()
    return org("PUT", f"{JOBS}/{job}/batches", data, {"content-type": "text/csv; charset=UTF-8"})


def close(org: Any, job: str, state: str = "UploadComplete") -> Any:
    """The answer to a change of a job's state."""
    return org("PATCH", f"{JOBS}/{job}", {"state": state})


def sent(org: Any, text: str | bytes, operation: str = "upsert", **more: Any) -> str:
    """A job with this file, closed."""
    job = opened(org, operation, **more)
    assert upload(org, job, text).status == 201
    assert close(org, job).body["state"] == "UploadComplete"
    return job


def info(org: Any, job: str) -> Any:
    """What a job tells of itself."""
    return org("GET", f"{JOBS}/{job}").body


def results(org: Any, job: str, which: str) -> list[dict[str, str]]:
    """The rows of a result set."""
    reply = org("GET", f"{JOBS}/{job}/{which}")
    assert (reply.status, reply.content_type) == (200, "text/csv")
    return list(csv.DictReader(io.StringIO(reply.payload().decode(), newline="")))


def errors(org: Any, job: str, key: str = "Ext__c") -> dict[str, str]:
    """The code of each failed row."""
    return {
        one[key]: one["sf__Error"].partition(":")[0] for one in results(org, job, "failedResults")
    }
