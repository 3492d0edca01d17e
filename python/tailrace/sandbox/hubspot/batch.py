"""HubSpot's batch operations on one object: what a batch may hold, and what becomes of each row.

The rules, as users have observed them on real accounts: without ``objectWriteTraceId`` in every
input one bad row fails the whole request and nothing is written; with it the good rows are
written, the bad ones are listed in ``errors`` of a 207. Identical ids fail the whole request
either way. Results never come back in the order of the inputs.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.hubspot import facts
from tailrace.sandbox.hubspot.inputs import names_of
from tailrace.sandbox.hubspot.judging import judge, row_error, whole
from tailrace.sandbox.wire import Json, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tailrace.sandbox.hubspot.inputs import Row
    from tailrace.sandbox.hubspot.store import Store
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.vendor import Call


def write(store: Store, call: Call, rows: list[Row]) -> Reply:
    """Upsert, create or update."""
    started_ms = store.wall_ms()
    missing = _missing(store, call.op, rows)
    bad = judge(store, call, [row for row in rows if row.position not in missing])
    traced = all(row.trace is not None for row in rows)
    fatal = next((one for one in bad if one.whole or not traced), None)
    if fatal is not None:
        call.rejected = len(rows)
        raise whole(fatal)
    spared = {one.row.position for one in bad} | missing.keys()
    results = [store.put(call.op, row) for row in rows if row.position not in spared]
    call.applied = len(results)
    call.rejected = len(spared)
    errors = [row_error(one) for one in bad]
    if missing:
        errors.append(_missing_error(store, missing.values()))
    whole_status = 201 if call.op == "create" else 200
    return _batch_reply(store, whole_status, results, errors, started_ms)


def _missing(store: Store, op: str, rows: list[Row]) -> dict[int, Row]:
    if op != "update":
        return {}
    return {row.position: row for row in rows if store.find(row) is None}


def archive(store: Store, call: Call, rows: list[Row]) -> Reply:
    """Archive; ids that are unknown or archived already are passed over, as HubSpot does."""
    for row in rows:
        record = store.find(row)
        if record is not None:
            store.records.remove(record, store.wall_ms(), key=row.key)
            call.applied += 1
    return Reply(204)


def read_rows(store: Store, rows: list[Row], body: Mapping[str, Any]) -> Reply:
    """Batch read."""
    started_ms = store.wall_ms()
    names = names_of(body.get("properties"), "properties")
    history = names_of(body.get("propertiesWithHistory"), "propertiesWithHistory")
    results, missing = [], []
    for row in rows:
        record = store.find(row)
        if record is None:
            missing.append(row)
            continue
        result = store.record_json(record, names or store.type.shown)
        if history:
            result["propertiesWithHistory"] = _history(record, history)
        results.append(result)
    errors = [_missing_error(store, missing)] if missing else []
    return _batch_reply(store, 200, results, errors, started_ms)


def _history(record: Record, names: Iterable[str]) -> Json:
    """The present value of each property; the sandbox keeps no older ones."""
    at = iso_ms(record.updated_ms)
    return {
        name: [{"value": record.values[name], "timestamp": at, "sourceType": "INTEGRATION"}]
        for name in names
        if name in record.values
    }


def _missing_error(store: Store, rows: Iterable[Row]) -> Json:
    rows = list(rows)
    context = {"ids": [row.key for row in rows]}
    traces = [row.trace for row in rows if row.trace is not None]
    if traces:
        context["objectWriteTraceId"] = traces
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": facts.MISSING.format(store.type.singular.upper()),
        "context": context,
    }


def _batch_reply(
    store: Store, status: int, results: list[Json], errors: list[Json], started_ms: int
) -> Reply:
    body: dict[str, Json] = {
        "status": "COMPLETE",
        "results": _out_of_order(store, results),
        "startedAt": iso_ms(started_ms),
        "completedAt": iso_ms(store.wall_ms()),
    }
    if errors:
        body["numErrors"] = len(errors)
        body["errors"] = errors
    return Reply(207 if errors else status, body)


def _out_of_order(store: Store, results: list[Json]) -> list[Json]:
    """The results in an order that is never the order of the inputs."""
    if len(results) < 2:
        return results
    mixed = list(results)
    order = Random(f"{store.seed}:{results[0]['id']}:{len(results)}")  # noqa: S311
    order.shuffle(mixed)
    if mixed == results:
        mixed.reverse()
    return mixed
