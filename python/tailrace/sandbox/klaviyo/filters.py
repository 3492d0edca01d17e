"""The filters of Klaviyo's lists: ``equals(email,"a@b.test")``, ``any(id,["1","2"])``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.answers import refuse_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

_TERM = re.compile(r"(equals|any|greater-than|less-than)\(([\w.]+),(.*)\)", re.DOTALL)
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: an operator, a field, and the values that it names."""

    operator: str
    field: str
    values: tuple[str, ...]


def read_filter(text: str | None, fields: Mapping[str, tuple[str, ...]]) -> Filter | None:
    """The condition of a request, None where there is none.

    ``fields`` are those that may be asked for, each with its operators.

    Raises:
        RefusalError: 400.
    """
    if not text:
        return None
    match = _TERM.fullmatch(text.strip())
    if match is None:
        raise refuse_parameter("filter", f"Invalid filter provided: {text[:80]}")
    operator, name, given = match.groups()
    if name not in fields or operator not in fields[name]:
        detail = f"'{operator}' is not allowed on the field '{name}'."
        raise refuse_parameter("filter", detail)
    values = _values(given, operator)
    if not values or len(values) > facts.MAX_ANY:
        raise refuse_parameter("filter", f"Between 1 and {facts.MAX_ANY} values are expected.")
    return Filter(operator, name, tuple(values))


def _values(given: str, operator: str) -> list[str]:
    text = _QUOTED.sub(lambda one: json.dumps(one[1].replace("\\'", "'")), given.strip())
    try:
        read: Any = json.loads(text)
    except (ValueError, RecursionError):
        # Moments stand there without quotation marks.
        read = text if re.fullmatch(r"[\w:+.-]+", text) else None
    listed = read if operator == "any" else [read]
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise refuse_parameter("filter", f"Invalid value in filter: {given[:80]}")
    return listed
