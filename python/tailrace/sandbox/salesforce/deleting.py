"""Deleting records by their ids: together or each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import RowError
from tailrace.sandbox.salesforce.writing import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.sandbox.records import Record
    from tailrace.sandbox.salesforce.sobject import Sobject
    from tailrace.sandbox.salesforce.writing import Writer
    from tailrace.sandbox.vendor import Call


def delete_rows(
    call: Call,
    writer: Writer,
    sobjects: Sequence[Sobject | None],
    ids: Sequence[str],
    *,
    first: int = 0,
    all_or_none: bool = False,
    hard: bool = False,
) -> list[Outcome]:
    """Delete records by their ids; with ``all_or_none`` all of them or none. ``first`` is the place
    of the first one in the request."""
    outcomes: list[Outcome] = []
    found: dict[str, tuple[Sobject, Record]] = {}
    for at, (sobject, record_id) in enumerate(zip(sobjects, ids, strict=True), first):
        if at in call.refuse:
            refused = RowError(call.refuse_code or facts.REFUSED, call.refuse[at])
            outcomes.append(Outcome(record_id, error=refused))
        else:
            outcomes.append(_judged(writer, sobject, record_id, found))
    if all_or_none and len(found) < len(ids):
        undone = RowError("ALL_OR_NONE_OPERATION_ROLLED_BACK", facts.ROLLED_BACK)
        outcomes = [one if one.error else Outcome(one.id, error=undone) for one in outcomes]
        found.clear()
    for sobject, record in found.values():
        sobject.delete(record, hard=hard)
    call.applied += len(found)
    call.rejected += len(ids) - len(found)
    return outcomes


def _judged(
    writer: Writer,
    sobject: Sobject | None,
    record_id: str,
    found: dict[str, tuple[Sobject, Record]],
) -> Outcome:
    """What becomes of an id: its record is put down as found, unless it was already."""
    if sobject is None:
        error = RowError("MALFORMED_ID", f"malformed id {record_id[:80]}", ("Id",))
        return Outcome(record_id, error=error)
    record = sobject.get(record_id)
    if record is None:
        return Outcome(record_id, error=writer.missing(sobject, record_id))
    if record.id in found:
        return Outcome(record_id, error=RowError("ENTITY_IS_DELETED", "entity is deleted"))
    found[record.id] = (sobject, record)
    return Outcome(record.id)
