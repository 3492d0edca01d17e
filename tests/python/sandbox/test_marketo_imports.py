"""Bulk imports of Marketo's sandbox: the file, the queue, what became of each row."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

IMPORT = "/bulk/v1/leads.json"
FIELDS = {"churnRisk": "float", "code": {"type": "string", "length": 5}}


def multipart(parts: dict[str, str | bytes], boundary: str = "b0undary") -> dict[str, Any]:
    """A form's body and its header."""
    pieces = []
    for name, value in parts.items():
        data = value if isinstance(value, bytes) else value.encode()
        extra = '; filename="leads.csv"\r\nContent-Type: text/csv' if name == "file" else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
        pieces.append(head.encode() + data + b"\r\n")
    body = b"".join(pieces) + f"--{boundary}--\r\n".encode()
    return {"body": body, "headers": {"content-type": f"multipart/form-data; boundary={boundary}"}}


def send(instance: Any, file: str | bytes, query: str = "format=csv", **fields: str) -> Any:
    reply = instance("POST", f"{IMPORT}?{query}", **multipart({**fields, "file": file}))
    assert reply.status == 200
    return reply.body


def batch(body: Any) -> int:
    (one,) = body["result"]
    assert (one["status"], one["importId"]) == ("Queued", str(one["batchId"]))
    return int(one["batchId"])


def status(instance: Any, number: int) -> Any:
    return instance("GET", f"/bulk/v1/leads/batch/{number}.json").body["result"][0]


def rows(instance: Any, number: int, which: str = "failures", delimiter: str = ",") -> list[Any]:
    reply = instance("GET", f"/bulk/v1/leads/batch/{number}/{which}.json")
    text = reply.payload().decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def code(body: Any) -> str:
    assert body["success"] is False
    return str(body["errors"][0]["code"])


def stored(instance: Any) -> list[dict[str, Any]]:
    return [one.values for one in instance.vendor.collections()["leads"]]


@pytest.fixture
def instance(marketo: Any) -> Any:
    return marketo(fields=FIELDS)


def test_a_file_is_imported_and_its_failures_told(instance: Any) -> None:
    text = (
        "email,firstName,churnRisk\r\n"
        'a@acme.test,"Ann ""A"", the\nfirst",0.5\r\n'
        "nobody,Bob,1\r\n"
        "c@acme.test,Cy,high\r\n"
        "d@acme.test,Di\r\n"
        "A@acme.test,Again,0.75\r\n"
    )
    number = batch(send(instance, text))
    told = status(instance, number)
    assert told["status"] == "Complete"
    counts = (told["numOfLeadsProcessed"], told["numOfRowsFailed"], told["numOfRowsWithWarning"])
    assert counts == (2, 3, 0)
    assert told["message"] == (
        "Import completed with errors, 2 records imported (2 members), 3 failed"
    )
    header, *failed = rows(instance, number)
    assert header == ["email", "firstName", "churnRisk", "Import Failure Reason"]
    assert [one[0] for one in failed] == ["nobody", "c@acme.test", "d@acme.test"]
    assert "Invalid value 'high'" in failed[1][3]
    assert stored(instance) == [{"email": "A@acme.test", "firstName": "Again", "churnRisk": 0.75}]
    assert rows(instance, number, "warnings")[1:] == []


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t"), ("ssv", ";")])
def test_each_format_has_its_own_delimiter(instance: Any, name: str, delimiter: str) -> None:
    text = f"externalId{delimiter}code\nA1{delimiter}x\nA2{delimiter}toolong\n"
    number = batch(send(instance, text, "lookupField=externalId", format=name))
    assert stored(instance) == [{"externalId": "A1", "code": "x"}]
    failed = rows(instance, number, delimiter=delimiter)[1:]
    assert [one[:2] for one in failed] == [["A2", "toolong"]]


@pytest.mark.parametrize("empty", ["keep", "clear"])
def test_null_clears_and_an_empty_cell_does_what_is_asked(marketo: Any, empty: str) -> None:
    instance = marketo(fields=FIELDS, import_empty=empty)
    send(instance, "email,code,firstName\na@acme.test,x,N\n")
    send(instance, "email,code,firstName\na@acme.test,,NULL\n")
    expected = (
        {"email": "a@acme.test", "code": "x"} if empty == "keep" else {"email": "a@acme.test"}
    )
    assert stored(instance) == [expected]


def test_misfits_can_be_left_out_with_a_warning(marketo: Any) -> None:
    instance = marketo(fields=FIELDS, import_misfits="warn")
    number = batch(send(instance, "email,churnRisk\na@acme.test,high\nb@acme.test,1\nbad,1\n"))
    told = status(instance, number)
    assert (told["numOfLeadsProcessed"], told["numOfRowsWithWarning"]) == (2, 1)
    assert told["numOfRowsFailed"] == 1
    header, warned = rows(instance, number, "warnings")
    assert (header[-1], warned[:2]) == ("Import Warning Reason", ["a@acme.test", "high"])
    assert stored(instance)[0] == {"email": "a@acme.test"}


def test_an_import_by_id_updates_alone(instance: Any) -> None:
    send(instance, "email\na@acme.test\n")
    (record,) = instance.vendor.collections()["leads"]
    text = f"id,firstName\n{record.id},Ann\n5,Bob\n"
    number = batch(send(instance, text, "format=csv&lookupField=id"))
    assert [one[0] for one in rows(instance, number)[1:]] == ["5"]
    assert record.values["firstName"] == "Ann"


def test_an_import_fills_a_list(instance: Any) -> None:
    send(instance, "email\na@acme.test\nbad\n", "format=csv&listId=1001")
    (one,) = instance.vendor.collections()["lists"]
    assert len(one.values["members"]) == 1
    assert code(send(instance, "email\na@acme.test\n", "format=csv&listId=7")) == "1013"
    assert code(send(instance, "email\na@acme.test\n", "format=csv&listId=x")) == "1001"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("email,nothing\na@acme.test,1\n", "Field 'nothing' not found"),
        ("firstName\nAnn\n", "lacks the lookup field 'email'"),
        ("email,email\na@acme.test,b@acme.test\n", "named twice"),
    ],
)
def test_a_header_that_fits_no_leads_fails_the_import(
    instance: Any, text: str, message: str
) -> None:
    told = status(instance, batch(send(instance, text)))
    assert told["status"] == "Failed"
    assert message in told["message"]
    assert stored(instance) == []


@pytest.mark.parametrize(
    ("file", "query", "expected"),
    [
        ("", "format=csv", "1003"),
        (b"\xff\xfe", "format=csv", "1003"),
        ('email\n"a', "format=csv", "1003"),
        ("email\na@acme.test\n", "format=xls", "1003"),
        ("email\na@acme.test\n", "", "1003"),
        ("email\na@acme.test\n", "format=csv&lookupField=firstName", "1011"),
        ("email\na@acme.test\n", "format=csv&lookupField=nothing", "1006"),
        ("email\na@acme.test\n", "format=csv&partitionName=Other", "1008"),
    ],
)
def test_a_file_that_is_none_is_refused(
    instance: Any, file: Any, query: str, expected: str
) -> None:
    assert code(send(instance, file, query)) == expected


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"email\n", "text/csv", "612"),
        (b"email\n", "multipart/form-data", "613"),
        (b"email\n", "multipart/form-data; boundary=b", "613"),
        (b"--b\r\n\r\nemail\r\n", "multipart/form-data; boundary=b", "613"),
        (b"--b\r\n\r\nemail\r\n--b--\r\n", "multipart/form-data; boundary=b", "613"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", "1002"),
    ],
)
def test_a_body_that_is_no_form_is_refused(
    instance: Any, body: bytes, content_type: str, expected: str
) -> None:
    reply = instance("POST", f"{IMPORT}?format=csv", body, {"content-type": content_type})
    assert code(reply.body) == expected


def test_two_imports_are_worked_on_and_ten_are_there_at_most(marketo: Any, clock: Any) -> None:
    instance = marketo(job_ms=10_000)
    numbers = [batch(send(instance, f"email\np{n}@acme.test\n")) for n in range(10)]
    assert code(send(instance, "email\nx@acme.test\n")) == "1016"
    seen = {}
    for at in (0, 6, 11, 16, 49, 51):
        clock.now = 1000 + at
        seen[at] = [status(instance, number)["status"][0] for number in numbers]
    assert seen[0] == ["Q"] * 10
    assert seen[6] == ["I", "I", *"QQQQQQQQ"]
    assert seen[11] == ["C", "C", *"QQQQQQQQ"]
    assert seen[16] == ["C", "C", "I", "I", *"QQQQQQ"]
    assert seen[49] == [*"CCCCCCCC", "I", "I"]
    assert seen[51] == ["C"] * 10
    batch(send(instance, "email\nx@acme.test\n"))


def test_two_imports_at_once_do_not_see_each_others_leads(marketo: Any, clock: Any) -> None:
    instance = marketo(job_ms=10_000)
    for _ in range(3):
        batch(send(instance, "email\na@acme.test\n"))
    clock.now += 10
    assert len(instance.vendor.collections()["leads"]) == 2
    clock.now += 10
    (number,) = [one.id for one in instance.vendor.collections()["imports"]][2:]
    assert rows(instance, int(number))[1][1] == "Multiple leads match the lookup criteria"


def test_a_list_is_imported_to_by_one_at_a_time(marketo: Any, clock: Any) -> None:
    instance = marketo(job_ms=10_000)
    batch(send(instance, "email\na@acme.test\n", "format=csv&listId=1001"))
    assert code(send(instance, "email\nb@acme.test\n", "format=csv&listId=1001")) == "1019"
    clock.now += 10
    batch(send(instance, "email\nb@acme.test\n", "format=csv&listId=1001"))


def test_what_is_not_over_has_no_failures_and_what_is_long_over_is_gone(
    marketo: Any, clock: Any
) -> None:
    instance = marketo(job_ms=10_000)
    number = batch(send(instance, "email\nbad\n"))
    path = f"/bulk/v1/leads/batch/{number}"
    assert code(instance("GET", f"{path}/failures.json").body) == "1019"
    clock.now += 10
    assert len(rows(instance, number)) == 2
    clock.now += 7 * 86_400 + 1
    assert code(instance("GET", f"{path}.json").body) == "1013"
    assert code(instance("GET", f"{path}/failures.json").body) == "1013"


def test_a_file_of_more_than_ten_megabytes_is_too_much(start: Any) -> None:
    _, client = start({"vendors": {"marketo": {"fields": {"notes": "text"}}}})
    line = b"a@acme.test," + b"x" * 29_000 + b"\n"
    most = b"email,notes\n" + line * (9_970_000 // len(line))
    form = multipart({"file": most})
    answer = client("POST", f"{IMPORT}?format=csv", form["body"], form["headers"]).json()
    told = client("GET", f"/bulk/v1/leads/batch/{answer['result'][0]['batchId']}.json").json()
    assert told["result"][0]["numOfLeadsProcessed"] == 9_970_000 // len(line)
    form = multipart({"file": most + line * 2})
    assert client("POST", f"{IMPORT}?format=csv", form["body"], form["headers"]).status == 413


@pytest.mark.parametrize("do", ["job_failed", "job_gone", "job_slow"])
def test_an_import_meets_the_fault_of_its_request(start: Any, do: str) -> None:
    rule: dict[str, Any] = {"match": {"op": "import"}, "do": do, "times": 1}
    if do == "job_failed":
        rule["share"] = 0.5
    sandbox, client = start({"vendors": {"marketo": {}}, "faults": [rule]})
    form = multipart({"file": "email\na@acme.test\nb@acme.test\n"})
    body = client("POST", f"{IMPORT}?format=csv", form["body"], form["headers"]).json()
    number = body["result"][0]["batchId"]
    told = client("GET", f"/bulk/v1/leads/batch/{number}.json").json()
    if do == "job_gone":
        assert code(told) == "1013"
        return
    assert told["result"][0]["status"] == {"job_failed": "Failed", "job_slow": "Queued"}[do]
    assert len(sandbox.records("marketo", "leads")) == (1 if do == "job_failed" else 0)


def test_rows_that_a_fault_refuses_are_among_the_failures(start: Any) -> None:
    rule = {"match": {"op": "import"}, "do": "partial_207", "ok_share": 0.0, "message": "No."}
    sandbox, client = start({"vendors": {"marketo": {}}, "faults": [rule]})
    form = multipart({"file": "email\na@acme.test\n"})
    client("POST", f"{IMPORT}?format=csv", form["body"], form["headers"])
    answer = client("GET", "/bulk/v1/leads/batch/3001/failures.json")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.body == b"email,Import Failure Reason\na@acme.test,No.\n"
    assert sandbox.log("marketo")[0]["rejected"] == 1
