"""What a value of an attribute or of an account's own field may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tailrace.sandbox.zendesk import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.wire import Json

_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]+@[^\s@.]+(\.[^\s@.]+)+")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(T00:00:00(\.0+)?(Z|[+-]00:?00))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of the account's own making; ``options`` are the values (tags) of a choice."""

    key: str
    type: str
    title: str
    options: tuple[str, ...] = ()
    pattern: str = ""
    number: int = 0


def _is_text(value: Json) -> str | None:
    return None if isinstance(value, str) else "is not a text"


def _is_id_text(value: Json) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return None if whole or isinstance(value, str) else "is not a text"


def _is_integer(value: Json) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return None
    digits = isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value, re.ASCII)
    return None if digits else "is not a number"


def _is_boolean(value: Json) -> str | None:
    return None if isinstance(value, bool) else "is not true or false"


def _is_texts(value: Json) -> str | None:
    fits = isinstance(value, list) and all(isinstance(one, (str, int)) for one in value)
    return None if fits else "is not a list"


def _is_email(value: Json) -> str | None:
    if isinstance(value, str) and _EMAIL.fullmatch(value.strip()):
        return None
    return f"{value} is not properly formatted"


def _is_role(value: Json) -> str | None:
    return None if value in facts.ROLES else f"{value} is not a role"


def _is_object(value: Json) -> str | None:
    return None if isinstance(value, dict) else "is not an object"


def _is_values(value: Json) -> str | None:
    fits = isinstance(value, list) and all(isinstance(one, dict) and "id" in one for one in value)
    return None if fits else "is not a list of {id, value}"


ATTRIBUTES: Mapping[str, Callable[[Json], str | None]] = {
    "string": _is_id_text,
    "integer": _is_integer,
    "boolean": _is_boolean,
    "list": _is_texts,
    "email": _is_email,
    "role": _is_role,
    "object": _is_object,
    "values": _is_values,
}


def _custom_text(_: CustomField, value: Json) -> str | None:
    return _is_text(value)


def _custom_flag(_: CustomField, value: Json) -> str | None:
    return _is_boolean(value)


def _custom_date(_: CustomField, value: Json) -> str | None:
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        if match:
            date(int(match[1]), int(match[2]), int(match[3]))
            return None
    except ValueError:
        pass
    return f"{value} is not a valid date"


def _custom_integer(_: CustomField, value: Json) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return None if whole else f"{value} is not an integer"


def _custom_decimal(_: CustomField, value: Json) -> str | None:
    number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return None if number else f"{value} is not a number"


def _custom_regexp(one: CustomField, value: Json) -> str | None:
    if isinstance(value, str) and re.fullmatch(one.pattern, value):
        return None
    return f"{value} is invalid"


def _custom_choice(one: CustomField, value: Json) -> str | None:
    if value == "" or (isinstance(value, str) and value in one.options):
        return None
    return f"{value} is not a valid option"


def _custom_choices(one: CustomField, value: Json) -> str | None:
    if isinstance(value, list) and all(each in one.options for each in value):
        return None
    return f"{value} are not valid options"


CUSTOM: Mapping[str, Callable[[CustomField, Json], str | None]] = {
    "text": _custom_text,
    "textarea": _custom_text,
    "checkbox": _custom_flag,
    "date": _custom_date,
    "integer": _custom_integer,
    "decimal": _custom_decimal,
    "regexp": _custom_regexp,
    "dropdown": _custom_choice,
    "multiselect": _custom_choices,
}
