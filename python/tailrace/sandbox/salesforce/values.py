"""What a value must be: as JSON, as a cell of a CSV file, and as what a field holds.

A JSON value of the wrong kind is found when the document is read, before any row is looked at, so
that it fails the whole request. In a file the same is the row's error.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import is_date, is_email, is_time
from tailrace.sandbox.salesforce.answers import RowError
from tailrace.sandbox.salesforce.fields import CHOICES, NUMBERS, TEXTS
from tailrace.sandbox.salesforce.ids import read_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.salesforce.fields import Field
    from tailrace.sandbox.wire import Json


class UnreadableError(ValueError):
    """A member of a JSON record that means nothing: a value of the wrong kind, no such field."""

    def __init__(self, message: str, code: str = "JSON_PARSER_ERROR") -> None:
        super().__init__(message)
        self.code = code


_INT_MOST = 2**31 - 1
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T00:00:00(\.0+)?(Z|\+0000|\+00:00))?", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})", re.ASCII
)
_CLOCK = re.compile(r"(\d{2}:\d{2}:\d{2})(\.\d{1,3})?Z?", re.ASCII)
_KINDS: Mapping[type, str] = {
    str: "VALUE_STRING",
    int: "VALUE_NUMBER_INT",
    float: "VALUE_NUMBER_FLOAT",
    Decimal: "VALUE_NUMBER_FLOAT",
    dict: "START_OBJECT",
    list: "START_ARRAY",
}


def from_json(field: Field, value: Json) -> Any:
    """What a JSON value means to a field; None for null and for an empty text.

    Raises:
        UnreadableError: it means nothing.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        if field.type == "boolean":
            return value
        raise _unreadable(field, value)
    # A number is no text here, but the text of a number is one.
    if isinstance(value, (int, float, Decimal)) and field.type in ("int", *NUMBERS):
        value = str(value)
    if not isinstance(value, str):
        raise _unreadable(field, value)
    read = _READ.get(field.type, str)(value)
    if read is None:
        raise _unreadable(field, value)
    return read


def _unreadable(field: Field, value: Json) -> UnreadableError:
    kind = f"VALUE_{value}".upper() if isinstance(value, bool) else _KINDS[type(value)]
    wanted = field.type if field.type in _READ else "string"
    wanted = "double" if wanted in NUMBERS else wanted
    shown = "" if isinstance(value, (dict, list)) else f" value {_short(str(value))}"
    return UnreadableError(
        f"Cannot deserialize instance of {wanted} from {kind}{shown} or request may be missing a "
        "required field"
    )


def from_text(field: Field, text: str) -> Any:
    """What a cell of a file means to a field; the cell is not empty.

    Raises:
        RowError: nothing.
    """
    reader = _READ.get(field.type)
    if reader is None:
        return text
    value = reader(text)
    if value is None:
        message = f"{field.title}: value not of required type: {_short(text)}"
        raise RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (field.name,))
    return value


def _boolean(text: str) -> bool | None:
    word = text.lower()
    if word in ("true", "1", "yes", "y", "on"):
        return True
    return False if word in ("false", "0", "no", "n", "off") else None


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def _whole(text: str) -> int | None:
    value = _number(text)
    if value is None or value != int(value):
        return None
    return int(value)


def _number(text: str) -> float | int | Decimal | None:
    """A number with all its digits: whole, a double where that is exact, else a Decimal."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return int(text)
    except ValueError:
        pass
    value = float(text)
    if not math.isfinite(value):
        return None
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return None
    return value if Decimal(repr(value)) == exact else exact


def _date(text: str) -> str | None:
    match = _DATE.fullmatch(text)
    return match[1] if match and is_date(match[1]) else None


def _moment(text: str) -> str | None:
    """In UTC and with milliseconds, as Salesforce gives it back."""
    match = _MOMENT.fullmatch(text)
    if match is None or not is_date(match[1]) or not is_time(match[2], match[4]):
        return None
    moment = datetime.fromisoformat(f"{match[1]}T{match[2]}")
    zone = match[4]
    if zone != "Z":
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment + ahead if zone[0] == "-" else moment - ahead
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{(match[3] or '.')[1:4]:0<3}+0000"


def _clock(text: str) -> str | None:
    match = _CLOCK.fullmatch(text)
    return text if match and is_time(match[1], "Z") else None


_READ: Mapping[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "int": _whole,
    **dict.fromkeys(NUMBERS, _number),
    "date": _date,
    "datetime": _moment,
    "time": _clock,
}


# -- what a field may hold ------------------------------------------------------------------------


def check(field: Field, value: Any) -> None:
    """Whether a value that was read may be stored.

    Raises:
        RowError: it may not.
    """
    checker = CHECKS.get(field.type)
    if checker is not None:
        checker(field, value)


def _check_text(field: Field, value: str) -> None:
    if len(value) > field.length > 0:
        message = f"{field.title}: data value too large: {_short(value)}"
        raise RowError("STRING_TOO_LONG", f"{message} (max length={field.length})", (field.name,))


def _check_email(field: Field, value: str) -> None:
    _check_text(field, value)
    if not is_email(value):
        message = f"{field.title}: invalid email address: {_short(value)}"
        raise RowError("INVALID_EMAIL_ADDRESS", message, (field.name,))


def _check_choice(field: Field, value: str) -> None:
    _check_text(field, value)
    if not field.restricted:
        return
    chosen = value.split(";") if field.type == "multipicklist" else [value]
    for one in chosen:
        if one not in field.values:
            message = f"{field.title}: bad value for restricted picklist field: {_short(one)}"
            raise RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))


def _check_int(field: Field, value: int) -> None:
    if abs(value) > _INT_MOST:
        raise _out_of_range(field, value)


def _check_number(field: Field, value: float | Decimal) -> None:
    whole_digits = field.precision - field.scale
    if field.precision and abs(value) >= 10**whole_digits:
        raise _out_of_range(field, value)


def _out_of_range(field: Field, value: Any) -> RowError:
    message = f"{field.title}: value outside of valid range on numeric field: {value}"
    return RowError("NUMBER_OUTSIDE_VALID_RANGE", message, (field.name,))


def _check_id(field: Field, value: str) -> None:
    if read_id(value) is None:
        message = f"{field.title}: id value of incorrect type: {_short(value)}"
        raise RowError("MALFORMED_ID", message, (field.name,))


CHECKS: Mapping[str, Callable[[Field, Any], None]] = {
    **dict.fromkeys(TEXTS, _check_text),
    "email": _check_email,
    **dict.fromkeys(CHOICES, _check_choice),
    "int": _check_int,
    **dict.fromkeys(NUMBERS, _check_number),
    "reference": _check_id,
    "id": _check_id,
}


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
