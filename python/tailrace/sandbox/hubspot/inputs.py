"""What the inputs of a batch may be, before anything is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.hubspot import facts
from tailrace.sandbox.hubspot.answers import refuse
from tailrace.sandbox.wire import Json, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tailrace.sandbox.fields import Field
    from tailrace.sandbox.hubspot.store import Store
    from tailrace.sandbox.wire import Request

# What the vendor takes in one input of each operation.
_MEMBERS: Mapping[str, frozenset[str]] = {
    "upsert": frozenset({"id", "idProperty", "properties", "objectWriteTraceId"}),
    "create": frozenset({"properties", "objectWriteTraceId", "associations"}),
    "update": frozenset({"id", "idProperty", "properties", "objectWriteTraceId"}),
    "archive": frozenset({"id", "idProperty"}),
    "read": frozenset({"id"}),
}


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


def read_inputs(store: Store, op: str, body: Json) -> list[Row]:
    """The rows of a batch.

    Raises:
        RefusalError: the body does not have the shape of this operation.
    """
    if not isinstance(body, dict):
        raise refuse(400, "Invalid input JSON on line 1, column 1: an object is expected")
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise refuse(400, "Invalid input: some required fields were not set: [inputs]")
    _refuse_too_many(op, len(inputs), body)
    shared = body.get("idProperty")
    rows = [_row(store, op, at, one, shared) for at, one in enumerate(inputs)]
    if op in ("upsert", "update", "archive"):
        _refuse_duplicates("Duplicate IDs found in batch input", (row.key for row in rows))
    traces = [row.trace for row in rows if row.trace is not None]
    _refuse_duplicates("Duplicate objectWriteTraceIds found in batch input", traces)
    return rows


def _refuse_too_many(op: str, count: int, body: Mapping[str, Any]) -> None:
    most, what = facts.MAX_INPUTS, "a batch request"
    if op == "read" and body.get("propertiesWithHistory"):
        most, what = facts.MAX_INPUTS_WITH_HISTORY, "a batch request for property histories"
    if count > most:
        message = f"The maximum number of inputs supported in {what} is {most}."
        raise refuse(400, f"{message} Please reduce the number of items and try again")


def _row(store: Store, op: str, position: int, one: Json, shared: Json) -> Row:
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
        key = normalised(_id_field(store, op, id_property), key)
    for name, text in properties.items():
        properties[name] = normalised(store.fields.get(name), text)
    if op == "create":
        unique = (properties[name] for name in properties if store.records.is_unique(name))
        key = next((value for value in unique if value), "")
    return Row(position, key, id_property, trace, properties)


def _id_field(store: Store, op: str, id_property: str | None) -> Field | None:
    if id_property is None:
        if op == "upsert":
            message = "Invalid input: some required fields were not set: [idProperty]"
            raise refuse(400, message)
        return None
    if not store.records.is_unique(id_property):
        raise refuse(400, facts.NOT_UNIQUE.format(store.type.number, id_property))
    return store.fields[id_property]


def normalised(field: Field | None, value: str) -> str:
    """A value as HubSpot stores it: e-mail addresses trimmed and in lower case."""
    return value.strip().lower() if field is not None and field.kind == "email" else value


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


def wanted_names(request: Request) -> list[str]:
    """The properties that a request wants to see: each in a parameter of its own, as the vendor's
    clients name them, or several in one."""
    listed = ",".join(request.values("properties"))
    return [name for name in listed.split(",") if name]


def names_of(value: Json, where: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    raise refuse(400, f"Invalid input JSON: {where} is a list of names")
