"""What all requests to the generic API work on: its collections and its way to say no."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.records import Collection
from tailrace.sandbox.rest.once import Once
from tailrace.sandbox.wire import BadJsonError, Json, RefusalError, Reply, Request, read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox.limits import Clock


def problem_details(status: int, message: str, **extra: Any) -> Reply:
    """RFC 9457 problem details."""
    title = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    body = {"type": "about:blank", "title": title, "status": status, "detail": message}
    return Reply(status, {**body, **extra}, content_type="application/problem+json")


def refuse(status: int, message: str, **extra: Any) -> RefusalError:
    """The same as an exception."""
    return RefusalError(problem_details(status, message, **extra))


@dataclass(slots=True)
class Api:
    """The collections, by name, and what was done under a key; both are gone with ``reset``."""

    clock: Clock
    wall_ms: Callable[[], int]
    collections: dict[str, Collection] = field(default_factory=dict)
    once: Once = field(init=False)

    def reset(self) -> None:
        """Forget everything."""
        self.collections = {}
        self.once = Once(self.clock, problem_details)

    def peek(self, name: str) -> Collection:
        """The collection, or an empty one that is not kept: reading makes nothing."""
        collection = self.collections.get(name)
        return Collection(name) if collection is None else collection

    def collection(self, name: str) -> Collection:
        """The collection, made where there is none."""
        collection = self.collections.get(name)
        if collection is None:
            collection = self.collections[name] = Collection(name)
        return collection


def json_of(request: Request) -> Json:
    """The request's document. Raises RefusalError (400, 415)."""
    if request.content_type != "application/json":
        raise refuse(415, "Content-Type must be application/json")
    try:
        return read_json(request.body)
    except BadJsonError as error:
        raise refuse(400, f"the body is not JSON: {error}") from None
