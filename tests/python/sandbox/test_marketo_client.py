"""marketorestpython gets right answers from the sandbox.

Others made that client, out of Marketo's own reference, so it cannot share our misunderstandings.
It holds itself to five calls a second, so each test asks for as little as it can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from marketorestpython.client import MarketoClient
from marketorestpython.helper.exceptions import MarketoException

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tailrace.sandbox import Sandbox

OAUTH = {"client_id": "app", "client_secret": "secret"}


@pytest.fixture
def instance(start: Any) -> Callable[..., tuple[Sandbox, MarketoClient]]:
    def make(**options: Any) -> tuple[Sandbox, MarketoClient]:
        settings = {"oauth": OAUTH, "fields": {"churnRisk": "float"}, **options}
        sandbox = start({"vendors": {"marketo": settings}})[0]
        return sandbox, client(sandbox)

    return make


def client(sandbox: Sandbox, secret: str = "secret") -> MarketoClient:
    made = MarketoClient("000-AAA-000", "app", secret, max_retry_time=0)
    made.host = sandbox.url
    return made


def people(*numbers: int) -> list[dict[str, Any]]:
    return [{"email": f"p{n}@acme.test", "churnRisk": n / 4, "firstName": f"N{n}"} for n in numbers]


def test_an_upsert_tells_of_each_row(instance: Any) -> None:
    sandbox, marketo = instance()
    rows = [*people(0, 1), {"email": "bad"}, {"email": "c@acme.test", "churnRisk": "high"}]
    told = marketo.execute(method="create_update_leads", leads=rows)
    assert [one["status"] for one in told] == ["created", "created", "skipped", "skipped"]
    assert [one["reasons"][0]["code"] for one in told[2:]] == ["1003", "1001"]
    again = marketo.execute(
        method="create_update_leads", leads=people(1), action="createOnly", lookupField="email"
    )
    assert again[0]["reasons"] == [{"code": "1005", "message": "Lead already exists"}]
    stored = [one["values"] for one in sandbox.records("marketo", "leads")]
    assert stored == people(0, 1)


def test_leads_are_found_read_and_deleted(instance: Any) -> None:
    sandbox, marketo = instance()
    made = marketo.execute(method="create_update_leads", leads=people(*range(5)))
    found = marketo.execute(
        method="get_multiple_leads_by_filter_type",
        filterType="email",
        filterValues=["p1@acme.test", "P3@acme.test", "nobody@acme.test"],
        fields="email,churnRisk",
        batchSize=1,
    )
    assert [(one["email"], one["churnRisk"]) for one in found] == [
        ("p1@acme.test", 0.25),
        ("p3@acme.test", 0.75),
    ]
    (one,) = marketo.execute(method="get_lead_by_id", id=made[2]["id"], fields="firstName")
    assert one["firstName"] == "N2"
    gone = marketo.execute(method="delete_lead", id=[made[0]["id"], 5])
    assert [(one["id"], one["status"]) for one in gone] == [
        (made[0]["id"], "deleted"),
        (5, "skipped"),
    ]
    assert len(sandbox.records("marketo", "leads")) == 4


def test_an_import_tells_of_its_rows(instance: Any, tmp_path: Path) -> None:
    sandbox, marketo = instance()
    file = tmp_path / "leads.csv"
    file.write_text("email,churnRisk\na@acme.test,0.5\nb@acme.test,high\n", encoding="utf-8")
    (queued,) = marketo.execute(method="import_lead", format="csv", file=str(file))
    (told,) = marketo.execute(method="get_import_lead_status", id=queued["batchId"])
    assert (told["status"], told["numOfLeadsProcessed"], told["numOfRowsFailed"]) == (
        "Complete",
        1,
        1,
    )
    failed = marketo.execute(method="get_import_failure_file", id=queued["batchId"])
    assert failed.splitlines()[0] == "email,churnRisk,Import Failure Reason"
    assert failed.splitlines()[1].startswith("b@acme.test,high,")
    assert marketo.execute(method="get_import_warning_file", id=queued["batchId"]).count("\n") == 1
    (lead,) = sandbox.records("marketo", "leads")
    assert lead["values"] == {"email": "a@acme.test", "churnRisk": 0.5}


def test_lists_have_members(instance: Any) -> None:
    _, marketo = instance(lists=["Risky"])
    (risky,) = marketo.execute(method="get_multiple_lists", name=["Risky"])
    ids = [one["id"] for one in marketo.execute(method="create_update_leads", leads=people(0, 1))]
    added = marketo.execute(method="add_leads_to_list", listId=risky["id"], id=[*ids, 7])
    assert [one["status"] for one in added] == ["added", "added", "skipped"]
    marketo.execute(method="remove_leads_from_list", listId=risky["id"], id=ids[:1])
    are = marketo.execute(method="member_of_list", listId=risky["id"], id=ids)
    assert [one["status"] for one in are] == ["notmemberof", "memberof"]
    found = marketo.execute(method="get_multiple_leads_by_list_id", listId=risky["id"])
    assert [one["id"] for one in found] == ids[1:]


def test_fields_and_the_days_calls_are_told(instance: Any) -> None:
    _, marketo = instance()
    names = {one["rest"]["name"]: one["dataType"] for one in marketo.execute(method="describe")}
    assert (names["email"], names["churnRisk"]) == ("email", "float")
    (again,) = marketo.execute(method="describe2")
    assert ["email"] in again["searchableFields"]
    (usage,) = marketo.execute(method="get_daily_usage")
    assert usage["total"] == 3
    assert usage["users"] == [{"userId": "app@marketo.test", "count": 3}]


def test_a_token_that_has_run_out_is_renewed(instance: Any) -> None:
    sandbox, marketo = instance(oauth={**OAUTH, "uses": 1})
    marketo.execute(method="describe")
    with pytest.raises(MarketoException) as refused:
        marketo.describe()
    assert refused.value.code == "602"
    old, marketo.valid_until = marketo.token, None
    marketo.execute(method="describe")
    assert marketo.token != old
    assert sandbox.counters("marketo")["unauthorized"] == 1


def test_what_is_refused_is_an_error_with_its_code(instance: Any) -> None:
    sandbox, marketo = instance(limits={"max": 1, "interval_ms": 20_000})
    with pytest.raises(MarketoException) as refused:
        marketo.create_update_leads(people(0), lookupField="nothing")
    assert refused.value.code == "1006"
    with pytest.raises(MarketoException) as refused:
        marketo.create_update_leads(people(0))
    assert refused.value.code == "606"
    assert sandbox.counters("marketo")["rate_limited"] >= 1
    with pytest.raises(Exception, match="Bad client credentials"):
        client(sandbox, "other").describe()
