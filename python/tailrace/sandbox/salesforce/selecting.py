"""Which records a parsed query means, and in which order."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.salesforce.answers import RowError, refuse
from tailrace.sandbox.salesforce.fields import NUMBERS
from tailrace.sandbox.salesforce.ids import read_id
from tailrace.sandbox.salesforce.soql import Compare, Condition, Joined, Literal, Query
from tailrace.sandbox.salesforce.values import from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tailrace.sandbox.records import Record
    from tailrace.sandbox.salesforce.fields import Field
    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.sobject import Sobject
    from tailrace.sandbox.wire import Json

    Test = Callable[[Record], bool]

_MOST_STEPS = 5
_LONGEST_FILTERED = 4000
_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# The kinds of literals that a type is compared with; others take a quoted text.
_UNQUOTED: Mapping[str, tuple[str, ...]] = {
    "boolean": ("word",),
    **dict.fromkeys(("int", *NUMBERS), ("number",)),
    "date": ("date",),
    "datetime": ("moment",),
}


class Path:
    """A field, or one that is reached over references: ``Owner.Email``."""

    def __init__(self, org: Org, sobject: Sobject, text: str) -> None:
        *steps, last = text.split(".")
        self._steps: list[tuple[Field, list[Sobject]]] = []
        self.names: list[str] = []
        if len(steps) > _MOST_STEPS:
            raise refuse(400, "INVALID_FIELD", f"{text} reaches over more than five references")
        for step in steps:
            reference = sobject.reference(step)
            targets = [org.sobject(one) for one in reference.reference_to] if reference else []
            known = [one for one in targets if one is not None]
            if reference is None or not known:
                message = f"Didn't understand relationship '{step}' in field path."
                raise refuse(400, "INVALID_FIELD", message)
            self._steps.append((reference, known))
            self.names.append(reference.relationship)
            sobject = known[0]
        field = sobject.field(last)
        if field is None:
            message = f"No such column '{last}' on entity '{sobject.name}'."
            raise refuse(400, "INVALID_FIELD", message)
        self.field = field
        self.sobject = sobject

    def holder(self, record: Record) -> tuple[Sobject, Record] | None:
        """The record that the path ends at, and its object."""
        found: tuple[Sobject, Record] | None = (self.sobject, record)
        for reference, targets in self._steps:
            held = record.values.get(reference.name)
            found = next(
                ((one, other) for one in targets if (other := one.records.get(held or ""))), None
            )
            if found is None:
                return None
            record = found[1]
        return found

    def value(self, record: Record) -> Json:
        """What the field holds, None where the way there ends early."""
        if not self._steps:
            return self.sobject.value(record, self.field.name)
        found = self.holder(record)
        return None if found is None else found[0].value(found[1], self.field.name)


class Selection:
    """A query bound to an org.

    Raises:
        RefusalError: it names what there is not, or compares what cannot be compared.
    """

    def __init__(self, org: Org, query: Query, *, deleted: bool) -> None:
        sobject = org.sobject(query.object)
        if sobject is None:
            message = f"sObject type '{query.object}' is not supported."
            raise refuse(400, "INVALID_TYPE", message)
        self._org = org
        self._query = query
        self.sobject = sobject
        self._deleted = deleted
        self.paths = [Path(org, sobject, one) for one in query.paths]
        self._test = None if query.condition is None else self._tested(query.condition)
        self._orders = [(Path(org, sobject, one.path), one) for one in query.orders]

    def records(self) -> list[Record]:
        """The records, sorted, without limit and offset applied to a count."""
        candidates: Iterable[Record] | None = self._indexed(self._query.condition)
        if candidates is None:
            candidates = iter(self.sobject.records)
        found = [one for one in candidates if self._test is None or self._test(one)]
        if self._deleted:
            gone = self.sobject.deleted.values()
            found += [one for one in gone if self._test is None or self._test(one)]
        for path, order in reversed(self._orders):
            held = [one for one in found if path.value(one) is not None]
            nulls = [one for one in found if path.value(one) is None]
            held.sort(key=lambda one: _folded(path.value(one)), reverse=order.descending)
            found = held + nulls if order.nulls_last else nulls + held
        until = None if self._query.limit is None else self._query.offset + self._query.limit
        return found[self._query.offset : until]

    # -- conditions ------------------------------------------------------------------------------

    def _tested(self, condition: Condition) -> Test:
        if isinstance(condition, Joined):
            parts = [self._tested(one) for one in condition.parts]
            if condition.word == "not":
                return lambda record: not parts[0](record)
            holds = all if condition.word == "and" else any
            return lambda record: holds(part(record) for part in parts)
        path = Path(self._org, self.sobject, condition.path)
        values = [_compared(path.field, one) for one in condition.literals]
        return _test_of(path, condition.sign, values)

    def _indexed(self, condition: Condition | None) -> list[Record] | None:
        """The records that an external id or the record id leaves, where one is compared."""
        if isinstance(condition, Joined) and condition.word == "and":
            found = (self._indexed(one) for one in condition.parts)
            return next((one for one in found if one is not None), None)
        if not isinstance(condition, Compare) or condition.sign not in ("=", "in"):
            return None
        field = self.sobject.field(condition.path)
        if field is None or not field.matches:
            return None
        literals = [one.value for one in condition.literals if one.value is not None]
        if len(literals) < len(condition.literals):
            return None
        matching = (self.sobject.find(field, _read(field, str(one))) for one in literals)
        return list({one.id: one for found in matching for one in found}.values())


def _test_of(path: Path, sign: str, values: list[Any]) -> Test:
    if sign in _COMPARES:
        compare, value = _COMPARES[sign], values[0]

        def ordered(record: Record) -> bool:
            held = _folded(path.value(record))
            return held is not None and value is not None and compare(held, value)

        return ordered
    if sign == "like":
        pattern = _like(str(values[0]))
        return lambda record: bool(pattern.fullmatch(str(_folded(path.value(record)) or "")))
    wanted = set(values)
    if path.field.case_sensitive:
        among: Test = lambda record: path.value(record) in wanted  # noqa: E731
    else:
        among = lambda record: _folded(path.value(record)) in wanted  # noqa: E731
    return among if sign in ("=", "in") else lambda record: not among(record)


def _like(pattern: str) -> re.Pattern[str]:
    pieces = {"%": ".*", "_": "."}
    return re.compile("".join(pieces.get(one) or re.escape(one) for one in pattern), re.DOTALL)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _compared(field: Field, literal: Literal) -> Any:
    """What a literal is compared as. Raises RefusalError."""
    if field.type in ("textarea", "address", "base64") or field.length > _LONGEST_FILTERED:
        message = f"field '{field.name}' can not be filtered in a query call"
        raise refuse(400, "INVALID_FIELD", message)
    if literal.kind == "word" and literal.value is None:
        return None
    kinds = _UNQUOTED.get(field.type, ("text",))
    if literal.kind not in kinds:
        quoted = (
            "should be enclosed in quotes"
            if kinds == ("text",)
            else ("should not be enclosed in quotes")
        )
        kind = "string" if kinds == ("text",) else field.type
        message = f"value of filter criterion for field '{field.name}' must be of type {kind}"
        raise refuse(400, "INVALID_FIELD", f"{message} and {quoted}")
    if literal.kind == "word":
        return literal.value
    value = _read(field, literal.value)
    return value if field.case_sensitive else _folded(value)


def _read(field: Field, text: str) -> Any:
    if field.type in ("id", "reference"):
        whole = read_id(text)
        if whole is None:
            message = f"invalid ID field: {text[:80]}"
            raise refuse(400, "INVALID_QUERY_FILTER_OPERATOR", message)
        return whole
    if text == "":
        return None
    try:
        return from_text(field, text)
    except RowError as error:
        raise refuse(400, "INVALID_FIELD", error.message) from None
