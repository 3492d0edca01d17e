"""Reading records of the generic API, and taking them away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.rest.api import json_of, refuse
from tailrace.sandbox.rest.shapes import Results, filled, key_in
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request, text_of

if TYPE_CHECKING:
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.rest.api import Api
    from tailrace.sandbox.rest.endpoints import Reading, Removal


class Looking:
    """Reads that a declaration or the defaults serve."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def read(self, request: Request, reading: Reading, match: Any) -> Call | None:
        """One record by its key, or a page of all; None: asked without the parameter that names
        one, so that it is for another route of the same path."""
        key = key_in(match)
        if key is None and reading.query:
            key = request.query.get(reading.query)
            if key is None:
                return None
        if key is None:
            return self._read_page(request, reading)

        def run(_: Call) -> Reply:
            shown = [reading.shown(record.values) for record in self._find(reading, key)]
            if reading.results:
                body: dict[str, Json] = {}
                Results(tuple(reading.results.split("."))).put(body, shown)
                return Reply(200, body)
            if not shown:
                raise refuse(404, "no such record", code="not_found")
            return Reply(200, shown[0])

        return Call("get", reading.collection, [key], run)

    def _find(self, reading: Reading, key: str) -> list[Record]:
        """By the key, or by the field that a query names."""
        collection = self._api.peek(reading.collection)
        if reading.query in ("", reading.key):
            record = collection.get(key)
            return [] if record is None else [record]
        return [one for one in collection if text_of(one.values.get(reading.query)) == key]

    def _read_page(self, request: Request, reading: Reading) -> Call:
        after = request.query.get(reading.parameter, "0")
        limit = request.query.get("limit", str(reading.rows))
        if not (after.isascii() and after.isdigit() and limit.isascii() and limit.isdigit()):
            raise refuse(400, f"{reading.parameter} and limit are whole numbers")
        start, count = int(after[:12]), max(1, min(int(limit[:12]), 1000))

        def run(_: Call) -> Reply:
            records = list(self._api.peek(reading.collection))
            found = [reading.shown(record.values) for record in records[start : start + count]]
            following = start + count if start + count < len(records) else None
            body: dict[str, Json] = {"total": len(records)}
            Results(tuple(reading.results.split("."))).put(body, found)
            body[reading.cursor] = following
            if reading.link:
                query = f"{request.path}?limit={count}&{reading.parameter}={following}"
                body[reading.link] = None if following is None else query.removeprefix("/rest")
            return Reply(200, body)

        return Call("list", reading.collection, [], run)


class Removing:
    """Removals that a declaration or the defaults serve."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def read(self, request: Request, removal: Removal, match: Any) -> Call:
        """What is asked. Raises RefusalError."""
        key = key_in(match) or ""
        if removal.body is None:
            if request.body:
                raise refuse(400, "there is a body, and none is taken here")
        elif json_of(request) != filled(removal.body, key):
            raise refuse(400, "the body is not of the shape that is taken here")
        return self.remove(removal, key)

    def remove(self, removal: Removal, key: str) -> Call:
        """The removal of one record."""

        def run(call: Call) -> Reply:
            collection = self._api.peek(removal.collection)
            record = collection.get(key)
            if record is None:
                call.rejected = 1
                raise refuse(404, "no such record", code="not_found")
            if removal.op == "archive":
                collection.archive(record, self._api.wall_ms())
            else:
                collection.remove(record, self._api.wall_ms())
            call.applied = 1
            return Reply(204)

        return Call(removal.op, removal.collection, [key], run)
