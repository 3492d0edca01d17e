"""One record a request: made, read, changed, upserted and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import RowError, not_found, refuse, refuse_row
from tailrace.sandbox.salesforce.collections import matched_by
from tailrace.sandbox.salesforce.ids import read_id
from tailrace.sandbox.salesforce.paths import VERSION, sobject_of
from tailrace.sandbox.salesforce.rows import RowReader, json_body
from tailrace.sandbox.salesforce.values import UnreadableError, from_json
from tailrace.sandbox.salesforce.writing import Draft, Outcome, Writer, write_rows
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.records import Record
    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.sobject import Sobject

_TYPE = rf"{VERSION}/sobjects/(?P<type>[^/]+)"
_NONE: frozenset[str] = frozenset()


class Single:
    """``sobjects/NAME``, by record id and by external id."""

    def __init__(self, org: Org, reader: RowReader) -> None:
        self._org = org
        self._reader = reader
        self._writer = Writer(org)

    def routes(self) -> list[Route]:
        """What is served here."""
        by_id, by_field = rf"{_TYPE}/(?P<id>[^/]+)", rf"{_TYPE}/(?P<field>[^/]+)/(?P<value>[^/]+)"
        return [
            route("POST", rf"{_TYPE}/?", self._read_insert),
            route("GET", by_id, self._read_one),
            route("PATCH", by_id, self._read_update),
            route("DELETE", by_id, self._read_delete),
            route("GET", by_field, self._read_one),
            route("PATCH", by_field, self._read_upsert),
            route("DELETE", by_field, self._read_delete),
        ]

    # -- writing ---------------------------------------------------------------------------------

    def _read_insert(self, request: Request, match: re.Match[str]) -> Call:
        sobject = sobject_of(self._org, match)
        row = self._reader.read(sobject, json_body(request), _NONE)
        key = next((str(row.values[one]) for one in sobject.key_fields if row.values.get(one)), "")

        def run(call: Call) -> Reply:
            outcome = _written(call, lambda: self._writer.insert(sobject, row))
            location = f"/services/data/v{match['version']}/sobjects/{sobject.name}/{outcome.id}"
            return Reply(201, outcome.as_json(), [("Location", location)])

        return Call("insert", sobject.name, [key], run)

    def _read_update(self, request: Request, match: re.Match[str]) -> Call:
        sobject, record_id = sobject_of(self._org, match), unquote(match["id"])
        body = json_body(request)
        if any(name.lower() == "id" for name in body):
            message = "The Id field should not be specified in the sobject data."
            raise refuse(400, "INVALID_FIELD", message)
        row = self._reader.read(sobject, body, _NONE)
        record = sobject.get(record_id)

        def run(call: Call) -> Reply:
            self._need(sobject, record_id)
            _written(call, lambda: self._writer.update(sobject, record_id, row))
            return Reply(204)

        key = record_id if record is None else sobject.key_of(record)
        return Call("update", sobject.name, [key], run)

    def _read_upsert(self, request: Request, match: re.Match[str]) -> Call:
        sobject, by = matched_by(self._org, match)
        body = json_body(request)
        for name in body:
            if name.lower() in ("id", by.name.lower()):
                message = f"The {name} field should not be specified in the sobject data."
                raise refuse(400, "INVALID_FIELD", message)
        row = self._reader.read(sobject, body, _NONE)
        text = unquote(match["value"])
        try:
            value = from_json(by, text)
        except UnreadableError:
            raise not_found() from None
        updates_only = request.query.get("updateOnly", "false").lower() == "true"

        def run(call: Call) -> Reply:
            found = sobject.find(by, value)
            if len(found) > 1:
                call.rejected = 1
                raise RefusalError(Reply(300, [_url(match, sobject, one) for one in found]))
            if updates_only and not found:
                call.rejected = 1
                raise not_found()
            outcome = _written(call, lambda: self._writer.upsert(sobject, by, value, row))
            if outcome.created:
                return Reply(201, outcome.as_json(tell_created=True))
            told = int(match["version"][:2]) >= facts.COLLECTION_UPSERT_FROM
            return Reply(200, outcome.as_json(tell_created=True)) if told else Reply(204)

        return Call("upsert", sobject.name, [text], run)

    def _read_delete(self, _request: Request, match: re.Match[str]) -> Call:
        sobject = sobject_of(self._org, match)
        record = self._named(sobject, match)
        key = unquote(match.groupdict().get("value") or match["id"])

        def run(call: Call) -> Reply:
            if record is None:
                call.rejected = 1
                raise self._missing(sobject, match)
            sobject.delete(record)
            call.applied = 1
            return Reply(204)

        return Call(
            "delete", sobject.name, [key if record is None else sobject.key_of(record)], run
        )

    # -- reading ---------------------------------------------------------------------------------

    def _read_one(self, request: Request, match: re.Match[str]) -> Call:
        sobject = sobject_of(self._org, match)
        asked = [one for one in request.query.get("fields", "").split(",") if one]
        fields = [sobject.field(name) for name in asked] or list(sobject.fields.values())
        if None in fields:
            message = f"No such column '{asked[fields.index(None)]}' on entity '{sobject.name}'."
            raise refuse(400, "INVALID_FIELD", message)
        names = [one.name for one in fields if one is not None]
        record = self._named(sobject, match)

        def run(_: Call) -> Reply:
            if record is None:
                raise self._missing(sobject, match)
            url = _url(match, sobject, record)
            body: dict[str, Json] = {"attributes": {"type": sobject.name, "url": url}}
            body.update((name, sobject.value(record, name)) for name in names)
            body["Id"] = record.id
            return Reply(200, body)

        return Call("get", sobject.name, [], run)

    def _named(self, sobject: Sobject, match: re.Match[str]) -> Record | None:
        """The record of a path. Raises RefusalError (300, 404)."""
        if "field" not in match.re.groupindex:
            return sobject.get(unquote(match["id"]))
        _, by = matched_by(self._org, match)
        try:
            found = sobject.find(by, from_json(by, unquote(match["value"])))
        except UnreadableError:
            return None
        if len(found) > 1:
            raise RefusalError(Reply(300, [_url(match, sobject, one) for one in found]))
        return found[0] if found else None

    def _missing(self, sobject: Sobject, match: re.Match[str]) -> RefusalError:
        whole = read_id(unquote(match.groupdict().get("id") or ""))
        if whole is not None and whole in sobject.deleted:
            return refuse(404, "ENTITY_IS_DELETED", "entity is deleted")
        return not_found()

    def _need(self, sobject: Sobject, record_id: str) -> None:
        if sobject.get(record_id) is None:
            error = self._writer.missing(sobject, record_id)
            status = 400 if error.code == "MALFORMED_ID" else 404
            raise refuse(status, error.code, error.message, error.fields)


def _written(call: Call, draft: Callable[[], Draft]) -> Outcome:
    (outcome,) = write_rows(call, [draft])
    if isinstance(outcome.error, RowError):
        raise refuse_row(outcome.error)
    return outcome


def _url(match: re.Match[str], sobject: Sobject, record: Record) -> str:
    base = f"/services/data/v{match['version']}/sobjects"
    return f"{base}/{quote(sobject.name)}/{record.id}"
