"""What a real account has can be taken over: its own answers, saved, make the sandbox's fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tailrace.sandbox import ConfigError
from tailrace.sandbox.run import make_app

if TYPE_CHECKING:
    from pathlib import Path

PROPERTIES = {
    "score": "number",
    "key": {"unique": True, "label": "Key"},
    "level": {"type": "enumeration", "options": ["low", "high"], "multiple": True},
    "sum": {"type": "number", "read_only": True},
}
OWNER = {"name": "owner", "type": "enumeration", "fieldType": "select", "options": []}
PHONE = {"name": "phone2", "type": "phone_number", "fieldType": "phonenumber"}
FIELDS = {
    "score": "decimal",
    "level": {"type": "dropdown", "title": "Level", "options": ["low", "high"]},
    "code": {"type": "regexp", "pattern": "[A-Z]+"},
}


def test_hubspots_properties_come_back_as_they_were(start: Any, tmp_path: Path) -> None:
    _, first = start({"vendors": {"hubspot": {"properties": {"contacts": PROPERTIES}}}})
    answer = first("GET", "/crm/v3/properties/contacts").json()
    answer["results"] += [OWNER, PHONE]
    file = tmp_path / "contacts.json"
    file.write_text(json.dumps(answer), encoding="utf-8")
    _, second = start({"vendors": {"hubspot": {"properties": {"contacts": str(file)}}}})
    again = second("GET", "/crm/v3/properties/contacts").json()["results"]
    assert again[:-2] == answer["results"][:-2]
    assert [one["type"] for one in again[-2:]] == ["string", "string"]
    row = {"id": "A@b.example", "idProperty": "email", "objectWriteTraceId": "1"}
    values = {"score": "many", "level": "low;high", "owner": "12"}
    batch = {"inputs": [{**row, "properties": values}]}
    reply = second("POST", "/crm/v3/objects/contacts/batch/upsert", batch)
    assert reply.status == 207
    assert "many was not a valid long" in reply.json()["errors"][0]["message"]


def test_zendesks_fields_come_back_as_they_were(start: Any, tmp_path: Path) -> None:
    _, first = start({"vendors": {"zendesk": {"fields": {"users": FIELDS}}}})
    login = {"Authorization": "Bearer t"}
    answer = first("GET", "/api/v2/user_fields", headers=login).json()
    answer["user_fields"] += [
        {"key": "given", "type": "text", "system": True},
        {"key": "friend", "type": "lookup", "title": "Friend"},
    ]
    file = tmp_path / "user_fields.json"
    file.write_text(json.dumps(answer), encoding="utf-8")
    _, second = start({"vendors": {"zendesk": {"fields": {"users": str(file)}}}})
    again = second("GET", "/api/v2/user_fields", headers=login).json()["user_fields"]
    assert again[:-1] == answer["user_fields"][:-2]
    assert (again[-1]["key"], again[-1]["type"]) == ("friend", "text")


@pytest.mark.parametrize(
    ("vendor", "options", "message"),
    [
        ("hubspot", {"properties": {"contacts": "/nowhere.json"}}, "contacts: /nowhere.json"),
        ("hubspot", {"properties": {"contacts": {"results": [{}]}}}, "has a name and a type"),
        ("zendesk", {"fields": {"users": "/nowhere.json"}}, "users: /nowhere.json"),
        ("zendesk", {"fields": {"users": {"user_fields": [{"type": "text"}]}}}, "has a key"),
        ("zendesk", {"fields": {"users": ["score"]}}, "a saved answer is a JSON object"),
    ],
)
def test_what_is_no_answer_is_named(vendor: str, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_app({"vendors": {vendor: options}})


def test_a_file_of_another_answer_is_named(tmp_path: Path) -> None:
    file = tmp_path / "fields.json"
    file.write_text('{"organization_fields": []}', encoding="utf-8")
    with pytest.raises(ConfigError, match="user_fields is not a list"):
        make_app({"vendors": {"zendesk": {"fields": {"users": str(file)}}}})
