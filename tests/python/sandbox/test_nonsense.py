"""Whatever is sent, the answer is the vendor's refusal or its yes, never a failure of our own."""

from __future__ import annotations

import json
import random
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from salesforce_forms import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 10**400, 1e308, "", " ", "a@b.co", "\u0000", "id", "email"),
    *("\N{GRINNING FACE}", "<b>", "x" * 1000, [], {}, [[]], [None], {"inputs": None}),
]
NAMES = [
    *("inputs", "id", "idProperty", "properties", "objectWriteTraceId", "email", "firstname"),
    *("", "associations", "propertiesWithHistory", "hs_object_id", "v"),
]
PATHS = [
    *(
        f"/crm/v3/objects/contacts/batch/{op}"
        for op in ["upsert", "create", "update", "archive", "read"]
    ),
    "/crm/v3/properties/contacts",
    "/crm/v3/objects/contacts?limit=5&after=9",
    "/oauth/v1/token",
    "/rest/a",
    "/rest/a?mode=append",
    "/rest/a?key=v",
    "/rest/a/k%00%FF",
]


def nonsense(chance: random.Random, names: list[str], depth: int = 0) -> Any:
    if depth > 3 or chance.random() < 0.3:
        return chance.choice(VALUES)
    if chance.random() < 0.3:
        return [nonsense(chance, names, depth + 1) for _ in range(chance.randrange(4))]
    some = [chance.choice(names) for _ in range(chance.randrange(1, 5))]
    return {name: nonsense(chance, names, depth + 1) for name in some}


@pytest.mark.parametrize("seed", range(4))
def test_any_json_gets_an_answer(
    hubspot: Callable[..., Any], rest: Callable[..., Any], seed: int
) -> None:
    chance = random.Random(seed)
    vendors = [hubspot(oauth=None), rest(), hubspot(multi_status="full")]
    for _ in range(1500):
        path = chance.choice(PATHS)
        body = nonsense(chance, NAMES)
        if chance.random() < 0.7:
            body = {"inputs": body if isinstance(body, list) else [body]}
        for vendor in vendors:
            if vendor.vendor.serves(path):
                method = chance.choice(["POST", "POST", "POST", "PUT", "GET", "DELETE"])
                reply = vendor(method, path, json.dumps(body).encode())
                assert 200 <= reply.status < 500
                json.loads(reply.payload() or b"null")


RECORD_NAMES = [
    *("Ext__c", "Name", "Score__c", "Parent", "attributes", "type", "Id", "OwnerId", "Segment__c"),
    *("records", "allOrNone", "Count__c", "Seen_At__c", "Tags__c", "ids", "fields"),
]
ORG = "/services/data/v60.0"
ORG_PATHS = [
    *(f"{ORG}/composite/sobjects", f"{ORG}/composite/sobjects/Account"),
    *(f"{ORG}/composite/sobjects/Account/Ext__c", f"{ORG}/composite/sobjects/Account/Count__c"),
    *(f"{ORG}/composite/sobjects?ids=1,,0015g0000000001", f"{ORG}/sobjects/Account"),
    *(f"{ORG}/sobjects/Account/Ext__c/a", f"{ORG}/sobjects/Account/Seen_At__c/%00"),
    *(f"{ORG}/sobjects/Account/0015g0000000001", f"{ORG}/jobs/ingest", f"{ORG}/limits"),
    "/services/oauth2/token",
]
WORDS = [
    "SELECT",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "ORDER",
    "BY",
    "LIMIT",
    "OFFSET",
    "COUNT()",
    "Id",
    "Name",
    "Ext__c",
    "Score__c",
    "Owner.Name",
    "Account",
    "(",
    ")",
    ",",
    "=",
    "!=",
    "<",
    "'a'",
    "'\\'",
    "5",
    "-1.5",
    "2026-01-31",
    "null",
    "true",
    "ä",
    "%",
]


@pytest.mark.parametrize("unreadable", ["request", "row"])
def test_any_record_gets_an_answer_of_an_org(salesforce: Any, unreadable: str) -> None:
    chance = random.Random(unreadable)
    org = salesforce(fields=FIELDS, unreadable=unreadable)
    typed = {"attributes": {"type": "Account"}}
    accepted = 0
    for _ in range(6000):
        body = nonsense(chance, RECORD_NAMES)
        if chance.random() < 0.8:
            rows = body if isinstance(body, list) else [body]
            body = {"records": [{**one, **typed} if isinstance(one, dict) else one for one in rows]}
        method = chance.choice(["POST", "PATCH", "PATCH", "GET", "DELETE"])
        reply = org(method, chance.choice(ORG_PATHS), json.dumps(body).encode())
        assert 200 <= reply.status < 500
        accepted += reply.status < 300
        json.loads(reply.payload() or b"null")
    assert accepted > 50


def test_any_words_get_an_answer_of_an_org(salesforce: Any) -> None:
    chance = random.Random(7)
    org = salesforce(fields=FIELDS)
    for _ in range(6000):
        words = " ".join(chance.choice(WORDS) for _ in range(chance.randrange(1, 9)))
        if chance.random() < 0.7:
            words = f"SELECT Id FROM Account WHERE {words}"
        reply = org("GET", f"{ORG}/query?{urlencode({'q': words})}")
        assert reply.status in (200, 400)


def test_any_file_gets_a_job_that_ends(salesforce: Any) -> None:
    chance = random.Random(11)
    org = salesforce(fields=FIELDS)
    states = set()
    pieces = [
        *"ab,;\n\r\"' ",
        "Ext__c",
        "Name",
        "Parent.Ext__c",
        "Id",
        "#N/A",
        "\0",
        "\u00e4",
        "Ext__c,Name\n",
    ]
    for _ in range(1500):
        text = "".join(chance.choice(pieces) for _ in range(chance.randrange(12)))
        if chance.random() < 0.8:
            text = f"Ext__c,Name,Parent.Ext__c\n{text}"
        operation = chance.choice(["insert", "update", "upsert", "delete"])
        body = {"object": "Account", "operation": operation}
        if operation == "upsert":
            body["externalIdFieldName"] = chance.choice(["Ext__c", "Id", "Loose__c"])
        job = org("POST", f"{ORG}/jobs/ingest", body).body["id"]
        path = f"{ORG}/jobs/ingest/{job}"
        org("PUT", f"{path}/batches", text.encode(), {"content-type": "text/csv"})
        org("PATCH", path, {"state": "UploadComplete"})
        states.add(org("GET", path).body["state"])
        for which in ("successfulResults", "failedResults", "unprocessedrecords"):
            assert org("GET", f"{path}/{which}").status == 200
    assert states == {"JobComplete", "Failed"}


PROFILE_NAMES = [
    *("data", "type", "id", "attributes", "profiles", "email", "phone_number", "properties"),
    *("meta", "patch_properties", "unset", "append", "relationships", "lists", "metric", "events"),
    *("profile", "location", "events-bulk-create", "name", "time"),
]
PROFILE_PATHS = [
    *("/api/profile-import", "/api/profiles", "/api/profile-bulk-import-jobs", "/api/events"),
    *("/api/event-bulk-create-jobs", "/api/lists", "/api/data-privacy-deletion-jobs"),
    *("/api/lists/XXXXXX/relationships/profiles", "/api/profiles?filter=equals(email,%00)"),
    *("/api/profiles?filter=any(id,[[]])&page[cursor]=%ff", "/api/profiles/x"),
]
TYPES = ["profile", "profile-bulk-import-job", "list", "event", "event-bulk-create-job", "metric"]


@pytest.mark.parametrize("by", ["request", "row"])
def test_any_document_gets_an_answer_of_an_account(klaviyo: Callable[..., Any], by: str) -> None:
    chance = random.Random(by)
    account = klaviyo(bulk_validation=by)
    accepted = 0
    for _ in range(5000):
        body = nonsense(chance, PROFILE_NAMES)
        if chance.random() < 0.8:
            kind = chance.choice([*TYPES, *["profile"] * 6])
            attributes = {"email": "a@acme.test", "properties": {"v": body}}
            if isinstance(body, dict) and chance.random() < 0.7:
                attributes = body
            if kind == "profile-bulk-import-job":
                row = {"type": "profile", "attributes": attributes}
                attributes = {"profiles": {"data": [row, body]}}
            body = {"data": {"type": kind, "attributes": attributes}}
        method = chance.choice(["POST", "POST", "POST", "PATCH", "GET", "DELETE"])
        reply = account(method, chance.choice(PROFILE_PATHS), json.dumps(body).encode())
        assert 200 <= reply.status < 500
        accepted += reply.status < 300 and method == "POST"
        json.loads(reply.payload() or b"null")
    assert accepted > 30


MEMBER_NAMES = [
    *("members", "email_address", "status", "status_if_new", "merge_fields", "RISK", "TIER"),
    *("tags", "vip", "update_existing", "operations", "method", "path", "body", "name", "type"),
    *("ADDRESS", "operation_id", "location"),
]
AUDIENCE = "/3.0/lists/5ab0c1d2e3"
MEMBER = f"{AUDIENCE}/members/{'0' * 32}"
MEMBER_PATHS = [
    *(AUDIENCE, AUDIENCE, f"{AUDIENCE}/members", MEMBER, f"{MEMBER}/tags", "/3.0/batches"),
    *(f"{AUDIENCE}/members/a%40b.co", f"{AUDIENCE}/members/%ff%00", f"{AUDIENCE}/merge-fields"),
    *(f"{MEMBER}/actions/delete-permanent", f"{AUDIENCE}/members?count=2&offset=x", "/3.0/lists/x"),
]


def test_any_member_gets_an_answer_of_an_audience(mailchimp: Callable[..., Any]) -> None:
    chance = random.Random(8)
    fields = {"RISK": "number", "TIER": {"type": "radio", "choices": ["a"]}, "BORN": "birthday"}
    account = mailchimp(lists={"5ab0c1d2e3": {"merge_fields": fields}})
    accepted = 0
    for _ in range(6000):
        body = nonsense(chance, MEMBER_NAMES)
        email, risk = f"{chance.randrange(200)}@b.co", chance.choice([body, 5, ""])
        row = {"email_address": email, "status": "subscribed", "merge_fields": {"RISK": risk}}
        if chance.random() < 0.5:
            body = {"members": [chance.choice([row, body]) for _ in range(chance.randrange(3))]}
        elif chance.random() < 0.4:
            body = row
        elif chance.random() < 0.2:
            one = {"method": "PUT", "path": chance.choice(["", "a%", "//x", MEMBER[4:]])}
            body = {"operations": [{**one, "body": json.dumps(body)}]}
        method = chance.choice(["POST", "POST", "PUT", "PUT", "PATCH", "GET", "DELETE"])
        reply = account(method, chance.choice(MEMBER_PATHS), json.dumps(body).encode())
        assert 200 <= reply.status < 500
        accepted += reply.status < 300 and method in ("POST", "PUT")
        json.loads(reply.payload() or b"null")
    assert accepted > 50


SMALL_NAMES = [
    *("attributes", "events", "purchases", "external_id", "external_ids", "user_alias", "email"),
    *("batch", "type", "action", "identifiers", "id", "name", "users", "userId", "dataFields"),
    *("subscribers", "listId", "eventName", "time", "price", "timestamp", "channel", "text"),
    *("query", "field", "operator", "value", "custom_attributes", "role", "blocks", "pagination"),
]
SMALL_PATHS = {
    "braze": ["/users/track", "/users/delete", "/users/export/ids"],
    "customerio": [
        *("/api/v2/batch", "/api/v2/entity", "/api/v1/customers/a%40b.co"),
        *("/api/v1/customers/x/events", "/api/v1/customers/%ff%00"),
    ],
    "intercom": [
        *("/contacts", "/contacts", "/contacts/search", "/companies", "/data_attributes"),
        *(
            "/contacts/find_by_external_id/%00%ff",
            "/contacts/x/companies",
            "/companies?company_id=",
        ),
    ],
    "slack": [
        *("/api/chat.postMessage", "/api/chat.postMessage", "/services/a", "/api/auth.test"),
        "/api/conversations.list",
    ],
    "iterable": [
        *("/api/users/bulkUpdate", "/api/users/update", "/api/users/a%40b.co"),
        *("/api/lists/subscribe", "/api/lists/unsubscribe", "/api/events/trackBulk"),
    ],
}
SMALL_ROWS: dict[str, Callable[[Any], Any]] = {
    "braze": lambda body: {"attributes": [{"external_id": "a", "v": body}, body]},
    "customerio": lambda body: {
        "batch": [
            {
                "type": "person",
                "action": "identify",
                "identifiers": {"id": "a"},
                "attributes": body,
            },
            body,
        ]
    },
    "intercom": lambda body: {"external_id": "a", "company_id": "a", "query": body, "name": body},
    "slack": lambda body: {"channel": "general", "text": "x", "blocks": body},
    "iterable": lambda body: {"users": [{"email": "a@b.co", "dataFields": {"v": body}}]},
}


@pytest.mark.parametrize("name", SMALL_PATHS)
def test_any_json_gets_an_answer_of_a_smaller_vendor(
    name: str, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(name)
    vendor = request.getfixturevalue(name)()
    accepted = 0
    for _ in range(2500):
        body = nonsense(chance, SMALL_NAMES)
        if chance.random() < 0.6:
            body = SMALL_ROWS[name](body)
        method = chance.choice(["POST", "POST", "POST", "PUT", "GET", "DELETE"])
        reply = vendor(method, chance.choice(SMALL_PATHS[name]), json.dumps(body).encode())
        assert 200 <= reply.status < 500
        accepted += reply.status < 300
        if reply.content_type.startswith("application/json"):
            json.loads(reply.payload() or b"null")
    assert accepted > 50


LEAD_NAMES = [
    *("input", "action", "lookupField", "partitionName", "id", "email", "seats", "code", "seen"),
    *("createOnly", "name", "dataType", "displayName", "company"),
]
LEAD_PATHS = [
    *("/rest/v1/leads.json", "/rest/v1/leads.json", "/rest/v1/leads.json?_method=GET"),
    *("/rest/v1/leads/delete.json", "/rest/v1/leads/delete.json?id=1&id=,", "/bulk/v1/leads.json"),
    *("/rest/v1/leads.json?filterType=id&filterValues=%00,1", "/rest/v1/leads/schema/fields.json"),
    *("/rest/v1/lists/1001/leads.json", "/rest/asset/v1/staticLists.json", "/identity/oauth/token"),
    *("/rest/v1/lists.json?id=,&name=", "/rest/v1/lists/1001/leads/ismember.json?id=1000001"),
]


def test_any_lead_gets_an_answer_of_an_instance(marketo: Callable[..., Any]) -> None:
    chance = random.Random(5)
    fields = {"seats": "integer", "code": {"type": "string", "length": 3}, "seen": "datetime"}
    instance = marketo(fields=fields)
    accepted = 0
    for _ in range(6000):
        body = nonsense(chance, LEAD_NAMES)
        if chance.random() < 0.7:
            rows = body if isinstance(body, list) else [body]
            body = {"input": [one if isinstance(one, dict) else {"id": one} for one in rows]}
        kind = chance.choice(["application/json"] * 8 + ["application/x-www-form-urlencoded"])
        method = chance.choice(["POST", "POST", "POST", "GET", "DELETE"])
        headers = {"content-type": kind}
        reply = instance(method, chance.choice(LEAD_PATHS), json.dumps(body).encode(), headers)
        assert reply.status in (200, 400, 401)
        told = json.loads(reply.payload())
        accepted += told.get("success", False)
    assert accepted > 300


def test_any_file_gets_an_import_that_ends(marketo: Callable[..., Any]) -> None:
    chance = random.Random(6)
    instance = marketo(fields={"seats": "integer"})
    pieces = [*'ab@,;\n\r"\t ', "email", "seats", "NULL", "\0", "\u00e4", "a@b.co,1\n", "--b", "id"]
    states = set()
    form = {"content-type": "multipart/form-data; boundary=b"}
    for _ in range(1500):
        text = "".join(chance.choice(pieces) for _ in range(chance.randrange(12)))
        if chance.random() < 0.8:
            text = f"email,seats\n{text}"
        head = 'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        body = f"--b\r\n{head}{text}\r\n--b--\r\n".encode()
        told = instance("POST", "/bulk/v1/leads.json?format=csv", body, form).body
        if told["success"]:
            path = f"/bulk/v1/leads/batch/{told['result'][0]['batchId']}"
            states.add(instance("GET", f"{path}.json").body["result"][0]["status"])
            for which in ("failures", "warnings"):
                assert instance("GET", f"{path}/{which}.json").status == 200
    assert states == {"Complete", "Failed"}


@pytest.mark.parametrize(
    "line",
    [
        b"GET /crm/v3/objects/\xff\xfe HTTP/1.1",
        b"GET /rest/\xc3\xbc/\xff HTTP/1.1",
        b"GET /rest/a/%ff%00 HTTP/1.1",
        b"GET /?vendor=\xff&object=%ff&q=%ff HTTP/1.1",
        b"GET /__state?log=\xff HTTP/1.1",
        b"DELETE // HTTP/1.1",
        b"GET http://127.0.0.1/rest/a HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"HEAD / HTTP/1.1",
    ],
)
def test_bytes_that_are_no_text_get_an_answer_and_spoil_no_page(start: Any, line: bytes) -> None:
    _, client = start({"limits": "none"})
    head = (
        b"\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\r\nIdempotency-Key: \xff\r\n"
        b"Connection: close\r\n\r\n"
    )
    with socket.create_connection((client.host, client.port), 5) as sock:
        sock.sendall(line + head)
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.")
    assert int(answer.split(b" ")[1]) < 500
    assert client("GET", "/").status == 200
    assert client("GET", "/__state?log=10").status == 200
