"""The destinations that the modes are asked of."""

from __future__ import annotations

from dataclasses import replace

from destination_forms import BY_NAME, KEY, OBJECT, Form

_RESULTS = {"path": "errors", "key": "key", "status": "status", "code": "code"}
_MANY = {"path": "/people", "body": "rows", "batch_rows": 50}
_SINGLE = {
    "update": {"path": "/people/{match}"},
    "delete": {"path": "/people/{key}"},
    "archive": {"path": "/people/{key}/archive"},
    "clear": {"path": "/people/{key}/fields"},
}
_INSERT = {"path": "/people/new", "batch_rows": 50}
_SERVED_INSERT = {**_INSERT, "results": {"path": "errors"}}

HUBSPOT = replace(BY_NAME["hubspot"], answers_alone=False)
API = Form(
    "api",
    vendor="rest",
    object=OBJECT,
    batch_rows=50,
    connection={
        "objects": {
            OBJECT: {
                **_MANY,
                **_SINGLE,
                "results": {**_RESULTS, "message": "message"},
                "insert": {**_INSERT, "results": {**_RESULTS, "message": "message"}},
                "read": {"path": "/people/{match}"},
                "idempotency": {"ttl": "24h"},
            }
        }
    },
    options={
        "objects": {
            OBJECT: {
                **_MANY,
                **_SINGLE,
                "key": KEY,
                "results": {"path": "errors"},
                "insert": _SERVED_INSERT,
                "read": {"path": "/people/{match}"},
                "once": {"header": "Idempotency-Key"},
            }
        }
    },
    login={"bearer": "$SECRET"},
    credential_option="auth",
    credential={"bearer": "$SECRET"},
    calls_per_delete=True,
    path="/rest",
)
_THOUSAND = {"path": "/people", "body": "rows", "batch_rows": 1000}
# For models that are large.
BULK = replace(
    API,
    name="bulk",
    batch_rows=1000,
    connection={"objects": {OBJECT: {**_THOUSAND, "results": {**_RESULTS, "message": "message"}}}},
    options={"objects": {OBJECT: {**_THOUSAND, "key": KEY, "results": {"path": "errors"}}}},
)
# Every row that comes is a new record, as in a log of events.
EVENTS = replace(
    API,
    name="events",
    connection={
        "objects": {OBJECT: {"insert": {**_INSERT, "results": {**_RESULTS, "message": "message"}}}}
    },
    options={
        "objects": {
            OBJECT: {
                "path": "/people/new",
                "mode": "append",
                "key": KEY,
                "results": {"path": "errors"},
            }
        }
    },
)

# HubSpot with records of which none has to be the only one of its kind.
NOTES = replace(
    HUBSPOT,
    name="notes",
    options={
        **HUBSPOT.options,
        "properties": {
            "contacts": {name: {"type": "string", "label": name} for name in (KEY, "level", "note")}
        },
    },
)

_LEVELS = {
    KEY: {"type": "string", "label": "Number", "unique": True},
    "level": {"type": "enumeration", "label": "Level", "options": ["low", "high"]},
    "note": {"type": "string", "label": "Note"},
}
# A level takes two values, and every other row is rejected.
PICKY = replace(
    HUBSPOT, name="picky", options={**HUBSPOT.options, "properties": {"contacts": _LEVELS}}
)
