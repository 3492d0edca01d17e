"""jsforce gets right answers from Salesforce's sandbox: logins, what there is, one record, queries.

Others wrote that client, for the real thing, so it cannot share our misunderstandings. What is
asserted is what the client returns or throws, and what is stored afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from node_client import Client, ClientError
from salesforce_org import APP, options, stored

from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node_client import Node

LOGIN = 'return client.authorize({grant_type: "client_credentials"})'


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(options()) as running:
        yield running


@pytest.fixture
def org(node: Node, sandbox: Sandbox) -> Client:
    client = node.client("jsforce", APP, url=sandbox.url, secret="s3cret")
    client(LOGIN)
    return client


# -- logins --------------------------------------------------------------------------------------


def test_it_logs_in_by_client_credentials_and_knows_who_it_is(org: Client) -> None:
    told = org("return {user: client.userInfo, identity: await client.identity()}")
    assert told["identity"]["user_id"] == told["user"]["id"]
    assert told["identity"]["organization_id"] == told["user"]["organizationId"]
    assert org("return (await client.request('/services/data')).at(-1).version") >= "60.0"


def test_a_wrong_secret_is_no_login(node: Node, sandbox: Sandbox) -> None:
    client = node.client("jsforce", APP, url=sandbox.url, secret="other")
    with pytest.raises(ClientError) as refused:
        client(LOGIN)
    assert refused.value.name == "invalid_client"


def test_a_session_that_is_unknown_has_expired(node: Node, sandbox: Sandbox) -> None:
    made = "new library.Connection({instanceUrl: url, accessToken: 'old', version: '60.0'})"
    client = node.client("jsforce", made, url=sandbox.url)
    with pytest.raises(ClientError) as refused:
        client("return client.describe('Account')")
    assert refused.value.name == "INVALID_SESSION_ID"


def test_a_session_that_has_ended_is_renewed_by_the_refresh_token(node: Node) -> None:
    made = """
    new library.Connection({
      instanceUrl: url, accessToken: "old", refreshToken: "first", version: "60.0",
      oauth2: {clientId: "app", clientSecret: "s3cret", loginUrl: url},
    })
    """
    with Sandbox(options()) as sandbox:
        client = node.client("jsforce", made, url=sandbox.url)
        assert client("return client.query('SELECT Id FROM Account')")["totalSize"] == 0
        assert client("return client.accessToken") != "old"
        statuses = [one["status"] for one in sandbox.log("salesforce")]
        assert statuses == [401, 200, 200]


def test_a_logout_ends_the_session(node: Node, sandbox: Sandbox, org: Client) -> None:
    token = org("const token = client.accessToken; await client.logout(); return token")
    made = "new library.Connection({instanceUrl: url, accessToken: token, version: '60.0'})"
    client = node.client("jsforce", made, url=sandbox.url, token=token)
    with pytest.raises(ClientError) as refused:
        client("return client.describeGlobal()")
    assert refused.value.name == "INVALID_SESSION_ID"


def test_the_days_calls_are_told_and_run_out(node: Node) -> None:
    with Sandbox(options(limits={"daily": 20, "used": 18})) as sandbox:
        client = node.client("jsforce", APP, url=sandbox.url, secret="s3cret")
        client(LOGIN)
        assert client("return client.limits()")["DailyApiRequests"] == {"Max": 20, "Remaining": 1}
        assert client("return client.limitInfo") == {"apiUsage": {"used": 19, "limit": 20}}
        client("return client.describe('Account')")
        with pytest.raises(ClientError) as refused:
            client("return client.describe('Contact')")
        assert refused.value.name == "REQUEST_LIMIT_EXCEEDED"


# -- what there is -------------------------------------------------------------------------------


def test_it_describes_objects_and_their_fields(org: Client) -> None:
    names = org("return (await client.describeGlobal()).sobjects.map((one) => one.name)")
    assert set(names) >= {"Account", "Contact", "Lead", "Opportunity"}
    described = org("return client.sobject('Account').describe()")
    assert (described["name"], described["keyPrefix"]) == ("Account", "001")
    fields = {one["name"]: one for one in described["fields"]}
    assert (fields["Ext__c"]["externalId"], fields["Ext__c"]["unique"]) == (True, True)
    assert [one["value"] for one in fields["Segment__c"]["picklistValues"]] == ["low", "high"]
    assert fields["OwnerId"]["referenceTo"] == ["User"]
    assert fields["Id"]["updateable"] is False
    with pytest.raises(ClientError) as refused:
        org("return client.describe('Nothing')")
    assert refused.value.name == "NOT_FOUND"


# -- one record ----------------------------------------------------------------------------------


def test_one_record_goes_round(org: Client, sandbox: Sandbox) -> None:
    made = org("return client.sobject('Account').create({Name: 'A', Ext__c: 'a/1', Score__c: 2})")
    assert made["success"] is True
    key = made["id"]
    assert org("return client.sobject('Account').retrieve(key)", key=key)["Score__c"] == 2
    changed = org("return client.sobject('Account').update({Id: key, Score__c: null})", key=key)
    assert changed == {"id": key, "success": True, "errors": []}
    upsert = "return client.sobject('Account').upsert({Ext__c: 'b', Name: name}, 'Ext__c')"
    assert org(upsert, name="B")["created"] is True
    assert org(upsert, name="B2")["created"] is False
    assert {key: one["Name"] for key, one in stored(sandbox).items()} == {"a/1": "A", "b": "B2"}
    assert "Score__c" not in stored(sandbox)["a/1"]
    assert org("return client.sobject('Account').destroy(key)", key=key)["success"] is True
    assert set(stored(sandbox)) == {"b"}
    with pytest.raises(ClientError) as refused:
        org("return client.sobject('Account').retrieve(key)", key=key)
    assert refused.value.name == "ENTITY_IS_DELETED"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"Name": "A", "Nowhere__c": 1}, "INVALID_FIELD"),
        ({"Ext__c": "a"}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "A" * 256}, "STRING_TOO_LONG"),
        ({"Name": "A", "Segment__c": "odd"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"Name": "A", "Score__c": "much"}, "JSON_PARSER_ERROR"),
        ({"Name": "A", "Ext__c": "TAKEN"}, "DUPLICATE_VALUE"),
    ],
)
def test_a_refused_record_is_an_error_with_its_code(
    org: Client, sandbox: Sandbox, record: dict[str, Any], code: str
) -> None:
    org("return client.sobject('Account').create({Name: 'T', Ext__c: 'taken'})")
    with pytest.raises(ClientError) as refused:
        org("return client.sobject('Account').create(record)", record=record)
    assert (refused.value.name, refused.value.fields["errorCode"]) == (code, code)
    assert set(stored(sandbox)) == {"taken"}


def test_an_external_id_of_several_records_names_none_of_them(org: Client) -> None:
    for name in ("A", "B"):
        org("return client.sobject('Account').create({Name: name, Loose__c: 'same'})", name=name)
    with pytest.raises(ClientError) as refused:
        org("return client.sobject('Account').upsert({Loose__c: 'same', Name: 'C'}, 'Loose__c')")
    assert refused.value.name == "MULTIPLE_CHOICES"


# -- queries -------------------------------------------------------------------------------------


def test_a_query_is_read_to_its_end(org: Client) -> None:
    rows = [{"Ext__c": f"k{n}", "Name": f"N{n}", "Score__c": n} for n in range(2200)]
    many = "return client.sobject('Account').create(rows, {allowRecursive: true})"
    assert all(one["success"] for one in org(many, rows=rows))
    page = org("return client.query('SELECT Id FROM Account')")
    assert (page["done"], len(page["records"]), page["totalSize"]) == (False, 2000, 2200)
    rest = org("return client.queryMore(url)", url=page["nextRecordsUrl"])
    assert (rest["done"], len(rest["records"])) == (True, 200)
    walk = """
    const query = client.query("SELECT Ext__c FROM Account ORDER BY Ext__c DESC");
    const whole = await query.execute({autoFetch: true, maxFetch: 5000});
    return whole.records.map((one) => one.Ext__c);
    """
    assert org(walk) == sorted((one["Ext__c"] for one in rows), reverse=True)


def test_records_are_found_by_what_they_hold(org: Client) -> None:
    rows = [{"Ext__c": f"k{n}", "Name": f"O'N {n}", "Score__c": n} for n in range(5)]
    org("return client.sobject('Account').create(rows)", rows=rows)
    find = "return client.sobject('Account').find(wanted, ['Ext__c']).sort('Ext__c')"
    for wanted, names in (
        ({"Name": "O'N 3"}, ["k3"]),
        ({"Ext__c": {"$in": ["K1", "k4", "none"]}}, ["k1", "k4"]),
        ({"Score__c": {"$gte": 3}}, ["k3", "k4"]),
        ({"Score__c": None}, []),
    ):
        assert [one["Ext__c"] for one in org(find, wanted=wanted)] == names
    assert org("return client.sobject('Account').count({Score__c: {$lt: 2}})") == 2


def test_a_wrong_query_says_what_is_wrong(org: Client) -> None:
    wrong = {
        "SELECT Nowhere__c FROM Account": "INVALID_FIELD",
        "SELECT Id FROM Nothing": "INVALID_TYPE",
        "SELECT Id FROM Account WHERE": "MALFORMED_QUERY",
    }
    for query, code in wrong.items():
        with pytest.raises(ClientError) as refused:
            org("return client.query(query)", query=query)
        assert refused.value.name == code
