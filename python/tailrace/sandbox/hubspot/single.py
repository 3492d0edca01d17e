"""HubSpot's requests about one record: each is a batch of one row, and its answer that row's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tailrace.sandbox.hubspot import batch, facts
from tailrace.sandbox.hubspot.answers import json_body, refuse
from tailrace.sandbox.hubspot.inputs import read_inputs, wanted_names
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.hubspot.inputs import Row
    from tailrace.sandbox.hubspot.store import Store
    from tailrace.sandbox.records import Record


class Single:
    """Create, read, update and archive."""

    def __init__(self, store_of: Callable[[re.Match[str]], Store]) -> None:
        self._store_of = store_of

    def routes(self, objects: str) -> list[Route]:
        """What is served below the path of an object's records."""
        one = rf"{objects}/(?P<id>[^/]+)"
        return [
            route("POST", objects, self._read_create),
            route("GET", one, self._read_one),
            route("PATCH", one, self._read_update),
            route("DELETE", one, self._read_archive),
        ]

    def _read_create(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store_of(match)
        row = _only(store, "create", _members(request))
        return self._write("create", store, row, 201)

    def _read_update(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store_of(match)
        row = _only(store, "update", {**_members(request), **_named(request, match)})
        return self._write("update", store, row, 200)

    def _write(self, op: str, store: Store, row: Row, status: int) -> Call:
        def run(call: Call) -> Reply:
            if op == "update":
                _needed(store, row)
            (result,) = batch.write(store, call, [row]).body["results"]
            return Reply(status, result)

        return Call(op, store.type.name, [row.key or "#0"], run)

    def _read_one(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store_of(match)
        row = _only(store, "update", {**_named(request, match), "properties": {}})
        names = wanted_names(request) or store.type.shown

        def run(_: Call) -> Reply:
            return Reply(200, store.record_json(_needed(store, row), names))

        return Call("get", store.type.name, [row.key], run)

    def _read_archive(self, _request: Request, match: re.Match[str]) -> Call:
        store = self._store_of(match)
        row = _only(store, "archive", {"id": unquote(match["id"])})

        def run(call: Call) -> Reply:
            return batch.archive(store, call, [row])

        return Call("archive", store.type.name, [row.key], run)


def _only(store: Store, op: str, one: Any) -> Row:
    (row,) = read_inputs(store, op, {"inputs": [one]})
    return row


def _named(request: Request, match: re.Match[str]) -> dict[str, Any]:
    """The record that the address names, by its id or by a property that is unique."""
    return {"id": unquote(match["id"]), "idProperty": request.query.get("idProperty")}


def _members(request: Request) -> dict[str, Any]:
    body = json_body(request)
    if not isinstance(body, dict):
        raise refuse(400, "Invalid input JSON on line 1, column 1: an object is expected")
    return body


def _needed(store: Store, row: Row) -> Record:
    record = store.find(row)
    if record is None:
        raise refuse(404, facts.NOT_THERE, "OBJECT_NOT_FOUND")
    return record
