"""Braze's sandbox: a workspace with its users, their attributes, events and purchases.

What is accepted is queued: an answer tells what could not be taken, not what has been done. What a
row must be is in ``users.py``, numbers and texts are in ``facts.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.braze import facts
from tailrace.sandbox.braze.users import RowError, Users, key_of
from tailrace.sandbox.config import choice, number, texts
from tailrace.sandbox.jobs import Deeds
from tailrace.sandbox.limits import FixedWindow, window_from, window_headers
from tailrace.sandbox.routes import Routes, route
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Flaw, Json, RefusalError, Reply, Request, json_object

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from tailrace.sandbox.records import Collection, Record

_WHERE = "vendors.braze"
_LIMITS: Mapping[str, Mapping[str, int]] = {
    "standard": {"max": facts.LIMIT, "interval_ms": int(facts.WINDOW_S * 1000)}
}
_SINGLE = {"email_address": "email", "phone": "phone", "braze_id": "braze_id"}
"""Identifiers of which an export takes one, and the fields that they are."""


class Braze(Vendor):
    """A Braze workspace.

    Options: ``api_keys`` (where none is given any is good), ``limits`` (standard, none, or ``{max,
    interval_ms}``; users are exported under a limit of their own), ``count`` (together or each:
    what 75 objects are counted over), ``type_clash`` (error or drop: a value of another type than
    before), ``errors`` (objects, or texts with the place in their words), ``job_ms`` (how long
    until what was accepted is done), ``max_body_bytes``.
    """

    name: ClassVar[str] = "braze"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {"api_keys", "limits", "count", "type_clash", "errors", "job_ms", "max_body_bytes"}
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *_LIMITS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._auth = Auth("bearer", texts(options, "api_keys", _WHERE))
        self._each = choice(options, "count", ("together", "each"), _WHERE) == "each"
        self._drops = choice(options, "type_clash", ("error", "drop"), _WHERE) == "drop"
        self._in_words = choice(options, "errors", ("objects", "texts"), _WHERE) == "texts"
        self._job_ms = number(options, "job_ms", 0, _WHERE)
        self._routes = Routes(
            [
                route("POST", "/users/track", self._read_track),
                route("POST", "/users/delete", self._read_delete),
                route("POST", facts.EXPORT_PATH, self._read_export),
            ]
        )
        self.set_limits(options.get("limits", "standard"))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith("/users/")

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        principal = self._auth.principal(request)
        if principal is None:
            raise RefusalError(_refused(401))
        return principal

    def set_limits(self, limits: Any) -> None:
        """``standard``, ``none``, or ``{max, interval_ms}``; the workspace's, not the key's."""
        self._window = window_from(limits, _LIMITS, _WHERE, self.clock)
        self._exports = self._window and FixedWindow(
            facts.EXPORT_LIMIT, facts.EXPORT_WINDOW_S, self.clock
        )

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        window = self._exports if request.path == facts.EXPORT_PATH else self._window
        if window is None:
            return []
        grant = window.take()
        headers = window_headers(window, grant, self.wall_ms())
        if not grant.allowed:
            refused = _refused(429)
            refused.headers += headers
            raise RefusalError(refused)
        return headers

    # -- requests --------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        self._deeds.advance()
        call = self._routes.read(request)
        if call is None:
            raise RefusalError(_refused(404))
        return call

    def _read_track(self, request: Request, _match: re.Match[str]) -> Call:
        body = json_object(request, _unreadable)
        for name in body.keys() - set(facts.KINDS):
            raise RefusalError(_refused(400, f"'{name}' is not a field of this request"))
        rows: list[tuple[str, int, Json]] = []
        for kind in facts.KINDS:
            listed = body.get(kind, [])
            if not isinstance(listed, list):
                raise RefusalError(_refused(400, f"'{kind}' must be an array of objects"))
            if self._each and len(listed) > facts.MAX_OBJECTS:
                raise RefusalError(_refused(400, _too_many(len(listed))))
            rows += [(kind, at, row) for at, row in enumerate(listed)]
        if not self._each and len(rows) > facts.MAX_OBJECTS:
            raise RefusalError(_refused(400, _too_many(len(rows))))
        keys = [key_of(row) for _, _, row in rows]
        return Call("track", "users", keys, lambda call: self._tracked(call, rows))

    def _tracked(self, call: Call, rows: list[tuple[str, int, Json]]) -> Reply:
        taken: list[tuple[str, dict[str, Any]]] = []
        errors: list[Json] = []
        for place, (kind, at, row) in enumerate(rows):
            found = self._checked(call, place, kind, row)
            if isinstance(found, str):
                errors.append(self._error(kind, at, found))
            else:
                taken.append((kind, found))
        call.applied, call.rejected = len(taken), len(errors)
        if not taken:
            body = {"message": facts.NOTHING, **({"errors": errors} if errors else {})}
            raise RefusalError(Reply(400, body))
        self._deeds.accept(call, lambda: self._done(taken))
        told: dict[str, Json] = {"message": "success"}
        for kind in facts.KINDS:
            count = sum(1 for one, _ in taken if one == kind)
            if any(one == kind for one, _, _ in rows):
                told[f"{kind}_processed"] = count
        return Reply(201, {**told, "errors": errors} if errors else told)

    def _error(self, kind: str, at: int, why: str) -> Json:
        if self._in_words:
            return f"{kind}: index {at}: {why}"
        return {"type": why, "input_array": kind, "index": at}

    def _checked(self, call: Call, place: int, kind: str, row: Json) -> dict[str, Any] | str:
        """A row as it is taken, or why it is not."""
        if place in call.refuse:
            return call.refuse[place]
        try:
            return self._users.check(kind, row)
        except RowError as error:
            return str(error)

    def _done(self, taken: list[tuple[str, dict[str, Any]]]) -> None:
        for kind, row in taken:
            if kind == "attributes":
                self._users.write(row)
            else:
                self._users.record(kind, row)

    def _read_delete(self, request: Request, _match: re.Match[str]) -> Call:
        body = _ids_of(request, facts.MAX_DELETED)
        keys = [key_of({"external_id": one}) for one in body.get("external_ids") or []]

        def run(call: Call) -> Reply:
            found = self._users.of_ids(body)
            call.applied = len(found)
            self._deeds.accept(call, lambda: self._deleted(body))
            return Reply(201, {"deleted": len(found), "message": "success"})

        return Call("delete", "users", keys, run)

    def _deleted(self, body: Mapping[str, Any]) -> None:
        for record in self._users.of_ids(body):
            self._users.remove(record)

    def _read_export(self, request: Request, _match: re.Match[str]) -> Call:
        body = json_object(request, _unreadable)
        fields = _exported(body)

        def run(_: Call) -> Reply:
            found = [*self._users.of_ids(body), *self._alone(body)]
            told: dict[str, Json] = {"message": "success"}
            told["users"] = [self._users.exported(one, fields) for one in found]
            ids = {one.values.get("external_id") for one in found}
            strange = [one for one in body.get("external_ids") or [] if one not in ids]
            return Reply(201, {**told, "invalid_user_ids": strange} if strange else told)

        return Call("read", "users", [str(one) for one in body.get("external_ids") or []], run)

    def _alone(self, body: Mapping[str, Any]) -> list[Record]:
        """The user that an identifier names of which a request has one."""
        for name, field in _SINGLE.items():
            if name in body:
                found = self._users.find({field: body[name]})
                return [] if found is None else [found]
        return []

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:  # noqa: ARG002
        return _refused(status, facts.MESSAGES.get(status, message))

    def results(self, body: Json) -> list[Json] | None:
        found = body.get("errors") if isinstance(body, dict) else None
        return found if isinstance(found, list) else None

    def collections(self) -> Mapping[str, Collection]:
        self._deeds.advance()
        return {"users": self._users.records, **self._users.did}

    def reset(self) -> None:
        self._users = Users(self.wall_ms, drops=self._drops)
        self._deeds = Deeds(self.clock, self._job_ms)


def _refused(status: int, message: str = "") -> Reply:
    return Reply(status, {"message": message or facts.MESSAGES[status]})


def _too_many(count: int) -> str:
    return f"A request takes {facts.MAX_OBJECTS} objects, not {count}"


_UNREADABLE: Mapping[Flaw, str] = {
    "type": "Content-Type must be application/json",
    "json": "The request body is no JSON: {}",
    "object": "The request body is an object",
}


def _unreadable(flaw: Flaw, why: str) -> RefusalError:
    return RefusalError(_refused(400, _UNREADABLE[flaw].format(why)))


def _exported(body: dict[str, Any]) -> list[str]:
    """The fields that an export asks for. Raises RefusalError (400)."""
    several = ("external_ids", "user_aliases")
    for name in body.keys() - {*several, *_SINGLE, "device_id", "fields_to_export"}:
        raise RefusalError(_refused(400, f"'{name}' is not a field of this request"))
    alone = [name for name in (*_SINGLE, "device_id") if name in body]
    if len(alone) > 1 or not all(isinstance(body[name], str) and body[name] for name in alone):
        raise RefusalError(_refused(400, "One of email_address, phone, device_id, braze_id"))
    if not alone or any(name in body for name in several):
        _check_ids({name: body.get(name) for name in several}, facts.MAX_EXPORTED)
    fields = body.get("fields_to_export")
    if not isinstance(fields, list) or not fields:
        raise RefusalError(_refused(400, "'fields_to_export' is required"))
    for name in fields:
        if name not in facts.EXPORTED:
            raise RefusalError(_refused(400, f"'{name}' is not a valid field to export"))
    return fields


def _ids_of(request: Request, most: int) -> dict[str, Any]:
    body = json_object(request, _unreadable)
    names = ("external_ids", "braze_ids", "user_aliases")
    for name in body.keys() - set(names):
        raise RefusalError(_refused(400, f"'{name}' is not a field of this request"))
    _check_ids({name: body.get(name) for name in names}, most)
    return body


def _check_ids(given: Mapping[str, Json], most: int) -> None:
    """Raises RefusalError (400) where lists of identifiers are none, or too long."""
    lists = [one or [] for one in given.values()]
    if not all(isinstance(one, list) for one in lists) or not any(lists):
        raise RefusalError(_refused(400, f"One of {', '.join(given)} is required"))
    if sum(map(len, lists)) > most:
        raise RefusalError(_refused(400, f"A request takes {most} users"))
    ids = [listed or [] for name, listed in given.items() if name != "user_aliases"]
    if not all(isinstance(one, str) for listed in ids for one in listed):
        raise RefusalError(_refused(400, "ids are strings"))
