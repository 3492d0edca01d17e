"""jsforce gets right answers from Salesforce's sandbox: many rows, by collections and by jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from node_client import Client, ClientError
from salesforce_org import APP, options, stored

from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node_client import Node


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(options(limits="none")) as running:
        yield running


@pytest.fixture
def org(node: Node, sandbox: Sandbox) -> Client:
    client = node.client("jsforce", APP, url=sandbox.url, secret="s3cret")
    client('return client.authorize({grant_type: "client_credentials"})')
    return client


# -- collections ---------------------------------------------------------------------------------

UPSERT = "return client.sobject('Account').upsert(rows, 'Ext__c', {allowRecursive: true, ...how})"


def upsert(org: Client, *rows: dict[str, Any], **how: Any) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = org(UPSERT, rows=rows, how=how)
    return results


def codes(results: list[dict[str, Any]]) -> list[str]:
    return ["".join(error["statusCode"] for error in one["errors"]) for one in results]


def test_an_upsert_of_many_is_split_and_answered_in_order(org: Client, sandbox: Sandbox) -> None:
    rows = [{"Ext__c": f"k{n}", "Name": f"Zoë {n}", "Score__c": n / 8} for n in range(450)]
    made = upsert(org, *rows)
    assert all(one["success"] and one["created"] and one["errors"] == [] for one in made)
    paths = [one["path"] for one in sandbox.log("salesforce") if one["method"] == "PATCH"]
    assert len(paths) == 3
    again = upsert(org, {"Ext__c": "K7", "Score__c": None}, {"Ext__c": "k450", "Name": "new"})
    assert [one["created"] for one in again] == [False, True]
    assert again[0]["id"] == made[7]["id"]
    held = stored(sandbox)
    assert len(held) == 451
    assert held["k8"] == {**held["k8"], **rows[8]}
    assert "Score__c" not in held["K7"]


def test_bad_rows_are_told_apart_and_the_others_are_written(org: Client, sandbox: Sandbox) -> None:
    results = upsert(
        org,
        {"Ext__c": "a", "Name": "A"},
        {"Ext__c": "b", "Name": "B" * 256},
        {"Ext__c": "c", "Name": "C", "Segment__c": "odd"},
        {"Ext__c": "d", "Score__c": 1},
        {"Ext__c": "e", "Name": "E"},
        {"Ext__c": "E", "Name": "E"},
    )
    assert codes(results) == [
        "",
        "STRING_TOO_LONG",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "REQUIRED_FIELD_MISSING",
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
    ]
    assert results[1]["errors"][0]["fields"] == ["Name"]
    assert set(stored(sandbox)) == {"a"}


def test_all_or_none_is_none(org: Client, sandbox: Sandbox) -> None:
    results = upsert(org, {"Ext__c": "a", "Name": "A"}, {"Ext__c": "b"}, allOrNone=True)
    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert stored(sandbox) == {}


def test_rows_are_made_changed_read_and_deleted_by_id(org: Client, sandbox: Sandbox) -> None:
    account = "client.sobject('Account')"
    rows = [{"Ext__c": f"k{n}", "Name": f"N{n}"} for n in range(3)]
    made = [one["id"] for one in org(f"return {account}.create(rows)", rows=rows)]
    changes = [{"Id": one, "Name": "changed"} for one in made[:2]]
    changes.append({"Id": "0015g0000000zzzAAA", "Name": "nobody"})
    results = org(f"return {account}.update(changes)", changes=changes)
    assert [one["success"] for one in results] == [True, True, False]
    read = org(f"return {account}.retrieve(ids, {{fields: ['Name']}})", ids=made)
    assert [one["Name"] for one in read] == ["changed", "changed", "N2"]
    gone = org(f"return {account}.destroy(ids)", ids=[made[0], made[0], made[1]])
    assert codes(gone) == ["", "ENTITY_IS_DELETED", ""]
    assert set(stored(sandbox)) == {"k2"}


def test_a_parent_is_named_by_its_external_id(org: Client) -> None:
    rows = [
        {"Ext__c": "p", "Name": "Parent"},
        {"Ext__c": "c", "Name": "Child", "Parent": {"Ext__c": "P"}},
        {"Ext__c": "o", "Name": "Orphan", "Parent": {"Ext__c": "x"}},
    ]
    assert codes(upsert(org, *rows)) == ["", "", "INVALID_FIELD"]
    query = "SELECT Name, Parent.Name FROM Account WHERE Parent.Ext__c = 'p'"
    (child,) = org("return (await client.query(query)).records", query=query)
    assert (child["Name"], child["Parent"]["Name"]) == ("Child", "Parent")


# -- jobs ----------------------------------------------------------------------------------------

LOAD = """
return client.bulk2.loadAndWaitForResults({
  object: "Account", externalIdFieldName: "Ext__c", operation: "upsert", input,
  pollInterval: 20, pollTimeout: 20000, ...how,
})
"""


def load(org: Client, rows: list[dict[str, Any]] | str, **how: Any) -> dict[str, Any]:
    told: dict[str, Any] = org(LOAD, input=rows, how=how)
    return told


def keys(results: list[dict[str, str]]) -> set[str]:
    return {one["Ext__c"] for one in results}


def test_a_job_is_read_to_the_row(org: Client, sandbox: Sandbox) -> None:
    rows = [{"Ext__c": f"k{n}", "Name": f'N, "{n}"\n', "Score__c": str(n)} for n in range(30)]
    told = load(org, [*rows, {"Ext__c": "odd", "Name": "O", "Score__c": "many"}])
    good = {one["Ext__c"]: one for one in told["successfulResults"]}
    assert set(good) == {f"k{n}" for n in range(30)}
    assert [*good] != sorted(good, key=lambda one: int(one[1:])), "results keep no order"
    assert (good["k7"]["sf__Created"], good["k7"]["Name"]) == ("true", 'N, "7"\n')
    (bad,) = told["failedResults"]
    assert (bad["Ext__c"], bad["sf__Id"]) == ("odd", "")
    assert bad["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")
    assert told["unprocessedRecords"] == []
    again = load(org, [{"Ext__c": "k7", "Name": "", "Score__c": "#N/A"}])
    assert again["successfulResults"][0]["sf__Created"] == "false"
    held = stored(sandbox)
    assert len(held) == 30
    assert held["k7"]["Name"] == 'N, "7"\n', "an empty cell leaves what there is"
    assert "Score__c" not in held["k7"]


def test_a_large_file_is_taken_in_one_job(org: Client, sandbox: Sandbox) -> None:
    """jsforce sends it in chunks of no declared length."""
    rows = [{"Ext__c": f"k{n}", "Name": "N" * 200, "Score__c": str(n)} for n in range(4_000)]
    told = load(org, rows)
    assert len(told["successfulResults"]) == len(stored(sandbox)) == 4_000
    uploads = [one for one in sandbox.log("salesforce") if one["method"] == "PUT"]
    assert len(uploads) == 1


def test_records_are_inserted_updated_and_deleted_by_jobs(org: Client, sandbox: Sandbox) -> None:
    none = {"externalIdFieldName": None}
    rows = [{"Ext__c": f"k{n}", "Name": "N"} for n in range(3)]
    made = load(org, rows, operation="insert", **none)["successfulResults"]
    ids = {one["Ext__c"]: one["sf__Id"] for one in made}
    changes = [{"Id": ids["k0"], "Name": "changed"}, {"Id": "0015g0000000zzzAAA", "Name": "x"}]
    told = load(org, changes, operation="update", **none)
    assert [one["sf__Id"] for one in told["successfulResults"]] == [ids["k0"]]
    assert len(told["failedResults"]) == 1
    assert stored(sandbox)["k0"]["Name"] == "changed"
    load(org, [{"Id": ids["k0"]}], operation="delete", **none)
    load(org, [{"Id": ids["k1"]}], operation="hardDelete", **none)
    assert set(stored(sandbox)) == {"k2"}
    scan = "return client.query('SELECT Ext__c FROM Account').execute({scanAll: true})"
    assert keys(org(scan)["records"]) == {"k0", "k2"}, "what was deleted for good is gone"


def test_a_file_with_a_column_that_is_no_field_is_a_failed_job(
    org: Client, sandbox: Sandbox
) -> None:
    with pytest.raises(ClientError, match="InvalidBatch : Field name not found : Nowhere__c"):
        load(org, [{"Ext__c": "a", "Name": "A", "Nowhere__c": "x"}])
    assert stored(sandbox) == {}


def test_a_job_that_breaks_off_tells_what_it_did_and_what_it_did_not(node: Node) -> None:
    fault = {"match": {"op": "upsert"}, "do": "job_failed", "share": 0.5, "times": 1}
    with Sandbox({**options(limits="none"), "faults": [fault]}) as sandbox:
        client = node.client("jsforce", APP, url=sandbox.url, secret="s3cret")
        client('return client.authorize({grant_type: "client_credentials"})')
        told = client("""
        const wanted = {object: "Account", operation: "upsert", externalIdFieldName: "Ext__c"};
        const job = client.bulk2.createJob(wanted);
        await job.open();
        await job.uploadData([0, 1, 2, 3].map((n) => ({Ext__c: `k${n}`, Name: "N"})));
        await job.close();
        const ended = await job.poll(20, 20000).then(() => "", (error) => error.message);
        return {ended, state: job.getInfo().state, sets: await job.getAllResults()};
        """)
        assert told["state"] == "Failed"
        assert told["ended"].startswith("Ingest job failed to complete due to: ")
        done = keys(told["sets"]["successfulResults"])
        assert done == set(stored(sandbox))
        assert keys(told["sets"]["unprocessedRecords"]) == {"k0", "k1", "k2", "k3"} - done
        assert len(done) == 2


def test_a_job_is_opened_aborted_listed_and_deleted(org: Client, sandbox: Sandbox) -> None:
    told = org("""
    const job = client.bulk2.createJob({object: "Account", operation: "insert"});
    const opened = await job.open();
    await job.uploadData("Name\\nA\\n");
    await job.abort();
    return {id: opened.id, opened: opened.state, aborted: job.getInfo().state};
    """)
    assert (told["opened"], told["aborted"]) == ("Open", "Aborted")
    check = "const job = client.bulk2.job('ingest', {id}); "
    assert org(f"{check} return job.check()", id=told["id"])["state"] == "Aborted"
    org(f"{check} await job.delete()", id=told["id"])
    with pytest.raises(ClientError) as refused:
        org(f"{check} return job.check()", id=told["id"])
    assert refused.value.name == "NOT_FOUND"
    assert stored(sandbox) == {}


def test_a_job_for_what_there_is_not_is_refused_at_its_start(org: Client) -> None:
    wrong = [
        ({"object": "Nothing", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Account", "operation": "upsert"}, "INVALIDJOB"),
    ]
    for body, code in wrong:
        with pytest.raises(ClientError) as refused:
            org("return client.bulk2.createJob(body).open()", body=body)
        assert refused.value.name == code
