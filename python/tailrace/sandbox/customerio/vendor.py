"""Customer.io's sandbox: the Track API, version 2 in batches and version 1 one person a request.

What is accepted is queued: an answer tells what could not be taken, not what has been done. What an
operation must be is in ``people.py``, numbers and texts are in ``facts.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import number, texts
from tailrace.sandbox.customerio import facts
from tailrace.sandbox.customerio.people import OperationError, People, check, key_of
from tailrace.sandbox.jobs import Deeds
from tailrace.sandbox.limits import window_from
from tailrace.sandbox.routes import Routes, route
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Flaw, Json, RefusalError, Reply, Request, json_object

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from tailrace.sandbox.records import Collection

_WHERE = "vendors.customerio"
_LIMITS: Mapping[str, Mapping[str, int]] = {
    "standard": {"max": facts.LIMIT, "interval_ms": int(facts.WINDOW_S * 1000)}
}
_PERSON = r"/api/v1/customers/(?P<id>[^/]+)"


class CustomerIo(Vendor):
    """A Customer.io workspace.

    Options: ``logins`` (``SITE_ID:API_KEY``; where none is given any is good), ``limits``
    (standard, none, or ``{max, interval_ms}``), ``job_ms`` (how long until what was accepted is
    done), ``account_id`` (whose logins they are, a number), ``max_body_bytes``.
    """

    name: ClassVar[str] = "customerio"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {"logins", "limits", "job_ms", "account_id", "max_body_bytes"}
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *_LIMITS})
    max_body_bytes = facts.MAX_BATCH_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._auth = Auth("basic", texts(options, "logins", _WHERE))
        self._job_ms = number(options, "job_ms", 0, _WHERE)
        self._account_id = int(number(options, "account_id", 1, _WHERE))
        self._routes = Routes(
            [
                route("POST", "/api/v2/batch", self._read_batch),
                route("POST", "/api/v2/entity", self._read_entity),
                route("PUT", _PERSON, self._read_identify),
                route("DELETE", _PERSON, self._read_delete),
                route("POST", f"{_PERSON}/events", self._read_event),
                route("GET", "/api/v1/accounts/region", self._read_region),
            ]
        )
        self.set_limits(options.get("limits", "standard"))
        self.reset()

    def serves(self, path: str) -> bool:
        prefixes = ("/api/v1/customers/", "/api/v1/accounts/")
        return path in ("/api/v2/batch", "/api/v2/entity") or path.startswith(prefixes)

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        principal = self._auth.principal(request)
        if principal is None:
            raise RefusalError(_refused(401, facts.UNAUTHORIZED))
        return principal

    def set_limits(self, limits: Any) -> None:
        """``standard``, ``none``, or ``{max, interval_ms}``; the workspace's, not the login's."""
        self._window = window_from(limits, _LIMITS, _WHERE, self.clock)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        if self._window is not None and not self._window.take().allowed:
            raise RefusalError(_refused(429, "Too many requests"))
        return []

    # -- requests --------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        self._deeds.advance()
        call = self._routes.read(request)
        if call is None:
            raise RefusalError(_refused(404, "not found"))
        return call

    def _read_batch(self, request: Request, _match: re.Match[str]) -> Call:
        body = json_object(request, _unreadable)
        operations = body.get("batch")
        if not isinstance(operations, list) or not operations or body.keys() != {"batch"}:
            raise RefusalError(_refused(400, "batch is required and is a list"))

        def run(call: Call) -> Reply:
            errors = self._taken(call, operations)
            return Reply(207, {"errors": errors}) if errors else Reply(200, {})

        return Call("batch", "people", [key_of(one) for one in operations], run)

    def _taken(self, call: Call, operations: list[Json]) -> list[Json]:
        """Accept what can be; the errors of the rest, with their places."""
        good: list[dict[str, Any]] = []
        errors: list[Json] = []
        for at, one in enumerate(operations):
            refused = _refusal_of(call, at, one)
            if refused is None:
                good.append(one)
            else:
                errors.append({"batch_index": at, **refused.as_json()})
        call.applied, call.rejected = len(good), len(errors)
        self._deeds.accept(call, lambda: self._done(good))
        return errors

    def _done(self, operations: list[dict[str, Any]]) -> None:
        for one in operations:
            self._people.apply(one)

    def _read_entity(self, request: Request, _match: re.Match[str]) -> Call:
        return self._single("entity", json_object(request, _unreadable))

    def _read_identify(self, request: Request, match: re.Match[str]) -> Call:
        attributes = json_object(request, _unreadable)
        return self._single("identify", _person(match, "identify", attributes=attributes))

    def _read_delete(self, _request: Request, match: re.Match[str]) -> Call:
        return self._single("delete", _person(match, "delete"))

    def _read_event(self, request: Request, match: re.Match[str]) -> Call:
        body = json_object(request, _unreadable)
        data = {"name": body.get("name"), "attributes": body.get("data")}
        return self._single("event", _person(match, "event", **data))

    def _single(self, op: str, one: dict[str, Any]) -> Call:
        """A request of one operation, which is refused as a whole."""

        def run(call: Call) -> Reply:
            errors = self._taken(call, [one])
            if errors:
                raise RefusalError(Reply(400, {"errors": errors, "meta": {"error": "invalid"}}))
            return Reply(200, {})

        return Call(op, "people", [key_of(one)], run)

    def _read_region(self, _request: Request, _match: re.Match[str]) -> Call:
        body = {"url": "track.customer.io", "data_center": "us", "environment_id": self._account_id}
        return Call("details", "account", [], lambda _: Reply(200, body))

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:  # noqa: ARG002
        return _refused(status, facts.UNAUTHORIZED if status == 401 else message)

    def results(self, body: Json) -> list[Json] | None:
        found = body.get("errors") if isinstance(body, dict) else None
        return found if isinstance(found, list) else None

    def collections(self) -> Mapping[str, Collection]:
        self._deeds.advance()
        people = self._people
        return {"people": people.records, "objects": people.objects, "events": people.events}

    def reset(self) -> None:
        self._people = People(self.wall_ms)
        self._deeds = Deeds(self.clock, self._job_ms)


def _person(match: re.Match[str], action: str, **more: Any) -> dict[str, Any]:
    """An operation on the person that a path of version 1 names."""
    named = unquote(match["id"])
    name = "email" if "@" in named else "id"
    return {"type": "person", "action": action, "identifiers": {name: named}, **more}


def _refusal_of(call: Call, at: int, one: Json) -> OperationError | None:
    """Why an operation is not taken."""
    if at in call.refuse:
        return OperationError(call.refuse_code or "invalid", "", call.refuse[at])
    try:
        check(one)
    except OperationError as error:
        return error
    return None


def _refused(status: int, message: str) -> Reply:
    return Reply(status, {"meta": {"error": message}})


_UNREADABLE: Mapping[Flaw, str] = {
    "type": "Content-Type must be application/json",
    "json": "malformed JSON: {}",
    "object": "an object is expected",
}


def _unreadable(flaw: Flaw, why: str) -> RefusalError:
    return RefusalError(_refused(400, _UNREADABLE[flaw].format(why)))
