"""One object of a HubSpot account: its properties and its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.fields import Field, iso_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tailrace.sandbox.hubspot import facts
    from tailrace.sandbox.hubspot.inputs import Row
    from tailrace.sandbox.records import Collection, Record
    from tailrace.sandbox.wire import Json


@dataclass(slots=True)
class Store:
    """One object of the account: its type, its properties, its records."""

    type: facts.ObjectType
    fields: dict[str, Field]
    records: Collection
    seed: int
    wall_ms: Callable[[], int]
    auto_create: bool = False
    multi_status: str = "values"

    def add(self, field: Field) -> None:
        """A property from now on; records that are there are looked through for its values."""
        self.fields[field.name] = field
        if field.unique:
            self.records.make_unique(field.name)

    def find(self, row: Row) -> Record | None:
        """The record that a row's id names."""
        if row.id_property is None:
            return self.records.get(row.key)
        return self.records.find(row.id_property, row.key)

    def with_id(self, row: Row) -> dict[str, str]:
        """The properties to write, the one that names the record among them."""
        if row.id_property is None or row.properties.get(row.id_property):
            return row.properties
        return {**row.properties, row.id_property: row.key}

    def put(self, op: str, row: Row) -> Json:
        """Write a row that was found good; its result."""
        now_ms = self.wall_ms()
        if self.auto_create:
            for name in row.properties:
                self.fields.setdefault(name, Field(name))
        record = None if op == "create" else self.find(row)
        new = record is None
        if record is None:
            values = {name: text for name, text in self.with_id(row).items() if text != ""}
            record = self.records.create(values, now_ms, key=row.key or None)
        else:
            self.records.update(record, row.properties, now_ms, key=row.key)
            for name, text in row.properties.items():
                if text == "":
                    del record.values[name]
        result = self.record_json(record, self.with_id(row))
        if op == "upsert":
            result["new"] = new
        if row.trace is not None:
            result["objectWriteTraceId"] = row.trace
        return result

    def record_json(self, record: Record, names: Iterable[str]) -> dict[str, Json]:
        """A record as HubSpot shows it, with the named properties (null: no value)."""
        created, updated = iso_ms(record.created_ms), iso_ms(record.updated_ms)
        values = record.values
        properties: dict[str, str | None] = {name: values.get(name) for name in names}
        properties["createdate"] = created
        properties["hs_object_id"] = record.id
        properties[self.type.modified] = updated
        return {
            "id": record.id,
            "properties": properties,
            "createdAt": created,
            "updatedAt": updated,
            "archived": False,
        }
