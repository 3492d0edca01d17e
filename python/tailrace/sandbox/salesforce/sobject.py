"""One object of a Salesforce org: its fields, its records, and how a record is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.fields import NUMBERS, Field
from tailrace.sandbox.salesforce.ids import make_id, read_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tailrace.sandbox.wire import Json


class Sobject:
    """Names of fields are looked up without regard to case, as Salesforce does.

    Records hold what fields were given; a value that was cleared is not there. What was deleted
    stays in ``deleted`` until it is deleted for good.
    """

    def __init__(
        self, kind: facts.ObjectType, fields: Iterable[Field], wall_ms: Callable[[], int]
    ) -> None:
        self.type = kind
        self.name = kind.name
        self.fields: dict[str, Field] = {one.name: one for one in (*facts.SYSTEM, *fields)}
        self._names = {name.lower(): name for name in self.fields}
        self._relationships = {
            one.relationship.lower(): one for one in self.fields.values() if one.relationship
        }
        unique = tuple(one.name for one in self.fields.values() if one.unique)
        folded = tuple(name for name in unique if self.fields[name].folded)
        self.records = Collection(kind.name, unique, folded=folded)
        self.deleted: dict[str, Record] = {}
        self._wall_ms = wall_ms
        self._made = 0
        # Fields that several records may share, and that an upsert may find one by.
        self._shared: dict[str, dict[Any, dict[str, Record]]] = {
            one.name: {}
            for one in self.fields.values()
            if one.matches and not one.unique and one.type != "id"
        }
        named = self.fields.values()
        self.not_createable = frozenset(one.name for one in named if not one.createable)
        self.not_updateable = frozenset(one.name for one in named if not one.updateable)
        self.required = [one for one in self.fields.values() if one.required]
        self.defaults = {
            one.name: one.default
            for one in self.fields.values()
            if one.default is not None and one.createable
        }
        if facts.OWNER.name in self.fields:
            self.defaults[facts.OWNER.name] = user_id()
        self.key_fields = [one.name for one in self.fields.values() if one.external_id]

    # -- fields ----------------------------------------------------------------------------------

    def field(self, name: str) -> Field | None:
        """The field of a name in any case."""
        found = self._names.get(name.lower())
        return None if found is None else self.fields[found]

    def reference(self, relationship: str) -> Field | None:
        """The field behind the name of a relationship."""
        return self._relationships.get(relationship.lower())

    # -- finding ---------------------------------------------------------------------------------

    def get(self, text: str) -> Record | None:
        """The record of an id of 15 or 18 characters."""
        whole = read_id(text)
        return None if whole is None else self.records.get(whole)

    def find(self, field: Field, value: Any) -> list[Record]:
        """The records that an upsert by this field means."""
        if field.type == "id":
            found = self.get(str(value))
        elif field.unique:
            found = self.records.find(field.name, value)
        else:
            return list(self._shared[field.name].get(_compared(field, value), {}).values())
        return [] if found is None else [found]

    def named(self, record_id: str) -> str:
        """What a record is called that a row names by its id, in the bin too."""
        record = self.get(record_id) or self.deleted.get(read_id(record_id) or "")
        return record_id if record is None else self.key_of(record)

    def key_of(self, record: Record) -> str:
        """The name under which a record's writes are counted."""
        for name in self.key_fields:
            if name in record.values:
                return str(record.values[name])
        return record.id

    # -- writing ---------------------------------------------------------------------------------

    def create(self, values: dict[str, Any], key: str, *, record_id: str = "") -> Record:
        """A record of values that were found good; without a key its own one is counted, and
        without an id it gets the next one."""
        self._made += 1
        record_id = record_id or make_id(self.type.prefix, self._made)
        kept = {name: value for name, value in values.items() if value is not None}
        record = self.records.create(
            kept, self._wall_ms(), key=key or record_id, record_id=record_id
        )
        self._share(record, kept)
        return record

    def update(self, record: Record, values: dict[str, Any], key: str) -> None:
        """Overlay values that were found good; None clears."""
        self._unshare(record, values)
        self.records.update(record, values, self._wall_ms(), key=key or self.key_of(record))
        for name, value in values.items():
            if value is None:
                del record.values[name]
        self._share(record, values)

    def delete(self, record: Record, *, hard: bool = False) -> None:
        """Into the bin, or with ``hard`` past it."""
        self._unshare(record, record.values)
        self.records.remove(record, self._wall_ms(), key=self.key_of(record))
        if not hard:
            self.deleted[record.id] = record

    def _share(self, record: Record, values: dict[str, Any]) -> None:
        for name, index in self._shared.items():
            value = values.get(name)
            if value is not None:
                index.setdefault(_compared(self.fields[name], value), {})[record.id] = record

    def _unshare(self, record: Record, values: dict[str, Any]) -> None:
        for name, index in self._shared.items():
            if name in values and name in record.values:
                del index[_compared(self.fields[name], record.values[name])][record.id]

    # -- showing ---------------------------------------------------------------------------------

    def value(self, record: Record, name: str) -> Json:
        """A field of a record as answers show it."""
        kind = self.fields[name].type
        found = record.values.get(name)
        if found is None:
            given = _GIVEN.get(name)
            return given(record) if given else False if kind == "boolean" else None
        if kind in NUMBERS and isinstance(found, int) and abs(found) < 2**53:
            return float(found)
        return found


def _compared(field: Field, value: Any) -> Any:
    return value.casefold() if field.folded and isinstance(value, str) else value


def moment(ms: int) -> str:
    """Milliseconds since 1970 as Salesforce writes them."""
    return iso_ms(ms)[:-1] + "+0000"


def user_id() -> str:
    """The one user of the sandbox, who does everything."""
    return make_id(facts.USER.prefix, facts.USER_NUMBER)


_GIVEN: dict[str, Callable[[Record], Json]] = {
    "Id": lambda record: record.id,
    "IsDeleted": lambda record: record.archived,
    "CreatedDate": lambda record: moment(record.created_ms),
    "CreatedById": lambda _: user_id(),
    "LastModifiedDate": lambda record: moment(record.updated_ms),
    "LastModifiedById": lambda _: user_id(),
    "SystemModstamp": lambda record: moment(record.updated_ms),
}
