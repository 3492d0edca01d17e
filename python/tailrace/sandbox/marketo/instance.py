"""What all requests to Marketo's sandbox work on: leads, lists, imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.sandbox.marketo.answers import refuse
from tailrace.sandbox.marketo.writing import Writer

if TYPE_CHECKING:
    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.marketo.leads import Leads
    from tailrace.sandbox.marketo.lists import Lists
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.wire import Json


@dataclass(slots=True)
class Instance:
    """One instance, from one reset to the next."""

    leads: Leads
    lists: Lists
    clock: Clock
    partitions: tuple[str, ...]
    twice: str = "duplicate"
    refuses_unknown: bool = False
    members: dict[str, set[str]] = field(default_factory=dict)

    def check_lookup(self, name: Json, what: str = "Lookup field") -> None:
        """Refuse to look leads up by what is no field, or not one for that (1006, 1011)."""
        found = self.leads.fields.get(name) if isinstance(name, str) else None
        if found is None:
            raise refuse("1006", f"{what} '{name}' not found")
        if not found.is_searchable:
            raise refuse("1011", f"{what} '{name}' not supported")

    def writer(self, by: str, action: str, began_s: float | None) -> Writer:
        """Writes rows as the leads were when the request began."""
        began = self.clock() if began_s is None else began_s
        return Writer(self.leads, by, action, began, self.twice)

    def forget(self, record: Record) -> None:
        """Delete a lead, and take it out of all lists."""
        self.lists.forget(record)
        self.leads.remove(record)
