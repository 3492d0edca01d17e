"""Each type of connection: what it takes, and the core's form of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tailrace.connections.base import Destination, HttpDestination, OwnWarehouse, Wanted
from tailrace.connections.registry import NOT_OFFERED, TYPES
from tailrace.connections.resolving import resolve
from tailrace.spec.document import read_document
from tailrace.spec.validation import expand_section, validate

if TYPE_CHECKING:
    from tailrace.errors import Problem

HUBSPOT = """\
type: hubspot
base_url: http://127.0.0.1:8080/hubspot
auth: {token: "${env:TOKEN}"}
"""
REST = """\
type: rest
base_url: https://api.example.com
auth: {bearer: "${env:TOKEN}"}
headers: {X-Tenant: "7"}
objects:
  accounts:
    path: /accounts
    batch_rows: 100
    body: {inputs: $rows}
    results: {path: errors, key: key, status: status}
    delete: {path: "/accounts/{key}"}
  notes: {method: PUT, path: "/notes/{key}", body: object}
"""

MODES = """\
type: rest
base_url: https://api.example.com
objects:
  people:
    path: /people
    update: {method: PATCH, missing: [404, NOT_FOUND]}
    insert: {path: /people/new, batch_rows: 50, exists: 422}
    delete: {path: "/people/{key}"}
    archive: {path: "/people/{key}/archive", body: {id: $key}}
    clear: {method: PATCH}
    read: {path: "/people/{match}", all: {path: "/people?limit=100", link: next}}
  events: {insert: {path: /events}, idempotency: {ttl: 24h}}
"""


def read(text: str, **environment: str) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []
    section = read_document(text.encode(), "tailrace.yml").section()
    expanded = expand_section(section, environment, Counter(), problems)
    return validate(TYPES[expanded.value["type"]], expanded, problems), problems


def made(text: str) -> Destination:
    connection, problems = read(text, TOKEN="t-1")
    assert not problems
    assert isinstance(connection, Destination)
    return connection


def resolved(text: str, token: str = "t-1") -> dict[str, Any]:
    connection, problems = read(text, TOKEN=token)
    assert not problems
    return resolve(connection.core_dict("crm"), {})


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


MARKETO = """\
type: marketo
base_url: https://123-ABC-456.mktorest.com/rest
auth: {client_id: app, client_secret: "${env:TOKEN}"}
"""


def test_marketo_asks_for_its_token_in_the_address_and_not_before_the_old_one_ends() -> None:
    core = resolved(MARKETO)
    assert core["base_url"] == "https://123-ABC-456.mktorest.com".lower()
    assert core["auth"] == {
        "oauth2": {
            "grant": "client_credentials",
            "token_url": f"{core['base_url']}/identity/oauth/token",
            "client_id": "app",
            "client_secret": "t-1",
            "client_auth": "query",
            "ahead_s": 0,
        }
    }
    assert core["account"] == f"marketo:{core['base_url']}", "a new login is the same account"
    assert core["api"] == "auto"
    assert "partition" not in core
    more = resolved(
        f"{MARKETO}api: bulk\nresend_after: 1m\nmax_jobs: 2\njob_rows: 500\npartition: Europe\n"
    )
    assert (more["api"], more["resend_after_s"], more["max_jobs"]) == ("bulk", 60, 2)
    assert more["job_rows"] == 500
    assert more["partition"] == "Europe"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (MARKETO.replace("client_id: app, ", ""), "client_id and client_secret are needed"),
        (MARKETO.replace("{client_id", "{token: t, client_id"), "either client_id"),
        (f"{MARKETO}max_jobs: 11\n", "10"),
        (f"{MARKETO}daily_quota: 0\n", "1"),
        (f"{MARKETO}api: soap\n", "'leads'"),
        (f"{MARKETO}job_rows: 500\n", "job_rows is 10,000 at least"),
        (f"{MARKETO}job_rows: 20_000\napi: leads\n", "api is auto or bulk"),
    ],
)
def test_what_marketo_does_not_take_is_said(text: str, part: str) -> None:
    connection, problems = read(text, TOKEN="t-1")
    assert connection is None
    assert part in problems[0].message


def test_hubspot_has_its_own_address() -> None:
    connection = made('type: hubspot\nauth: {token: "${env:TOKEN}"}\n')
    assert connection.core_dict("crm")["base_url"] == "https://api.hubapi.com"


def test_the_core_gets_secrets_and_defaults() -> None:
    connection = resolved(HUBSPOT + "tier: starter\ntimeout: 5s\nmax_in_flight: 4\n")
    assert connection["auth"] == {"token": "t-1"}
    assert connection["name"] == "crm"
    assert connection["tier"] == "starter"
    assert (connection["timeout_s"], connection["max_in_flight"]) == (5, 4)
    assert connection["ca_file"] == ""
    plain = resolved(HUBSPOT)
    assert (plain["timeout_s"], plain["max_in_flight"]) == (60, None)
    assert "tier" not in plain


def test_the_account_is_the_address_and_no_secret() -> None:
    first = resolved(HUBSPOT)["account"]
    assert first == "hubspot:http://127.0.0.1:8080/hubspot"
    assert resolved(HUBSPOT, "t-2")["account"] == first
    assert resolved(HUBSPOT.replace("8080", "8081"))["account"] != first
    named = HUBSPOT + "account: hub-4711\n"
    assert resolved(named)["account"] == resolved(named, "t-2")["account"] == "hub-4711"


def test_an_account_was_known_by_a_mark_of_its_token_before() -> None:
    (former,) = resolved(HUBSPOT)["account_was"]
    assert former == f"{resolved(HUBSPOT)['account']}#{sha256(b'token' + bytes(1) + b't-1')[:8]}"
    assert resolved(HUBSPOT, "t-2")["account_was"] != [former]
    # The name is another now, the token is what it was; the new rule's name may be somebody else's.
    assert resolved(HUBSPOT + "account: hub-4711\n")["account_was"] == [former]


def test_where_the_login_has_a_public_part_the_account_is_what_it_was() -> None:
    text = REST.replace('bearer: "${env:TOKEN}"', 'basic: {user: ann, password: "${env:TOKEN}"}')
    assert resolved(text)["account"] == f"rest:https://api.example.com#{sha256(b'ann')[:8]}"
    for one in (text, text + "account: mine\n", REST.replace("auth:", "#auth:")):
        assert resolved(one)["account_was"] == []


def test_the_account_of_a_user_stays_with_a_new_password() -> None:
    text = REST.replace('bearer: "${env:TOKEN}"', 'basic: {user: ann, password: "${env:TOKEN}"}')
    assert resolved(text)["account"] == resolved(text, "t-2")["account"]
    assert resolved(text.replace("ann", "bob"))["account"] != resolved(text)["account"]


def test_no_login_at_all_is_an_account_too() -> None:
    text = REST.replace('auth: {bearer: "${env:TOKEN}"}\n', "")
    assert resolved(text)["account"] == "rest:https://api.example.com"
    assert resolved(text)["auth"] == {}


@pytest.mark.parametrize(
    ("auth", "core"),
    [
        ('{bearer: "${env:TOKEN}"}', {"bearer": "t-1"}),
        ("{basic: {user: u, password: p}}", {"basic": {"user": "u", "password": "p"}}),
        ("{header: {name: X-Key, value: v}}", {"header": {"name": "X-Key", "value": "v"}}),
    ],
)
def test_rest_logs_in_in_three_ways(auth: str, core: dict[str, Any]) -> None:
    assert resolved(REST.replace('{bearer: "${env:TOKEN}"}', auth))["auth"] == core


def test_rest_objects_go_to_the_core_as_they_stand() -> None:
    connection = made(REST)
    assert connection.object_dict("accounts") == {
        "name": "accounts",
        "path": "/accounts",
        "batch_rows": 100,
        "body": {"inputs": "$rows"},
        "results": {"form": "errors_only", "path": "errors", "key": "key", "status": "status"},
        "delete": {"path": "/accounts/{key}"},
    }


def test_limits_are_the_core_s() -> None:
    connection = resolved(REST + "limits: [{requests: 190, per: 10s}]\nallow_private: true\n")
    assert connection["limits"] == [{"requests": 190, "per_s": 10}]
    assert connection["allow_private"] is True


def test_a_limit_of_requests_at_once_stands_alone_or_beside_one_in_time() -> None:
    text = "limits: [{requests: 190, per: 10s, concurrent: 4}, {concurrent: 9}]\n"
    assert resolved(REST + text)["limits"] == [
        {"requests": 190, "per_s": 10, "concurrent": 4},
        {"concurrent": 9},
    ]


@pytest.mark.parametrize(
    ("text", "core"),
    [
        ("60%", {"value": 60, "percent": True}),
        ("5000", {"value": 5000, "percent": False}),
    ],
)
def test_calls_of_a_day_are_a_share_or_a_number(text: str, core: dict[str, Any]) -> None:
    assert resolved(HUBSPOT + f"daily_calls: {text}\n")["daily_calls"] == core
    assert resolved(HUBSPOT)["daily_calls"] is None


def test_deadlines_and_packing_go_to_the_core() -> None:
    text = "timeout: 10m\nidle_timeout: 20s\ngzip: true\n"
    connection = resolved(REST + text)
    assert connection["timeout_s"] == 600
    assert connection["idle_timeout_s"] == 20
    assert connection["gzip"] is True
    plain = resolved(REST)
    assert plain["idle_timeout_s"] == 60
    assert "gzip" not in plain


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        (HUBSPOT.replace("127.0.0.1", "10.1.2.3"), 2, "base_url", "loopback"),
        (HUBSPOT.replace("token", "tokn"), 3, "auth.tokn", "did you mean 'token'?"),
        (HUBSPOT.replace('"${env:TOKEN}"', '""'), 3, "auth.token", "is empty"),
        (HUBSPOT.replace('"${env:TOKEN}"', '"a\\nb"'), 3, "auth.token", "control character"),
        (HUBSPOT.replace("${env:TOKEN}", "${env:NONE}"), 3, "auth.token", "NONE is not set"),
        (HUBSPOT + "tier: gold", 4, "tier", "must be 'free'"),
        (HUBSPOT + "max_in_flight: 0", 4, "max_in_flight", "greater than or equal to 1"),
        (HUBSPOT + "max_in_flight: many", 4, "max_in_flight", "whole number"),
        (HUBSPOT + "timeout: soon", 4, "timeout", "not a duration"),
        (HUBSPOT + "timeout: 0", 4, "timeout", "longer than nothing"),
        (HUBSPOT + "daily_calls: 0", 4, "daily_calls", "above 0"),
        (HUBSPOT + "daily_calls: 160%", 4, "daily_calls", "more than 100%"),
        (HUBSPOT + "idle_timeout: 0", 4, "idle_timeout", "longer than nothing"),
        (HUBSPOT + "limits: [{requests: 5}]", 4, "limits[0]", "go together"),
        (HUBSPOT + "limits: [{}]", 4, "limits[0]", "needs requests and per"),
        (REST.replace("X-Tenant", "Authorization"), 4, "headers.Authorization", "set by the"),
        (REST.replace("X-Tenant", '"X Tenant"'), 4, "headers.X Tenant", "no name of a header"),
        (
            REST.replace("path: /accounts", "path: accounts"),
            7,
            "objects.accounts.path",
            "one slash",
        ),
        (REST.replace("path: /accounts", "path: //evil.com"), 7, "objects.accounts.path", "slash"),
        (
            REST.replace("/notes/{key}", "/notes/{number}"),
            12,
            "objects.notes.path",
            "{key}, {match} and {id}",
        ),
        (REST.replace("{inputs: $rows}", "{a: b}"), 9, "objects.accounts.body", "$rows or $row"),
        (REST.replace("{inputs: $rows}", "[$rows, $rows]"), 9, "objects.accounts.body", "once"),
        (
            REST.replace("body: object", "body: {a: $row}, row: [$row]"),
            12,
            "objects.notes",
            "`row` goes",
        ),
        (REST.replace("body: object", "batch_rows: 2"), 12, "objects.notes", "path names one row"),
        (
            REST.replace("body: object", "statuses: {700: retry}"),
            12,
            "objects.notes.statuses",
            "700",
        ),
        (
            REST.replace("body: object", "statuses: {503: accepted}"),
            12,
            "objects.notes.statuses",
            "server",
        ),
        (
            REST.replace("body: object", "statuses: {409: odd}"),
            12,
            "objects.notes.statuses.409",
            "'split'",
        ),
        (
            REST.replace("/notes/{key}", "/a/../{key}"),
            12,
            "objects.notes.path",
            "no place in a path",
        ),
        (
            REST.replace("key: key", "kee: key"),
            10,
            "objects.accounts.results.kee",
            "did you mean 'key'",
        ),
        (REST.replace(", key: key", ""), 10, "objects.accounts.results", "`key` or `index`"),
        (
            REST.replace("key: key", "form: list, count: n"),
            10,
            "objects.accounts.results",
            "form: list",
        ),
        (
            REST.replace('path: "/accounts/{key}"', 'path: "/accounts"'),
            11,
            "objects.accounts.delete.path",
            "must hold",
        ),
        (
            REST.replace("body: object", "body: object, batch_rows: 5"),
            12,
            "objects.notes",
            "one row",
        ),
        (
            MODES.replace("  people:\n    path: /people\n", "  people:\n"),
            4,
            "objects.people",
            "needs",
        ),
        (
            MODES.replace("insert: {path: /events}, ", ""),
            12,
            "objects.events",
            "needs `path`, or an",
        ),
        (
            MODES.replace("{match}", "{key}"),
            11,
            "objects.people.read.path",
            "must hold {match}, and no {key}",
        ),
        (MODES.replace("link: next", "cursor: next"), 11, "objects.people.read.all", "go together"),
        *(
            (
                MODES.replace("    clear:", f"    describe: {{{told}}}\n    clear:"),
                10,
                f"objects.people.describe{where}",
                said,
            )
            for told, where, said in (
                ("results: data", ".path", "missing"),
                ('path: "/f/{match}"', ".path", "no placeholder"),
                ("path: /f, takes: {int: numbers}", ".takes.int", "'whole_number'"),
                ("path: /f, naem: x", ".naem", "name"),
                ("path: /f, makes: maybe", ".makes", "true or false"),
                ("path: /f, standard: [5]", ".standard[0]", "text"),
            )
        ),
        (MODES.replace("objects:", "owner: {path: /me}\nobjects:"), 3, "owner.id", "missing"),
        (MODES.replace("objects:", "owner: {path: me, id: x}\nobjects:"), 3, "owner.path", "slash"),
        *(
            (MODES.replace('read: {path: "/people/{match}"', f"read: {{{read}"), 11, where, said)
            for read, where, said in (
                ("path: /find", "objects.people.read", "needs {match} in its path, or $matches"),
                ("path: /find, body: {a: $rows}", "objects.people.read.body", "$matches"),
                ("path: /find, body: {a: $matches}", "objects.people.read", "`results` says where"),
                ('path: "/a/{id}"', "objects.people.read.path", "holds {id}"),
                ('path: "/a/{match}", batch_rows: 2', "objects.people.read", "must be 1"),
                ('path: "/a/{match}", method: PUT', "objects.people.read.method", "'GET'"),
                ('path: "/a/{match}", cut: next', "objects.people.read", "goes with `results`"),
                (
                    'path: "/{match}", results: r, or_empty: true',
                    "objects.people.read",
                    "empty list",
                ),
                (
                    'path: "/{match}", limits: [{requests: 5}]',
                    "objects.people.read.limits[0]",
                    "per",
                ),
                ('path: "/{match}", paths: {a: 5}', "objects.people.read.paths.a", "text"),
                ("hidden: [a]", "objects.people.read", "`hidden` goes with a path"),
            )
        ),
        (
            MODES.replace("/people/{key}/archive", "/people/archive"),
            9,
            "objects.people.archive.path",
            "must hold {key}, {match} or {id}",
        ),
        (
            MODES.replace("exists: 422", "exists: [[1]]"),
            7,
            "objects.people.insert.exists",
            "must be statuses and codes",
        ),
        (
            MODES.replace("ttl: 24h", "ttl: 24h, header: 'a b'"),
            12,
            "objects.events.idempotency.header",
            "no name of a header",
        ),
        (
            MODES.replace("{insert: {path: /events}", "{batch_rows: 3, insert: {path: /events}"),
            12,
            "objects.events",
            "`batch_rows` goes with a path",
        ),
        (REST.replace("method: PUT", "method: GET"), 12, "objects.notes.method", "must be 'POST'"),
        (
            REST.replace("batch_rows: 100", "batch_rws: 5"),
            8,
            "objects.accounts.batch_rws",
            "batch_rows",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(text: str, line: int, key: str, said: str) -> None:
    _, problems = read(text, TOKEN="t-1")
    (problem,) = (one for one in problems if one.key == key)
    assert problem.line == line
    assert said in problem.message
    assert problem.file == "tailrace.yml"


@pytest.mark.parametrize(
    ("text", "wanted", "path", "said"),
    [
        (REST, Wanted("notes", "append"), ("mode",), "as it is declared; it does upsert"),
        (REST, Wanted("accounts", "update"), ("mode",), "declared; it does mirror, upsert"),
        (REST, Wanted("notes", on_removed="archive"), ("on_removed",), "on_removed: archive is"),
        (REST, Wanted("notes", changed_fields=True), ("send",), "which writes whole records"),
        (
            HUBSPOT,
            Wanted("contacts", "insert", insert_safety="idempotency_key"),
            ("insert_safety",),
            "it does duplicate_ok, park, read_back",
        ),
        (HUBSPOT, Wanted("list:vip"), ("object",), "list: and the number in the list's address"),
        (HUBSPOT, Wanted("list:12", "insert"), ("mode",), "it does mirror, update, upsert"),
        (HUBSPOT, Wanted("list:12", create_fields=True), ("create_fields",), "for 'list:12'"),
        (HUBSPOT, Wanted("p1_cars", create_fields=True), ("create_fields",), "is not offered by"),
        (REST, Wanted("notes", create_fields=True), ("create_fields",), "in the tool itself"),
        (HUBSPOT, Wanted("a/b"), ("object",), "not the name"),
        (REST, Wanted("acounts"), ("object",), "did you mean 'accounts'?"),
        (REST, Wanted("notes", "mirror", "delete"), ("mode",), "mode: mirror is not offered by"),
        (REST, Wanted("notes", "upsert", "delete"), ("on_removed",), "it does ignore"),
        (
            MODES,
            Wanted("events", "insert", insert_safety="read_back"),
            ("insert_safety",),
            "it does duplicate_ok, idempotency_key, park",
        ),
        (MODES, Wanted("events", "upsert"), ("mode",), "it does append, insert"),
    ],
)
def test_what_a_destination_cannot_do_is_told(
    text: str, wanted: Wanted, path: tuple[str, ...], said: str
) -> None:
    refused = list(made(text).refusals(wanted))
    assert [one[0] for one in refused] == [path]
    assert said in refused[0][1]


def test_what_a_destination_can_do_is_let_through() -> None:
    for mode in ("upsert", "update", "insert", "append", "mirror"):
        assert not list(made(HUBSPOT).refusals(Wanted("contacts", mode)))
    for removed in ("ignore", "delete", "archive", "clear"):
        wanted = Wanted("contacts", on_removed=removed, changed_fields=True)
        assert not list(made(HUBSPOT).refusals(wanted))
    assert not list(made(REST).refusals(Wanted("accounts", "upsert", "delete")))
    for mode in ("upsert", "update", "insert", "append", "mirror"):
        for removed in ("ignore", "delete", "archive", "clear"):
            wanted = Wanted("people", mode, removed, "read_back", changed_fields=True)
            assert not list(made(MODES).refusals(wanted))


def test_every_operation_that_is_declared_goes_to_the_core() -> None:
    people = made(MODES).object_dict("people")
    assert people["update"] == {"method": "PATCH", "missing": ["404", "NOT_FOUND"]}
    assert people["insert"] == {"path": "/people/new", "batch_rows": 50, "exists": ["422"]}
    assert people["archive"] == {"path": "/people/{key}/archive", "body": {"id": "$key"}}
    assert people["read"]["all"] == {"path": "/people?limit=100", "link": "next"}
    events = made(MODES).object_dict("events")
    assert events["idempotency"] == {"header": "Idempotency-Key", "ttl_s": 86400.0}
    assert "path" not in events
    assert "batch_rows" not in events


def test_no_type_is_both_offered_and_not() -> None:
    assert not NOT_OFFERED & set(TYPES)


def test_every_member_of_a_declaration_goes_through() -> None:
    text = REST.replace(
        "body: object",
        "body: {record: $row, id: $key}, batch_bytes: 1000, idempotent: true, numbers: string, "
        "clear_as: empty_text, answer: json, statuses: {409: rejected}",
    )
    assert made(text).object_dict("notes") == {
        "name": "notes",
        "method": "PUT",
        "path": "/notes/{key}",
        "batch_bytes": 1000,
        "body": {"record": "$row", "id": "$key"},
        "idempotent": True,
        "numbers": "string",
        "clear_as": "empty_text",
        "answer": "json",
        "statuses": {"409": "rejected"},
    }


def test_a_connection_without_what_its_kind_needs_cannot_be_made() -> None:
    for kind in (HttpDestination, OwnWarehouse):
        with pytest.raises(TypeError, match="abstract"):
            kind(type="x")


def test_a_clear_without_a_path_goes_where_the_update_goes() -> None:
    declared = '{update: {path: "/people/{key}"}, clear: {}}'
    text = f"type: rest\nbase_url: https://api.example.com\nobjects:\n  people: {declared}\n"
    assert made(text).object_dict("people")["clear"] == {}
    assert not list(made(text).refusals(Wanted("people", "update", "clear")))


SALESFORCE = """\
type: salesforce
instance_url: https://acme.my.salesforce.com
auth: {token: "${env:TOKEN}"}
"""
APP = 'client_id: app, client_secret: "${env:TOKEN}"'
TOKEN_URL = "https://acme.my.salesforce.com/services/oauth2/token"


def test_salesforces_address_is_the_orgs_own() -> None:
    connection = resolved(SALESFORCE + "tier: unlimited\n")
    assert connection["base_url"] == "https://acme.my.salesforce.com"
    assert connection["account"] == "salesforce:https://acme.my.salesforce.com"
    assert (connection["api_version"], connection["tier"]) == ("60.0", "unlimited")
    assert (connection["api"], connection["hard_delete"]) == ("auto", False)
    other = resolved(SALESFORCE.replace("instance_url", "base_url") + 'api_version: "64.0"\n')
    assert other["base_url"] == connection["base_url"]
    assert other["api_version"] == "64.0"
    for text in (SALESFORCE + "base_url: https://b.example\n", SALESFORCE.replace("inst", "#")):
        _, problems = read(text, TOKEN="t")
        assert "instance_url is needed" in str(problems[0])


@pytest.mark.parametrize(
    ("login", "asked"),
    [
        (
            f"client_credentials: {{{APP}}}",
            {"grant": "client_credentials", "client_secret": "t-1", "client_auth": "form"},
        ),
        (
            f'refresh_token: {{{APP}, refresh_token: "${{env:TOKEN}}"}}',
            {"grant": "refresh_token", "refresh_token": "t-1", "client_auth": "form"},
        ),
        (
            "jwt: {client_id: app, username: ann@acme.test, key_file: k.pem}",
            {
                "grant": "jwt_bearer",
                "issuer": "app",
                "subject": "ann@acme.test",
                "audience": "https://login.salesforce.com",
                "lifetime_s": 180,
            },
        ),
    ],
)
def test_salesforces_logins_ask_at_the_orgs_own_address(login: str, asked: dict[str, Any]) -> None:
    text = SALESFORCE.replace('token: "${env:TOKEN}"', login)
    oauth = resolved(text)["auth"]["oauth2"]
    assert {**oauth, **asked} == oauth
    assert oauth["token_url"] == TOKEN_URL
    assert str(oauth.get("key_file", "/k.pem")).endswith("/k.pem")


def test_what_salesforce_cannot_be_asked_is_refused() -> None:
    for changed, message in (
        ("auth: {}", "needs one of token"),
        (f'auth: {{token: "${{env:TOKEN}}", client_credentials: {{{APP}}}}}', "needs one of token"),
        ("auth: {jwt: {client_id: a, username: b}}", "one of private_key and key_file"),
    ):
        _, problems = read(SALESFORCE.replace('auth: {token: "${env:TOKEN}"}', changed), TOKEN="t")
        assert message in str(problems[0]), changed
    for version in ("40.0", "60", "v60.0"):
        _, problems = read(f'{SALESFORCE}api_version: "{version}"\n', TOKEN="t")
        assert "from 53.0 on" in str(problems[0])
    _, problems = read(SALESFORCE + "api: collections\nhard_delete: true\n", TOKEN="t")
    assert "hard_delete takes jobs" in str(problems[0])
    connection = made(SALESFORCE)
    assert list(connection.refusals(Wanted("Invoice__c", mode="mirror"))) == []
    ((path, message),) = connection.refusals(Wanted("Account x"))
    assert path == ("object",)
    assert "API name" in message
