"""Single operations of a destination against its sandbox, with no engine between them.

The probe program has the real destination and the real transport, and tries nothing twice: each
outcome is that of one request. `BENCH_FORMS` are the ways in which the destinations' operations
may be declared; a new destination adds a line there.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from naming import KEY, Naming

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.sandbox import Sandbox

TOKEN = "token-5d0c"
OBJECT = "people"
LEVELS = ["low", "high"]
FIELDS: Mapping[str, str] = {KEY: "text", "level": "text", "note": "text", "amount": "decimal"}
_BUILDS = ("test", "dev")
_PROBE = "tests/destinations/destination_probe"
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


@dataclass(frozen=True)
class BenchForm(Naming):
    """One destination and one way in which its operations are declared.

    `ops` are the sandbox's names of an operation's requests where they are not the operation's own,
    in the order in which they are made.
    """

    name: str
    vendor: str
    object: Any
    options: dict[str, Any]
    path: str = ""
    texts_only: bool = False
    ops: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    answers_alone: bool = False
    """Differs from another form in the answers to refused rows alone."""
    whole_seconds: bool = False
    """Times are kept to the second."""
    page: int = 2
    """Records that the tool lists at a time."""
    fills: frozenset[str] = frozenset()
    """Fields that the tool gives a value by itself."""
    lists_all: bool = True
    """Tells all its records."""
    archives: bool = True
    connection: Mapping[str, Any] = field(default_factory=dict)

    @property
    def object_name(self) -> str:
        return str(self.object["name"])

    @property
    def reads(self) -> bool:
        return self.vendor != "rest" or "read" in self.object

    def requests_of(self, operation: str) -> tuple[str, ...]:
        return self.ops.get(operation, (operation,))


@dataclass(frozen=True)
class Sent:
    """What became of the rows of one batch, and the requests that it took."""

    rows: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    stop: dict[str, Any] | None

    @property
    def words(self) -> list[str]:
        return [row["outcome"] for row in self.rows]


@dataclass(frozen=True)
class Found:
    """What was said of records; `different` are unequal fields by match value."""

    records: dict[str, dict[str, Any]]
    absent: list[str]
    requests: list[dict[str, Any]]
    stop: dict[str, Any] | None
    different: dict[str, list[str]]


class Bench:
    """A destination and the sandbox that it talks to."""

    def __init__(self, form: BenchForm, sandbox: Sandbox) -> None:
        self.form = form
        self.sandbox = sandbox
        self.fields = dict(FIELDS)
        self.object = copy.deepcopy(form.object)

    def send(self, operation: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> Sent:
        """One batch. A row's member `send` holds the names of the fields that are to be sent."""
        gone = operation in ("delete", "archive", "clear")
        asked = {"operation": operation, "rows": [self._row(row, gone=gone) for row in rows]}
        answer = self._ask({**asked, **more})
        return Sent(answer["rows"], answer["requests"], answer["stop"])

    def read(self, rows: Sequence[Mapping[str, Any]]) -> Found:
        """The records of these rows, compared with them."""
        cells = {self.form.key_at_tool(str(row[KEY])): self._cells(row) for row in rows}
        return self._read({"read": "by_match", "match_values": list(cells), "cells": cells})

    def read_all(self) -> Found:
        return self._read({"read": "all_ids"})

    def stored(self) -> dict[str, dict[str, Any]]:
        """The records that the sandbox holds, by key, without what is none (NULL, empty text) and
        what nobody wrote."""
        unwritten = self.form.fills - self.fields.keys()
        found = {}
        for record in self.sandbox.records(self.form.vendor, self.form.object_name):
            if not self.form.is_there(record["values"]):
                continue
            held = self.form.as_row(record["values"]).items()
            values = {name: one for name, one in held if one not in (None, "")}
            values = {name: one for name, one in values.items() if name not in unwritten}
            found[str(values[KEY])] = values
        return found

    def expected(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The record that a row makes."""
        texts = self.form.texts_only
        return {
            name: str(one) if texts else one for name, one in row.items() if one not in (None, "")
        }

    def _read(self, asked: dict[str, Any]) -> Found:
        answer = self._ask(asked)
        ours = {self.form.field(name): name for name in self.fields}
        key_of = self.form.key_of
        records = {key_of(one["match"]): one for one in answer["records"]}
        assert len(records) == len(answer["records"]), "a record is told twice"
        return Found(
            records,
            [key_of(one) for one in answer["absent"]],
            answer["requests"],
            answer["stop"],
            {
                key_of(match): [ours[name] for name in names]
                for match, names in answer.get("different", {}).items()
            },
        )

    def _row(self, row: Mapping[str, Any], *, gone: bool) -> dict[str, Any]:
        match = self.form.key_at_tool(str(row[KEY]))
        told = {"key": str(row[KEY]), "match": match, "id": row.get("id", "")}
        if not gone:
            told["line"] = "\t".join(self._cells(row))
            if "send" in row:
                told["send"] = "".join("\x01" if n in row["send"] else "\0" for n in self.fields)
        return told

    def _cells(self, row: Mapping[str, Any]) -> list[str]:
        match = self.form.key_at_tool(str(row[KEY]))
        return [_cell(match if name == KEY else row.get(name)) for name in self.fields]

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        login = {"bearer" if self.form.vendor == "rest" else "token": TOKEN}
        connection = {
            "type": self.form.vendor,
            "base_url": self.sandbox.url + self.form.path,
            "auth": login,
            "timeout_s": 1.0,
            **self.form.connection,
        }
        document = {
            "connection": connection,
            "object": self.object,
            "fields": [
                {"name": self.form.field(name), "type": kind} for name, kind in self.fields.items()
            ],
            **asked,
        }
        asked_for = json.dumps(document).encode()
        ended = subprocess.run(
            [probe()], input=asked_for, capture_output=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stderr.decode()
        answer: dict[str, Any] = json.loads(ended.stdout)
        return answer


def probe() -> str:
    """The program, as `make test` builds it, or by hand with the preset dev: the newer one."""
    if given := os.environ.get("TAILRACE_DESTINATION_PROBE"):
        return given
    builds = Path(__file__).resolve().parents[2] / "build" / "cmake"
    found = [path for name in _BUILDS if (path := builds / name / _PROBE).is_file()]
    if not found:
        pytest.fail(f"there is no {_PROBE} in {builds}: `make built-tests` builds it")
    return str(max(found, key=lambda path: path.stat().st_mtime))


def _cell(value: Any) -> str:
    """A value in the encoding of a row."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    return "".join(_ESCAPES.get(one, one) for one in str(value))


def person(number: int, **changes: Any) -> dict[str, Any]:
    """A row of the model."""
    row = {KEY: f"p{number}", "level": "low", "note": f"note {number}", "amount": Decimal(number)}
    return {**row, **changes}


_PROPERTIES = {
    KEY: {"type": "string", "label": "Number", "unique": True},
    "level": {"type": "enumeration", "options": LEVELS},
    "note": "string",
    "amount": "number",
    "big": "number",
    "flag": "bool",
    "day": "date",
    "instant": "datetime",
}
_HUBSPOT_OPS: Mapping[str, tuple[str, ...]] = {
    "insert": ("create",),
    "clear": ("update",),
    "delete": ("read", "archive"),
    "archive": ("read", "archive"),
    "by_match": ("read",),
    "all_ids": ("list",),
}
_REST_OPS: Mapping[str, tuple[str, ...]] = {"by_match": ("get",), "all_ids": ("list",)}


def _hubspot(name: str, *, answers_alone: bool = False, **options: Any) -> BenchForm:
    return BenchForm(
        name,
        "hubspot",
        {"name": "contacts"},
        {"limits": "none", "tokens": [TOKEN], "properties": {"contacts": _PROPERTIES}, **options},
        texts_only=True,
        ops=_HUBSPOT_OPS,
        answers_alone=answers_alone,
        page=100,
    )


_COLUMNS = {
    KEY: {"external_id": True, "unique": True, "case_sensitive": True},
    "level": {"type": "picklist", "values": LEVELS},
    "note": "textarea",
    "amount": {"type": "double", "precision": 60, "scale": 20},
    "big": {"type": "double", "precision": 60, "scale": 20},
    "flag": "boolean",
    "day": "date",
    "instant": "datetime",
}
_SALESFORCE_OPS: Mapping[str, tuple[str, ...]] = {
    "update": ("query", "update"),
    "clear": ("query", "update"),
    "delete": ("query", "delete"),
    "archive": ("query", "delete"),
    "by_match": ("query",),
    "all_ids": ("query",),
}


def _salesforce(name: str) -> BenchForm:
    return BenchForm(
        name,
        "salesforce",
        {"name": "Person__c"},
        {
            "limits": "none",
            "tokens": [TOKEN],
            "objects": {"Person__c": {"fields": _COLUMNS}},
        },
        ops=_SALESFORCE_OPS,
        whole_seconds=True,
        page=2000,
        fills=frozenset({"OwnerId", "flag"}),
    )


_LEAD_FIELDS = {
    KEY: "string",
    "level": {"type": "string", "length": len("high")},
    "note": "text",
    "amount": "float",
    "big": "float",
    "flag": "boolean",
    "day": "date",
    "instant": "datetime",
}
_MARKETO_OPS: Mapping[str, tuple[str, ...]] = {
    "upsert": ("createOrUpdate",),
    "update": ("updateOnly",),
    "insert": ("createOnly",),
    "clear": ("updateOnly",),
    "delete": ("find", "delete"),
    "by_match": ("find",),
}


def _marketo(name: str) -> BenchForm:
    return BenchForm(
        name,
        "marketo",
        {"name": "leads"},
        {"limits": "none", "tokens": [TOKEN], "fields": _LEAD_FIELDS},
        ops=_MARKETO_OPS,
        whole_seconds=True,
        lists_all=False,
        archives=False,
        connection={"api": "leads"},
    )


_MERGE_FIELDS = {
    "LEVEL": {"type": "dropdown", "choices": LEVELS},
    **dict.fromkeys(("AMOUNT", "BIG"), "number"),
    **dict.fromkeys(("NOTE", "FLAG", "INSTANT"), "text"),
    "DAY": "date",
}
_AUDIENCE = "5ab0c1d2e3"
_MAILCHIMP_OPS: Mapping[str, tuple[str, ...]] = {
    "upsert": ("batch",),
    "insert": ("create",),
    "clear": ("update",),
    "delete": ("archive",),
    "by_match": ("read",),
    "all_ids": ("list",),
}


def _mailchimp(name: str) -> BenchForm:
    return BenchForm(
        name,
        "mailchimp",
        {"name": "members", "list_id": _AUDIENCE},
        {
            "limits": "none",
            "api_keys": [TOKEN],
            "lists": {_AUDIENCE: {"merge_fields": _MERGE_FIELDS}},
        },
        path="/3.0",
        ops=_MAILCHIMP_OPS,
        whole_seconds=True,
        page=1000,
        fills=frozenset({"list_id", "place", "status", "tags"}),
        connection={"status_if_new": "subscribed"},
        match="email_address",
        names={tag.lower(): tag for tag in _MERGE_FIELDS},
        prefix="merge_fields.",
        address="@acme.test",
        gone={"status": "archived"},
    )


_SCHEMA = {
    "required": [KEY],
    "properties": {"level": {"enum": [*LEVELS, None]}},
}
_RESULTS = {"status": "status", "code": "code", "message": "message"}
_DELETE = {"path": "/people/{key}"}
_ARCHIVE = {"path": "/people/{match}/archive", "body": {"by": "$match"}}


def _rest(name: str, declared: dict[str, Any], served: dict[str, Any]) -> BenchForm:
    common = {"path": "/people", "delete": _DELETE, "archive": _ARCHIVE}
    options = {"objects": {OBJECT: {**common, **served, "key": KEY, "schema": _SCHEMA}}}
    return BenchForm(
        name,
        "rest",
        {**common, **declared, "name": OBJECT},
        {**options, "auth": {"bearer": TOKEN}},
        path="/rest",
        ops=_REST_OPS,
    )


_ONE = {
    "update": {"path": "/people/{match}"},
    "insert": {"path": "/people/new", "body": "object"},
    "clear": {"path": "/people/{match}/clear", "method": "PUT"},
}
_MANY = {"batch_rows": 20, "update": {}, "insert": {"path": "/people/new", "batch_rows": 20}}
_CLEAR = {"method": "PUT"}
_LISTED = {**_RESULTS, "path": "outcome.rows", "key": "key"}
_ERRORS = {**_RESULTS, "path": "errors", "key": "key"}

BENCH_FORMS = (
    _hubspot("hubspot"),
    _hubspot("hubspot_full", answers_alone=True, multi_status="full"),
    _salesforce("salesforce"),
    _marketo("marketo"),
    _mailchimp("mailchimp"),
    _rest(
        "rest_paths",
        {
            **_ONE,
            "body": "object",
            "read": {
                "path": "/people/{match}",
                "record": "data",
                "all": {"path": "/people", "results": "items", "link": "next_link"},
            },
            "idempotency": {"header": "X-Once", "ttl_s": 3600},
        },
        {
            **_ONE,
            "body": "object",
            "batch_rows": 1,
            "read": {"path": "/people/{match}", "record": "data"},
            "all": {
                "path": "/people",
                "results": "items",
                "record": "data",
                "link": "next_link",
                "rows": 2,
            },
            "once": {"header": "X-Once", "ttl_s": 3600, "mismatch": 409},
        },
    ),
    _rest(
        "rest_lists",
        {
            **_MANY,
            "results": {**_LISTED, "form": "list"},
            "insert": {**_MANY["insert"], "results": {**_LISTED, "form": "list"}},
            "clear": _CLEAR,
            "read": {
                "path": f"/people?{KEY}={{match}}",
                "results": "found",
                "all": {
                    "path": "/people?limit=2",
                    "results": "items",
                    "cursor": "next",
                    "parameter": "after",
                },
            },
        },
        {
            **_MANY,
            "results": {**_LISTED, "include": "all"},
            "insert": {**_MANY["insert"], "results": {**_LISTED, "include": "all"}},
            "clear": _CLEAR,
            "read": {"path": "/people", "query": KEY, "results": "found"},
            "all": {"path": "/people", "results": "items"},
        },
    ),
    _rest(
        "rest_errors",
        {
            **_MANY,
            "results": {**_ERRORS, "count": "accepted"},
            "insert": {**_MANY["insert"], "results": {**_ERRORS, "count": "accepted"}},
            "clear": _CLEAR,
        },
        {
            **_MANY,
            "results": _ERRORS,
            "insert": {**_MANY["insert"], "results": _ERRORS},
            "clear": _CLEAR,
        },
    ),
)
