"""What becomes of a row: judged against its object, then written or refused by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import RowError
from tailrace.sandbox.salesforce.ids import read_id
from tailrace.sandbox.salesforce.values import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tailrace.sandbox.records import Record
    from tailrace.sandbox.salesforce.fields import Field
    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.sobject import Sobject
    from tailrace.sandbox.vendor import Call
    from tailrace.sandbox.wire import Json


@dataclass(frozen=True, slots=True)
class Link:
    """A reference by another object's external id: which field it fills, and whom it means."""

    field: Field
    target: Sobject
    by: Field
    value: Any


@dataclass(slots=True)
class Row:
    """A row as it was read: values by field, None to clear; ``error`` where that failed."""

    values: dict[str, Any] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    error: RowError | None = None


@dataclass(slots=True)
class Draft:
    """A write that may be done; ``record`` None makes a new one."""

    sobject: Sobject
    record: Record | None
    values: dict[str, Any]
    key: str = ""

    def write(self) -> Outcome:
        """Do it."""
        if self.record is None:
            return Outcome(self.sobject.create(self.values, self.key).id, created=True)
        self.sobject.update(self.record, self.values, self.key)
        return Outcome(self.record.id)


@dataclass(slots=True)
class Outcome:
    """What became of a row."""

    id: str | None = None
    created: bool = False
    error: RowError | None = None

    def as_json(self, *, tell_created: bool = False) -> dict[str, Json]:
        """A row's result in a collections answer."""
        body: dict[str, Json] = {"success": self.error is None, "errors": []}
        if self.id is not None:
            body = {"id": self.id, **body}
        if self.error is not None:
            body["errors"] = [self.error.as_json()]
        if tell_created:
            body["created"] = self.created
        return body


class Writer:
    """Judges rows for an org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def insert(self, sobject: Sobject, row: Row) -> Draft:
        """A new record.

        Raises:
            RowError: it cannot be made.
        """
        values = self._judged(sobject, row, None)
        key = next((str(values[name]) for name in sobject.key_fields if values.get(name)), "")
        return Draft(sobject, None, values, key)

    def update(self, sobject: Sobject, record_id: str | None, row: Row) -> Draft:
        """A change of the record of an id.

        Raises:
            RowError: there is none, or it cannot be changed so.
        """
        record = self.record(sobject, record_id)
        return Draft(sobject, record, self._judged(sobject, row, record), sobject.key_of(record))

    def upsert(self, sobject: Sobject, by: Field, value: Any, row: Row) -> Draft:
        """The record that has the value, or a new one.

        Raises:
            RowError: several have it, or the row does not fit.
        """
        if row.error is not None:
            raise row.error
        if value is None:
            if by.type == "id":
                return self.insert(sobject, row)
            raise RowError("MISSING_ARGUMENT", f"{by.name} not specified")
        check(by, value)
        found = sobject.find(by, value)
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            message = f"{by.title}: more than one record found for external id field: [{ids}]"
            raise RowError("DUPLICATE_EXTERNAL_ID", message, (by.name,))
        if by.type == "id" and not found:
            raise self.missing(sobject, str(value))
        if by.type != "id":
            row.values[by.name] = value
        record = found[0] if found else None
        return Draft(sobject, record, self._judged(sobject, row, record), str(value))

    def record(self, sobject: Sobject, record_id: str | None) -> Record:
        """The record of an id that came with a row.

        Raises:
            RowError: there is none.
        """
        if record_id is None:
            raise RowError("MISSING_ARGUMENT", "Id not specified in an update call")
        record = sobject.get(record_id)
        if record is None:
            raise self.missing(sobject, record_id)
        return record

    def missing(self, sobject: Sobject, record_id: str) -> RowError:
        """Why there is no record of an id."""
        whole = read_id(record_id)
        if whole is None or whole[:3] != sobject.type.prefix:
            return RowError("MALFORMED_ID", f"malformed id {record_id[:80]}", ("Id",))
        if whole in sobject.deleted:
            return RowError("ENTITY_IS_DELETED", "entity is deleted")
        return RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")

    # -- judging ---------------------------------------------------------------------------------

    def _judged(self, sobject: Sobject, row: Row, record: Record | None) -> dict[str, Any]:
        if row.error is not None:
            raise row.error
        values = row.values
        for link in row.links:
            values[link.field.name] = _resolved(link)
        self._refuse_locked(sobject, values, record)
        for name, value in values.items():
            one = sobject.fields[name]
            if value is not None:
                check(one, value)
                if one.type == "reference":
                    values[name] = self._referenced(one, value)
        self._refuse_missing(sobject, values, record)
        if record is None:
            for name, default in sobject.defaults.items():
                if values.get(name) is None:
                    values[name] = default
        clash = sobject.records.clash(values, record)
        if clash is not None:
            message = f"duplicate value found: {clash.field} duplicates value on record with id"
            raise RowError("DUPLICATE_VALUE", f"{message}: {clash.existing_id}")
        return values

    def _refuse_locked(
        self, sobject: Sobject, values: Mapping[str, Any], record: Record | None
    ) -> None:
        closed = sobject.not_createable if record is None else sobject.not_updateable
        if not closed.isdisjoint(values):
            locked = tuple(name for name in values if name in closed)
            what = f"Unable to create/update fields: {', '.join(locked)}."
            message = f"{what} {facts.CHECK_SECURITY}"
            raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, locked)

    def _refuse_missing(
        self, sobject: Sobject, values: Mapping[str, Any], record: Record | None
    ) -> None:
        if record is None:
            needed = sobject.required
        else:
            needed = [sobject.fields[name] for name in values if not sobject.fields[name].nillable]
        unset = tuple(one.name for one in needed if values.get(one.name) is None)
        if unset:
            message = f"Required fields are missing: [{', '.join(unset)}]"
            raise RowError("REQUIRED_FIELD_MISSING", message, unset)

    def _referenced(self, one: Field, value: str) -> str:
        whole = read_id(value)
        targets = [self._org.sobject(name) for name in one.reference_to]
        prefixed = next((t for t in targets if t is not None and t.type.prefix == value[:3]), None)
        if prefixed is None or whole is None:
            message = f"{one.title}: id value of incorrect type: {value}"
            raise RowError("FIELD_INTEGRITY_EXCEPTION", message, (one.name,))
        if prefixed.records.get(whole) is None:
            raise self.missing(prefixed, whole)
        return whole


def _resolved(link: Link) -> str | None:
    if link.value is None:
        return None
    found = link.target.find(link.by, link.value)
    if len(found) == 1:
        return found[0].id
    if found:
        ids = ", ".join(one.id for one in found)
        message = f"{link.by.title}: more than one record found for external id field: [{ids}]"
        raise RowError("DUPLICATE_EXTERNAL_ID", message, (link.by.name,))
    message = f"Foreign key external ID: {link.value} not found for field {link.by.name} in entity"
    raise RowError("INVALID_FIELD", f"{message} {link.target.name}")


def write_rows(
    call: Call,
    drafts: Iterable[Callable[[], Draft]],
    *,
    first: int = 0,
    all_or_none: bool = False,
    twice: Mapping[int, RowError] | None = None,
) -> list[Outcome]:
    """Write rows one after the other; ``first`` is the place of the first one in the request.

    ``twice`` are the rows that exclude each other. With ``all_or_none`` one bad row undoes all.
    """
    kept: list[Draft] = []

    def judged(at: int, draft: Callable[[], Draft]) -> Outcome:
        try:
            if twice and at in twice:
                return Outcome(error=twice[at])
            one = draft()
            if not all_or_none:
                return one.write()
            _refuse_claimed(one, kept)
        except RowError as error:
            return Outcome(error=error)
        kept.append(one)
        return Outcome()

    outcomes = []
    for at, draft in enumerate(drafts, first):
        if at in call.refuse:
            refused = RowError(call.refuse_code or facts.REFUSED, call.refuse[at])
            outcomes.append(Outcome(error=refused))
        else:
            outcomes.append(judged(at, draft))
    if all_or_none:
        outcomes = _together(outcomes, kept)
    good = sum(1 for one in outcomes if one.error is None)
    call.applied += good
    call.rejected += len(outcomes) - good
    return outcomes


def _refuse_claimed(draft: Draft, kept: Iterable[Draft]) -> None:
    """Of rows that are written together, no two may have the same unique value."""
    for other in kept:
        for one in draft.sobject.fields.values():
            value = draft.values.get(one.name) if one.unique else None
            if value is None or other.sobject is not draft.sobject:
                continue
            if str(value).casefold() == str(other.values.get(one.name)).casefold():
                message = f"duplicate value found: {one.name} duplicates value on record"
                raise RowError("DUPLICATE_VALUE", message)


def _together(outcomes: list[Outcome], kept: Iterable[Draft]) -> list[Outcome]:
    if all(one.error is None for one in outcomes):
        return [one.write() for one in kept]
    undone = RowError("ALL_OR_NONE_OPERATION_ROLLED_BACK", facts.ROLLED_BACK)
    return [one if one.error else Outcome(error=undone) for one in outcomes]
