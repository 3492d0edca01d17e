"""A generic JSON API, for the ``rest`` destination.

With no configuration every collection is there: ``POST /rest/{collection}`` takes one object, an
array, or ``{"inputs": [...]}``, the key in the field ``id`` or the one that ``?key=`` names, and
answers ``{"errors": [{key, status, code, message}], "accepted": n}``; ``?mode=`` is one of upsert
(default), insert, update, append, replace. ``GET``, ``PUT``, ``PATCH`` and ``DELETE`` serve
``/rest/{collection}/{key}``, and ``GET /rest/{collection}`` lists. With ``objects`` only the
declared paths are served, in the form in which a REST connection declares them.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from tailrace.sandbox.auth import auth_from
from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.limits import Limiter, limiter
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.rest_shapes import (
    DEFAULT_RESULTS,
    MODES,
    Results,
    WrongShapeError,
    key_in,
    path_pattern,
    problem,
    results_from,
    rows_in,
    schema_from,
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

BATCH_ROWS = 10_000
_KEYS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to write a collection."""

    collection: str
    key: str | None
    """The field that holds the key; None: rows have none."""
    mode: str = "upsert"
    shape: Json = None
    """None: any of the three that a default collection takes."""
    batch_rows: int = BATCH_ROWS
    results: Results | None = DEFAULT_RESULTS
    schema: Mapping[str, Any] | None = None

    @property
    def keyed(self) -> bool:
        """Whether a row's key names its record; if not, every row is a new record."""
        return self.key is not None and self.mode != "append"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one row is refused."""

    key: str
    status: int
    code: str
    message: str


Route = tuple[str, Any, Callable[[Request, Any], Call]]


class Rest(Vendor):
    """Options: ``auth`` (none, bearer, basic, header), ``limits`` (none, or ``{kind, max,
    interval_ms, retry_after}`` with retry_after seconds, http_date or none), ``objects``,
    ``default_collections``, ``partial_status`` (207, or 200 as some APIs have it),
    ``max_body_bytes``."""

    name: ClassVar[str] = "rest"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("auth", "limits", "objects", "default_collections", "partial_status"),
            "max_body_bytes",
        }
    )
    max_body_bytes = 16 * 1024 * 1024

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._auth = _checked(auth_from, options.get("auth"))
        self._partial_status = options.get("partial_status", 207)
        if self._partial_status not in (200, 207):
            raise ConfigError("vendors.rest: partial_status is 200 or 207")
        objects = {} if options.get("objects") is None else options["objects"]
        if not isinstance(objects, Mapping):
            raise ConfigError("vendors.rest: objects is a mapping")
        self._routes: list[Route] = []
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
        where = f"vendors.rest.objects.{name}"
        names = ("method", "path", "batch_rows", "body", "key", "mode", "results", "delete")
        known(part, (*names, "schema"), where)
        mode = part.get("mode", "upsert")
        if mode not in MODES:
            raise ConfigError(f"{where}: mode is one of {', '.join(MODES)}, not {mode!r}")
        endpoint = Endpoint(
            name,
            part.get("key", "id"),
            mode,
            part.get("body", "rows"),
            _rows_most(part.get("batch_rows", BATCH_ROWS), where),
            results_from(part.get("results"), f"{where}.results"),
            schema_from(part.get("schema"), f"{where}.schema"),
        )
        if endpoint.results is not None:
            self._forms.append(endpoint.results)
        pattern = path_pattern(part.get("path", f"/{name}"), where)
        method = str(part.get("method", "POST")).upper()
        self._routes.append((method, pattern, lambda r, m: self._read_write(r, endpoint, m)))
        delete = part.get("delete")
        if delete is not None:
            known(delete, ("method", "path"), f"{where}.delete")
            path = delete.get("path", f"/{name}/{{key}}")
            pattern = path_pattern(path, f"{where}.delete")
            if "key" not in pattern.groupindex:
                raise ConfigError(f"{where}.delete: path needs {{key}}")
            method = str(delete.get("method", "DELETE")).upper()
            self._routes.append((method, pattern, lambda _, m: self._read_delete(m, name)))

    def _declare_default(self) -> None:
        many = path_pattern("/{collection}", "default")
        one = path_pattern("/{collection}/{key}", "default")
        self._routes += [
            ("POST", many, self._read_default_post),
            ("GET", many, self._read_default_list),
            ("GET", one, self._read_default_get),
            ("PUT", one, lambda r, m: self._read_default_put(r, m, "replace")),
            ("PATCH", one, lambda r, m: self._read_default_put(r, m, "update")),
            ("DELETE", one, lambda _, m: self._read_delete(m, m["collection"])),
        ]

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        principal: str | None = self._auth.principal(request)
        if principal is None:
            reply = self.refusal(401, "a valid login is needed")
            reply.headers.append(("WWW-Authenticate", self._auth.kind.capitalize()))
            raise RefusalError(reply)
        return principal

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

    def admit(self, _principal: str) -> list[tuple[str, str]]:
        if self._limiter is None:
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
            if method == request.method:
                return self._once(request, handler(request, match))
            allowed.append(method)
        if allowed:
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

        return Call(endpoint.mode, endpoint.collection, keys, run)

    def _read_default_post(self, request: Request, match: Any) -> Call:
        mode = request.query.get("mode", "upsert")
        if mode not in MODES:
            raise RefusalError(self.refusal(400, f"mode is one of {', '.join(MODES)}"))
        endpoint = Endpoint(match["collection"], request.query.get("key", "id"), mode)
        return self._read_write(request, endpoint, match)

    def _read_default_put(self, request: Request, match: Any, mode: str) -> Call:
        key = request.query.get("key", "id")
        endpoint = Endpoint(match["collection"], key, mode, "object")
        return self._read_write(request, endpoint, match)

    def _read_default_get(self, _request: Request, match: Any) -> Call:
        key = key_in(match) or ""

        def run(_: Call) -> Reply:
            record = self._peek(match["collection"]).get(key)
            if record is None:
                raise RefusalError(self.refusal(404, "no such record"))
            return Reply(200, record.values)

        return Call("get", match["collection"], [key], run)

    def _read_default_list(self, request: Request, match: Any) -> Call:
        after = request.query.get("after", "0")
        limit = request.query.get("limit", "100")
        if not (after.isascii() and after.isdigit() and limit.isascii() and limit.isdigit()):
            raise RefusalError(self.refusal(400, "after and limit are whole numbers"))
        start, count = int(after[:12]), max(1, min(int(limit[:12]), 1000))

        def run(_: Call) -> Reply:
            records = list(self._peek(match["collection"]))
            found = [record.values for record in records[start : start + count]]
            following = start + count if start + count < len(records) else None
            return Reply(200, {"results": found, "next": following, "total": len(records)})

        return Call("list", match["collection"], [], run)

    def _read_delete(self, match: Any, name: str) -> Call:
        key = key_in(match) or ""

        def run(call: Call) -> Reply:
            collection = self._peek(name)
            record = collection.get(key)
            if record is None:
                call.rejected = 1
                raise RefusalError(self.refusal(404, "no such record"))
            collection.remove(record, self.wall_ms())
            call.applied = 1
            return Reply(204)

        return Call("delete", name, [key], run)

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

    # -- sending twice ---------------------------------------------------------------------------

    def _once(self, request: Request, call: Call) -> Call:
        """Honour ``Idempotency-Key``: the same key gets the first answer, and nothing is done."""
        token = request.headers.get("idempotency-key")
        if not token:
            return call
        name = (request.method, request.path, token)
        digest = hashlib.blake2b(request.body, digest_size=16).digest()
        seen = self._answers.get(name)
        if seen is not None:
            held_digest, reply = seen
            if held_digest != digest:
                raise RefusalError(self.refusal(422, "the Idempotency-Key came with another body"))
            return Call(call.op, call.object, call.keys, lambda _: reply)
        run = call.run

        def remember(call: Call) -> Reply:
            reply = run(call)
            replayed = [*reply.headers, ("Idempotency-Replayed", "true")]
            again = Reply(reply.status, reply.payload(), replayed)
            self._answers[name] = (digest, again)
            while len(self._answers) > _KEYS_REMEMBERED:
                self._answers.popitem(last=False)
            return reply

        call.run = remember
        return call

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
        self._answers: OrderedDict[tuple[str, str, str], tuple[bytes, Reply]] = OrderedDict()
        for name in self._declared:
            self._collection(name)


def _rows_most(value: Any, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ConfigError(f"{where}: batch_rows is a number of rows, not {value!r}")


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
