"""The conditions of ``contacts/search``: one, or several joined by AND and OR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.intercom import facts
from tailrace.sandbox.intercom.answers import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox.wire import Json

_MAX_DEPTH = 3


def condition(query: Json, depth: int = 0) -> Callable[[dict[str, Any]], bool]:
    """Whether a contact, as it is shown, fits. Raises RefusalError (400)."""
    if not isinstance(query, dict) or depth > _MAX_DEPTH:
        raise refuse(400, "query is {field, operator, value}", field="query")
    operator, value = query.get("operator"), query.get("value")
    if operator in ("AND", "OR"):
        if not isinstance(value, list) or not 1 <= len(value) <= facts.MAX_FILTERS:
            raise refuse(400, f"1 to {facts.MAX_FILTERS} filters are expected", field="query")
        inner = [condition(one, depth + 1) for one in value]
        joined = all if operator == "AND" else any
        return lambda contact: joined(one(contact) for one in inner)
    return _single(query.get("field"), operator, value)


def _single(name: Json, operator: Json, value: Json) -> Callable[[dict[str, Any]], bool]:
    custom = isinstance(name, str) and name.startswith("custom_attributes.")
    if not custom and name not in (*facts.CONTACT, "id", "created_at", "updated_at"):
        raise refuse(400, f"{name} is not a field to search by", "invalid_field", "query")
    if operator in ("IN", "NIN"):
        if not isinstance(value, list) or not 1 <= len(value) <= facts.MAX_VALUES:
            raise refuse(400, f"1 to {facts.MAX_VALUES} values are expected", field="query")
        texts = {_compared(one) for one in value}
        return lambda contact: (_compared(_of(contact, name)) in texts) is (operator == "IN")
    if isinstance(value, (list, dict)) or operator not in _TESTS:
        raise refuse(400, "the operator or the value is not valid", "invalid_operator", "query")
    test = _TESTS[operator]
    return lambda contact: test(_of(contact, name), value)


def _of(contact: dict[str, Any], name: str) -> Json:
    if name.startswith("custom_attributes."):
        return contact["custom_attributes"].get(name.partition(".")[2])
    return contact.get(name)


def _compared(value: Json) -> str:
    return "" if value is None else str(value).casefold()


def _ordered(held: Json, value: Json, sign: int) -> bool:
    try:
        return (float(held) - float(value)) * sign > 0
    except (TypeError, ValueError, OverflowError):
        return False


_TESTS: dict[str, Callable[[Json, Json], bool]] = {
    "=": lambda held, value: _compared(held) == _compared(value),
    "!=": lambda held, value: _compared(held) != _compared(value),
    ">": lambda held, value: _ordered(held, value, 1),
    "<": lambda held, value: _ordered(held, value, -1),
    "~": lambda held, value: _compared(value) in _compared(held),
    "!~": lambda held, value: _compared(value) not in _compared(held),
    "^": lambda held, value: _compared(held).startswith(_compared(value)),
    "$": lambda held, value: _compared(held).endswith(_compared(value)),
}
