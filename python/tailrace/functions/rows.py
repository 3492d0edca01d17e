"""Rows as a function gets them: out of the core's JSON, by the types of the model's columns."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _moment(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return _shortened(text)


def _shortened(text: str) -> datetime | str:
    """Fractions of other lengths than three and six digits, which Python 3.10 does not read; what
    is no time of its calendar (infinity, years beyond 9999) stays text."""
    head, dot, rest = text.partition(".")
    digits = rest.rstrip("Z").partition("+")[0].partition("-")[0]
    if not dot or not digits.isdigit():
        return text
    zone = rest[len(digits) :].replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(f"{head}.{digits[:6]:0<6}{zone}")
    except ValueError:
        return text


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _clock(text: str) -> time | str:
    try:
        return time.fromisoformat(text)
    except ValueError:
        return text


def _decimal(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, (int, str)) else value


_MADE: Mapping[str, Callable[[Any], Any]] = {
    "floating": float,
    "decimal": _decimal,
    "date": _day,
    "time": _clock,
    "timestamp": _moment,
    "timestamptz": _moment,
    "uuid": uuid.UUID,
}


def read_body(body: bytes) -> dict[str, Any]:
    """A call's document; numbers keep every digit."""
    document: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return document


def dicts(document: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    """A dict for each row: whole numbers are int, decimals Decimal, floats float, dates and times
    those of datetime, uuids UUID, JSON and lists what they hold, bytes their text."""
    types = dict(document["fields"])
    makers = {name: _MADE[kind] for name, kind in types.items() if kind in _MADE}
    return [row if row is None else _typed(row, makers) for row in document["rows"]]


def _typed(row: dict[str, Any], makers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    for name, make in makers.items():
        value = row.get(name)
        if value is not None:
            row[name] = make(value)
    return row


def table(document: Mapping[str, Any]) -> Any:
    """The same as a table of pyarrow, and None for rows that are taken away; what a dict would lack
    is null. Columns of most types have them also where every value is null."""
    if None in document["rows"]:
        return None
    pa: Any = import_module("pyarrow")
    known = {
        "text": pa.string(),
        "integer": pa.int64(),
        "floating": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "timestamptz": pa.timestamp("us", tz="UTC"),
    }
    rows = [row or {} for row in dicts(document)]  # none of them is None
    columns = {}
    for name, kind in document["fields"]:
        values = [row.get(name) for row in rows]
        if kind == "uuid":
            values = [None if one is None else str(one) for one in values]
        columns[name] = pa.array(values, type=known.get(kind))
    return pa.table(columns)
