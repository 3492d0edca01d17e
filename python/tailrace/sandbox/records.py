"""Where the rows that arrive are kept: one ``Collection`` an object, with unique ids.

The collection also keeps what an oracle asks for: how often each key was written, and how many
records were created, updated and deleted. All of it lives in memory and is gone with the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Value = Any


@dataclass(slots=True)
class Record:
    """One record. Times are milliseconds since 1970."""

    id: str
    values: dict[str, Value]
    created_ms: int
    updated_ms: int
    writes: int = 1
    archived: bool = False


class UniqueClashError(Exception):
    """A value of a unique field belongs to another record."""

    def __init__(self, field: str, value: Value, existing_id: str) -> None:
        super().__init__(field)
        self.field = field
        self.value = value
        self.existing_id = existing_id


class Collection:
    """The records of one object, in order of creation.

    Ids are counted per collection from ``first_id``. ``unique`` names the fields whose values
    belong to one record only; an empty string or None is no value and may repeat. Of those in
    ``folded`` the case does not count.
    """

    def __init__(
        self,
        name: str,
        unique: tuple[str, ...] = (),
        first_id: int = 1,
        folded: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._first_id = first_id
        self._next_id = first_id
        self._records: dict[str, Record] = {}
        self._unique: dict[str, dict[Value, Record]] = {field: {} for field in unique}
        self._folded = folded
        self.writes: dict[str, int] = {}
        self.created = self.updated = self.deleted = 0
        self.archived: list[Record] = []

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def get(self, record_id: str) -> Record | None:
        """The record with this id, unless it was archived."""
        return self._records.get(record_id)

    def is_unique(self, field: str) -> bool:
        return field in self._unique

    def make_unique(self, field: str) -> None:
        """Index a field from now on; records that are there already are indexed too."""
        index = self._unique.setdefault(field, {})
        for record in self:
            value = record.values.get(field)
            if value not in (None, ""):
                index[self._compared(field, value)] = record

    def find(self, field: str, value: Value) -> Record | None:
        """The record whose unique ``field`` has this value."""
        return self._unique[field].get(self._compared(field, value))

    def clash(self, values: Mapping[str, Value], owner: Record | None) -> UniqueClashError | None:
        """Why ``values`` could not be stored in ``owner`` (None: a new record), if they cannot."""
        for field, index in self._unique.items():
            value = values.get(field)
            if value in (None, ""):
                continue
            holder = index.get(self._compared(field, value))
            if holder is not None and holder is not owner:
                return UniqueClashError(field, value, holder.id)
        return None

    def create(
        self,
        values: dict[str, Value],
        now_ms: int,
        *,
        key: str | None = None,
        record_id: str | None = None,
    ) -> Record:
        """Add a record; ``key`` is the name under which the write is counted (default: its id).

        Raises:
            UniqueClashError: a unique value belongs to another record.
        """
        self._refuse_clash(values, None)
        if record_id is None:
            record_id = str(self._next_id)
            self._next_id += 1
        record = Record(record_id, values, now_ms, now_ms)
        self._records[record_id] = record
        self._index(record, values)
        self.created += 1
        self._count(record.id if key is None else key)
        return record

    def update(
        self,
        record: Record,
        values: Mapping[str, Value],
        now_ms: int,
        *,
        key: str | None = None,
        replace: bool = False,
    ) -> None:
        """Overlay ``values``, or with ``replace`` put them in place of all that was there.

        Raises:
            UniqueClashError: a unique value belongs to another record.
        """
        self._refuse_clash(values, record)
        self._unindex(record, record.values if replace else values)
        if replace:
            record.values = dict(values)
        else:
            record.values.update(values)
        self._index(record, values)
        record.updated_ms = now_ms
        record.writes += 1
        self.updated += 1
        self._count(record.id if key is None else key)

    def remove(self, record: Record, now_ms: int, *, key: str | None = None) -> None:
        """Take a record out and free its unique values."""
        self._unindex(record, record.values)
        del self._records[record.id]
        record.archived = True
        record.updated_ms = now_ms
        self.deleted += 1
        self._count(record.id if key is None else key)

    def archive(self, record: Record, now_ms: int, *, key: str | None = None) -> None:
        """Take a record out of sight, its unique values free, and keep it in ``archived``."""
        self._unindex(record, record.values)
        del self._records[record.id]
        record.archived = True
        record.updated_ms = now_ms
        self.archived.append(record)
        self._count(record.id if key is None else key)

    def page(self, after: str | None, limit: int) -> tuple[list[Record], str | None]:
        """At most ``limit`` records whose number is above ``after``, and where to go on.

        Meant for ids that this collection counted itself. Cost grows with the records passed over
        that have been deleted, not with their number in all.
        """
        number = self._first_id if after is None else max(self._first_id, int(after) + 1)
        found: list[Record] = []
        while number < self._next_id and len(found) <= limit:
            record = self._records.get(str(number))
            if record is not None:
                found.append(record)
            number += 1
        if len(found) <= limit:
            return found, None
        return found[:limit], found[limit - 1].id

    def _count(self, key: str) -> None:
        self.writes[key] = self.writes.get(key, 0) + 1

    def _refuse_clash(self, values: Mapping[str, Value], owner: Record | None) -> None:
        clash = self.clash(values, owner)
        if clash is not None:
            raise clash

    def _index(self, record: Record, values: Mapping[str, Value]) -> None:
        for field, index in self._unique.items():
            value = values.get(field)
            if value not in (None, ""):
                index[self._compared(field, value)] = record

    def _unindex(self, record: Record, values: Mapping[str, Value]) -> None:
        for field, index in self._unique.items():
            if field in values:
                held = record.values.get(field)
                if held not in (None, ""):
                    index.pop(self._compared(field, held), None)

    def _compared(self, field: str, value: Value) -> Value:
        return value.casefold() if field in self._folded and isinstance(value, str) else value


def as_json(record: Record) -> dict[str, Value]:
    """A record as ``/__state`` and ``Sandbox.records`` show it."""
    return {
        "id": record.id,
        "values": dict(record.values),
        "created_ms": record.created_ms,
        "updated_ms": record.updated_ms,
        "writes": record.writes,
    }
