"""Writing records of the generic API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.rest.api import json_of, problem_details, refuse
from tailrace.sandbox.rest.shapes import Results, WrongShapeError, key_in, problem, rows_in
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.records import Collection, Record
    from tailrace.sandbox.rest.api import Api
    from tailrace.sandbox.rest.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one row is refused."""

    key: str
    status: int
    code: str
    message: str


class Writing:
    """Writes that a declaration or the defaults serve. ``partial_status``: where some rows fail."""

    def __init__(self, api: Api, partial_status: int) -> None:
        self._api = api
        self._partial_status = partial_status

    def read(self, request: Request, endpoint: Endpoint, match: Any) -> Call:
        """What is asked. Raises RefusalError."""
        body = json_of(request)
        try:
            rows = _any_shape(body) if endpoint.shape is None else rows_in(endpoint.shape, body)
        except WrongShapeError as error:
            raise refuse(400, str(error)) from None
        if not rows:
            raise refuse(400, "there are no rows")
        if len(rows) > endpoint.batch_rows:
            raise refuse(413, f"at most {endpoint.batch_rows} rows a request")
        single = endpoint.shape == "object" or (endpoint.shape is None and body is rows[0])
        path_key = key_in(match)
        keys = [_key_text(endpoint, row, path_key) for row in rows]

        def run(call: Call) -> Reply:
            return self._write(call, endpoint, rows, single)

        call = Call(endpoint.op or endpoint.mode, endpoint.collection, keys, run)
        return call if endpoint.once is None else self._api.once.wrap(endpoint.once, request, call)

    def _write(self, call: Call, endpoint: Endpoint, rows: list[Json], single: bool) -> Reply:
        failures = self._judge(call, endpoint, rows)
        if failures and (single or endpoint.results is None):
            # Where only the status speaks, it speaks for all rows: none of them is written.
            call.rejected = len(rows)
            raise RefusalError(self._all_refused(endpoint, failures))
        created = 0
        listed: list[Json] = []
        for position, row in enumerate(rows):
            failure = failures.get(position)
            if failure is None:
                created += self._put(endpoint, row, call.keys[position])
                call.applied += 1
            else:
                call.rejected += 1
            entry = self._entry(endpoint.results, call.keys[position], failure)
            if entry is not None:
                listed.append(entry)
        body: dict[str, Json] = {"accepted": call.applied}
        if endpoint.results is not None:
            endpoint.results.put(body, listed)
        whole = 201 if single and created else 200
        return Reply(self._partial_status if failures else whole, body)

    def _judge(self, call: Call, endpoint: Endpoint, rows: list[Json]) -> dict[int, Failure]:
        collection = self._api.peek(endpoint.collection)
        count: dict[str, int] = {}
        for key in call.keys:
            count[key] = count.get(key, 0) + 1
        failures = {}
        for position, row in enumerate(rows):
            key = call.keys[position]
            found = self._failure(endpoint, row, key, collection)
            if found is None and endpoint.keyed and count[key] > 1:
                found = Failure(key, 422, "duplicate_key", "the key stands twice in the request")
            if found is None and position in call.refuse:
                found = Failure(key, 422, "refused", call.refuse[position])
            if found is not None:
                failures[position] = found
        return failures

    def _failure(
        self, endpoint: Endpoint, row: Json, key: str, collection: Collection
    ) -> Failure | None:
        if not isinstance(row, dict):
            return Failure(key, 422, "not_an_object", "a row is an object")
        found = _key_problem(endpoint, row, key) or problem(endpoint.schema or {}, row)
        if found is not None:
            return Failure(key, 422, *found)
        exists = endpoint.keyed and collection.get(key) is not None
        if endpoint.mode == "insert" and exists:
            return Failure(key, 409, "exists", "a record with this key exists")
        if endpoint.mode == "update" and not exists:
            return Failure(key, 404, "not_found", "there is no record with this key")
        return None

    def _put(self, endpoint: Endpoint, row: dict[str, Json], key: str) -> bool:
        """Write one row; whether it made a record."""
        collection, now_ms = self._api.collection(endpoint.collection), self._api.wall_ms()
        if endpoint.key is None or not endpoint.keyed:
            collection.create(row, now_ms, key=key or None)
            return True
        record: Record | None = collection.get(key)
        if record is None:
            collection.create({endpoint.key: key, **row}, now_ms, record_id=key)
            return True
        # A record that was named by another field may lack this one.
        values = {endpoint.key: record.values.get(endpoint.key, key), **row}
        collection.update(record, values, now_ms, replace=endpoint.mode == "replace")
        return False

    def _entry(self, results: Results | None, key: str, failure: Failure | None) -> Json:
        if results is None or (failure is None and not results.every_row):
            return None
        if failure is None:
            return {results.key: key, results.status: 200}
        return {
            results.key: key,
            results.status: failure.status,
            results.code: failure.code,
            results.message: failure.message,
        }

    def _all_refused(self, endpoint: Endpoint, failures: Mapping[int, Failure]) -> Reply:
        first = next(iter(failures.values()))
        reply = problem_details(first.status, first.message, code=first.code)
        if endpoint.results is not None:
            listed = [self._entry(endpoint.results, one.key, one) for one in failures.values()]
            reply.body["accepted"] = 0
            endpoint.results.put(reply.body, listed)
        return reply


def _any_shape(body: Json) -> list[Json]:
    if isinstance(body, list):
        return body
    if isinstance(body, dict):
        inputs = body.get("inputs")
        if len(body) == 1 and isinstance(inputs, list):
            return inputs
        return [body]
    raise WrongShapeError("body is neither an object nor an array")


def _key_text(endpoint: Endpoint, row: Json, path_key: str | None) -> str:
    """A row's key as text; empty where it has none that can be one."""
    if path_key is not None:
        return path_key
    if endpoint.key is None or not isinstance(row, dict):
        return ""
    value = row.get(endpoint.key)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return text_of(value)
    return ""


def _key_problem(endpoint: Endpoint, row: Mapping[str, Json], key: str) -> tuple[str, str] | None:
    if endpoint.key is None or not endpoint.keyed:
        return None
    if not key:
        message = f"{endpoint.key} is missing, empty, or neither text nor whole number"
        return "missing_key", message
    if endpoint.key in row and text_of(row[endpoint.key]) != key:
        return "key_mismatch", f"path and {endpoint.key} differ"
    return None
