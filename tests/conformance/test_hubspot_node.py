"""HubSpot's own client for Node gets right answers from the sandbox.

The vendor wrote that client, so it cannot share our misunderstandings. What is asserted is what
the client returns or throws, and what is stored afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from node_client import Client, ClientError

from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node_client import Node

PACKAGE = "@hubspot/api-client"
MADE = "new library.Client({accessToken: token, basePath: url, numberOfApiCallRetries: retries})"
OPTIONS = {
    "tokens": ["pat-1"],
    "limits": "none",
    "properties": {"contacts": {"score": "number"}},
    "objects": {"cars": {"properties": {"vin": {"type": "string", "unique": True}}}},
}


def options(**more: Any) -> dict[str, Any]:
    return {"vendors": {"hubspot": {**OPTIONS, **more}}}


def client_of(node: Node, sandbox: Sandbox, token: str = "pat-1", retries: int = 0) -> Client:
    return node.client(PACKAGE, MADE, url=sandbox.url, token=token, retries=retries)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(options()) as running:
        yield running


@pytest.fixture
def account(node: Node, sandbox: Sandbox) -> Client:
    return client_of(node, sandbox)


def emails(sandbox: Sandbox) -> list[str]:
    return [one["values"]["email"] for one in sandbox.records("hubspot", "contacts")]


def row(email: str, trace: str = "", /, **properties: str) -> dict[str, Any]:
    one = {"id": email, "idProperty": "email", "properties": properties}
    return {**one, "objectWriteTraceId": trace} if trace else one


UPSERT = """
const answer = await client.crm.contacts.batchApi.upsert({inputs});
return {type: answer.constructor.name, dated: answer.completedAt instanceof Date, ...answer};
"""


def upsert(client: Client, *rows: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = client(UPSERT, inputs=rows)
    return answer


# -- batches -------------------------------------------------------------------------------------


def test_an_upsert_of_good_rows_is_a_complete_batch(account: Client, sandbox: Sandbox) -> None:
    rows = [row(f"U{n}@example.com", f"row-{n}", firstname=f"Zoë {n}") for n in range(100)]
    answer = upsert(account, *rows)
    assert answer["type"] == "BatchResponseSimplePublicUpsertObject"
    assert (answer["status"], answer["dated"]) == ("COMPLETE", True)
    results = {one["objectWriteTraceId"]: one for one in answer["results"]}
    assert [*results] != [f"row-{n}" for n in range(100)], "results keep no order"
    for n in range(100):
        one = results[f"row-{n}"]
        assert (one["_new"], one["properties"]["firstname"]) == (True, f"Zoë {n}")
    assert sorted(emails(sandbox)) == sorted(one["id"].lower() for one in rows)
    assert upsert(account, rows[0])["results"][0]["_new"] is False


def test_a_bad_row_makes_a_batch_with_errors(account: Client, sandbox: Sandbox) -> None:
    answer = upsert(
        account,
        row("a@example.com", "1", score="1"),
        row("b@example.com", "2", score="many"),
        row("c@example.com", "3", score="3"),
    )
    assert answer["type"] == "BatchResponseSimplePublicUpsertObjectWithErrors"
    assert (answer["status"], answer["numErrors"]) == ("COMPLETE", 1)
    assert {one["objectWriteTraceId"] for one in answer["results"]} == {"1", "3"}
    (error,) = answer["errors"]
    assert (error["status"], error["category"]) == ("error", "VALIDATION_ERROR")
    assert error["context"] == {"objectWriteTraceId": ["2"]}
    assert emails(sandbox) == ["a@example.com", "c@example.com"]


@pytest.mark.parametrize(
    "rows",
    [
        [row("a@example.com", nowhere="1")],
        [row("a@example.com"), row("A@example.com")],
        [row(f"u{n}@example.com") for n in range(101)],
    ],
)
def test_a_batch_that_cannot_be_meant_is_refused_whole(
    account: Client, sandbox: Sandbox, rows: list[dict[str, Any]]
) -> None:
    with pytest.raises(ClientError) as refused:
        upsert(account, *rows)
    assert (refused.value.kind, refused.value.fields["code"]) == ("ApiException", 400)
    assert refused.value.fields["body"]["category"] == "VALIDATION_ERROR"
    assert emails(sandbox) == []


def test_create_read_update_and_archive_go_round(account: Client, sandbox: Sandbox) -> None:
    batches = "client.crm.contacts.batchApi"
    create = f"return {batches}.create({{inputs: [{{properties, associations: []}}]}})"
    new = {"email": "a@example.com", "firstname": "Ada"}
    (made,) = account(create, properties=new)["results"]
    with pytest.raises(ClientError) as refused:
        account(create, properties=new)
    assert (refused.value.fields["code"], refused.value.fields["body"]["category"]) == (
        409,
        "CONFLICT",
    )
    assert made["id"] in refused.value.fields["body"]["message"]
    change = {"id": made["id"], "properties": {"firstname": "", "score": "7"}}
    account(f"return {batches}.update({{inputs: [change]}})", change=change)
    read = f"""
    return {batches}.read({{
      inputs: [{{id: "A@EXAMPLE.com"}}, {{id: "nobody@example.com"}}], idProperty: "email",
      properties: ["firstname", "score"], propertiesWithHistory: [],
    }})
    """
    answer = account(read)
    assert [one["id"] for one in answer["results"]] == [made["id"]]
    assert answer["results"][0]["properties"]["firstname"] is None
    assert answer["results"][0]["properties"]["score"] == "7"
    assert answer["numErrors"] == 1
    account(f"return {batches}.archive({{inputs: [{{id}}]}})", id=made["id"])
    assert emails(sandbox) == []


def test_one_record_goes_round(account: Client, sandbox: Sandbox) -> None:
    basic = "client.crm.contacts.basicApi"
    create = f"return {basic}.create({{properties, associations: []}})"
    made = account(create, properties={"email": "Ada@Example.com", "score": "7"})
    assert (made["properties"]["email"], made["archived"]) == ("ada@example.com", False)
    by_email = f"return {basic}.getById(email, names, undefined, undefined, false, 'email')"
    found = account(by_email, email="ADA@example.com", names=["score", "firstname"])
    assert found["id"] == made["id"]
    assert (found["properties"]["score"], found["properties"]["firstname"]) == ("7", None)
    update = f"return {basic}.update(id, {{properties}})"
    account(update, id=made["id"], properties={"score": "", "firstname": "Ada"})
    (held,) = sandbox.records("hubspot", "contacts")
    assert (held["values"]["firstname"], "score" in held["values"]) == ("Ada", False)
    account(f"await {basic}.archive(id)", id=made["id"])
    assert emails(sandbox) == []
    for program in (f"return {basic}.getById(id)", update):
        with pytest.raises(ClientError) as refused:
            account(program, id=made["id"], properties={})
        assert refused.value.fields["code"] == 404
        assert refused.value.fields["body"]["category"] == "OBJECT_NOT_FOUND"


@pytest.mark.parametrize(
    ("properties", "code", "category"),
    [
        ({"email": "taken@example.com"}, 409, "CONFLICT"),
        ({"email": "a@example.com", "score": "many"}, 400, "VALIDATION_ERROR"),
        ({"email": "a@example.com", "nowhere": "1"}, 400, "VALIDATION_ERROR"),
    ],
)
def test_a_record_that_is_refused_is_an_error(
    account: Client, sandbox: Sandbox, properties: dict[str, str], code: int, category: str
) -> None:
    upsert(account, row("taken@example.com"))
    create = "return client.crm.contacts.basicApi.create({properties, associations: []})"
    with pytest.raises(ClientError) as refused:
        account(create, properties=properties)
    assert refused.value.fields["code"] == code
    assert refused.value.fields["body"]["category"] == category
    assert emails(sandbox) == ["taken@example.com"]


def test_an_object_of_the_accounts_own_is_upserted(account: Client, sandbox: Sandbox) -> None:
    inputs = [{"id": f"V{n}", "idProperty": "vin", "properties": {}} for n in range(3)]
    upserted = "return client.crm.objects.batchApi.upsert('cars', {inputs})"
    answer = account(upserted, inputs=inputs)
    assert {one["properties"]["vin"] for one in answer["results"]} == {"V0", "V1", "V2"}
    assert len(sandbox.records("hubspot", "cars")) == 3
    with pytest.raises(ClientError) as refused:
        account("return client.crm.objects.batchApi.upsert('boats', {inputs})", inputs=inputs)
    assert refused.value.fields["code"] in (400, 404)


# -- reading -------------------------------------------------------------------------------------


def test_all_records_are_walked_page_by_page(account: Client) -> None:
    upsert(account, *[row(f"u{n}@example.com", score=str(n)) for n in range(100)])
    upsert(account, *[row(f"v{n}@example.com") for n in range(30)])
    every = account("return client.crm.contacts.getAll(50, undefined, ['email', 'score'])")
    assert len({one["properties"]["email"] for one in every}) == len(every) == 130
    assert {one["properties"]["score"] for one in every} == {None, *map(str, range(100))}


def test_properties_are_listed_and_made(account: Client) -> None:
    core = "client.crm.properties.coreApi"
    listed = {one["name"]: one for one in account(f"return {core}.getAll('contacts')")["results"]}
    assert (listed["score"]["type"], listed["score"]["fieldType"]) == ("number", "number")
    assert listed["email"]["hasUniqueValue"] is True
    new = {
        "name": "risk",
        "label": "Risk",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "contactinformation",
        "options": [{"label": "High", "value": "high", "hidden": False, "displayOrder": 0}],
    }
    create = f"return {core}.create('contacts', property)"
    assert account(create, property=new)["name"] == "risk"
    with pytest.raises(ClientError) as refused:
        account(create, property=new)
    assert refused.value.fields["code"] == 409
    shown = account(f"return {core}.getByName('contacts', 'risk')")
    assert [one["value"] for one in shown["options"]] == ["high"]
    answer = upsert(account, row("a@example.com", "1", risk="low"))
    assert "was not one of the allowed options: [high]" in answer["errors"][0]["message"]
    with pytest.raises(ClientError) as refused:
        account(f"return {core}.getByName('contacts', 'nothing')")
    assert refused.value.fields["code"] == 404


# -- logins and limits ---------------------------------------------------------------------------


def test_a_wrong_token_is_a_401(node: Node, sandbox: Sandbox) -> None:
    with pytest.raises(ClientError) as refused:
        upsert(client_of(node, sandbox, "pat-2"), row("a@example.com"))
    assert refused.value.fields["code"] == 401
    assert refused.value.fields["body"]["category"] == "INVALID_AUTHENTICATION"


def test_an_app_logs_in_by_its_refresh_token(node: Node) -> None:
    oauth = {"client_id": "app", "client_secret": "s3cret", "refresh_token": "r1"}
    with Sandbox(options(oauth=oauth, tokens=[])) as sandbox:
        client = client_of(node, sandbox, "none")
        create = "client.oauth.tokensApi.create('refresh_token', undefined, undefined, 'app'"
        told = client(f"return {create}, 's3cret', 'r1')")
        assert (told["tokenType"], told["refreshToken"]) == ("bearer", "r1")
        assert told["expiresIn"] > 0
        upsert(client_of(node, sandbox, told["accessToken"]), row("a@example.com"))
        assert emails(sandbox) == ["a@example.com"]
        with pytest.raises(ClientError) as refused:
            client(f"return {create}, 's3cret', 'other')")
        assert refused.value.fields["code"] == 400


def test_a_limit_is_a_429_with_its_policy_and_headers(node: Node) -> None:
    limits = {"max": 3, "interval_ms": 60_000, "daily": 1000}
    with Sandbox(options(limits=limits)) as sandbox:
        client = client_of(node, sandbox)
        for n in range(3):
            upsert(client, row(f"u{n}@example.com"))
        with pytest.raises(ClientError) as refused:
            upsert(client, row("late@example.com"))
        assert refused.value.fields["code"] == 429
        assert refused.value.fields["body"]["policyName"] == "TEN_SECONDLY_ROLLING"
        assert refused.value.fields["headers"]["x-hubspot-ratelimit-remaining"] == "0"
        assert len(emails(sandbox)) == 3


def test_the_client_sends_again_what_a_server_error_met(node: Node) -> None:
    fault = {"match": {"op": "upsert"}, "do": "503", "times": 1}
    with Sandbox({**options(), "faults": [fault]}) as sandbox:
        answer = upsert(client_of(node, sandbox, retries=2), row("a@example.com", "1"))
        assert answer["results"][0]["objectWriteTraceId"] == "1"
        assert emails(sandbox) == ["a@example.com"]
        assert [one["status"] for one in sandbox.log("hubspot")] == [503, 200]
