"""HubSpot's batch operations on one object: what a batch may hold, and what becomes of each row.

The rules, as users have observed them on real accounts: without ``objectWriteTraceId`` in every
input one bad row fails the whole request and nothing is written; with it the good rows are
written, the bad ones are listed in ``errors`` of a 207. Identical ids fail the whole request
either way. Results never come back in the order of the inputs.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tailrace.sandbox import hubspot_facts as facts
from tailrace.sandbox.fields import Field, Problem, check, iso_ms
from tailrace.sandbox.wire import Json, RefusalError, Reply, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tailrace.sandbox.records import Collection, Record
    from tailrace.sandbox.vendor import Call

# What the vendor takes in one input of each operation.
_MEMBERS: Mapping[str, frozenset[str]] = {
    "upsert": frozenset({"id", "idProperty", "properties", "objectWriteTraceId"}),
    "create": frozenset({"properties", "objectWriteTraceId", "associations"}),
    "update": frozenset({"id", "idProperty", "properties", "objectWriteTraceId"}),
    "archive": frozenset({"id", "idProperty"}),
    "read": frozenset({"id"}),
}


def error_reply(
    status: int, message: str, category: str = "VALIDATION_ERROR", **extra: Any
) -> Reply:
    """An answer in HubSpot's error shape; ``extra`` are further members such as ``context``."""
    body = {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        "category": category,
        **extra,
    }
    return Reply(status, body)


def refuse(
    status: int, message: str, category: str = "VALIDATION_ERROR", **extra: Any
) -> RefusalError:
    """The same as an exception."""
    return RefusalError(error_reply(status, message, category, **extra))


def normalised(field: Field | None, value: str) -> str:
    """A value as HubSpot stores it: e-mail addresses trimmed and in lower case."""
    return value.strip().lower() if field is not None and field.kind == "email" else value


@dataclass(slots=True)
class Row:
    """One input, its shape checked.

    ``key`` is its id as HubSpot compares it; in a create its first unique value, or nothing.
    """

    position: int
    key: str
    id_property: str | None
    trace: str | None
    properties: dict[str, str]


@dataclass(slots=True)
class Bad:
    """Why a row is not written. A ``whole`` one fails the request even where rows may fail."""

    row: Row
    status: int
    category: str
    message: str
    context: dict[str, list[str]]
    whole: bool = False


@dataclass(slots=True)
class Store:
    """One object of the account: its type, its properties, its records."""

    type: facts.ObjectType
    fields: dict[str, Field]
    records: Collection
    seed: int
    wall_ms: Callable[[], int]
    auto_create: bool = False
    multi_status: str = "values"

    def read(self, op: str, body: Json) -> tuple[list[Row], Mapping[str, Any]]:
        """The rows of a batch.

        Raises:
            RefusalError: the body does not have the shape of this operation.
        """
        if not isinstance(body, dict):
            raise refuse(400, "Invalid input JSON on line 1, column 1: an object is expected")
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            raise refuse(400, "Invalid input: some required fields were not set: [inputs]")
        self._refuse_too_many(op, len(inputs), body)
        shared = body.get("idProperty")
        rows = [self._row(op, at, one, shared) for at, one in enumerate(inputs)]
        if op in ("upsert", "update", "archive"):
            _refuse_duplicates("Duplicate IDs found in batch input", (row.key for row in rows))
        traces = [row.trace for row in rows if row.trace is not None]
        _refuse_duplicates("Duplicate objectWriteTraceIds found in batch input", traces)
        return rows, body

    def _refuse_too_many(self, op: str, count: int, body: Mapping[str, Any]) -> None:
        most, what = facts.MAX_INPUTS, "a batch request"
        if op == "read" and body.get("propertiesWithHistory"):
            most, what = facts.MAX_INPUTS_WITH_HISTORY, "a batch request for property histories"
        if count > most:
            message = f"The maximum number of inputs supported in {what} is {most}."
            raise refuse(400, f"{message} Please reduce the number of items and try again")

    def _row(self, op: str, position: int, one: Json, shared: Json) -> Row:
        where = f"inputs[{position}]"
        if not isinstance(one, dict):
            raise refuse(400, f"Invalid input JSON: {where} is not an object")
        for name in one.keys() - _MEMBERS[op]:
            raise refuse(400, f'Invalid input JSON: Unrecognized field "{name}" in {where}')
        id_property = _optional_text(one.get("idProperty", shared), f"{where}.idProperty")
        trace = _optional_text(one.get("objectWriteTraceId"), f"{where}.objectWriteTraceId")
        properties: dict[str, str] = {}
        if "properties" in _MEMBERS[op]:
            properties = _properties(one.get("properties"), where)
        key = ""
        if op != "create":
            key = _id(one.get("id"), where)
            key = normalised(self._id_field(op, id_property), key)
        for name, text in properties.items():
            properties[name] = normalised(self.fields.get(name), text)
        if op == "create":
            unique = (properties[name] for name in properties if self.records.is_unique(name))
            key = next((value for value in unique if value), "")
        return Row(position, key, id_property, trace, properties)

    def _id_field(self, op: str, id_property: str | None) -> Field | None:
        if id_property is None:
            if op == "upsert":
                message = "Invalid input: some required fields were not set: [idProperty]"
                raise refuse(400, message)
            return None
        if not self.records.is_unique(id_property):
            raise refuse(400, facts.NOT_UNIQUE.format(self.type.number, id_property))
        return self.fields[id_property]

    def find(self, row: Row) -> Record | None:
        """The record that a row's id names."""
        if row.id_property is None:
            return self.records.get(row.key)
        return self.records.find(row.id_property, row.key)

    # -- writing ---------------------------------------------------------------------------------

    def write(self, call: Call, rows: list[Row]) -> Reply:
        """Upsert, create or update."""
        started_ms = self.wall_ms()
        missing = self._missing(call.op, rows)
        bad = self._judge(call, [row for row in rows if row.position not in missing])
        traced = all(row.trace is not None for row in rows)
        fatal = next((one for one in bad if one.whole or not traced), None)
        if fatal is not None:
            call.rejected = len(rows)
            raise _whole(fatal)
        spared = {one.row.position for one in bad} | missing.keys()
        results = [self._put(call.op, row) for row in rows if row.position not in spared]
        call.applied = len(results)
        call.rejected = len(spared)
        errors = [_row_error(one) for one in bad]
        if missing:
            errors.append(self._missing_error(missing.values()))
        whole_status = 201 if call.op == "create" else 200
        return self._batch_reply(whole_status, results, errors, started_ms)

    def _missing(self, op: str, rows: list[Row]) -> dict[int, Row]:
        if op != "update":
            return {}
        return {row.position: row for row in rows if self.find(row) is None}

    def _judge(self, call: Call, rows: list[Row]) -> list[Bad]:
        """The rows that cannot be written, at most one reason each."""
        bad: list[Bad] = []
        claimed: set[tuple[str, str]] = set()
        for row in rows:
            found = self._invalid(row) or self._incomplete(call.op, row)
            found = found or self._conflict(call.op, row, claimed)
            if found is None and row.position in call.refuse:
                message = call.refuse[row.position]
                found = Bad(row, 400, "VALIDATION_ERROR", message, {})
            if found is not None:
                bad.append(found)
        return bad

    def _invalid(self, row: Row) -> Bad | None:
        problems: list[tuple[str, Problem]] = []
        whole = False
        for name, text in self._with_id(row).items():
            field = self.fields.get(name)
            problem = check(field, text) if field is not None else None
            if field is None and not self.auto_create:
                message = f'Property "{name}" does not exist'
                problem, whole = Problem("PROPERTY_DOESNT_EXIST", message), True
            elif field is not None and field.read_only:
                message = f'"{name}" is a read only property; its value cannot be set.'
                problem, whole = Problem("READ_ONLY_VALUE", message), True
            if problem is not None:
                problems.append((name, problem))
        if not problems:
            return None
        whole = whole and self.multi_status != "full"
        return Bad(row, 400, "VALIDATION_ERROR", _values_message(problems), {}, whole)

    def _incomplete(self, op: str, row: Row) -> Bad | None:
        if op == "update" or (op == "upsert" and self.find(row) is not None):
            return None
        unset = [name for name in self.type.required if not row.properties.get(name)]
        if not unset:
            return None
        message = f"Error creating {self.type.singular.upper()}."
        message += " Some required properties were not set."
        return Bad(row, 400, "VALIDATION_ERROR", message, {"properties": unset})

    def _conflict(self, op: str, row: Row, claimed: set[tuple[str, str]]) -> Bad | None:
        owner = None if op == "create" else self.find(row)
        values = self._with_id(row) if owner is None else row.properties
        clash = self.records.clash(values, owner)
        existing = clash.existing_id if clash is not None else ""
        for name, value in values.items():
            if value and self.records.is_unique(name):
                if (name, value) in claimed and not existing:
                    existing = "in this batch"
                claimed.add((name, value))
        if not existing:
            return None
        message = f"{self.type.singular.capitalize()} already exists. Existing ID: {existing}"
        whole = self.multi_status != "full"
        return Bad(row, 409, "CONFLICT", message, {"existingId": [existing]}, whole)

    def _with_id(self, row: Row) -> dict[str, str]:
        if row.id_property is None or row.properties.get(row.id_property):
            return row.properties
        return {**row.properties, row.id_property: row.key}

    def _put(self, op: str, row: Row) -> Json:
        now_ms = self.wall_ms()
        if self.auto_create:
            for name in row.properties:
                self.fields.setdefault(name, Field(name))
        record = None if op == "create" else self.find(row)
        new = record is None
        if record is None:
            values = {name: text for name, text in self._with_id(row).items() if text != ""}
            record = self.records.create(values, now_ms, key=row.key or None)
        else:
            self.records.update(record, row.properties, now_ms, key=row.key)
            for name, text in row.properties.items():
                if text == "":
                    del record.values[name]
        result = self.record_json(record, self._with_id(row))
        if op == "upsert":
            result["new"] = new
        if row.trace is not None:
            result["objectWriteTraceId"] = row.trace
        return result

    # -- archiving and reading -------------------------------------------------------------------

    def archive(self, call: Call, rows: list[Row]) -> Reply:
        """Archive; ids that are unknown or archived already are passed over, as HubSpot does."""
        for row in rows:
            record = self.find(row)
            if record is not None:
                self.records.remove(record, self.wall_ms(), key=row.key)
                call.applied += 1
        return Reply(204)

    def read_rows(self, rows: list[Row], body: Mapping[str, Any]) -> Reply:
        """Batch read."""
        started_ms = self.wall_ms()
        names = _names(body.get("properties"), "properties")
        history = _names(body.get("propertiesWithHistory"), "propertiesWithHistory")
        results, missing = [], []
        for row in rows:
            record = self.find(row)
            if record is None:
                missing.append(row)
                continue
            result = self.record_json(record, names or self.type.shown)
            if history:
                result["propertiesWithHistory"] = self._history(record, history)
            results.append(result)
        errors = [self._missing_error(missing)] if missing else []
        return self._batch_reply(200, results, errors, started_ms)

    def _history(self, record: Record, names: Iterable[str]) -> Json:
        """The present value of each property; the sandbox keeps no older ones."""
        at = iso_ms(record.updated_ms)
        return {
            name: [{"value": record.values[name], "timestamp": at, "sourceType": "INTEGRATION"}]
            for name in names
            if name in record.values
        }

    def record_json(self, record: Record, names: Iterable[str]) -> dict[str, Json]:
        """A record as HubSpot shows it, with the named properties (null: no value)."""
        created, updated = iso_ms(record.created_ms), iso_ms(record.updated_ms)
        values = record.values
        properties: dict[str, str | None] = {name: values.get(name) for name in names}
        properties["createdate"] = created
        properties["hs_object_id"] = record.id
        properties[self.type.modified] = updated
        return {
            "id": record.id,
            "properties": properties,
            "createdAt": created,
            "updatedAt": updated,
            "archived": False,
        }

    # -- answers ---------------------------------------------------------------------------------

    def _missing_error(self, rows: Iterable[Row]) -> Json:
        rows = list(rows)
        context = {"ids": [row.key for row in rows]}
        traces = [row.trace for row in rows if row.trace is not None]
        if traces:
            context["objectWriteTraceId"] = traces
        return {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": facts.MISSING.format(self.type.singular.upper()),
            "context": context,
        }

    def _batch_reply(
        self, status: int, results: list[Json], errors: list[Json], started_ms: int
    ) -> Reply:
        body: dict[str, Json] = {
            "status": "COMPLETE",
            "results": self._out_of_order(results),
            "startedAt": iso_ms(started_ms),
            "completedAt": iso_ms(self.wall_ms()),
        }
        if errors:
            body["numErrors"] = len(errors)
            body["errors"] = errors
        return Reply(207 if errors else status, body)

    def _out_of_order(self, results: list[Json]) -> list[Json]:
        """The results in an order that is never the order of the inputs."""
        if len(results) < 2:
            return results
        mixed = list(results)
        order = Random(f"{self.seed}:{results[0]['id']}:{len(results)}")  # noqa: S311
        order.shuffle(mixed)
        if mixed == results:
            mixed.reverse()
        return mixed


def _refuse_duplicates(message: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for value in values:
        if value in seen:
            twice[value] = None
        seen.add(value)
    if twice:
        names = list(twice)
        text = f"{message}: [{', '.join(names)}]. IDs must be unique"
        raise refuse(400, text, context={"ids": names})


def _whole(bad: Bad) -> RefusalError:
    context = {"context": bad.context} if bad.context and bad.category != "CONFLICT" else {}
    return refuse(bad.status, bad.message, bad.category, **context)


def _row_error(bad: Bad) -> Json:
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


def _optional_text(value: Json, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise refuse(400, f"Invalid input JSON: {where} is not a text")
    return value


def _id(value: Json, where: str) -> str:
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise refuse(400, f"Invalid input: {where}.id is required and is a text")


def _properties(value: Json, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise refuse(400, f"Invalid input: {where}.properties is required and is an object")
    texts = {}
    for name, one in value.items():
        if one is None or isinstance(one, (dict, list)):
            kind = "null" if one is None else "object" if isinstance(one, dict) else "array"
            message = f"Cannot deserialize value of type `java.lang.String` from {kind}"
            raise refuse(400, f"Invalid input JSON: {message} in {where}.properties.{name}")
        texts[name] = text_of(one)
    return texts


def _names(value: Json, where: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    raise refuse(400, f"Invalid input JSON: {where} is a list of names")
