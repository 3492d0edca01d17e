"""Iterable's sandbox: what is asked of a project, and what it answers.

What becomes of a row is in ``project.py``, numbers and texts are in ``facts.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import ConfigError, texts
from tailrace.sandbox.iterable import facts
from tailrace.sandbox.iterable.project import Project, RowError, key_of
from tailrace.sandbox.limits import SlidingWindow, limits_from
from tailrace.sandbox.routes import Routes, route
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Flaw, Json, RefusalError, Reply, Request, json_object

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.records import Collection, Record

_WHERE = "vendors.iterable"
_LIMITS: Mapping[str, Mapping[str, int]] = {
    "standard": {"bulk": facts.BULK_LIMIT, "others": facts.LIMIT}
}
_BULK = ("/api/users/bulkUpdate", "/api/events/trackBulk")


class Iterable(Vendor):
    """An Iterable project.

    Options: ``api_keys`` (where none is given any is good), ``limits`` (standard, none, or ``{bulk,
    others}``: requests in a second), ``lists`` (names), ``fields`` (data fields that are there
    already: ``name: type``), ``max_body_bytes``.
    """

    name: ClassVar[str] = "iterable"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {"api_keys", "limits", "lists", "fields", "max_body_bytes"}
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *_LIMITS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._auth = Auth("header", texts(options, "api_keys", _WHERE), "api-key")
        self._fields = _fields_from(options.get("fields") or {})
        self._names = texts(options, "lists", _WHERE) or ("Sandbox List",)
        self._routes = Routes(
            [
                route("POST", "/api/users/bulkUpdate", self._read_bulk),
                route("POST", "/api/users/update", self._read_update),
                route("GET", "/api/users/getFields", self._read_fields),
                route("GET", r"/api/users/(?P<email>[^/]+@[^/]+|[^/]+%40[^/]+)", self._read_one),
                route("GET", r"/api/users/byUserId/(?P<userId>[^/]+)", self._read_one),
                route("DELETE", r"/api/users/byUserId/(?P<userId>[^/]+)", self._read_delete),
                route("DELETE", r"/api/users/(?P<email>[^/]+)", self._read_delete),
                route("GET", "/api/lists", self._read_lists),
                route("POST", r"/api/lists/(?P<op>subscribe|unsubscribe)", self._read_members),
                route("POST", "/api/events/trackBulk", self._read_events),
            ]
        )
        self.set_limits(options.get("limits", "standard"))
        self.reset()

    def serves(self, path: str) -> bool:
        lists = ("/api/lists", "/api/lists/subscribe", "/api/lists/unsubscribe")
        return path.startswith("/api/users/") or path in (*lists, "/api/events/trackBulk")

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        principal = self._auth.principal(request)
        if principal is None:
            raise RefusalError(_refused(401, "Invalid API key"))
        return principal

    def set_limits(self, limits: Any) -> None:
        """``standard``, ``none``, or ``{bulk, others}``; the project's, not the key's."""
        asked = limits_from(limits, _LIMITS, ("bulk", "others"), _WHERE)
        self._windows: dict[bool, SlidingWindow] = {}
        if asked is not None:
            for is_bulk, most in ((True, asked["bulk"]), (False, asked.get("others", facts.LIMIT))):
                self._windows[is_bulk] = SlidingWindow(most, 1.0, self.clock)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        window = self._windows.get(request.path in _BULK)
        if window is not None and not window.take().allowed:
            raise RefusalError(_refused(429, "Rate limit exceeded"))
        return []

    # -- users -----------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        call = self._routes.read(request)
        if call is None:
            raise RefusalError(_refused(404, "Not found"))
        return call

    def _read_bulk(self, request: Request, _match: re.Match[str]) -> Call:
        body = _body_of(request, {"users", "createNewFields"})
        rows = _rows_of(body, "users")
        return _each("bulk_update", "users", rows, self._project.write)

    def _read_update(self, request: Request, _match: re.Match[str]) -> Call:
        row = _body_of(request, facts.USER_MEMBERS)
        _check_shape(row, "body")

        def run(call: Call) -> Reply:
            failure = _tried(call, 0, row, self._project.write)
            if failure:
                raise RefusalError(_refused(400, failure, "InvalidUserDataError"))
            return Reply(200, _DONE)

        return Call("update", "users", [key_of(row)], run)

    def _read_fields(self, _request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            given = {"email": "string", "userId": "string"}
            return Reply(200, {"fields": {**given, **self._project.types}})

        return Call("fields", "users", [], run)

    def _user(self, match: re.Match[str]) -> Record:
        ((name, quoted),) = match.groupdict().items()
        named = unquote(quoted)
        record = self._project.users.find(name, named)
        if record is None:
            raise RefusalError(_refused(404, f"User with {name} '{named[:80]}' not found"))
        return record

    def _read_one(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            values = self._user(match).values
            ids = {name: values[name] for name in ("email", "userId") if name in values}
            return Reply(200, {"user": {**ids, "dataFields": values}})

        return Call("read", "users", [_named(match)], run)

    def _read_delete(self, _request: Request, match: re.Match[str]) -> Call:
        def run(call: Call) -> Reply:
            self._project.remove(self._user(match))
            call.applied = 1
            return Reply(200, _DONE)

        return Call("delete", "users", [_named(match)], run)

    # -- lists and events ------------------------------------------------------------------------

    def _read_lists(self, _request: Request, _match: re.Match[str]) -> Call:
        lists = self._project.lists
        listed = [{"id": int(one.id), "name": one.values["name"]} for one in lists]
        return Call("lists", "lists", [], lambda _: Reply(200, {"lists": listed}))

    def _read_members(self, request: Request, match: re.Match[str]) -> Call:
        body = _body_of(request, {"listId", "subscribers", "campaignId", "channelUnsubscribe"})
        one = self._project.lists.get(str(body.get("listId")))
        rows = _rows_of(body, "subscribers")
        if len(rows) > facts.MAX_LIST_USERS:
            raise RefusalError(_refused(400, f"At most {facts.MAX_LIST_USERS} subscribers"))
        if one is None:
            raise RefusalError(_refused(400, f"List {body.get('listId')} does not exist"))
        joins = match["op"] == "subscribe"
        act = self._project.subscribe if joins else self._project.unsubscribe
        return _each(match["op"], "lists", rows, lambda row: act(one, row))

    def _read_events(self, request: Request, _match: re.Match[str]) -> Call:
        rows = _body_of(request, {"events"}).get("events")
        if not isinstance(rows, list) or not rows:
            raise RefusalError(_refused(400, "events is required"))
        for at, one in enumerate(rows):
            fits = isinstance(one, dict) and isinstance(one.get("eventName"), str)
            texts = fits and all(
                isinstance(one.get(name), (str, type(None))) for name in ("id", "email", "userId")
            )
            if not texts or not isinstance(one.get("dataFields", {}), (dict, type(None))):
                raise RefusalError(_refused(400, f"events[{at}] is {{eventName, dataFields}}"))
        return _each("track", "events", rows, self._project.record)

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:  # noqa: ARG002
        return _refused(status, message)

    def results(self, body: Json) -> list[Json] | None:
        found = body.get("invalidEmails") if isinstance(body, dict) else None
        return found if isinstance(found, list) else None

    def collections(self) -> Mapping[str, Collection]:
        project = self._project
        return {"users": project.users, "lists": project.lists, "events": project.events}

    def reset(self) -> None:
        self._project = Project(self._names, self._fields, self.wall_ms)


def _fields_from(given: Any) -> dict[str, str]:
    """Raises ConfigError where the data fields of a configuration are none."""
    if not isinstance(given, dict) or not set(given.values()) <= set(facts.FIELD_TYPES):
        allowed = ", ".join(facts.FIELD_TYPES)
        raise ConfigError(f"{_WHERE}.fields: name: type, a type is one of {allowed}")
    return {str(name): kind for name, kind in given.items()}


def _named(match: re.Match[str]) -> str:
    """The user that a path names."""
    return unquote("".join(match.groupdict().values()))


_DONE: Json = {"msg": "", "code": "Success", "params": None}


def _each(
    op: str, name: str, rows: list[dict[str, Any]], act: Callable[[dict[str, Any]], Any]
) -> Call:
    """A request of several rows, each with an outcome of its own, told by lists of names."""

    def run(call: Call) -> Reply:
        failed: dict[str, list[str]] = {one: [] for one in facts.FAILURES}
        for at, row in enumerate(rows):
            failure = _tried(call, at, row, act)
            if failure:
                failed[failure].append(key_of(row))
        body = {
            "successCount": call.applied,
            "failCount": call.rejected,
            "invalidEmails": list(failed["invalidEmails"]),
            "invalidUserIds": list(failed["invalidUserIds"]),
            "filteredOutFields": [],
            "createdFields": [],
            "failedUpdates": failed,
        }
        return Reply(200, body)

    return Call(op, name, [key_of(row) for row in rows], run)


def _tried(call: Call, at: int, row: dict[str, Any], act: Callable[[dict[str, Any]], Any]) -> str:
    """Why a row was not taken, empty where it was."""
    if at in call.refuse:
        call.rejected += 1
        return "invalidDataEmails" if row.get("email") else "invalidDataUserIds"
    try:
        act(row)
    except RowError as error:
        call.rejected += 1
        return str(error)
    call.applied += 1
    return ""


def _rows_of(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = body.get(name)
    if not isinstance(rows, list) or not rows:
        raise RefusalError(_refused(400, f"{name} is required"))
    for at, row in enumerate(rows):
        _check_shape(row, f"{name}[{at}]")
    return rows


def _check_shape(row: Json, where: str) -> None:
    """Raises RefusalError (400) where a user is not one at all."""
    if not isinstance(row, dict):
        raise RefusalError(_refused(400, f"{where} is an object"))
    for name in row.keys() - facts.USER_MEMBERS:
        raise RefusalError(_refused(400, f"{where}.{name} is not a field"))
    for name in ("email", "userId"):
        if not isinstance(row.get(name), (str, type(None))):
            raise RefusalError(_refused(400, f"{where}.{name} is a string"))
    if not isinstance(row.get("dataFields", {}), (dict, type(None))):
        raise RefusalError(_refused(400, f"{where}.dataFields is an object"))


def _refused(status: int, message: str, code: str = "") -> Reply:
    body = {"msg": message, "code": code or facts.CODES.get(status, "GenericError"), "params": None}
    return Reply(status, body)


_UNREADABLE: Mapping[Flaw, tuple[str, str]] = {
    "type": ("Content-Type must be application/json", "BadRequest"),
    "json": ("{}", "BadJsonBody"),
    "object": ("an object is expected", "BadJsonBody"),
}


def _unreadable(flaw: Flaw, why: str) -> RefusalError:
    message, code = _UNREADABLE[flaw]
    return RefusalError(_refused(400, message.format(why), code))


def _body_of(request: Request, members: frozenset[str] | set[str]) -> dict[str, Any]:
    body = json_object(request, _unreadable)
    for name in body.keys() - members:
        raise RefusalError(_refused(400, f"{name} is not a field"))
    return body
