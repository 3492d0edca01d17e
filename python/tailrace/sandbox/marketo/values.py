"""What a value of a lead's field may be, and what is stored of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from tailrace.sandbox.fields import is_date, is_email, is_time
from tailrace.sandbox.marketo.answers import RowRefusedError
from tailrace.sandbox.wire import Json, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.marketo.fields import LeadField

_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_MOST = 2_147_483_647


def stored(field: LeadField, value: Json) -> Json:
    """What is kept of a value; None where it clears the field.

    Raises:
        RowRefusedError: it is none that the field takes.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (dict, list)):
        raise _mismatch(field, "a structure")
    return _STORED[field.data_type](field, value)


def _mismatch(field: LeadField, value: str) -> RowRefusedError:
    shown = value if len(value) <= 80 else value[:77] + "..."
    message = f"Invalid value '{shown}'. Required of type '{field.data_type}'"
    return RowRefusedError("1001", message)


def _text(field: LeadField, value: Json) -> str:
    text = text_of(value)
    size = len(text.encode("utf-8", "replace")) if field.data_type == "text" else len(text)
    if field.length is not None and size > field.length:
        message = f"Value for field '{field.name}' is longer than {field.length}"
        raise RowRefusedError("1003", message)
    return text


def _email(field: LeadField, value: Json) -> str:
    text = _text(field, value)
    if not text.isascii() or not is_email(text):
        raise RowRefusedError("1003", f"Invalid email address in field '{field.name}'")
    return text


def _integer(field: LeadField, value: Json) -> int:
    digits = isinstance(value, str) and _INTEGER.fullmatch(value)
    number = int(value) if digits else value
    if isinstance(number, (float, Decimal)) and -_MOST <= number <= _MOST:
        number = int(number) if number == int(number) else number
    if not isinstance(number, int) or isinstance(number, bool) or abs(number) > _MOST:
        raise _mismatch(field, text_of(value))
    return number


def _number(field: LeadField, value: Json) -> float | Decimal | int:
    if isinstance(value, bool):
        raise _mismatch(field, text_of(value))
    if isinstance(value, (int, float, Decimal)):
        return value
    if not _NUMBER.fullmatch(value):
        raise _mismatch(field, value)
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise _mismatch(field, value) from None
    near = float(value)
    return near if Decimal(repr(near)) == exact else exact


def _boolean(field: LeadField, value: Json) -> bool:
    word = text_of(value).lower()
    if word not in ("true", "false", "1", "0"):
        raise _mismatch(field, text_of(value))
    return word in ("true", "1")


def _date(field: LeadField, value: Json) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value) or not is_date(value):
        raise _mismatch(field, text_of(value))
    return value


def _datetime(field: LeadField, value: Json) -> str:
    """In UTC, as it comes back; a moment without an offset is taken to be in UTC."""
    match = _DATETIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or not is_date(match[1]):
        raise _mismatch(field, text_of(value))
    clock, zone = match[2] + (match[3] or ":00")[:3], match[4] or "Z"
    if not is_time(clock, zone):
        raise _mismatch(field, text_of(value))
    moment = datetime.fromisoformat(f"{match[1]}T{clock}")
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        try:
            moment -= offset if zone[0] == "+" else -offset
        except OverflowError:
            raise _mismatch(field, text_of(value)) from None
    return moment.replace(tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


_STORED: Mapping[str, Callable[[LeadField, Json], Json]] = {
    **dict.fromkeys(("string", "text", "phone", "url", "reference"), _text),
    "email": _email,
    **dict.fromkeys(("integer", "percent", "score"), _integer),
    **dict.fromkeys(("float", "currency"), _number),
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}
