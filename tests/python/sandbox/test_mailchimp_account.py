"""Mailchimp's sandbox as a whole: keys, connections, merge fields, batches, faults."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import threading
from typing import TYPE_CHECKING, Any

import pytest
from mailchimp_forms import FIELDS, LIST, LIST_ID, member, new, path_of, stored, told

from tailrace.sandbox import ConfigError
from tailrace.sandbox.run import make_app

if TYPE_CHECKING:
    from pathlib import Path


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"any:{key}".encode()).decode()}


@pytest.fixture
def account(mailchimp: Any) -> Any:
    return mailchimp(lists={LIST_ID: {"merge_fields": FIELDS}})


# -- keys and connections ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status", "title"),
    [
        (basic("k-us1"), 200, ""),
        ({"authorization": "Bearer k-us1"}, 200, ""),
        (basic("other-us1"), 401, "API Key Invalid"),
        ({"authorization": "Basic x"}, 401, "API Key Invalid"),
        ({"authorization": ""}, 401, "API Key Missing"),
        (basic("k-us2"), 403, "Wrong Datacenter"),
    ],
)
def test_a_key_is_needed_and_belongs_to_a_data_center(
    mailchimp: Any, headers: Any, status: int, title: str
) -> None:
    account = mailchimp(api_keys=["k-us1", "k-us2"], data_center="us1")
    reply = account("GET", "/3.0/ping", headers=headers)
    assert (reply.status, reply.body.get("title", "")) == (status, title)


def test_ten_connections_and_no_headers(start: Any, in_flight: Any) -> None:
    slow = [{"do": "slow", "delay_ms": 400, "times": 10}]
    sandbox, client = start({"vendors": {"mailchimp": {}}, "faults": slow})
    others = [type(client)(sandbox.url) for _ in range(10)]
    threads = [threading.Thread(target=one, args=("GET", "/3.0/ping")) for one in others]
    for thread in threads:
        thread.start()
    in_flight(sandbox, "mailchimp", 10)
    answer = client("GET", "/3.0/ping")
    assert (answer.status, answer.json()["title"]) == (429, "Too Many Requests")
    assert not {"retry-after", "ratelimit-limit"} & answer.headers.keys()
    for thread in threads:
        thread.join()
    assert client("GET", "/3.0/ping").status == 200
    for one in others:
        one.close()


def test_other_refusals_are_problems(account: Any) -> None:
    assert told(account("GET", "/3.0/lists/nothing/members"))[:2] == (404, "Resource Not Found")
    reply = account("PUT", LIST, {})
    assert (reply.status, dict(reply.headers)["Allow"]) == (405, "GET, POST")
    assert told(account("POST", LIST, b"{"))[:2] == (400, "JSON Parse Error")
    reply = account("POST", LIST, b"x", {"content-type": "text/plain"})
    assert told(reply)[:2] == (415, "Unsupported Media Type")


@pytest.mark.parametrize(
    "options",
    [
        {"limits": "fast"},
        {"limits": {"concurrent": 0}},
        {"data_center": 1},
        {"lists": {"a-b": {}}},
        {"lists": {"a": {"fields": {}}}},
        {"lists": {"a": {"merge_fields": {"RISK": "integer"}}}},
        {"lists": {"a": {"merge_fields": {"risk": "number"}}}},
        {"lists": {"a": {"merge_fields": {"RISK": {"type": "dropdown"}}}}},
        {"lists": {"a": {"merge_fields": {"merge_fields": [{"tag": "A"}]}}}},
        {"unknown_fields": "maybe"},
    ],
)
def test_a_configuration_that_makes_no_sense_is_named(options: Any) -> None:
    with pytest.raises(ConfigError, match="mailchimp"):
        make_app({"vendors": {"mailchimp": options}})


# -- audiences and merge fields ------------------------------------------------------------------


def test_audiences_are_apart(mailchimp: Any) -> None:
    account = mailchimp(lists={"aaa": {"name": "A"}, "bbb": {"name": "B"}})
    listed = account("GET", "/3.0/lists").body
    assert [(one["id"], one["name"]) for one in listed["lists"]] == [("aaa", "A"), ("bbb", "B")]
    for name in ("aaa", "bbb"):
        row = {"members": [member("a@acme.test")]}
        assert account("POST", f"/3.0/lists/{name}", row).body["total_created"] == 1
    assert account("GET", "/3.0/lists/aaa").body["stats"]["member_count"] == 1
    assert len(account.vendor.collections()["members"]) == 2
    assert account("GET", "/3.0/").body["total_subscribers"] == 2


def test_merge_fields_are_listed_and_made(account: Any) -> None:
    listed = account("GET", f"{LIST}/merge-fields?count=100").body
    by_tag = {one["tag"]: one for one in listed["merge_fields"]}
    assert set(by_tag) == {"FNAME", "LNAME", "ADDRESS", "PHONE", *FIELDS}
    assert (by_tag["RISK"]["type"], by_tag["TIER"]["options"]["choices"]) == (
        *("number",),
        ["low", "high"],
    )
    made = account(
        "POST", f"{LIST}/merge-fields", {"name": "Score", "type": "number", "tag": "SCORE"}
    )
    number = made.body["merge_id"]
    assert account("GET", f"{LIST}/merge-fields/{number}").body["tag"] == "SCORE"
    again = account("POST", f"{LIST}/merge-fields", {"name": "S", "type": "number", "tag": "SCORE"})
    assert again.status == 400
    unnamed = account("POST", f"{LIST}/merge-fields", {"name": "S", "type": "text"})
    assert unnamed.body["tag"] == f"MMERGE{number + 1}"
    for wrong in ({"name": "S"}, {"name": "S", "type": "x"}, {"name": "S", "type": "radio"}):
        assert account("POST", f"{LIST}/merge-fields", wrong).status == 400
    assert account("PUT", path_of("a@acme.test"), new("a@acme.test", SCORE=5)).status == 200
    assert account("GET", f"{LIST}/merge-fields/99").status == 404


def test_a_real_audiences_fields_can_be_taken_over(start: Any, tmp_path: Path) -> None:
    _, first = start({"vendors": {"mailchimp": {"lists": {LIST_ID: {"merge_fields": FIELDS}}}}})
    answer = first("GET", f"{LIST}/merge-fields?count=1000").json()
    answer["merge_fields"].append(
        {"tag": "ODD", "type": "sparkle", "name": "Odd", "required": True}
    )
    file = tmp_path / "fields.json"
    file.write_text(json.dumps(answer), encoding="utf-8")
    lists = {LIST_ID: {"merge_fields": str(file)}}
    _, second = start({"vendors": {"mailchimp": {"lists": lists}}})
    again = second("GET", f"{LIST}/merge-fields?count=1000").json()["merge_fields"]
    assert again[:-1] == answer["merge_fields"][:-1]
    assert (again[-1]["type"], again[-1]["required"]) == ("text", True)


# -- batches of operations -----------------------------------------------------------------------


def operation(email: str, **more: Any) -> dict[str, Any]:
    row = json.dumps(new(email))
    return {"method": "PUT", "path": path_of(email)[4:], "body": row, "operation_id": email, **more}


def answers_of(account: Any, shown: Any) -> dict[str, tuple[int, Any]]:
    """What a batch's operations were answered with, by their ids, out of the archive."""
    path = shown["response_body_url"].partition("mailchimp.invalid")[2]
    account.headers.pop("authorization", None)
    packed = account("GET", path).payload()
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        for info in tar:
            content = tar.extractfile(info)
            for one in json.loads(content.read()) if content else []:
                found[one["operation_id"]] = (one["status_code"], json.loads(one["response"]))
    return found


def test_a_batch_of_operations_is_done_later_and_answered_in_an_archive(
    mailchimp: Any, clock: Any
) -> None:
    account = mailchimp(job_ms=10_000)
    operations = [
        *(operation(f"p{n}@acme.test") for n in range(20)),
        operation("bad"),
        {**operation("x@acme.test"), "path": "/lists/nothing/members/x"},
        {"method": "GET", "path": "ping", "operation_id": "ping"},
    ]
    started = account("POST", "/3.0/batches", {"operations": operations})
    assert (started.status, started.body["status"]) == (200, "pending")
    path = f"/3.0/batches/{started.body['id']}"
    seen = []
    for at in (0, 6, 10):
        clock.now = 1000 + at
        shown = account("GET", path).body
        seen.append((shown["status"], shown["finished_operations"], shown["errored_operations"]))
    assert seen == [("pending", 0, 0), ("started", 0, 0), ("finished", 23, 2)]
    found = answers_of(account, shown)
    assert found["p7@acme.test"][0] == 200
    assert found["p7@acme.test"][1]["email_address"] == "p7@acme.test"
    assert (found["bad"][0], found["x@acme.test"][0], found["ping"][0]) == (400, 404, 200)
    assert len(stored(account)) == 20
    clock.now += 700
    link = shown["response_body_url"].partition("mailchimp.invalid")[2]
    assert account("GET", link).status == 403
    account.headers["authorization"] = "Bearer t"
    assert len(answers_of(account, account("GET", path).body)) == 23


def test_a_batch_that_is_none_is_refused(account: Any, mailchimp: Any) -> None:
    wrong: list[Any] = [
        [],
        "x",
        [{"method": "PUT"}],
        [{**operation("a@acme.test"), "body": {}}],
        [{**operation("a@acme.test"), "method": "COPY"}],
        [{**operation("a@acme.test"), "colour": "red"}],
        [operation("a@acme.test")] * 1001,
    ]
    for operations in wrong:
        reply = account("POST", "/3.0/batches", {"operations": operations})
        assert told(reply)[:2] == (400, "Invalid Resource")
    slow = mailchimp(job_ms=60_000)
    for _ in range(500):
        assert (
            slow("POST", "/3.0/batches", {"operations": [operation("a@acme.test")]}).status == 200
        )
    reply = slow("POST", "/3.0/batches", {"operations": [operation("a@acme.test")]})
    assert reply.status == 429
    assert slow("GET", "/3.0/batches").body["total_items"] == 500
    newest = slow("GET", "/3.0/batches").body["batches"][0]["id"]
    assert slow("DELETE", f"/3.0/batches/{newest}").status == 204
    assert slow("GET", f"/3.0/batches/{newest}").status == 404


@pytest.mark.parametrize(
    ("do", "status"), [("job_failed", "started"), ("job_gone", ""), ("job_slow", "pending")]
)
def test_a_batch_meets_the_fault_of_its_request(start: Any, do: str, status: str) -> None:
    rule = {"match": {"op": "start_batch"}, "do": do, "times": 1}
    sandbox, client = start({"vendors": {"mailchimp": {}}, "faults": [rule]})
    operations = [operation(f"p{n}@acme.test") for n in range(4)]
    name = client("POST", "/3.0/batches", {"operations": operations}).json()["id"]
    answer = client("GET", f"/3.0/batches/{name}")
    assert answer.status == (200 if status else 404)
    if status:
        assert answer.json()["status"] == status
    done = {"job_failed": 2, "job_gone": 4, "job_slow": 0}[do]
    assert len(sandbox.records("mailchimp", "members")) == done


# -- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "status", "content_type"),
    [
        ({"do": "401_once"}, 401, "application/problem+json"),
        ({"do": 429}, 429, "application/problem+json"),
        ({"do": 403}, 403, "text/html"),
        ({"do": 403, "policy": "user"}, 403, "application/problem+json"),
        ({"do": 503}, 503, "application/problem+json"),
    ],
)
def test_faults_speak_as_the_vendor_does(
    start: Any, rule: Any, status: int, content_type: str
) -> None:
    _, client = start({"vendors": {"mailchimp": {}}, "faults": [{**rule, "times": 1}]})
    answer = client("POST", LIST, {"members": [member("a@acme.test")]})
    assert answer.status == status
    assert answer.headers["content-type"].startswith(content_type)


def test_rows_can_be_refused_and_left_unsaid(start: Any) -> None:
    rules = [
        {"match": {"nth": 1}, "do": "partial_207", "ok_share": 0.0, "message": "No."},
        {"match": {"nth": 2}, "do": "missing_results"},
    ]
    sandbox, client = start({"vendors": {"mailchimp": {}}, "faults": rules})
    body = {"members": [member(f"p{n}@acme.test") for n in range(3)]}
    first = client("POST", LIST, body).json()
    assert [one["error"] for one in first["errors"]] == ["No."] * 3
    second = client("POST", LIST, body).json()
    assert (len(second["new_members"]), second["total_created"]) == (2, 3)
    assert len(sandbox.records("mailchimp", "members")) == 3


def test_a_batch_of_members_is_one_entry_of_the_log(start: Any) -> None:
    sandbox, client = start({"vendors": {"mailchimp": {}}})
    client("POST", LIST, {"members": [member("A@acme.test"), member("bad")]})
    (entry,) = sandbox.log("mailchimp")
    assert (entry["op"], entry["object"], entry["keys"]) == (
        "batch",
        "members",
        ["a@acme.test", "bad"],
    )
    assert (entry["applied"], entry["rejected"]) == (1, 1)
