"""Which rows of a batch cannot be written, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.fields import Problem, check
from tailrace.sandbox.hubspot import facts
from tailrace.sandbox.hubspot.answers import refuse

if TYPE_CHECKING:
    from tailrace.sandbox.hubspot.inputs import Row
    from tailrace.sandbox.hubspot.store import Store
    from tailrace.sandbox.vendor import Call
    from tailrace.sandbox.wire import Json, RefusalError


@dataclass(slots=True)
class Bad:
    """Why a row is not written. A ``whole`` one fails the request even where rows may fail."""

    row: Row
    status: int
    category: str
    message: str
    context: dict[str, list[str]]
    whole: bool = False


def judge(store: Store, call: Call, rows: list[Row]) -> list[Bad]:
    """The rows that cannot be written, at most one reason each."""
    bad: list[Bad] = []
    claimed: set[tuple[str, str]] = set()
    for row in rows:
        found = _invalid(store, row) or _incomplete(store, call.op, row)
        found = found or _conflict(store, call.op, row, claimed)
        if found is None and row.position in call.refuse:
            message = call.refuse[row.position]
            found = Bad(row, 400, "VALIDATION_ERROR", message, {})
        if found is not None:
            bad.append(found)
    return bad


def _invalid(store: Store, row: Row) -> Bad | None:
    problems: list[tuple[str, Problem]] = []
    whole = False
    for name, text in store.with_id(row).items():
        field = store.fields.get(name)
        problem = check(field, text) if field is not None else None
        if field is None and not store.auto_create:
            message = f'Property "{name}" does not exist'
            problem, whole = Problem("PROPERTY_DOESNT_EXIST", message), True
        elif field is not None and field.read_only:
            message = f'"{name}" is a read only property; its value cannot be set.'
            problem, whole = Problem("READ_ONLY_VALUE", message), True
        if problem is not None:
            problems.append((name, problem))
    if not problems:
        return None
    whole = whole and store.multi_status != "full"
    return Bad(row, 400, "VALIDATION_ERROR", _values_message(problems), {}, whole)


def _incomplete(store: Store, op: str, row: Row) -> Bad | None:
    if op == "update" or (op == "upsert" and store.find(row) is not None):
        return None
    unset = [name for name in store.type.required if not row.properties.get(name)]
    if not unset:
        return None
    message = f"Error creating {store.type.singular.upper()}."
    message += " Some required properties were not set."
    return Bad(row, 400, "VALIDATION_ERROR", message, {"properties": unset})


def _conflict(store: Store, op: str, row: Row, claimed: set[tuple[str, str]]) -> Bad | None:
    owner = None if op == "create" else store.find(row)
    values = store.with_id(row) if owner is None else row.properties
    clash = store.records.clash(values, owner)
    existing = clash.existing_id if clash is not None else ""
    for name, value in values.items():
        if value and store.records.is_unique(name):
            if (name, value) in claimed and not existing:
                existing = "in this batch"
            claimed.add((name, value))
    if not existing:
        return None
    message = f"{store.type.singular.capitalize()} already exists. Existing ID: {existing}"
    whole = store.multi_status != "full"
    return Bad(row, 409, "CONFLICT", message, {"existingId": [existing]}, whole)


def whole(bad: Bad) -> RefusalError:
    """What the whole request is refused with for one row."""
    context = {"context": bad.context} if bad.context and bad.category != "CONFLICT" else {}
    return refuse(bad.status, bad.message, bad.category, **context)


def row_error(bad: Bad) -> Json:
    """A row's entry among the errors of a 207."""
    context = dict(bad.context)
    if bad.row.trace is not None:
        context["objectWriteTraceId"] = [bad.row.trace]
    return {
        "status": "error",
        "category": bad.category,
        "message": bad.message,
        "context": context,
    }


def _values_message(problems: list[tuple[str, Problem]]) -> str:
    listed = [
        {
            "isValid": False,
            "message": problem.message,
            "error": problem.code,
            "name": name,
            "localizedErrorMessage": problem.message,
            "portalId": facts.PORTAL_ID,
        }
        for name, problem in problems
    ]
    return "Property values were not valid: " + json.dumps(listed, separators=(",", ":"))
