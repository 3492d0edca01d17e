"""Bulk requests to Zendesk's sandbox: each queues a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.records import Record
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request
from tailrace.sandbox.zendesk import asking, facts
from tailrace.sandbox.zendesk.jobs import as_json
from tailrace.sandbox.zendesk.records import RowRefusedError, Store, key_of

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.zendesk.account import Account

Act = Callable[[Any], "dict[str, Json]"]


class Bulk:
    """A hundred rows a request. ``may_import``: the account may create users in bulk."""

    def __init__(self, account: Account, *, may_import: bool) -> None:
        self._account = account
        self._may_import = may_import

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("POST", rf"{facts.OBJECT_PATH}/create_many", self._read_create_many),
            route(
                "POST",
                r"/api/v2/(?P<type>users)/create_or_update_many",
                self._read_upsert_many,
            ),
            route("PUT", rf"{facts.OBJECT_PATH}/update_many", self._read_update_many),
            route("DELETE", rf"{facts.OBJECT_PATH}/destroy_many", self._read_destroy_many),
        ]

    def _read_create_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        self._need_import(store)

        def act(item: Json) -> dict[str, Json]:
            return _done(store.create(item), "create", "Created")

        return self._queued("create_many", store, asking.items_of(request, store), act)

    def _read_upsert_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        self._need_import(store)

        def act(item: Json) -> dict[str, Json]:
            record = store.find(asking.dict_of(item))
            if record is None:
                return _done(store.create(item), "create", "Created")
            store.update(record, item)
            return _done(record, "update", "Updated")

        return self._queued("create_or_update_many", store, asking.items_of(request, store), act)

    def _need_import(self, store: Store) -> None:
        if not self._may_import and store.type is facts.USERS:
            body = {"error": {"title": "Forbidden", "message": facts.FORBIDDEN}}
            raise RefusalError(Reply(403, body))

    def _read_update_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        if "ids" in request.query or "external_ids" in request.query:
            shared = asking.item_of(request, store.type.singular)
            asked = self._account.asked(store, request)
            items = [{**shared, "id": one and one.id} for one in asked]
        else:
            items = asking.items_of(request, store)

        def act(item: Json) -> dict[str, Json]:
            record_id = asking.dict_of(item).get("id")
            record = store.records.get(str(record_id))
            if record is None:
                raise RowRefusedError(f"{store.type.error}NotFound", f"{record_id}: not found")
            store.update(record, item)
            return _done(record, "update", "Updated")

        return self._queued("update_many", store, items, act)

    def _read_destroy_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        asked: list[Any] = list(self._account.asked(store, request))

        def act(record: Record | None) -> dict[str, Json]:
            if record is None or store.records.get(record.id) is None:
                raise RowRefusedError(f"{store.type.error}NotFound", "not found")
            store.remove(record)
            return _done(record, "delete", "Deleted")

        return self._queued("destroy_many", store, asked, act)

    def _queued(self, op: str, store: Store, items: list[Any], act: Act) -> Call:
        def run(call: Call) -> Reply:
            jobs = self._account.jobs
            if jobs.is_full:
                raise asking.refuse(429, "TooManyJobs", facts.TOO_MANY_JOBS)
            call.rejected = len(call.refuse)
            call.applied = len(items) - call.rejected
            job = jobs.queue(f"{op} {store.type.name}", items, act, call)
            shown = {**as_json(job, self._account.base_url), "status": "queued", "results": None}
            return Reply(200, {"job_status": shown})

        return Call(op, store.type.name, [_key(store, one) for one in items], run)


def _key(store: Store, item: Any) -> str:
    """What a row is called in the log: by what it was stored under, where it names a record."""
    if isinstance(item, Record):
        return key_of(item.values) or item.id
    named = key_of(asking.dict_of(item))
    record = store.records.get(str(asking.dict_of(item).get("id")))
    if named is None and record is not None:
        named = key_of(record.values)
    return named or ""


def _done(record: Record, action: str, status: str) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "id": int(record.id),
        "action": action,
        "status": status,
        "success": True,
    }
    for name in ("email", "external_id"):
        if record.values.get(name) is not None:
            shown[name] = record.values[name]
    return shown
