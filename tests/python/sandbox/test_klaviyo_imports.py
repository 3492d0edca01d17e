"""Bulk imports of Klaviyo's sandbox: what is refused at once, what is an error of the import."""

from __future__ import annotations

from typing import Any

import pytest
from klaviyo_forms import (
    HEADERS,
    JOBS,
    ROWS,
    imported,
    pointed,
    profile,
    start_import,
    status,
    stored,
)


@pytest.fixture
def account(klaviyo: Any) -> Any:
    return klaviyo()


def failures(account: Any, job: str) -> dict[str, tuple[str, str]]:
    """The errors of an import by pointer, read to the last page."""
    found: dict[str, tuple[str, str]] = {}
    path = f"{JOBS}/{job}/import-errors?page[size]=2"
    while path:
        body = account("GET", path).body
        for one in body["data"]:
            attributes = one["attributes"]
            found[attributes["source"]["pointer"]] = (attributes["code"], attributes["detail"])
        path = (body["links"]["next"] or "").partition("klaviyo.invalid")[2]
    return found


def test_an_import_upserts_and_counts(account: Any) -> None:
    start_import(account, profile(email="a@acme.test", first_name="Ann"))
    rows = [profile(email=f"p{n}@acme.test", properties={"n": n}) for n in range(10_000 - 1)]
    job = start_import(account, profile(email="A@acme.test", title="Boss"), *rows)
    told = status(account, job)
    counts = [told[f"{name}_count"] for name in ("total", "completed", "failed")]
    assert (told["status"], counts) == ("complete", [10_000, 10_000, 0])
    assert told["expires_at"] > told["completed_at"]
    held = stored(account)
    assert len(held) == 10_000
    assert held[0] == {"email": "A@acme.test", "first_name": "Ann", "title": "Boss"}


def test_rows_that_are_none_fail_the_request_and_are_all_pointed_at(account: Any) -> None:
    rows = [
        profile(email="a@acme.test"),
        profile(email="bad"),
        profile(email="c@acme.test", nickname="x"),
        profile(first_name="Nobody"),
        "row",
    ]
    reply = account("POST", JOBS, imported(*rows))
    assert reply.status == 400
    assert pointed(reply) == [
        ("invalid", f"{ROWS}/1/attributes/email"),
        ("invalid", f"{ROWS}/2/attributes/nickname"),
        ("invalid", f"{ROWS}/3/attributes"),
        ("invalid", f"{ROWS}/4"),
    ]
    assert stored(account) == []


def test_rows_can_be_errors_of_the_import(klaviyo: Any) -> None:
    account = klaviyo(bulk_validation="row")
    rows = [profile(email="a@acme.test"), profile(email="bad"), profile(email=5), "row"]
    job = start_import(account, *rows, profile(email="b@acme.test"))
    told = status(account, job)
    assert (told["completed_count"], told["failed_count"]) == (2, 3)
    found = failures(account, job)
    assert set(found) == {f"{ROWS}/1/attributes/email", f"{ROWS}/2/attributes/email", f"{ROWS}/3"}


def test_conflicts_are_errors_of_the_import(account: Any) -> None:
    start_import(account, profile(email="a@acme.test"), profile(external_id="B1"))
    rows = [profile(email=f"p{n}@acme.test") for n in range(5)]
    rows[1:1] = [profile(email="a@acme.test", external_id="B1")]
    rows.append({**profile(title="x"), "id": "nobody"})
    job = start_import(account, *rows)
    assert status(account, job)["failed_count"] == 2
    found = failures(account, job)
    assert found[f"{ROWS}/1/attributes"][0] == "duplicate_profile"
    assert found[f"{ROWS}/6"] == ("not_found", "A profile with id nobody does not exist.")
    body = account("GET", f"{JOBS}/{job}/import-errors").body
    payloads = [one["attributes"]["original_payload"] for one in body["data"]]
    assert {"email": "a@acme.test", "external_id": "B1"} in payloads


def test_two_rows_of_one_profile_overwrite_each_other(account: Any) -> None:
    start_import(
        account, profile(email="a@acme.test", title="1"), profile(email="A@acme.test", title="2")
    )
    assert stored(account) == [{"email": "A@acme.test", "title": "2"}]
    assert account.vendor.collections()["profiles"].writes == {"a@acme.test": 1, "A@acme.test": 1}


def test_an_import_fills_lists(account: Any) -> None:
    (one,) = account("GET", "/api/lists").body["data"]
    job = start_import(account, profile(email="a@acme.test"), lists=(one["id"],))
    related = account("GET", f"{JOBS}/{job}").body["data"]["relationships"]["lists"]["data"]
    assert related == [{"type": "list", "id": one["id"]}]
    members = account("GET", f"/api/lists/{one['id']}/profiles").body["data"]
    assert [each["attributes"]["email"] for each in members] == ["a@acme.test"]
    reply = account("POST", JOBS, imported(profile(email="b@acme.test"), lists=("nothing",)))
    assert (reply.status, pointed(reply)) == (400, [("invalid", "/data")])
    assert len(stored(account)) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"{", "/data"),
        ({}, "/data"),
        ({"data": []}, "/data"),
        ({"data": {"type": "profile", "attributes": {}}}, "/data/type"),
        (imported(), ROWS),
        (imported(*[profile(email="a@acme.test")] * 10_001), ROWS),
    ],
)
def test_a_request_that_is_none_is_refused(account: Any, body: Any, pointer: str) -> None:
    reply = account("POST", JOBS, body)
    assert reply.status == 400
    assert [where for _, where in pointed(reply)] == [pointer]


def test_more_than_five_megabytes_is_too_much(start: Any) -> None:
    _, client = start({"vendors": {"klaviyo": {}}})
    answer = client("POST", JOBS, b" " * 5_000_001, HEADERS)
    assert (answer.status, answer.json()["errors"][0]["code"]) == (413, "payload_too_large")


def test_an_import_takes_its_time(klaviyo: Any, clock: Any) -> None:
    account = klaviyo(job_ms=10_000)
    job = start_import(account, profile(email="a@acme.test"))
    seen = []
    for at in (0, 4, 6, 9, 10):
        clock.now = 1000 + at
        told = status(account, job)
        seen.append((told["status"], told["completed_count"], told["completed_at"] is not None))
    assert seen == [
        ("queued", 0, False),
        ("queued", 0, False),
        ("processing", 0, False),
        ("processing", 0, False),
        ("complete", 1, True),
    ]
    queued = start_import(account, profile(email="b@acme.test"))
    listed = account("GET", f"{JOBS}?filter=equals(status,'queued')").body["data"]
    assert [one["id"] for one in listed] == [queued]
    assert [one["id"] for one in account("GET", JOBS).body["data"]] == [queued, job]
    clock.now += 7 * 86_400 + 1
    assert account("GET", f"{JOBS}/{job}").status == 404
    assert account("GET", f"{JOBS}/nothing/import-errors").status == 404


@pytest.mark.parametrize("do", ["job_failed", "job_killed", "job_gone", "job_slow"])
def test_an_import_meets_the_fault_of_its_request(start: Any, do: str) -> None:
    sandbox, client = start(
        {"vendors": {"klaviyo": {}}, "faults": [{"match": {"op": "import"}, "do": do, "times": 1}]}
    )
    rows = [profile(email=f"p{n}@acme.test") for n in range(4)]
    job = client("POST", JOBS, imported(*rows), HEADERS).json()["data"]["id"]
    answer = client("GET", f"{JOBS}/{job}", None, HEADERS)
    if do == "job_gone":
        assert answer.status == 404
        return
    told = answer.json()["data"]["attributes"]["status"]
    assert told == ("queued" if do == "job_slow" else "cancelled")
    assert len(sandbox.records("klaviyo", "profiles")) == (0 if do == "job_slow" else 2)


def test_rows_that_a_fault_refuses_are_errors_of_the_import(start: Any) -> None:
    rule = {"match": {"op": "import"}, "do": "partial_207", "ok_share": 0.0, "message": "No."}
    sandbox, client = start({"vendors": {"klaviyo": {}}, "faults": [rule]})
    rows = imported(profile(email="a@acme.test"), profile(email="b@acme.test"))
    job = client("POST", JOBS, rows, HEADERS).json()["data"]["id"]
    found = client("GET", f"{JOBS}/{job}/import-errors", None, HEADERS).json()["data"]
    assert {one["attributes"]["source"]["pointer"] for one in found} == {f"{ROWS}/0", f"{ROWS}/1"}
    assert {one["attributes"]["detail"] for one in found} == {"No."}
    assert sandbox.records("klaviyo", "profiles") == []
