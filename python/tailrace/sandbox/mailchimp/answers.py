"""Answers of Mailchimp's sandbox: documents, and problems as RFC 7807 has them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.mailchimp import facts
from tailrace.sandbox.wire import BadJsonError, Json, RefusalError, Reply, Request, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class MemberError(Exception):
    """Why a member is not written. ``fields`` are the merge fields that are wrong, each with a
    sentence."""

    def __init__(
        self,
        detail: str,
        title: str = "Invalid Resource",
        code: str = "ERROR_GENERIC",
        fields: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.title = title
        self.code = code
        self.fields = fields

    def as_row(self, email: str) -> dict[str, Json]:
        """As it stands among the errors of a batch; one error tells of one field."""
        field, message = next(iter(self.fields), ("", ""))
        return {
            "email_address": email,
            "error": self.detail,
            "error_code": self.code,
            "field": field,
            "field_message": message,
        }

    def as_refusal(self) -> RefusalError:
        """As what the request of this one member is refused with."""
        return RefusalError(problem(400, self.detail, self.title, self.fields))


def problem(
    status: int, detail: str, title: str = "", fields: Sequence[tuple[str, str]] = ()
) -> Reply:
    """An answer that says no."""
    body: dict[str, Json] = {
        "type": facts.ABOUT,
        "title": title or facts.TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": str(uuid.uuid4()),
    }
    if fields:
        body["errors"] = [{"field": name, "message": message} for name, message in fields]
    return Reply(status, body, [], facts.PROBLEM_TYPE)


def refuse(status: int, detail: str, title: str = "") -> RefusalError:
    """What a request is refused with."""
    return RefusalError(problem(status, detail, title))


def invalid(field: str, message: str) -> RefusalError:
    """What a request is refused with that is not as its schema describes."""
    return RefusalError(problem(400, facts.INVALID, fields=[(field, message)]))


def bare(status: int) -> Reply:
    """A refusal from in front of the API: a status, and no JSON."""
    page = f"<html><head><title>{status}</title></head><body>Access Denied</body></html>"
    return Reply(status, page.encode(), [], "text/html")


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises RefusalError (400, 415)."""
    if request.content_type != "application/json":
        raise refuse(415, f"{request.content_type or 'nothing'} is not application/json")
    try:
        body = read_json(request.body)
    except BadJsonError:
        raise refuse(400, facts.NO_JSON, "JSON Parse Error") from None
    found = mismatch(body, "object")
    if found:
        raise invalid("", found)
    checked: dict[str, Any] = body
    return checked


def mismatch(value: Json, kind: str) -> str:
    """Why a value is not of a type; empty where it is."""
    name = _name(value)
    fits = name == kind or (kind == "number" and name in ("integer", "double"))
    return "" if fits else f"Schema describes {kind}, {name} found instead"


def _name(value: Json) -> str:
    if value is None:
        return "NULL"
    for kind, name in ((bool, "boolean"), (int, "integer"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object" if isinstance(value, dict) else "double"


def page(
    request: Request, name: str, found: Sequence[Any], shown: Callable[[Any], Json], **more: Json
) -> Reply:
    """A page of what was found, by ``count`` and ``offset``. Raises RefusalError (400)."""
    count = request.whole_number("count", facts.DEFAULT_PAGE)
    offset = request.whole_number("offset", 0)
    if count is None or count > facts.MAX_PAGE or offset is None:
        raise invalid("count", f"count is a whole number of at most {facts.MAX_PAGE}")
    listed = [shown(one) for one in found[offset : offset + count]]
    return Reply(200, {name: listed, **more, "total_items": len(found), "_links": []})
