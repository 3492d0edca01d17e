"""Zendesk's sandbox: users, organizations and tickets, their fields, bulk requests and their jobs.

Paths may end in ``.json``. What a row must be is in ``zendesk_records.py``, jobs are in
``zendesk_jobs.py``, numbers and texts in ``zendesk_facts.py``.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tailrace.sandbox import zendesk_asking as asking
from tailrace.sandbox import zendesk_facts as facts
from tailrace.sandbox import zendesk_options as options_of
from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.limits import SlidingWindow
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request
from tailrace.sandbox.zendesk_jobs import Jobs, as_json
from tailrace.sandbox.zendesk_records import (
    CustomField,
    RowRefusedError,
    Store,
    field_json,
    key_of,
)

Handler = Callable[[Request, "re.Match[str]"], Call]
Act = Callable[[Any], "dict[str, Json]"]


class Zendesk(Vendor):
    """A Zendesk account.

    Options: ``api_tokens`` (accepted logins ``EMAIL/token:TOKEN``) and ``tokens`` (bearer tokens;
    where neither is given any is good), ``limits`` (a plan, none, or ``{max, interval_ms}``),
    ``fields`` (per object: ``name: type`` or ``name: {type, title, options, pattern}``),
    ``job_ms`` (how long a job takes), ``max_jobs``, ``bulk_import`` (false: 403, as accounts are
    until Zendesk's support changes it), ``unknown_fields`` (reject, ignore), ``max_body_bytes``.
    """

    name: ClassVar[str] = "zendesk"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("api_tokens", "tokens", "limits", "fields", "job_ms", "max_jobs", "bulk_import"),
            *("unknown_fields", "max_body_bytes"),
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *facts.TIERS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._options = options
        self._basic = Auth("basic", options_of.texts(options, "api_tokens"))
        self._bearer = Auth("bearer", options_of.texts(options, "tokens"))
        self._job_ms = options_of.number(options, "job_ms", 0)
        self._max_jobs = int(options_of.number(options, "max_jobs", facts.MAX_JOBS))
        self._bulk_import = options.get("bulk_import", True)
        self._ignores_unknown = (
            options_of.choice(options, "unknown_fields", ("reject", "ignore")) == "ignore"
        )
        self._routes = self._make_routes()
        self._base_url = "http://zendesk.invalid"
        self.set_limits(options.get("limits", facts.DEFAULT_TIER))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith("/api/v2/")

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
        auth = self._bearer if scheme == "bearer" else self._basic
        named = self._basic.secrets or self._bearer.secrets
        principal = auth.principal(request) if auth.secrets or not named else None
        is_token = scheme != "basic" or "/token:" in (principal or "")
        if principal is None or not is_token:
            raise RefusalError(Reply(401, {"error": facts.NO_LOGIN}))
        self._base_url = f"http://{request.headers.get('host', 'zendesk.invalid')}"
        return principal

    def set_limits(self, limits: Any) -> None:
        """A plan's name, ``none``, or ``{max, interval_ms}``; the account's, not the login's."""
        self._window: SlidingWindow | None = None
        if limits in ("none", None):
            return
        if isinstance(limits, str) and limits in facts.TIERS:
            self._window = SlidingWindow(facts.TIERS[limits], facts.WINDOW_S, self.clock)
            return
        if isinstance(limits, Mapping):
            known(limits, ("max", "interval_ms"), "vendors.zendesk.limits")
            numbers = [limits.get("max"), limits.get("interval_ms", 60_000)]
            if all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in numbers):
                self._window = SlidingWindow(limits["max"], numbers[1] / 1000, self.clock)
                return
        raise ConfigError(
            f"vendors.zendesk: limits is none, one of {', '.join(facts.TIERS)}, or"
            " {max, interval_ms}"
        )

    def admit(self, principal: str) -> list[tuple[str, str]]:  # noqa: ARG002
        if self._window is None:
            return []
        grant = self._window.take()
        headers = [
            ("X-Rate-Limit", str(grant.limit)),
            ("X-Rate-Limit-Remaining", str(grant.remaining)),
            ("ratelimit-limit", str(grant.limit)),
            ("ratelimit-remaining", str(grant.remaining)),
            ("ratelimit-reset", str(math.ceil(grant.wait_s))),
        ]
        if not grant.allowed:
            headers.append(("Retry-After", str(max(1, math.ceil(grant.wait_s)))))
            body = facts.RATE_LIMITED.encode()
            raise RefusalError(Reply(429, body, headers, "text/plain; charset=utf-8"))
        return headers

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        self._jobs.advance()
        path = request.path.removesuffix(".json").rstrip("/")
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                return handler(request, match)
        raise asking.refuse(404, "InvalidEndpoint", "Not found")

    def _make_routes(self) -> list[tuple[str, re.Pattern[str], Handler]]:
        objects = r"/api/v2/(?P<type>users|organizations|tickets)"
        one = rf"{objects}/(?P<id>\d+)"
        jobs = "/api/v2/job_statuses"
        fields = r"/api/v2/(?P<type>user|organization|ticket)_fields"
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/api/v2/users/me", self._read_me),
            ("GET", rf"{objects}/show_many", self._read_show_many),
            ("GET", r"/api/v2/(?P<type>users|organizations)/search", self._read_search),
            ("POST", rf"{objects}/create_many", self._read_create_many),
            ("POST", r"/api/v2/(?P<type>users)/create_or_update_many", self._read_upsert_many),
            (
                *("POST", r"/api/v2/(?P<type>users|organizations)/create_or_update"),
                self._read_upsert,
            ),
            ("PUT", rf"{objects}/update_many", self._read_update_many),
            ("DELETE", rf"{objects}/destroy_many", self._read_destroy_many),
            ("GET", objects, self._read_list),
            ("POST", objects, self._read_create),
            ("GET", one, self._read_one),
            ("PUT", one, self._read_update),
            ("DELETE", one, self._read_destroy),
            ("GET", jobs, self._read_jobs),
            ("GET", f"{jobs}/show_many", self._read_many_jobs),
            ("GET", rf"{jobs}/(?P<id>[\w.-]+)", self._read_job),
            ("GET", fields, self._read_fields),
            ("POST", fields, self._read_new_field),
        ]
        return [(method, re.compile(pattern), handler) for method, pattern, handler in routes]

    def _store(self, match: re.Match[str]) -> Store:
        return self._stores[match["type"]]

    def _shown(self, store: Store, record: Record) -> dict[str, Json]:
        return store.as_json(record, self._base_url)

    def _read_me(self, _request: Request, _match: re.Match[str]) -> Call:
        user = {
            "id": facts.ME,
            "url": f"{self._base_url}/api/v2/users/{facts.ME}.json",
            "name": "Sandbox Admin",
            "email": "admin@sandbox.test",
            "role": "admin",
        }
        return Call("me", "users", [], lambda _: Reply(200, {"user": user}))

    def _read_show_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        found = [one for one in self._asked(store, request) if one is not None]
        keys = [key_of(one.values) or one.id for one in found]
        name = store.type.name

        def run(_: Call) -> Reply:
            shown = [self._shown(store, one) for one in found]
            body = {name: shown, "next_page": None, "previous_page": None, "count": len(shown)}
            return Reply(200, body)

        return Call("show_many", name, keys, run)

    def _asked(self, store: Store, request: Request) -> list[Record | None]:
        """The records of ``ids`` or ``external_ids``, None for each that there is not."""
        for name in ("ids", "external_ids"):
            if name not in request.query:
                continue
            values = [one for one in request.query[name].split(",") if one]
            if len(values) > facts.MAX_ITEMS:
                raise asking.refuse(400, "TooManyValues", f"{name} takes {facts.MAX_ITEMS} values")
            if name == "ids":
                return [store.records.get(one) for one in values]
            if store.records.is_unique("external_id"):
                return [store.records.find("external_id", one) for one in values]
        raise asking.refuse(400, "BadRequest", "ids or external_ids is needed")

    def _read_search(self, request: Request, match: re.Match[str]) -> Call:
        store, asked = self._store(match), request.query.get("external_id", "")

        def run(_: Call) -> Reply:
            record = store.records.find("external_id", asked)
            shown = [] if record is None else [self._shown(store, record)]
            return Reply(200, {store.type.name: shown, "next_page": None, "count": len(shown)})

        return Call("search", store.type.name, [asked], run)

    def _read_list(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        size = asking.number_of(
            request.query, "page[size]", asking.number_of(request.query, "per_page", 100)
        )
        if not 1 <= size <= facts.MAX_PAGE:
            raise asking.refuse(
                400, "InvalidPaginationParameter", f"a page has 1 to {facts.MAX_PAGE}"
            )
        after = request.query.get("page[after]")
        if after is not None and not after.isdigit():
            raise asking.refuse(400, "InvalidPaginationParameter", "page[after] is not valid")

        def run(_: Call) -> Reply:
            found, following = store.records.page(after, size)
            shown = [self._shown(store, one) for one in found]
            meta: dict[str, Json] = {"has_more": following is not None, "after_cursor": following}
            link = f"{self._base_url}{request.path}?page[size]={size}&page[after]={following}"
            body: dict[str, Json] = {store.type.name: shown, "meta": meta}
            body["links"] = {"next": link if following is not None else None}
            if "page[size]" not in request.query:
                body.update(next_page=None, previous_page=None, count=len(store.records))
            return Reply(200, body)

        return Call("list", store.type.name, [], run)

    def _read_one(self, _request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)

        def run(_: Call) -> Reply:
            record = self._record(store, match["id"])
            return Reply(200, {store.type.singular: self._shown(store, record)})

        return Call("get", store.type.name, [match["id"]], run)

    def _record(self, store: Store, record_id: str) -> Record:
        record = store.records.get(record_id)
        if record is None:
            raise asking.refuse(404, "RecordNotFound", "Not found")
        return record

    # -- one record ------------------------------------------------------------------------------

    def _read_create(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        item = asking.item_of(request, store.type.singular)
        key = request.headers.get("idempotency-key")

        def run(call: Call) -> Reply:
            if store.type is facts.TICKETS and key:
                return self._once(call, store, item, key, request.body)
            return self._create(call, store, item)

        return Call("create", store.type.name, [key_of(asking.dict_of(item)) or ""], run)

    def _create(self, call: Call, store: Store, item: Json) -> Reply:
        record = _whole(call, lambda: store.create(item))
        return Reply(201, {store.type.singular: self._shown(store, record)})

    def _once(self, call: Call, store: Store, item: Json, key: str, body: bytes) -> Reply:
        """A ticket under an idempotency key: made once, and told again for two hours."""
        sent = hashlib.sha256(body).hexdigest()
        now = self.clock()
        kept = self._keys.get(key)
        if kept is not None and kept[2] > now:
            if kept[0] != sent:
                message = "The idempotency key came with other parameters before"
                raise asking.refuse(400, "IdempotentRequestError", message)
            return Reply(201, kept[1], [("x-idempotency-lookup", "hit")])
        reply = self._create(call, store, item)
        self._keys[key] = (sent, reply.body, now + facts.IDEMPOTENCY_S)
        reply.headers.append(("x-idempotency-lookup", "miss"))
        return reply

    def _read_upsert(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        item = asking.item_of(request, store.type.singular)

        def run(call: Call) -> Reply:
            reply: Reply = _whole(call, lambda: self._upsert(store, item))
            return reply

        return Call("create_or_update", store.type.name, [key_of(asking.dict_of(item)) or ""], run)

    def _upsert(self, store: Store, item: Json) -> Reply:
        record = store.find(asking.dict_of(item))
        status = 201 if record is None else 200
        if record is None:
            record = store.create(item)
        else:
            store.update(record, item)
        return Reply(status, {store.type.singular: self._shown(store, record)})

    def _read_update(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        item = asking.item_of(request, store.type.singular)

        def run(call: Call) -> Reply:
            record = self._record(store, match["id"])
            _whole(call, lambda: store.update(record, item))
            return Reply(200, {store.type.singular: self._shown(store, record)})

        return Call("update", store.type.name, [match["id"]], run)

    def _read_destroy(self, _request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)

        def run(call: Call) -> Reply:
            record = self._record(store, match["id"])
            store.remove(record)
            call.applied = 1
            if store.type is facts.USERS:
                return Reply(200, {"user": {**self._shown(store, record), "active": False}})
            return Reply(204)

        return Call("destroy", store.type.name, [match["id"]], run)

    # -- many records ----------------------------------------------------------------------------

    def _read_create_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        self._need_import(store)

        def act(item: Json) -> dict[str, Json]:
            return _done(store.create(item), "create", "Created")

        return self._queued("create_many", store, asking.items_of(request, store), act)

    def _read_upsert_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        self._need_import(store)

        def act(item: Json) -> dict[str, Json]:
            record = store.find(asking.dict_of(item))
            if record is None:
                return _done(store.create(item), "create", "Created")
            store.update(record, item)
            return _done(record, "update", "Updated")

        return self._queued("create_or_update_many", store, asking.items_of(request, store), act)

    def _need_import(self, store: Store) -> None:
        if not self._bulk_import and store.type is facts.USERS:
            body = {"error": {"title": "Forbidden", "message": facts.FORBIDDEN}}
            raise RefusalError(Reply(403, body))

    def _read_update_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        if "ids" in request.query or "external_ids" in request.query:
            shared = asking.item_of(request, store.type.singular)
            items = [{**shared, "id": one and one.id} for one in self._asked(store, request)]
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
        store = self._store(match)
        asked: list[Any] = list(self._asked(store, request))

        def act(record: Record | None) -> dict[str, Json]:
            if record is None or store.records.get(record.id) is None:
                raise RowRefusedError(f"{store.type.error}NotFound", "not found")
            store.remove(record)
            return _done(record, "delete", "Deleted")

        return self._queued("destroy_many", store, asked, act)

    def _queued(self, op: str, store: Store, items: list[Any], act: Act) -> Call:
        def run(call: Call) -> Reply:
            if self._jobs.is_full:
                raise asking.refuse(429, "TooManyJobs", facts.TOO_MANY_JOBS)
            call.rejected = len(call.refuse)
            call.applied = len(items) - call.rejected
            fault = (call.job, call.job_options)
            job = self._jobs.queue(f"{op} {store.type.name}", items, act, call.refuse, fault)
            shown = {**as_json(job, self._base_url), "status": "queued", "results": None}
            return Reply(200, {"job_status": shown})

        return Call(op, store.type.name, [_key(store, one) for one in items], run)

    # -- jobs ------------------------------------------------------------------------------------

    def _read_jobs(self, _request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            shown = [as_json(job, self._base_url) for job in self._jobs.recent()]
            return Reply(200, {"job_statuses": shown, "count": len(shown)})

        return Call("job_list", "job_statuses", [], run)

    def _read_many_jobs(self, request: Request, _match: re.Match[str]) -> Call:
        names = [one for one in request.query.get("ids", "").split(",") if one]
        if not names or len(names) > facts.MAX_JOBS_SHOWN:
            raise asking.refuse(400, "BadRequest", f"ids takes 1 to {facts.MAX_JOBS_SHOWN} jobs")

        def run(_: Call) -> Reply:
            found = [job for name in names for job in [self._jobs.get(name)] if job is not None]
            shown = [as_json(job, self._base_url) for job in found]
            return Reply(200, {"job_statuses": shown, "count": len(shown)})

        return Call("job_status", "job_statuses", [], run)

    def _read_job(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            job = self._jobs.get(match["id"])
            if job is None:
                raise asking.refuse(404, "RecordNotFound", "Not found")
            return Reply(200, {"job_status": as_json(job, self._base_url)})

        return Call("job_status", "job_statuses", [], run)

    # -- fields ----------------------------------------------------------------------------------

    def _read_fields(self, request: Request, match: re.Match[str]) -> Call:
        store = self._stores[match["type"] + "s"]
        size = asking.number_of(request.query, "page[size]", 100)
        start = asking.number_of(request.query, "page[after]", 0)

        def run(_: Call) -> Reply:
            shown = [field_json(one) for one in store.custom.values()]
            more = start + size < len(shown)
            meta = {"has_more": more, "after_cursor": str(start + size) if more else None}
            name = store.type.fields_path
            return Reply(200, {name: shown[start : start + size], "meta": meta})

        return Call("fields", store.type.name, [], run)

    def _read_new_field(self, request: Request, match: re.Match[str]) -> Call:
        store = self._stores[match["type"] + "s"]
        part = asking.dict_of(asking.item_of(request, f"{match['type']}_field"))
        options = tuple(str(one.get("value")) for one in part.get("custom_field_options") or [])
        key, kind = part.get("key", part.get("title")), part.get("type")

        def run(call: Call) -> Reply:
            if not isinstance(key, str) or kind not in facts.FIELD_TYPES or key in store.custom:
                raise asking.refuse(422, "RecordInvalid", "Key: is invalid, or has been taken")
            added = store.add_field(CustomField(key, kind, str(part.get("title", key)), options))
            call.applied = 1
            return Reply(201, {f"{match['type']}_field": field_json(added)})

        return Call("create_field", store.type.name, [str(key)], run)

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        if extra.get("policy") == "jobs":
            return asking.error(status, "TooManyJobs", facts.TOO_MANY_JOBS)
        if status == 401:
            return Reply(401, {"error": facts.NO_LOGIN})
        if status == 403:
            return Reply(403, {"error": {"title": "Forbidden", "message": message}})
        if status == 429:
            return Reply(429, facts.RATE_LIMITED.encode(), [], "text/plain; charset=utf-8")
        codes = {400: "BadRequest", 404: "RecordNotFound", 409: "Conflict", 422: "RecordInvalid"}
        return asking.error(status, codes.get(status, "InternalError"), message)

    def results(self, body: Json) -> list[Json] | None:
        if not isinstance(body, dict):
            return None
        lists = [body.get(name) for name in ("users", "organizations", "tickets")]
        lists += [job.get("results") for job in body.get("job_statuses", [])]
        return next((one for one in lists if isinstance(one, list)), None)

    def collections(self) -> Mapping[str, Collection]:
        self._jobs.advance()
        held = {name: store.records for name, store in self._stores.items()}
        return {**held, "job_statuses": self._jobs.records}

    def reset(self) -> None:
        self._jobs = Jobs(self.clock, self.wall_ms, self._job_ms, self.seed)
        self._jobs.most = self._max_jobs
        self._keys: dict[str, tuple[str, Json, float]] = {}
        self._stores: dict[str, Store] = {}
        declared = self._options.get("fields") or {}
        known(declared, [one.name for one in facts.OBJECTS], "vendors.zendesk.fields")
        for kind in facts.OBJECTS:
            first = facts.FIRST_ID[kind.name]
            records = Collection(kind.name, kind.unique, first_id=first, folded=kind.unique)
            store = Store(kind, records, {}, self.wall_ms, self._ignores_unknown)
            for name, part in (declared.get(kind.name) or {}).items():
                where = f"vendors.zendesk.fields.{kind.name}.{name}"
                store.add_field(options_of.field_from_config(where, name, part))
            self._stores[kind.name] = store
        self._stores["users"].organizations = self._stores["organizations"].records


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


def _whole(call: Call, act: Callable[[], Any]) -> Any:
    """One record's request: a refused row is a refused request."""
    try:
        done = act()
    except RowRefusedError as refused:
        call.rejected = 1
        code = refused.code if refused.code == "DuplicateValue" else "InvalidValue"
        detail = {"description": refused.details, "error": code}
        body = {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {refused.attribute: [detail]},
        }
        raise RefusalError(Reply(422, body)) from None
    call.applied = 1
    return done
