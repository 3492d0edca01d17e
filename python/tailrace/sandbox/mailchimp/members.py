"""Members of Mailchimp's sandbox: one by one, and by five hundred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tailrace.sandbox.mailchimp import facts
from tailrace.sandbox.mailchimp.answers import (
    MemberError,
    body_of,
    invalid,
    mismatch,
    page,
    problem,
    refuse,
)
from tailrace.sandbox.mailchimp.audience import hash_of
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.mailchimp.account import Account
    from tailrace.sandbox.mailchimp.audience import Audience
    from tailrace.sandbox.records import Record

_LIST = rf"{facts.BASE}/lists/(?P<list>\w+)"
_MEMBERS = f"{_LIST}/members"
_MEMBER = rf"{_MEMBERS}/(?P<member>[^/]+)"
_BATCH = frozenset({"members", "update_existing", "sync_tags"})


class Members:
    """The requests about members."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("POST", _LIST, self._read_batch),
            route("GET", _MEMBERS, self._read_list),
            route("POST", _MEMBERS, self._read_create),
            route("GET", _MEMBER, self._read_one),
            route("PUT", _MEMBER, self._read_upsert),
            route("PATCH", _MEMBER, self._read_update),
            route("DELETE", _MEMBER, self._read_archive),
            route("POST", f"{_MEMBER}/actions/delete-permanent", self._read_forget),
            route("GET", f"{_MEMBER}/tags", self._read_tags),
            route("POST", f"{_MEMBER}/tags", self._read_set_tags),
        ]

    # -- reading ---------------------------------------------------------------------------------

    def _member(self, audience: Audience, match: re.Match[str]) -> Record:
        record = audience.find(unquote(match["member"]))
        if record is None:
            raise refuse(404, facts.NOT_FOUND)
        return record

    def _read_list(self, request: Request, match: re.Match[str]) -> Call:
        audience = self._account.audience(match)
        status = request.query.get("status")
        if status is not None and status not in (*facts.STATUSES, facts.ARCHIVED):
            allowed = ", ".join((*facts.STATUSES, facts.ARCHIVED))
            message = f"Data presented is not one of the accepted values: {allowed}."
            raise invalid("status", message)

        def run(_: Call) -> Reply:
            found = [
                one
                for one in audience
                if one.values["status"] == (status or one.values["status"])
                and (status is not None or one.values["status"] != facts.ARCHIVED)
            ]
            return page(request, "members", found, audience.as_json, list_id=audience.id)

        return Call("list", "members", [], run)

    def _read_one(self, _request: Request, match: re.Match[str]) -> Call:
        audience = self._account.audience(match)

        def run(_: Call) -> Reply:
            return Reply(200, audience.as_json(self._member(audience, match)))

        return Call("read", "members", [unquote(match["member"])], run)

    # -- writing one -----------------------------------------------------------------------------

    def _read_create(self, request: Request, match: re.Match[str]) -> Call:
        audience, row = self._account.audience(match), self._row(request, match)

        def act() -> Record:
            _need(row, "email_address", "status")
            held = audience.find(row["email_address"])
            if held is not None and held.values["status"] != facts.ARCHIVED:
                detail = f"{row['email_address']} is already a list member. Use PUT to insert or"
                raise MemberError(f"{detail} update list members.", "Member Exists")
            return _written(audience, row, None, row["status"], request)

        return _single("create", audience, row, act)

    def _read_upsert(self, request: Request, match: re.Match[str]) -> Call:
        audience, row = self._account.audience(match), self._row(request, match)
        named = unquote(match["member"])

        def act() -> Record:
            held = audience.find(named)
            if held is not None and held.values["status"] != facts.ARCHIVED:
                return _written(audience, row, held, row.get("status"), request)
            _need(row, "email_address")
            status = row.get("status") or row.get("status_if_new")
            if status is None:
                _need(row, "status_if_new")
            if hash_of(row["email_address"]) != named.lower() and row["email_address"] != named:
                raise MemberError("The subscriber hash is not that of the email address.")
            return _written(audience, row, None, str(status), request)

        return _single("upsert", audience, row, act, named)

    def _read_update(self, request: Request, match: re.Match[str]) -> Call:
        audience, row = self._account.audience(match), self._row(request, match)

        def act() -> Record:
            held = self._member(audience, match)
            return _written(audience, row, held, row.get("status"), request)

        return _single("update", audience, row, act, unquote(match["member"]))

    def _row(self, request: Request, match: re.Match[str]) -> dict[str, Any]:
        row = body_of(request)
        problems = self._account.audience(match).schema_problems(row)
        if problems:
            raise RefusalError(problem(400, facts.INVALID, fields=problems))
        return row

    # -- writing many ----------------------------------------------------------------------------

    def _read_batch(self, request: Request, match: re.Match[str]) -> Call:
        audience, body = self._account.audience(match), body_of(request)
        for name in body.keys() - _BATCH:
            raise invalid(name, "This field was not expected.")
        rows = body.get("members")
        found = mismatch(rows, "array")
        if found:
            raise invalid("members", found)
        if not rows or len(rows) > facts.MAX_MEMBERS:
            raise invalid("members", f"There must be 1 to {facts.MAX_MEMBERS} members.")
        problems = [
            one
            for at, row in enumerate(rows)
            for one in audience.schema_problems(row, f"members.item:{at}.")
        ]
        rows = [self._as_taken(row, at, problems) for at, row in enumerate(rows)]
        if problems:
            raise RefusalError(problem(400, facts.INVALID, fields=problems))
        kept = _once_each(rows, skip=request.query.get("skip_duplicate_check") == "true")
        updates = body.get("update_existing") is True

        def run(call: Call) -> Reply:
            return self._batched(call, audience, kept, request, updates=updates)

        keys = [str(row.get("email_address", "")).lower() for row in kept]
        return Call("batch", "members", keys, run)

    def _as_taken(self, row: Any, at: int, problems: list[tuple[str, str]]) -> Any:
        """A member of a request of many; where ``status_if_new`` is none of its fields, it is left
        out, or a problem."""
        taken = self._account.new_status_in_many == "taken"
        if taken or not isinstance(row, dict) or "status_if_new" not in row:
            return row
        if self._account.new_status_in_many == "refused":
            where = f"members.item:{at}.status_if_new"
            problems.append((where, "This field was not expected."))
        return {name: one for name, one in row.items() if name != "status_if_new"}

    def _batched(
        self,
        call: Call,
        audience: Audience,
        rows: list[dict[str, Any]],
        request: Request,
        *,
        updates: bool,
    ) -> Reply:
        created: list[Json] = []
        updated: list[Json] = []
        errors: list[Json] = []
        for at, row in enumerate(rows):
            email = str(row.get("email_address", ""))
            try:
                _check_fault(call, at)
                if self._account.new_status_in_many != "taken":
                    _need(row, "email_address", "status")
                record, is_new = _upserted(audience, row, request, updates=updates)
            except MemberError as refused:
                errors.append(refused.as_row(email))
            else:
                (created if is_new else updated).append(audience.as_json(record))
        call.applied, call.rejected = len(created) + len(updated), len(errors)
        body = {
            "new_members": created,
            "updated_members": updated,
            "errors": errors,
            "total_created": len(created),
            "total_updated": len(updated),
            "error_count": len(errors),
            "_links": [],
        }
        return Reply(200, body)

    # -- taking away -----------------------------------------------------------------------------

    def _read_archive(self, _request: Request, match: re.Match[str]) -> Call:
        audience = self._account.audience(match)

        def run(call: Call) -> Reply:
            record = self._member(audience, match)
            if record.values["status"] == facts.ARCHIVED:
                raise refuse(405, "This contact is already archived.")
            audience.archive(record)
            call.applied = 1
            return Reply(204)

        return Call("archive", "members", [self._key(audience, match)], run)

    def _read_forget(self, _request: Request, match: re.Match[str]) -> Call:
        audience = self._account.audience(match)

        def run(call: Call) -> Reply:
            audience.forget(self._member(audience, match))
            call.applied = 1
            return Reply(204)

        return Call("delete", "members", [self._key(audience, match)], run)

    @staticmethod
    def _key(audience: Audience, match: re.Match[str]) -> str:
        named = unquote(match["member"])
        record = audience.find(named)
        return named if record is None else str(record.values["email_address"]).lower()

    # -- tags ------------------------------------------------------------------------------------

    def _read_tags(self, request: Request, match: re.Match[str]) -> Call:
        audience = self._account.audience(match)

        def run(_: Call) -> Reply:
            names = self._member(audience, match).values["tags"]
            return page(request, "tags", names, lambda one: {"id": audience.tags[one], "name": one})

        return Call("tags", "members", [unquote(match["member"])], run)

    def _read_set_tags(self, request: Request, match: re.Match[str]) -> Call:
        audience, body = self._account.audience(match), body_of(request)
        tags = body.get("tags")
        if not isinstance(tags, list):
            raise invalid("tags", "This value should be of type iterable.")
        for at, one in enumerate(tags):
            fits = isinstance(one, dict) and one.get("status") in ("active", "inactive")
            if not fits or not isinstance(one.get("name"), str) or not one["name"]:
                raise invalid(f"tags.item:{at}", "A tag is {name, status}.")

        def run(call: Call) -> Reply:
            by = {status: [t["name"] for t in tags if t["status"] == status] for status in _STATES}
            audience.set_tags(self._member(audience, match), by["active"], by["inactive"])
            call.applied = 1
            return Reply(204)

        return Call("set_tags", "members", [self._key(audience, match)], run)


_STATES = ("active", "inactive")


def _need(row: Mapping[str, Any], *names: str) -> None:
    missing = [name for name in names if row.get(name) in (None, "")]
    if missing:
        message = f"Required fields were not provided: {', '.join(missing)}"
        raise MemberError(facts.INVALID, fields=[("", message)])


def _check_fault(call: Call, at: int) -> None:
    if at in call.refuse:
        raise MemberError(call.refuse[at], code=call.refuse_code or "ERROR_GENERIC")


def _once_each(rows: list[dict[str, Any]], *, skip: bool) -> list[dict[str, Any]]:
    """The first member of each address. Raises RefusalError where more are not to be skipped."""
    kept: dict[str, dict[str, Any]] = {}
    for at, row in enumerate(rows):
        email = str(row.get("email_address", f"#{at}")).lower()
        if email in kept and not skip:
            raise invalid(f"members.item:{at}.email_address", "Duplicate items found.")
        kept.setdefault(email, row)
    return list(kept.values())


def _upserted(
    audience: Audience, row: dict[str, Any], request: Request, *, updates: bool
) -> tuple[Record, bool]:
    """The member of a row of a batch, and whether it is new. Raises MemberError."""
    _need(row, "email_address")
    held = audience.find(row["email_address"])
    if held is None or held.values["status"] == facts.ARCHIVED:
        status = row.get("status") or row.get("status_if_new")
        if status is None:
            _need(row, "status")
        return _written(audience, row, None, str(status), request), True
    if not updates:
        detail = f"{row['email_address']} is already a list member, do you want to update? please"
        detail += " provide update_existing:true in the request body"
        raise MemberError(detail, code="ERROR_CONTACT_EXISTS")
    record = _written(audience, row, held, row.get("status"), request)
    audience.set_tags(record, row.get("tags") or [])
    return record, False


def _written(
    audience: Audience,
    row: dict[str, Any],
    held: Record | None,
    status: str | None,
    request: Request,
) -> Record:
    """The member after a row was written: a new one where none is ``held``. Raises MemberError."""
    skip = request.query.get("skip_merge_validation") == "true"
    audience.check(row, is_new=held is None, skip_required=skip)
    email = row.get("email_address") or (held.values["email_address"] if held else "")
    other = audience.find(email)
    if held is not None and other is not None and other is not held:
        raise MemberError(f"{email} is already a list member.", "Member Exists")
    audience.check_status(email, held, status)
    if held is None:
        return audience.create(row, str(status))
    audience.update(held, {**row, "status": status})
    return held


def _single(
    op: str, audience: Audience, row: dict[str, Any], act: Callable[[], Record], named: str = ""
) -> Call:
    """A request about one member, which is refused as a whole."""

    def run(call: Call) -> Reply:
        try:
            record = act()
        except MemberError as refused:
            call.rejected = 1
            raise refused.as_refusal() from None
        call.applied = 1
        return Reply(200, audience.as_json(record))

    key = str(row.get("email_address") or named).lower()
    return Call(op, "members", [key], run)
