"""Answers of Intercom's sandbox: lists, and lists of errors."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.intercom import facts
from tailrace.sandbox.wire import Flaw, Json, RefusalError, Reply, Request, json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def error(status: int, message: str, code: str = "", field: str = "") -> Reply:
    """An answer that says no."""
    told = {"code": code or facts.CODES.get(status, "server_error"), "message": message}
    if field:
        told["field"] = field
    body = {"type": "error.list", "request_id": str(uuid.uuid4()), "errors": [told]}
    return Reply(status, body)


def refuse(status: int, message: str, code: str = "", field: str = "") -> RefusalError:
    """What a request is refused with."""
    return RefusalError(error(status, message, code, field))


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises RefusalError (400, 415)."""
    return json_object(request, _unreadable)


def _unreadable(flaw: Flaw, why: str) -> RefusalError:
    if flaw == "type":
        return refuse(415, "The Content-Type must be application/json")
    said = f"JSON could not be parsed: {why}" if flaw == "json" else "An object is expected"
    return refuse(400, said, "bad_request")


def listed(found: Sequence[Any], shown: Callable[[Any], Json], size: Json, after: Json) -> Reply:
    """A page of contacts or companies that begins after a cursor. Raises RefusalError (400)."""
    whole = isinstance(size, int) and not isinstance(size, bool)
    if not whole or not 1 <= size <= facts.MAX_PAGE:
        raise refuse(400, f"per_page is from 1 to {facts.MAX_PAGE}", field="per_page")
    text = str(after or "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise refuse(400, "starting_after is not a cursor", field="starting_after")
    start = int(text)
    pages: dict[str, Json] = {
        "type": "pages",
        "page": start // size + 1,
        "per_page": size,
        "total_pages": -(-len(found) // size),
    }
    if start + size < len(found):
        pages["next"] = {"page": start // size + 2, "starting_after": str(start + size)}
    data = [shown(one) for one in found[start : start + size]]
    return Reply(200, {"type": "list", "data": data, "total_count": len(found), "pages": pages})
