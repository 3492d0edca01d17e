"""What HubSpot's sandbox answers where a request is refused."""

from __future__ import annotations

import uuid
from typing import Any

from tailrace.sandbox.wire import (
    BadJsonError,
    Json,
    RefusalError,
    Reply,
    Request,
    read_json,
)


def error_reply(
    status: int, message: str, category: str = "VALIDATION_ERROR", **extra: Any
) -> Reply:
    """An answer in HubSpot's error shape; ``extra`` are further members such as ``context``."""
    body = {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        "category": category,
        **extra,
    }
    return Reply(status, body)


def refuse(
    status: int, message: str, category: str = "VALIDATION_ERROR", **extra: Any
) -> RefusalError:
    """The same as an exception."""
    return RefusalError(error_reply(status, message, category, **extra))


def json_body(request: Request) -> Json:
    """The request's document. Raises RefusalError (400, 415)."""
    if request.content_type != "application/json":
        kind = request.content_type or "missing"
        raise refuse(415, f"Content-Type must be application/json, not {kind}")
    try:
        return read_json(request.body)
    except BadJsonError as error:
        raise refuse(400, f"Invalid input JSON {error}") from None
