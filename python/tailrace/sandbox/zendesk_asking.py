"""What a request to Zendesk's sandbox holds, and what it is refused with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tailrace.sandbox import zendesk_facts as facts
from tailrace.sandbox.wire import BadJsonError, Json, RefusalError, Reply, Request, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.zendesk_records import Store


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
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise refuse(415, "UnsupportedMediaType", "Content-Type must be application/json")
    try:
        body = read_json(request.body)
    except BadJsonError as error:
        raise refuse(400, "UnprocessableJson", f"Server could not parse JSON {error}") from None
    if not isinstance(body, dict):
        raise refuse(400, "BadRequest", "an object is expected")
    return body


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


def number_of(query: Mapping[str, str], name: str, default: int) -> int:
    """A whole number of the query. Raises RefusalError (400)."""
    text = query.get(name, str(default))
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise refuse(400, "InvalidPaginationParameter", f"{name} is a whole number")
    return int(text)
