"""What a request to Zendesk's sandbox holds, and what it is refused with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.wire import Flaw, Json, RefusalError, Reply, Request, json_object
from tailrace.sandbox.zendesk import facts

if TYPE_CHECKING:
    from tailrace.sandbox.zendesk.records import Store


def error(status: int, code: str, message: str) -> Reply:
    """An answer in the form that most of Zendesk's errors have."""
    return Reply(status, {"error": code, "description": message})


def refuse(status: int, code: str, message: str) -> RefusalError:
    """What the request is refused with."""
    return RefusalError(error(status, code, message))


def dict_of(value: Json) -> dict[str, Any]:
    """The object, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises RefusalError (400, 415)."""
    return json_object(request, _unreadable)


def _unreadable(flaw: Flaw, why: str) -> RefusalError:
    if flaw == "type":
        return refuse(415, "UnsupportedMediaType", "Content-Type must be application/json")
    if flaw == "json":
        return refuse(400, "UnprocessableJson", f"Server could not parse JSON {why}")
    return refuse(400, "BadRequest", "an object is expected")


def item_of(request: Request, name: str) -> Any:
    """The one object that stands under ``name``. Raises RefusalError (400)."""
    body = body_of(request)
    if not isinstance(body.get(name), dict):
        raise refuse(400, "BadRequest", f"{name} is required and is an object")
    return body[name]


def items_of(request: Request, store: Store) -> list[Any]:
    """The rows of a bulk request, 1 to 100. Raises RefusalError (400)."""
    items = body_of(request).get(store.type.name)
    if not isinstance(items, list) or not items:
        raise refuse(400, "BadRequest", f"{store.type.name} is required and is a list")
    if len(items) > facts.MAX_ITEMS:
        message = f"{store.type.name} takes {facts.MAX_ITEMS} at a time, not {len(items)}"
        raise refuse(400, "TooManyValues", message)
    return items


def number_of(request: Request, name: str, default: int) -> int:
    """A whole number of the query. Raises RefusalError (400)."""
    number = request.whole_number(name, default)
    if number is None:
        raise refuse(400, "InvalidPaginationParameter", f"{name} is a whole number")
    return number
