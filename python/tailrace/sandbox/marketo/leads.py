"""The leads of Marketo's sandbox. No value of theirs is unique: two leads may have one e-mail
address, and what looks one of them up then finds both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.marketo import facts
from tailrace.sandbox.marketo.answers import RowRefusedError
from tailrace.sandbox.marketo.values import stored
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.wire import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.marketo.fields import LeadField
    from tailrace.sandbox.wire import Json


class Leads:
    """All leads, and the values by which they are found."""

    def __init__(
        self, fields: dict[str, LeadField], clock: Clock, wall_ms: Callable[[], int]
    ) -> None:
        self.fields = fields
        self.records = Collection("leads", first_id=facts.FIRST_LEAD)
        self._clock = clock
        self._wall_ms = wall_ms
        self._found: dict[str, dict[str, list[Record]]] = {}
        self._made_s: dict[str, float] = {}
        self._keys: dict[str, str] = {}

    # -- finding ---------------------------------------------------------------------------------

    def find(self, name: str, value: Json) -> list[Record]:
        """The leads with this value, whatever its case, oldest first."""
        if name == "id":
            one = self.records.get(text_of(value))
            return [] if one is None else [one]
        return list(self._index(name).get(_compared(value), []))

    def was_there(self, record: Record, at_s: float) -> bool:
        """Whether a lead had been made by that moment."""
        return self._made_s[record.id] <= at_s

    def _index(self, name: str) -> dict[str, list[Record]]:
        index = self._found.get(name)
        if index is None:
            index = self._found[name] = {}
            for record in self.records:
                if record.values.get(name) is not None:
                    index.setdefault(_compared(record.values[name]), []).append(record)
        return index

    # -- writing ---------------------------------------------------------------------------------

    def checked(self, row: Mapping[str, Json]) -> dict[str, Json]:
        """What is stored of a row's values, None for those that are cleared.

        Raises:
            RowRefusedError: a field is unknown or not to be written, or a value does not fit.
        """
        values = {}
        for name, value in row.items():
            field = self.fields.get(name)
            if field is None:
                raise RowRefusedError("1006", f"Field '{name}' not found")
            if field.company:
                raise RowRefusedError("1021")
            if field.read_only:
                raise RowRefusedError("1003", f"Field '{name}' is read-only")
            values[name] = stored(field, value)
        return values

    def create(self, values: Mapping[str, Json], key: str) -> Record:
        """A new lead."""
        kept = {name: value for name, value in values.items() if value is not None}
        record = self.records.create(kept, self._wall_ms(), key=key)
        self._made_s[record.id] = self._clock()
        self._keys[record.id] = key
        self._enter(record, kept)
        return record

    def update(self, record: Record, values: Mapping[str, Json], key: str) -> None:
        """Overlay values; None takes one away."""
        self._leave(record, values)
        self.records.update(record, values, self._wall_ms(), key=key)
        self._enter(record, values)
        for name, value in values.items():
            if value is None:
                del record.values[name]
        self._keys[record.id] = key

    def remove(self, record: Record) -> None:
        """Delete a lead; the write is counted under the key by which it was written last."""
        self._leave(record, record.values)
        del self._made_s[record.id]
        self.records.remove(record, self._wall_ms(), key=self._keys.pop(record.id))

    def _leave(self, record: Record, names: Iterable[str]) -> None:
        for name in names:
            held = record.values.get(name)
            if name in self._found and held is not None:
                self._found[name][_compared(held)].remove(record)

    def _enter(self, record: Record, values: Mapping[str, Json]) -> None:
        for name, value in values.items():
            if name in self._found and value is not None:
                self._found[name].setdefault(_compared(value), []).append(record)

    # -- showing ---------------------------------------------------------------------------------

    @staticmethod
    def as_json(record: Record, names: Iterable[str]) -> dict[str, Json]:
        """A lead with the fields that are asked for."""
        given: dict[str, Any] = {
            "id": int(record.id),
            "createdAt": iso_ms(record.created_ms)[:19] + "Z",
            "updatedAt": iso_ms(record.updated_ms)[:19] + "Z",
            "leadPartitionId": 1,
        }
        return {"id": int(record.id)} | {
            name: given[name] if name in given else record.values.get(name) for name in names
        }


def _compared(value: Json) -> str:
    return text_of(value).casefold()
