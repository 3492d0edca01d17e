"""Logins that ask for tokens, as a connection's file has them and as the core gets them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tailrace.connections.registry import TYPES
from tailrace.connections.resolving import resolve
from tailrace.spec.document import read_document
from tailrace.spec.validation import expand_section, validate

if TYPE_CHECKING:
    from pathlib import Path

KEY = "-----BEGIN PRIVATE KEY-----\nMIIcanary\n-----END PRIVATE KEY-----\n"
CLIENT = """\
type: rest
base_url: https://api.example.com
objects: {people: {path: /people}}
auth:
  oauth2:
    token_url: https://login.example.com/token
    client_id: app
    client_secret: "${env:SECRET}"
"""
REFRESH = CLIENT.replace("oauth2:", "refresh_token:") + '    refresh_token: "${env:REFRESH}"\n'
JWT = """\
type: rest
base_url: https://api.example.com
objects: {people: {path: /people}}
auth:
  jwt:
    token_url: https://login.example.com/token
    issuer: app
    subject: ann@example.com
    audience: https://login.example.com
    private_key: "${env:KEY}"
"""
HUBSPOT = """\
type: hubspot
auth:
  refresh_token:
    client_id: app
    client_secret: "${env:SECRET}"
    refresh_token: "${env:REFRESH}"
"""
ENVIRONMENT = {"SECRET": "s3cret-canary", "REFRESH": "refresh-canary", "KEY": KEY}


def read(text: str) -> tuple[Any, list[Any]]:
    problems: list[Any] = []
    section = read_document(text.encode(), "tailrace.yml").section()
    expanded = expand_section(section, ENVIRONMENT, Counter(), problems)
    return validate(TYPES[expanded.value["type"]], expanded, problems), problems


def resolved(text: str, directory: str = ".") -> dict[str, Any]:
    connection, problems = read(text)
    assert not problems, problems
    return resolve(connection.core_dict("crm"), {}, directory)


def test_client_credentials_reach_the_core_whole() -> None:
    text = CLIENT + "    scope: a b\n    params: {audience: api}\n    client_auth: form\n"
    assert resolved(text)["auth"] == {
        "oauth2": {
            "grant": "client_credentials",
            "token_url": "https://login.example.com/token",
            "client_id": "app",
            "client_secret": "s3cret-canary",
            "client_auth": "form",
            "scope": "a b",
            "params": {"audience": "api"},
        }
    }


def test_a_refresh_token_reaches_the_core_whole() -> None:
    auth = resolved(REFRESH + "    base_url_from: instance_url\n")["auth"]["oauth2"]
    assert auth["grant"] == "refresh_token"
    assert auth["refresh_token"] == "refresh-canary"
    assert auth["base_url_from"] == "instance_url"


def test_hubspot_has_its_own_endpoint_and_takes_the_secret_in_the_form() -> None:
    auth = resolved(HUBSPOT)["auth"]["oauth2"]
    assert auth["token_url"] == "https://api.hubapi.com/oauth/v1/token"
    assert auth["client_auth"] == "form"


def test_a_key_keeps_its_lines_and_no_other_secret_may_have_any() -> None:
    auth = resolved(JWT + "    key_id: k1\n    lifetime: 2m\n")["auth"]["oauth2"]
    assert auth["private_key"] == KEY
    assert (auth["key_id"], auth["lifetime_s"]) == ("k1", 120)
    _, problems = read(CLIENT.replace("${env:SECRET}", "${env:KEY}"))
    assert "control character" in str(problems[0])


def test_a_key_file_is_the_projects(tmp_path: Path) -> None:
    text = JWT.replace('private_key: "${env:KEY}"', "key_file: keys/a.pem")
    auth = resolved(text, str(tmp_path))["auth"]["oauth2"]
    assert auth["key_file"] == str(tmp_path / "keys/a.pem")


def test_certificates_are_found_where_the_token_url_alone_is_https() -> None:
    text = CLIENT.replace("https://api.example.com", "http://127.0.0.1:9")
    assert resolved(text)["ca_file"]


def test_the_state_is_the_clients_or_the_subjects_and_never_the_refresh_tokens() -> None:
    account = resolved(CLIENT)["account"]
    assert resolved(CLIENT.replace("${env:SECRET}", "another"))["account"] == account
    assert resolved(CLIENT.replace("client_id: app", "client_id: b"))["account"] != account
    account = resolved(JWT)["account"]
    assert resolved(JWT.replace("ann@", "bob@"))["account"] != account
    refreshed, renewed = resolved(REFRESH), resolved(REFRESH.replace("${env:REFRESH}", "another"))
    assert renewed["account"] == refreshed["account"]
    assert renewed["account_was"] != refreshed["account_was"]
    named = REFRESH + "account: acme\n"
    assert resolved(named)["account"] == resolved(named.replace("${env:REFRESH}", "b"))["account"]


def test_no_secret_is_printed() -> None:
    for text in (CLIENT, REFRESH, JWT, HUBSPOT):
        connection, _ = read(text)
        for shown in (repr(connection), str(connection), connection.model_dump_json()):
            assert "canary" not in shown
        assert "canary" not in json.dumps(connection.core_dict("crm"), default=str)


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        (CLIENT.replace("client_id", "client_idd"), 7, "client_idd", "did you mean 'client_id'?"),
        (CLIENT.replace("oauth2", "oauth"), 5, "auth.oauth", "did you mean 'oauth2'?"),
        (CLIENT.replace("https://login", "http://login"), 6, "token_url", "https"),
        (CLIENT.replace("/token", "/token#x"), 6, "token_url", "fragment"),
        (CLIENT.replace("https://login", "https://u:p@login"), 6, "token_url", "under auth"),
        (CLIENT + "    client_auth: header\n", 9, "client_auth", "'basic' or 'form'"),
        (CLIENT + "    params: {client_id: x}\n", 9, "params", "set by the login itself"),
        (CLIENT + '    params: {"a b": x}\n', 9, "params", "no name of a parameter"),
        (CLIENT + "    base_url_from: id\n", 9, "base_url_from", "instance_url"),
        (CLIENT.replace("    client_id: app\n", ""), 5, "client_id", "is missing"),
        (CLIENT + "  bearer: x\n", 4, "auth", "needs one of bearer"),
        (REFRESH.replace("${env:REFRESH}", ""), 9, "refresh_token", "is empty"),
        (JWT.replace("${env:KEY}", "key"), 10, "private_key", "no PEM text"),
        (JWT + "    key_file: k.pem\n", 5, "auth.jwt", "one of private_key and key_file"),
        (JWT + "    lifetime: 2h\n", 11, "lifetime", "between 1s and 1h"),
        (HUBSPOT + "  token: x\n", 2, "auth", "one of token and refresh_token"),
        ("type: hubspot\nauth: {}\n", 2, "auth", "one of token and refresh_token"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, key: str, said: str) -> None:
    _, problems = read(text)
    assert problems, "taken as it is"
    problem = problems[0]
    assert said in problem.message, problems
    assert key in problem.key
    assert problem.line == line
    assert "canary" not in str(problem)
