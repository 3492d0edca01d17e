"""sObject Collections: up to 200 rows in a request, each with its own result, in order."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import RowError, not_found, refuse
from tailrace.sandbox.salesforce.deleting import delete_rows
from tailrace.sandbox.salesforce.paths import VERSION, need_version, sobject_of
from tailrace.sandbox.salesforce.rows import RowReader, json_body
from tailrace.sandbox.salesforce.writing import Draft, Row, Writer, write_rows
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Hashable, Sequence

    from tailrace.sandbox.salesforce.fields import Field
    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.sobject import Sobject

_BASE = rf"{VERSION}/composite/sobjects"
_NONE: frozenset[str] = frozenset()
_ID = frozenset({"id"})


class Collections:
    """Insert, update, upsert by an external id, delete, and reading by ids."""

    def __init__(self, org: Org, reader: RowReader) -> None:
        self._org = org
        self._reader = reader
        self._writer = Writer(org)

    def routes(self) -> list[Route]:
        """What is served here."""
        of_type = rf"{_BASE}/(?P<type>[^/]+)"
        return [
            route("POST", _BASE, self._read_insert),
            route("PATCH", _BASE, self._read_update),
            route("DELETE", _BASE, self._read_delete),
            route("PATCH", rf"{of_type}/(?P<field>[^/]+)", self._read_upsert),
        ]

    # -- writing ---------------------------------------------------------------------------------

    def _read_insert(self, request: Request, match: re.Match[str]) -> Call:
        need_version(match, facts.COLLECTIONS_FROM)
        records, all_or_none = _records(json_body(request))
        sobjects = self._types(records)
        for record in records:
            if "id" in {name.lower() for name in record}:
                raise refuse(400, "INVALID_FIELD", "cannot specify Id in an insert call")
        rows = self._rows(sobjects, records, _NONE)
        drafts = [
            partial(self._writer.insert, sobject, row)
            for sobject, row in zip(sobjects, rows, strict=True)
        ]
        keys = [_key(one, row) for one, row in zip(sobjects, rows, strict=True)]

        def run(call: Call) -> Reply:
            outcomes = write_rows(call, drafts, all_or_none=all_or_none)
            return Reply(200, [one.as_json() for one in outcomes])

        return Call("insert", sobjects[0].name, keys, run)

    def _read_update(self, request: Request, match: re.Match[str]) -> Call:
        need_version(match, facts.COLLECTIONS_FROM)
        records, all_or_none = _records(json_body(request))
        sobjects = self._types(records)
        ids = [_id_of(one) for one in records]
        rows = self._rows(sobjects, records, _ID)
        drafts = [
            partial(self._writer.update, *one) for one in zip(sobjects, ids, rows, strict=True)
        ]
        keys = [one.named(name or "") for one, name in zip(sobjects, ids, strict=True)]
        twice = _twice([None if one is None else one[:15] for one in ids], "duplicate id specified")

        def run(call: Call) -> Reply:
            outcomes = write_rows(call, drafts, all_or_none=all_or_none, twice=twice)
            return Reply(200, [one.as_json() for one in outcomes])

        return Call("update", sobjects[0].name, keys, run)

    def _read_upsert(self, request: Request, match: re.Match[str]) -> Call:
        need_version(match, facts.COLLECTION_UPSERT_FROM)
        sobject, by = matched_by(self._org, match)
        records, all_or_none = _records(json_body(request))
        for one in self._types(records):
            if one is not sobject:
                message = f"all records have to be of the type in the path, {sobject.name}"
                raise refuse(400, "INVALID_TYPE", message)
        for record in records:
            if _id_of(record) is not None:
                raise refuse(400, "INVALID_FIELD", "cannot specify Id in an upsert by external id")
        ignored = frozenset({by.name.lower()})
        rows = self._rows([sobject] * len(records), records, ignored)
        values = [
            self._reader.match(row, by, _member(one, by.name))
            for row, one in zip(rows, records, strict=True)
        ]
        drafts: list[Callable[[], Draft]] = [
            partial(self._writer.upsert, sobject, by, value, row)
            for value, row in zip(values, rows, strict=True)
        ]
        twice = _twice(
            [compared(by, one) for one in values],
            "Duplicate external id specified",
            by.name,
            values,
        )

        def run(call: Call) -> Reply:
            outcomes = write_rows(call, drafts, all_or_none=all_or_none, twice=twice)
            return Reply(200, [one.as_json(tell_created=True) for one in outcomes])

        keys = [str(one) if one is not None else f"#{at}" for at, one in enumerate(values)]
        return Call("upsert", sobject.name, keys, run)

    def _read_delete(self, request: Request, match: re.Match[str]) -> Call:
        need_version(match, facts.COLLECTIONS_FROM)
        ids = [one for one in request.query.get("ids", "").split(",") if one]
        if not ids:
            raise refuse(400, "MISSING_ARGUMENT", "The ids parameter is required")
        _refuse_too_many(ids)
        all_or_none = request.query.get("allOrNone", "false").lower() == "true"
        sobjects = [self._org.of_id(one) for one in ids]
        found = next((one for one in sobjects if one is not None), None)
        keys = [
            name if one is None else one.named(name)
            for one, name in zip(sobjects, ids, strict=True)
        ]

        def run(call: Call) -> Reply:
            outcomes = delete_rows(call, self._writer, sobjects, ids, all_or_none=all_or_none)
            return Reply(200, [one.as_json() for one in outcomes])

        return Call("delete", "sobjects" if found is None else found.name, keys, run)

    def _types(self, records: Sequence[dict[str, Json]]) -> list[Sobject]:
        sobjects = []
        for record in records:
            attributes = record.get("attributes")
            name = attributes.get("type") if isinstance(attributes, dict) else None
            if not isinstance(name, str):
                message = "The attributes of each record need a type"
                raise refuse(400, "INVALID_TYPE", message)
            sobject = self._org.sobject(name)
            if sobject is None:
                raise refuse(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
            sobjects.append(sobject)
        chunks = sum(1 for at, one in enumerate(sobjects) if at == 0 or one is not sobjects[at - 1])
        if chunks > facts.MAX_CHUNKS:
            message = f"The request has {chunks} runs of one type; {facts.MAX_CHUNKS} are allowed"
            raise refuse(400, "LIMIT_EXCEEDED", message)
        return sobjects

    def _rows(
        self, sobjects: Sequence[Sobject], records: Sequence[Any], ignored: frozenset[str]
    ) -> list[Row]:
        pairs = zip(sobjects, records, strict=True)
        return [self._reader.read(one, record, ignored) for one, record in pairs]


def matched_by(org: Org, match: re.Match[str]) -> tuple[Sobject, Field]:
    """The object and the external id that a path names.

    Raises:
        RefusalError: 404.
    """
    sobject = sobject_of(org, match)
    name = unquote(match["field"])
    field = sobject.field(name)
    if field is None or not field.matches or field.type == "id":
        raise not_found(facts.NO_EXTERNAL_ID + name)
    return sobject, field


def compared(field: Field, value: Any) -> Hashable:
    """A value of an external id as it is compared; None is no value."""
    return value.casefold() if field.folded and isinstance(value, str) else value


def _records(body: dict[str, Json]) -> tuple[list[dict[str, Json]], bool]:
    for name in body.keys() - {"records", "allOrNone"}:
        raise refuse(400, "JSON_PARSER_ERROR", f"Unrecognized field '{name}'")
    records, all_or_none = body.get("records"), body.get("allOrNone", False)
    if not isinstance(records, list) or not records:
        raise refuse(400, "MISSING_ARGUMENT", "records is required and is a list")
    if not isinstance(all_or_none, bool):
        raise refuse(400, "JSON_PARSER_ERROR", "allOrNone is true or false")
    _refuse_too_many(records)
    for record in records:
        if not isinstance(record, dict):
            raise refuse(400, "JSON_PARSER_ERROR", "each of the records is an object")
    return records, all_or_none


def _refuse_too_many(rows: Sequence[Any]) -> None:
    if len(rows) > facts.MAX_ROWS:
        raise refuse(400, "EXCEEDED_ID_LIMIT", facts.TOO_MANY_ROWS)


def _member(record: dict[str, Json], name: str) -> Json:
    return next((value for one, value in record.items() if one.lower() == name.lower()), None)


def _id_of(record: dict[str, Json]) -> str | None:
    value = _member(record, "id")
    return None if value in (None, "") else str(value)


def _key(sobject: Sobject, row: Row) -> str:
    found = (row.values.get(name) for name in (*sobject.key_fields, "Name", "LastName"))
    return next((str(one) for one in found if one is not None), "")


def _twice(
    values: Sequence[Hashable], message: str, field: str = "Id", shown: Sequence[Any] | None = None
) -> dict[int, RowError]:
    """The places of values that come more than once: none of those rows is written."""
    count = Counter(one for one in values if one is not None)
    return {
        at: RowError("DUPLICATE_VALUE", f"{message}: {(shown or values)[at]}", (field,))
        for at, one in enumerate(values)
        if count[one] > 1
    }
