"""Requests and replies as the vendors of the sandbox see them: no socket, no clock.

A vendor is a function from ``Request`` to ``Reply``; only ``server.py`` knows HTTP. JSON is read
more strictly than Python does by itself (RFC 8259: no NaN, no doubled member, no lone surrogate),
because a sandbox that forgives is worse than none.
"""

from __future__ import annotations

import json
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = Any
Flaw = Literal["type", "json", "object"]

JSON_TYPE = "application/json;charset=utf-8"


@dataclass(slots=True)
class Request:
    """One request, its body whole and already unpacked. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    target_size: int = 0
    """Bytes of path and query as they were sent."""
    pairs: tuple[tuple[str, str], ...] = ()
    """The query as it was sent, where a name may come twice; ``query`` has its last value."""
    began_s: float | None = None
    """When it was admitted, by the vendor's clock."""

    @property
    def content_type(self) -> str:
        """The body's media type in lower case, without parameters; empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def values(self, name: str) -> list[str]:
        """All values that a parameter of the query has."""
        return [value for one, value in self.pairs if one == name]

    def whole_number(self, name: str, default: int) -> int | None:
        """A parameter of the query that is a whole number, None where it is something else."""
        text = self.query.get(name, str(default))
        return int(text) if len(text) < 19 and text.isascii() and text.isdigit() else None


class Document(ABC):
    """A body that is written when it is sent, and may be altered until then."""

    @abstractmethod
    def payload(self) -> bytes:
        """The bytes to send."""


@dataclass(slots=True)
class Reply:
    """An answer: ``body`` is bytes, a document, a JSON value, or None for no body at all."""

    status: int
    body: Json = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = JSON_TYPE

    def payload(self) -> bytes:
        """The bytes to send."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, Document):
            return self.body.payload()
        return write_json(self.body)


class RefusalError(Exception):
    """A whole request that the vendor refuses; carries the vendor's own answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class BadJsonError(ValueError):
    """A body that is not one well-formed JSON document; the message says why."""


def _no_constant(name: str) -> Json:
    raise BadJsonError(f"{name} is not JSON")


def _number(text: str) -> float | Decimal:
    """A double where it holds the digits exactly as they were sent, a Decimal where it does not."""
    value = float(text)
    exact = Decimal(text)
    return value if Decimal(repr(value)) == exact else exact


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise BadJsonError(f"member {name!r} appears twice in one object")
            seen.add(name)
    return members


_DECODER = json.JSONDecoder(
    parse_float=_number, parse_constant=_no_constant, object_pairs_hook=_members
)


def json_object(request: Request, refused: Callable[[Flaw, str], RefusalError]) -> dict[str, Any]:
    """The JSON object that a request has for a body.

    Raises:
        RefusalError: what ``refused`` makes of a flaw, with its particulars: the body is of another
            type, no JSON, or no object.
    """
    if request.content_type != "application/json":
        raise refused("type", request.content_type or "nothing")
    try:
        body = read_json(request.body)
    except BadJsonError as error:
        raise refused("json", str(error)) from None
    if not isinstance(body, dict):
        raise refused("object", "")
    return body


def read_json(body: bytes) -> Json:
    """The JSON document in ``body``.

    Numbers become int, float or, where a double would lose digits, Decimal.

    Raises:
        BadJsonError: it is not UTF-8, not one document, or holds what RFC 8259 does not allow.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJsonError(f"not UTF-8 at byte {error.start}") from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadJsonError(f"on {where}: {error.msg}") from None
    except RecursionError:
        raise BadJsonError("nested too deeply") from None
    except ArithmeticError:
        raise BadJsonError("a number is out of range") from None
    except ValueError as error:
        if isinstance(error, BadJsonError):
            raise
        raise BadJsonError("a number has too many digits") from None
    if b"\\ud" in body or b"\\uD" in body:
        _refuse_lone_surrogates(value)
    return value


def _refuse_lone_surrogates(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        raise BadJsonError("a string holds half of a surrogate pair") from None


# Python's json can write no Decimal as a number. Each one is written as a string with a mark that
# no row can guess, and the mark is cut out afterwards.
_MARK = secrets.token_hex(16)


def _mark_decimal(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_MARK}{value}{_MARK}"
    raise TypeError(f"{type(value).__name__} is not JSON")


def write_json(value: Json) -> bytes:
    """Compact JSON in UTF-8; Decimals are written as numbers with all their digits."""
    text = json.dumps(value, separators=(",", ":"), default=_mark_decimal, ensure_ascii=False)
    if _MARK in text:
        text = text.replace(f'"{_MARK}', "").replace(f'{_MARK}"', "")
    return text.encode("utf-8")


def text_of(value: Json) -> str:
    """A JSON scalar as the text a vendor stores: true, 12, 0.5; strings as they are."""
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)


def http_date(in_s: float) -> str:
    """An HTTP date ``in_s`` seconds from now; whole seconds, cut off."""
    moment = datetime.now(timezone.utc) + timedelta(seconds=in_s)
    return format_datetime(moment, usegmt=True)
