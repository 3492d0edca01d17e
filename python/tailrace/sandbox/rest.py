"""A generic JSON API, for the ``rest`` destination.

With no configuration every collection is there: ``POST /rest/{collection}`` takes one object, an
array, or ``{"inputs": [...]}``, the key in the field ``id`` or the one that ``?key=`` names, and
answers ``{"errors": [{key, status, code, message}], "accepted": n}``; ``?mode=`` is one of upsert
(default), insert, update, append, replace. ``GET``, ``PUT``, ``PATCH`` and ``DELETE`` serve
``/rest/{collection}/{key}``, and ``GET /rest/{collection}`` lists. With ``objects`` only the
declared paths are served, see ``rest_endpoints.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from tailrace.sandbox.auth import Auth, auth_from
from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.limits import Limiter, limiter
from tailrace.sandbox.oauth import Grants, TokenRefusedError
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.rest_endpoints import Endpoint, Reading, Removal, Served, declared
from tailrace.sandbox.rest_once import Once, OnceSetting
from tailrace.sandbox.rest_shapes import (
    DEFAULT_RESULTS,
    MODES,
    Results,
    WrongShapeError,
    filled,
    key_in,
    path_pattern,
    problem,
    rows_in,
)
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import (
    BadJsonError,
    Json,
    RefusalError,
    Reply,
    Request,
    http_date,
    read_json,
    text_of,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one row is refused."""

    key: str
    status: int
    code: str
    message: str


_TOKEN_PATH = "/rest/oauth/token"  # noqa: S105  (a path)

Handler = Callable[[Request, Any], Call | None]
Route = tuple[str, Any, Handler]
_DEFAULT_ONCE = OnceSetting()


class Rest(Vendor):
    """Options: ``auth`` (none, bearer, basic, header), ``oauth`` (see ``oauth.Grants``; in place of
    ``auth``; the endpoint is ``/rest/oauth/token``), ``limits`` (none, or ``{kind, max,
    interval_ms, retry_after}`` with retry_after seconds, http_date or none), ``objects``,
    ``default_collections``, ``partial_status`` (207, or 200 as some APIs have it),
    ``max_body_bytes``."""

    name: ClassVar[str] = "rest"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("auth", "limits", "objects", "default_collections", "partial_status"),
            *("max_body_bytes", "oauth"),
        }
    )
    max_body_bytes = 16 * 1024 * 1024

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._auth = _checked(auth_from, options.get("auth"))
        self.grants = Grants(options.get("oauth"), self.clock, self.wall_ms, "vendors.rest.oauth")
        if self.grants.enabled and options.get("auth") not in (None, "none"):
            raise ConfigError("vendors.rest: one of auth and oauth")
        self._partial_status = options.get("partial_status", 207)
        if self._partial_status not in (200, 207):
            raise ConfigError("vendors.rest: partial_status is 200 or 207")
        objects = {} if options.get("objects") is None else options["objects"]
        if not isinstance(objects, Mapping):
            raise ConfigError("vendors.rest: objects is a mapping")
        self._routes: list[Route] = []
        if self.grants.enabled:
            self._routes.append(("POST", re.compile(re.escape(_TOKEN_PATH)), self._read_token))
        self._forms: list[Results] = []
        for name, part in objects.items():
            self._declare(str(name), part)
        if options.get("default_collections", not objects):
            self._declare_default()
        self._declared = [str(name) for name in objects]
        self.set_limits(options.get("limits", "none"))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith("/rest/")

    # -- declarations ----------------------------------------------------------------------------

    def _declare(self, name: str, part: Any) -> None:
        for serving in declared(name, part, f"vendors.rest.objects.{name}"):
            what = serving.what
            if isinstance(what, Endpoint) and what.results is not None:
                self._forms.append(what.results)
            self._routes.append((serving.method, serving.pattern, self._handler(what)))

    def _handler(self, what: Served) -> Handler:
        if isinstance(what, Endpoint):
            return lambda request, match: self._read_write(request, what, match)
        if isinstance(what, Removal):
            return lambda request, match: self._read_removal(request, what, match)
        return lambda request, match: self._read_records(request, what, match)

    def _declare_default(self) -> None:
        many = path_pattern("/{collection}", "default")
        one = path_pattern("/{collection}/{key}", "default")
        self._routes += [
            ("POST", many, self._read_default_post),
            ("GET", many, self._read_default_list),
            ("GET", one, self._read_default_get),
            ("PUT", one, lambda r, m: self._read_default_put(r, m, "replace")),
            ("PATCH", one, lambda r, m: self._read_default_put(r, m, "update")),
            ("DELETE", one, lambda _, m: self._read_default_delete(m)),
        ]

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        if self.grants.enabled:
            return self._token_of(request)
        principal: str | None = self._auth.principal(request)
        if principal is None:
            reply = self.refusal(401, "a valid login is needed")
            reply.headers.append(("WWW-Authenticate", self._auth.kind.capitalize()))
            raise RefusalError(reply)
        return principal

    def _token_of(self, request: Request) -> str:
        """RFC 6750: why a token is refused is said in the header."""
        if request.path == _TOKEN_PATH:
            return "oauth"
        token = Auth("bearer").principal(request)
        state = "unknown" if token is None else self.grants.state(token)
        if token is not None and state == "good":
            return token
        reply = self.refusal(401, "the access token is missing, unknown or has expired")
        error = "" if token is None else ' error="invalid_token"'
        reply.headers.append(("WWW-Authenticate", f"Bearer{error}"))
        raise RefusalError(reply)

    def _read_token(self, request: Request, _match: Any) -> Call:
        def run(_: Call) -> Reply:
            unseen = [("Cache-Control", "no-store")]
            try:
                return Reply(200, self.grants.exchange(request), unseen)
            except TokenRefusedError as refused:
                if refused.status == HTTPStatus.UNAUTHORIZED:
                    unseen.append(("WWW-Authenticate", "Basic"))
                return Reply(refused.status, refused.body(), unseen)

        return Call("token", "oauth", [], run)

    def set_limits(self, limits: Any) -> None:
        self._limiter: Limiter | None = None
        self._retry_after = "seconds"
        if limits in (None, "none"):
            return
        known(limits, ("kind", "max", "interval_ms", "retry_after"), "vendors.rest.limits")
        form = limits.get("retry_after", "seconds")
        if form not in ("seconds", "http_date", "none"):
            raise ConfigError("vendors.rest.limits: retry_after is seconds, http_date or none")
        self._retry_after = form
        self._limiter = _checked(lambda one: limiter(one, self.clock), limits)

    def admit(self, principal: str) -> list[tuple[str, str]]:
        if self._limiter is None or (self.grants.enabled and principal == "oauth"):
            return []
        grant = self._limiter.take()
        headers = [
            ("X-RateLimit-Limit", str(grant.limit)),
            ("X-RateLimit-Remaining", str(grant.remaining)),
        ]
        if grant.allowed:
            return headers
        reply = self.refusal(429, "too many requests")
        reply.headers += headers
        # Rounded up: who comes back exactly then is let in.
        wait_s = max(1, math.ceil(grant.wait_s))
        if self._retry_after == "seconds":
            reply.headers.append(("Retry-After", str(wait_s)))
        elif self._retry_after == "http_date":
            reply.headers.append(("Retry-After", http_date(wait_s + 1)))
        raise RefusalError(reply)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        allowed = []
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            allowed.append(method)
            if method != request.method:
                continue
            call = handler(request, match)
            if call is not None:
                return call
        if allowed and request.method not in allowed:
            reply = self.refusal(405, f"{request.method} is not served here")
            reply.headers.append(("Allow", ", ".join(sorted(set(allowed)))))
            raise RefusalError(reply)
        raise RefusalError(self.refusal(404, f"nothing is served at {request.path}"))

    def _read_write(self, request: Request, endpoint: Endpoint, match: Any) -> Call:
        body = self._json(request)
        try:
            rows = _any_shape(body) if endpoint.shape is None else rows_in(endpoint.shape, body)
        except WrongShapeError as error:
            raise RefusalError(self.refusal(400, str(error))) from None
        if not rows:
            raise RefusalError(self.refusal(400, "there are no rows"))
        if len(rows) > endpoint.batch_rows:
            raise RefusalError(self.refusal(413, f"at most {endpoint.batch_rows} rows a request"))
        single = endpoint.shape == "object" or (endpoint.shape is None and body is rows[0])
        path_key = key_in(match)
        keys = [_key_text(endpoint, row, path_key) for row in rows]

        def run(call: Call) -> Reply:
            return self._write(call, endpoint, rows, single)

        call = Call(endpoint.op or endpoint.mode, endpoint.collection, keys, run)
        return call if endpoint.once is None else self._once.wrap(endpoint.once, request, call)

    def _read_default_post(self, request: Request, match: Any) -> Call:
        mode = request.query.get("mode", "upsert")
        if mode not in MODES:
            raise RefusalError(self.refusal(400, f"mode is one of {', '.join(MODES)}"))
        key = request.query.get("key", "id")
        endpoint = Endpoint(match["collection"], key, mode, once=_DEFAULT_ONCE)
        return self._read_write(request, endpoint, match)

    def _read_default_put(self, request: Request, match: Any, mode: str) -> Call:
        key = request.query.get("key", "id")
        endpoint = Endpoint(match["collection"], key, mode, "object", once=_DEFAULT_ONCE)
        return self._read_write(request, endpoint, match)

    def _read_default_get(self, request: Request, match: Any) -> Call | None:
        return self._read_records(request, Reading(match["collection"], "id"), match)

    def _read_default_list(self, request: Request, match: Any) -> Call | None:
        reading = Reading(match["collection"], "id", results="results")
        return self._read_records(request, reading, match)

    def _read_default_delete(self, match: Any) -> Call:
        return self._remove(Removal(match["collection"], "delete"), key_in(match) or "")

    # -- reading records -------------------------------------------------------------------------

    def _read_records(self, request: Request, reading: Reading, match: Any) -> Call | None:
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
                raise RefusalError(self.refusal(404, "no such record", code="not_found"))
            return Reply(200, shown[0])

        return Call("get", reading.collection, [key], run)

    def _find(self, reading: Reading, key: str) -> list[Record]:
        """By the key, or by the field that a query names."""
        collection = self._peek(reading.collection)
        if reading.query in ("", reading.key):
            record = collection.get(key)
            return [] if record is None else [record]
        return [one for one in collection if text_of(one.values.get(reading.query)) == key]

    def _read_page(self, request: Request, reading: Reading) -> Call:
        after = request.query.get(reading.parameter, "0")
        limit = request.query.get("limit", str(reading.rows))
        if not (after.isascii() and after.isdigit() and limit.isascii() and limit.isdigit()):
            raise RefusalError(
                self.refusal(400, f"{reading.parameter} and limit are whole numbers")
            )
        start, count = int(after[:12]), max(1, min(int(limit[:12]), 1000))

        def run(_: Call) -> Reply:
            records = list(self._peek(reading.collection))
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

    # -- removing --------------------------------------------------------------------------------

    def _read_removal(self, request: Request, removal: Removal, match: Any) -> Call:
        key = key_in(match) or ""
        if removal.body is None:
            if request.body:
                raise RefusalError(self.refusal(400, "there is a body, and none is taken here"))
        elif self._json(request) != filled(removal.body, key):
            raise RefusalError(self.refusal(400, "the body is not of the shape that is taken here"))
        return self._remove(removal, key)

    def _remove(self, removal: Removal, key: str) -> Call:
        def run(call: Call) -> Reply:
            collection = self._peek(removal.collection)
            record = collection.get(key)
            if record is None:
                call.rejected = 1
                raise RefusalError(self.refusal(404, "no such record", code="not_found"))
            if removal.op == "archive":
                collection.archive(record, self.wall_ms())
            else:
                collection.remove(record, self.wall_ms())
            call.applied = 1
            return Reply(204)

        return Call(removal.op, removal.collection, [key], run)

    def _json(self, request: Request) -> Json:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RefusalError(self.refusal(415, "Content-Type must be application/json"))
        try:
            return read_json(request.body)
        except BadJsonError as error:
            raise RefusalError(self.refusal(400, f"the body is not JSON: {error}")) from None

    # -- writing ---------------------------------------------------------------------------------

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
        collection = self._peek(endpoint.collection)
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
        collection, now_ms = self._collection(endpoint.collection), self.wall_ms()
        if endpoint.key is None or not endpoint.keyed:
            collection.create(row, now_ms, key=key or None)
            return True
        record: Record | None = collection.get(key)
        if record is None:
            collection.create({endpoint.key: key, **row}, now_ms, record_id=key)
            return True
        values = {endpoint.key: record.values[endpoint.key], **row}
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
        reply = self.refusal(first.status, first.message, code=first.code)
        if endpoint.results is not None:
            listed = [self._entry(endpoint.results, one.key, one) for one in failures.values()]
            reply.body["accepted"] = 0
            endpoint.results.put(reply.body, listed)
        return reply

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        """RFC 9457 problem details."""
        title = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
        body = {"type": "about:blank", "title": title, "status": status, "detail": message}
        return Reply(status, {**body, **extra}, content_type="application/problem+json")

    def results(self, body: Json) -> list[Json] | None:
        for form in (DEFAULT_RESULTS, *self._forms):
            found = form.get(body)
            if found is not None:
                return found
        return None

    def collections(self) -> Mapping[str, Collection]:
        return self._collections

    def _peek(self, name: str) -> Collection:
        """The collection, or an empty one that is not kept: reading makes nothing."""
        collection = self._collections.get(name)
        return Collection(name) if collection is None else collection

    def _collection(self, name: str) -> Collection:
        collection = self._collections.get(name)
        if collection is None:
            collection = self._collections[name] = Collection(name)
        return collection

    def reset(self) -> None:
        self._collections: dict[str, Collection] = {}
        self.grants.reset()
        self._once = Once(self.clock, self.refusal)
        for name in self._declared:
            self._collection(name)


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


def _checked(make: Callable[[Any], Any], settings: Any) -> Any:
    try:
        return make(settings)
    except ValueError as error:
        raise ConfigError(f"vendors.rest: {error}") from None
