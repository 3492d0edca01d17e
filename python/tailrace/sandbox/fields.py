"""Typed fields whose values travel as text: what each type takes, and why it refuses.

A check answers with a ``Problem`` or None. Vendors choose the types and turn problems into their
own error shape.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value is refused: a code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object.

    ``kind`` is a name in ``CHECKS``. ``options`` are the internal values of an enumeration;
    ``multiple`` allows several of them, joined by semicolons. ``max_length`` is in characters.
    """

    name: str
    kind: str = "string"
    label: str = ""
    options: tuple[str, ...] = ()
    multiple: bool = False
    unique: bool = False
    read_only: bool = False
    defined_by_vendor: bool = False
    max_length: int = 65_536


def check(field: Field, text: str) -> Problem | None:
    """Whether ``text`` may be stored in ``field``; an empty text always may (it clears)."""
    if text == "":
        return None
    return CHECKS[field.kind](field, text)


def _string(field: Field, text: str) -> Problem | None:
    if len(text) > field.max_length:
        return Problem("VALUE_TOO_LONG", f"{field.name} is longer than {field.max_length}")
    return None


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def _number(_field: Field, text: str) -> Problem | None:
    if len(text) <= 400 and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return None
    return Problem("INVALID_LONG", f"{_short(text)} was not a valid long.")


def _bool(_field: Field, text: str) -> Problem | None:
    if text in ("true", "false"):
        return None
    return _no_option(text, ("true", "false"))


def _enumeration(field: Field, text: str) -> Problem | None:
    values = text.split(";") if field.multiple else [text]
    for value in values:
        if value not in field.options and value != "":
            return _no_option(value, field.options)
    return None


def _no_option(text: str, options: tuple[str, ...]) -> Problem:
    allowed = ", ".join(options)
    message = f"{_short(text)} was not one of the allowed options: [{allowed}]"
    return Problem("INVALID_OPTION", message)


_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]+@[^\s@.]+(\.[^\s@.]+)*\.[^\s@.\d]{2,}")


def is_email(text: str) -> bool:
    """Whether it has the form of an e-mail address."""
    return len(text) <= 254 and ".." not in text and _EMAIL.fullmatch(text) is not None


def _email(_field: Field, text: str) -> Problem | None:
    if is_email(text):
        return None
    return Problem("INVALID_EMAIL", f"Email address {_short(text)} is invalid")


_EPOCH_MS = re.compile(r"-?\d{1,15}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})", re.ASCII
)


def _date(_field: Field, text: str) -> Problem | None:
    """``YYYY-MM-DD``, or milliseconds since 1970 that are midnight UTC."""
    if _EPOCH_MS.fullmatch(text):
        if int(text) % DAY_MS == 0:
            return None
        clock = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
            milliseconds=int(text) % DAY_MS
        )
        at = clock.strftime("%H:%M:%S")
        return Problem("INVALID_DATE", f"{text} is at {at} UTC, not midnight!")
    if _DATE.fullmatch(text) and is_date(text):
        return None
    return Problem("INVALID_DATE", f"{_short(text)} was not a valid date.")


def _datetime(_field: Field, text: str) -> Problem | None:
    """ISO 8601 with a time and a zone, or milliseconds since 1970."""
    if _EPOCH_MS.fullmatch(text):
        return None
    match = _DATETIME.fullmatch(text)
    if match and is_date(match[1]) and is_time(match[2], match[4]):
        return None
    return Problem("INVALID_DATE", f"{_short(text)} was not a valid date-time.")


def is_date(text: str) -> bool:
    """Whether ``YYYY-MM-DD`` is a day of the calendar."""
    try:
        date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        return False
    return True


def is_time(clock: str, zone: str) -> bool:
    """Whether ``hh:mm:ss`` is a time of day and ``zone``, Z or an offset, is one."""
    if int(clock[:2]) > 23 or int(clock[3:5]) > 59 or int(clock[6:]) > 59:
        return False
    return zone == "Z" or (int(zone[1:3]) < 24 and int(zone[-2:]) < 60)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


CHECKS: Mapping[str, Callable[[Field, str], Problem | None]] = {
    "string": _string,
    "number": _number,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "enumeration": _enumeration,
    "email": _email,
}


@functools.lru_cache(1024)
def iso_ms(ms: int) -> str:
    """Milliseconds since 1970 as ``2026-01-31T09:30:00.123Z``."""
    moment = datetime.fromtimestamp(ms // 1000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
