"""Writing one record at a time to Zendesk's sandbox."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request
from tailrace.sandbox.zendesk import asking, facts
from tailrace.sandbox.zendesk.records import RowRefusedError, Store, key_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.zendesk.account import Account


class Single:
    """Create, upsert, update and delete, a record a request."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route(
                "POST",
                r"/api/v2/(?P<type>users|organizations)/create_or_update",
                self._read_upsert,
            ),
            route("POST", facts.OBJECT_PATH, self._read_create),
            route("PUT", facts.RECORD_PATH, self._read_update),
            route("DELETE", facts.RECORD_PATH, self._read_destroy),
        ]

    def _read_create(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        item = asking.item_of(request, store.type.singular)
        key = request.headers.get("idempotency-key")

        def run(call: Call) -> Reply:
            if store.type is facts.TICKETS and key:
                return self._once(call, store, item, key, request.body)
            return self._create(call, store, item)

        return Call("create", store.type.name, [key_of(asking.dict_of(item)) or ""], run)

    def _create(self, call: Call, store: Store, item: Json) -> Reply:
        record = _whole(call, lambda: store.create(item))
        return _made({store.type.singular: self._account.shown(store, record)})

    def _once(self, call: Call, store: Store, item: Json, key: str, body: bytes) -> Reply:
        """A ticket under an idempotency key: made once, and told again for two hours."""
        sent = hashlib.sha256(body).hexdigest()
        now = self._account.clock()
        kept = self._account.keys.get(key)
        if kept is not None and kept[2] > now:
            if kept[0] != sent:
                message = "The idempotency key came with other parameters before"
                raise asking.refuse(400, "IdempotentRequestError", message)
            reply = _made(kept[1])
            reply.headers.append(("x-idempotency-lookup", "hit"))
            return reply
        reply = self._create(call, store, item)
        self._account.keys[key] = (sent, reply.body, now + facts.IDEMPOTENCY_S)
        reply.headers.append(("x-idempotency-lookup", "miss"))
        return reply

    def _read_upsert(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        item = asking.item_of(request, store.type.singular)

        def run(call: Call) -> Reply:
            reply: Reply = _whole(call, lambda: self._upsert(store, item))
            return reply

        return Call("create_or_update", store.type.name, [key_of(asking.dict_of(item)) or ""], run)

    def _upsert(self, store: Store, item: Json) -> Reply:
        record = store.find(asking.dict_of(item))
        if record is None:
            record = store.create(item)
            return _made({store.type.singular: self._account.shown(store, record)})
        store.update(record, item)
        return Reply(200, {store.type.singular: self._account.shown(store, record)})

    def _read_update(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        item = asking.item_of(request, store.type.singular)

        def run(call: Call) -> Reply:
            record = self._account.record(store, match["id"])
            _whole(call, lambda: store.update(record, item))
            return Reply(200, {store.type.singular: self._account.shown(store, record)})

        return Call("update", store.type.name, [match["id"]], run)

    def _read_destroy(self, _request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)

        def run(call: Call) -> Reply:
            record = self._account.record(store, match["id"])
            store.remove(record)
            call.applied = 1
            if store.type is facts.USERS:
                return Reply(200, {"user": {**self._account.shown(store, record), "active": False}})
            return Reply(204)

        return Call("destroy", store.type.name, [match["id"]], run)


def _made(body: dict[str, Json]) -> Reply:
    """The answer that tells of a new record, and where it is."""
    (shown,) = body.values()
    return Reply(201, body, [("Location", str(shown["url"]))])


def _whole(call: Call, act: Callable[[], Any]) -> Any:
    """One record's request: a refused row is a refused request."""
    try:
        done = act()
    except RowRefusedError as refused:
        call.rejected = 1
        code = "DuplicateValue" if refused.taken else "InvalidValue"
        detail = {"description": refused.details, "error": code}
        body = {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {refused.attribute: [detail]},
        }
        raise RefusalError(Reply(422, body)) from None
    call.applied = 1
    return done
