"""simple-salesforce gets right answers from the sandbox.

Others wrote that client, for the real thing, so it cannot share our misunderstandings. It always
speaks https to a fixed host; an adapter of its HTTP library sends what it asks to the sandbox.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import (
    Salesforce,
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.exceptions import SalesforceOperationError

if TYPE_CHECKING:
    from tailrace.sandbox import Sandbox

LOGINS = Path(__file__).resolve().parents[1] / "logins"
PUBLIC = (LOGINS / "login_keys.py").read_text(encoding="utf-8").split('"""')[3].lstrip("\\\n")
OAUTH = {
    "client_id": "app",
    "client_secret": "s3cret",
    "jwt": {
        "issuer": "app",
        "subject": "ann@acme.test",
        "audience": "https://login.salesforce.com",
        "public_key": PUBLIC,
    },
}
FIELDS = {
    "Account": {
        "Ext__c": {"external_id": True, "unique": True, "length": 40},
        "Score__c": "double",
        "Segment__c": {"type": "picklist", "values": ["low", "high"]},
        "Loose__c": {"external_id": True},
    }
}


class ToSandbox(HTTPAdapter):
    """Sends every request to the sandbox, whatever host it names."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: Any, *rest: Any, **options: Any) -> Any:
        parts = urlsplit(request.url)
        query = f"?{parts.query}" if parts.query else ""
        request.url = f"{self._url}{parts.path}{query}"
        return super().send(request, *rest, **options)


def through(sandbox: Sandbox) -> requests.Session:
    session = requests.Session()
    session.mount("https://", ToSandbox(sandbox.url))
    return session


@pytest.fixture
def sandbox(start: Any) -> Sandbox:
    made: Sandbox = start({"vendors": {"salesforce": {"oauth": OAUTH, "fields": FIELDS}}})[0]
    return made


@pytest.fixture
def org(sandbox: Sandbox) -> Any:
    return Salesforce(
        consumer_key="app", consumer_secret="s3cret", domain="acme.my", session=through(sandbox)
    )


def collection(org: Any, method: str, path: str, *records: dict[str, Any], **more: Any) -> Any:
    typed = [{"attributes": {"type": "Account"}, **one} for one in records]
    body = {"allOrNone": False, "records": typed, **more}
    return org.restful(path, method=method, json=body)


def upsert(org: Any, *records: dict[str, Any], **more: Any) -> Any:
    return collection(org, "PATCH", "composite/sobjects/Account/Ext__c", *records, **more)


# -- logins --------------------------------------------------------------------------------------


def test_it_logs_in_by_a_signed_jwt(sandbox: Sandbox) -> None:
    org = Salesforce(
        username="ann@acme.test",
        consumer_key="app",
        privatekey_file=str(LOGINS / "key.pem"),
        session=through(sandbox),
    )
    assert org.query("select count() from Account")["totalSize"] == 0


def test_a_wrong_secret_is_no_login(sandbox: Sandbox) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(
            consumer_key="app", consumer_secret="other", domain="acme.my", session=through(sandbox)
        )
    assert refused.value.code == "invalid_client"


def test_a_session_that_is_unknown_has_expired(sandbox: Sandbox) -> None:
    org = Salesforce(
        session_id="old", instance_url="https://acme.my.salesforce.com", session=through(sandbox)
    )
    with pytest.raises(SalesforceExpiredSession) as refused:
        org.Account.describe()
    assert refused.value.content[0]["errorCode"] == "INVALID_SESSION_ID"


def test_a_spent_day_is_a_refused_request(start: Any) -> None:
    limits = {"daily": 20, "used": 18}
    sandbox, _ = start({"vendors": {"salesforce": {"oauth": OAUTH, "limits": limits}}})
    org = Salesforce(
        consumer_key="app", consumer_secret="s3cret", domain="acme.my", session=through(sandbox)
    )
    assert org.limits()["DailyApiRequests"] == {"Max": 20, "Remaining": 1}
    assert org.api_usage["api-usage"].used == 19
    org.Account.describe()
    with pytest.raises(SalesforceRefusedRequest) as refused:
        org.Account.describe()
    assert refused.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


# -- what there is -------------------------------------------------------------------------------


def test_it_describes_objects_and_their_fields(org: Any) -> None:
    names = {one["name"] for one in org.describe()["sobjects"]}
    assert names >= {"Account", "Contact", "Lead", "Opportunity"}
    fields = {one["name"]: one for one in org.Account.describe()["fields"]}
    assert fields["Ext__c"]["externalId"] is True
    assert (fields["Ext__c"]["unique"], fields["Ext__c"]["length"]) == (True, 40)
    assert [one["value"] for one in fields["Segment__c"]["picklistValues"]] == ["low", "high"]
    assert fields["Id"]["updateable"] is False
    assert fields["OwnerId"]["referenceTo"] == ["User"]
    with pytest.raises(SalesforceResourceNotFound):
        org.Nothing.describe()


# -- collections ---------------------------------------------------------------------------------


def test_an_upsert_makes_and_changes_in_order(org: Any, sandbox: Sandbox) -> None:
    rows = [{"Ext__c": f"k{n}", "Name": f"N{n}", "Score__c": n / 8} for n in range(200)]
    made = upsert(org, *rows)
    assert all(one["success"] and one["created"] and one["errors"] == [] for one in made)
    assert len({one["id"] for one in made}) == 200
    again = upsert(org, {"Ext__c": "K7", "Score__c": None, "Segment__c": "high"})
    assert again == [{"id": made[7]["id"], "success": True, "errors": [], "created": False}]
    stored = {one["id"]: one["values"] for one in sandbox.records("salesforce", "Account")}
    assert stored[made[7]["id"]]["Segment__c"] == "high"
    assert "Score__c" not in stored[made[7]["id"]]
    assert stored[made[8]["id"]]["Score__c"] == 1.0


def test_bad_rows_are_told_apart_and_the_others_are_written(org: Any) -> None:
    rows = [
        {"Ext__c": "a", "Name": "A"},
        {"Ext__c": "b", "Name": "B" * 256},
        {"Ext__c": "c", "Name": "C", "Segment__c": "odd"},
        {"Ext__c": "d", "Score__c": 1},
        {"Ext__c": "e", "Name": "E"},
        {"Ext__c": "E", "Name": "E"},
    ]
    results = upsert(org, *rows)
    codes = [[error["statusCode"] for error in one["errors"]] for one in results]
    assert codes == [
        [],
        ["STRING_TOO_LONG"],
        ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"],
        ["REQUIRED_FIELD_MISSING"],
        ["DUPLICATE_VALUE"],
        ["DUPLICATE_VALUE"],
    ]
    assert results[1]["errors"][0]["fields"] == ["Name"]
    assert org.query("SELECT Ext__c FROM Account")["totalSize"] == 1


def test_all_or_none_is_none(org: Any) -> None:
    results = upsert(org, {"Ext__c": "a", "Name": "A"}, {"Ext__c": "b"}, allOrNone=True)
    codes = [one["errors"][0]["statusCode"] for one in results]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert org.query("SELECT Id FROM Account")["totalSize"] == 0


def test_a_request_that_cannot_be_read_writes_nothing(org: Any) -> None:
    bad = [
        ({"Ext__c": "b", "Name": "B", "Nowhere__c": 1}, "INVALID_FIELD"),
        ({"Ext__c": "b", "Name": 12}, "JSON_PARSER_ERROR"),
        ({"Ext__c": "b", "Name": "B", "Score__c": "much"}, "JSON_PARSER_ERROR"),
    ]
    for row, code in bad:
        with pytest.raises(SalesforceMalformedRequest) as refused:
            upsert(org, {"Ext__c": "a", "Name": "A"}, row)
        assert refused.value.content[0]["errorCode"] == code
    with pytest.raises(SalesforceMalformedRequest) as refused:
        upsert(org, *[{"Ext__c": f"k{n}", "Name": "N"} for n in range(201)])
    assert refused.value.content[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert org.query("SELECT Id FROM Account")["totalSize"] == 0


def test_records_are_inserted_updated_and_deleted_by_id(org: Any) -> None:
    made = collection(org, "POST", "composite/sobjects", {"Name": "A"}, {"Name": "B"})
    first, second = (one["id"] for one in made)
    changed = collection(
        org,
        "PATCH",
        "composite/sobjects",
        {"id": first, "Name": "A2"},
        {"id": second[:15], "ParentId": first},
        {"id": "0015g0000000zzz", "Name": "nobody"},
    )
    assert [one["success"] for one in changed] == [True, True, False]
    found = org.query("SELECT Name, Parent.Name FROM Account WHERE ParentId != null")["records"]
    assert [(one["Name"], one["Parent"]["Name"]) for one in found] == [("B", "A2")]
    query = {"ids": f"{second},{second[:15]},garbage", "allOrNone": "false"}
    gone = org.restful("composite/sobjects", method="DELETE", params=query)
    codes = [[error["statusCode"] for error in one["errors"]] for one in gone]
    assert codes == [[], ["ENTITY_IS_DELETED"], ["MALFORMED_ID"]]
    assert org.query("SELECT Id FROM Account")["totalSize"] == 1
    assert org.query("SELECT Id FROM Account", include_deleted=True)["totalSize"] == 2


def test_a_parent_is_named_by_its_external_id(org: Any) -> None:
    rows = [
        {"Ext__c": "p", "Name": "Parent"},
        {"Ext__c": "c", "Name": "Child", "Parent": {"Ext__c": "P"}},
        {"Ext__c": "o", "Name": "Orphan", "Parent": {"Ext__c": "x"}},
    ]
    results = upsert(org, *rows)
    assert [one["success"] for one in results] == [True, True, False]
    assert results[2]["errors"][0]["statusCode"] == "INVALID_FIELD"
    assert "Foreign key external ID: x not found" in results[2]["errors"][0]["message"]


# -- one record ----------------------------------------------------------------------------------


def test_one_record_goes_round(org: Any) -> None:
    made = org.Account.create({"Name": "Acme", "Ext__c": "a/1", "Score__c": 2})
    assert made["success"] is True
    assert org.Account.get(made["id"])["Score__c"] == 2.0
    assert org.Account.get_by_custom_id("Ext__c", "a/1")["Id"] == made["id"]
    assert org.Account.update(made["id"], {"Score__c": 3}) == 204
    assert org.Account.upsert("Ext__c/b", {"Name": "B"}) == 201
    assert org.Account.upsert("Ext__c/b", {"Name": "B2"}) == 200
    assert org.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        org.Account.get(made["id"])
    with pytest.raises(SalesforceMalformedRequest) as refused:
        org.Account.create({"Name": "C", "Ext__c": "B"})
    assert refused.value.content[0]["errorCode"] == "DUPLICATE_VALUE"


def test_an_external_id_of_several_records_names_none_of_them(org: Any) -> None:
    for name in ("A", "B"):
        org.Account.create({"Name": name, "Loose__c": "same"})
    with pytest.raises(SalesforceMoreThanOneRecord) as refused:
        org.Account.upsert("Loose__c/same", {"Name": "C"})
    assert len(refused.value.content) == 2


# -- queries -------------------------------------------------------------------------------------


def test_a_query_is_read_to_its_end(org: Any) -> None:
    for first in range(0, 2100, 200):
        rows = [{"Ext__c": f"k{n}", "Name": f"N{n}"} for n in range(first, first + 200)]
        upsert(org, *rows)
    found = list(org.query_all_iter("SELECT Id, Ext__c FROM Account ORDER BY Ext__c DESC"))
    assert len(found) == 2200
    assert found[0]["Ext__c"] == "k999"
    page = org.query("SELECT Id FROM Account")
    assert (page["done"], len(page["records"]), page["totalSize"]) == (False, 2000, 2200)
    some = org.query("SELECT Name FROM Account WHERE Ext__c IN ('K5', 'k2100', 'none')")
    assert {one["Name"] for one in some["records"]} == {"N5", "N2100"}


def test_a_wrong_query_says_what_is_wrong(org: Any) -> None:
    wrong = {
        "SELECT Nowhere__c FROM Account": "INVALID_FIELD",
        "SELECT Id FROM Nothing": "INVALID_TYPE",
        "SELECT Id FROM Account WHERE": "MALFORMED_QUERY",
        "SELECT Id FROM Account WHERE Score__c = '5'": "INVALID_FIELD",
        "SELECT Id FROM Account WHERE Id = '1'": "INVALID_QUERY_FILTER_OPERATOR",
    }
    for query, code in wrong.items():
        with pytest.raises(SalesforceMalformedRequest) as refused:
            org.query(query)
        assert refused.value.content[0]["errorCode"] == code


# -- jobs ----------------------------------------------------------------------------------------


def table(text: str) -> dict[str, dict[str, str]]:
    return {one["Ext__c"]: one for one in csv.DictReader(io.StringIO(text, newline=""))}


def test_a_job_is_read_to_the_row(org: Any, sandbox: Sandbox) -> None:
    rows = [{"Ext__c": f"k{n}", "Name": f"N, {n}", "Score__c": str(n)} for n in range(30)]
    rows += [{"Ext__c": "odd", "Name": "O", "Score__c": "many"}]
    (told,) = org.bulk2.Account.upsert(records=rows, external_id_field="Ext__c", wait=0)
    assert (told["numberRecordsTotal"], told["numberRecordsProcessed"]) == (31, 31)
    assert told["numberRecordsFailed"] == 1
    job = told["job_id"]
    good = table(org.bulk2.Account.get_successful_records(job))
    assert set(good) == {f"k{n}" for n in range(30)}
    assert good["k7"]["sf__Created"] == "true"
    assert good["k7"]["Name"] == "N, 7"
    bad = table(org.bulk2.Account.get_failed_records(job))
    assert set(bad) == {"odd"}
    assert bad["odd"]["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")
    assert org.bulk2.Account.get_unprocessed_records(job).count("\n") == 1
    stored = {one["id"]: one["values"] for one in sandbox.records("salesforce", "Account")}
    assert stored[good["k7"]["sf__Id"]]["Score__c"] == 7


def test_files_are_split_and_sent_side_by_side(org: Any, sandbox: Sandbox) -> None:
    rows = [{"Ext__c": f"k{n}", "Name": "N"} for n in range(100)]
    told = org.bulk2.Account.insert(records=rows, batch_size=30, concurrency=3, wait=0)
    assert sorted(one["numberRecordsProcessed"] for one in told) == [10, 30, 30, 30]
    assert len(sandbox.records("salesforce", "Account")) == 100


def test_a_file_with_a_column_that_is_no_field_is_a_failed_job(org: Any) -> None:
    with pytest.raises(SalesforceOperationError, match="Field name not found : Nowhere__c"):
        org.bulk2.Account.upsert(
            records=[{"Ext__c": "a", "Nowhere__c": "x"}], external_id_field="Ext__c", wait=0
        )
