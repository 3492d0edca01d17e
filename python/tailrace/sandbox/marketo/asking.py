"""What requests to Marketo's sandbox have in common: ids, pages, reading by POST."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tailrace.sandbox.marketo import facts
from tailrace.sandbox.marketo.answers import answer, body_of, refuse, rows_of
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORM = "application/x-www-form-urlencoded"


def as_meant(request: Request) -> Request:
    """The request, or the GET that a POST with ``_method=GET`` stands for, because its parameters
    would be too long for an address."""
    if request.method != "POST":
        return request
    pairs = [*request.pairs]
    if request.content_type == FORM:
        pairs += parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    if dict(pairs).get("_method") != "GET":
        return request
    asked = [pair for pair in pairs if pair[0] != "_method"]
    return Request(
        "GET",
        request.path,
        dict(asked),
        request.headers,
        request.body if request.content_type != FORM else b"",
        0,
        tuple(asked),
        request.began_s,
    )


def ids_of(request: Request) -> list[str]:
    """The ids that a request names: in its body, or as ``id`` of its query.

    Raises:
        RefusalError: none, too many, or no numbers.
    """
    if request.body:
        given = [row.get("id") for row in rows_of(body_of(request))]
    else:
        given = [one for text in request.values("id") for one in text.split(",") if one]
    if not given:
        raise refuse("1002", "Missing value for the required parameter 'id'")
    if len(given) > facts.MAX_ROWS:
        raise refuse("1003", f"Number of ids exceeds {facts.MAX_ROWS}")
    return [_id(one) for one in given]


def _id(value: Any) -> str:
    text = str(value)
    if isinstance(value, (bool, float)) or not (text.isascii() and text.isdigit()):
        raise refuse("1001", f"Invalid value '{text[:80]}'. Required of type 'Integer'")
    return str(int(text[:18]))


def page(request: Request, found: Sequence[Any], shown: Callable[[Any], Json]) -> Reply:
    """An answer with a page of what was found. Raises RefusalError (1001, 1003)."""
    size = request.whole_number("batchSize", facts.MAX_PAGE)
    if size is None or size < 1:
        text = request.query["batchSize"][:80]
        raise refuse("1001", f"Invalid value '{text}'. Required of type 'Integer'")
    size = min(size, facts.MAX_PAGE)
    start = _start(request.query.get("nextPageToken"))
    listed = [shown(one) for one in found[start : start + size]]
    if start + size < len(found):
        token = base64.b32encode(f"{start + size}".encode()).decode()
        return answer(listed, nextPageToken=token, moreResult=True)
    return answer(listed, moreResult=False)


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        text = base64.b32decode(token).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not text.isdigit() or len(text) > 9:
        raise refuse("1003", "Invalid nextPageToken")
    return int(text)
