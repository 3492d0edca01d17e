"""What the columns of an uploaded file are, and what a cell in them means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import RowError
from tailrace.sandbox.salesforce.csv_file import BadFileError
from tailrace.sandbox.salesforce.values import from_text
from tailrace.sandbox.salesforce.writing import Link, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.sandbox.salesforce.fields import Field
    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.sobject import Sobject

NULL = "#N/A"


class Column:
    """A field, or with ``target`` a reference to the record of another object that has a value in
    ``field``."""

    def __init__(
        self, field: Field, reference: Field | None = None, target: Sobject | None = None
    ) -> None:
        self.field = field
        self._reference = reference
        self._target = target

    def read(self, row: Row, cell: str) -> None:
        """Put a cell that is not empty into a row.

        Raises:
            RowError: it means nothing.
        """
        if len(cell) > facts.MAX_CELL:
            message = f"{self.field.title}: data value too large: {cell[:77]}..."
            message = f"{message} (max length={facts.MAX_CELL})"
            raise RowError("STRING_TOO_LONG", message, (self.field.name,))
        value = None if cell == NULL else from_text(self.field, cell)
        if self._reference is None or self._target is None:
            row.values[self.field.name] = value
        else:
            row.links.append(Link(self._reference, self._target, self.field, value))


class Columns:
    """The columns of a file for one operation.

    Raises:
        BadFileError: a column is no field, or one that is needed is not there.
    """

    def __init__(
        self, org: Org, sobject: Sobject, operation: str, by: Field | None, header: Sequence[str]
    ) -> None:
        self._id_at: int | None = None
        self._by_at: int | None = None
        self._columns: list[tuple[int, Column]] = []
        seen: set[str] = set()
        for at, name in enumerate(header):
            if name.lower() in seen:
                raise BadFileError(f"InvalidBatch : Field name found twice : {name}")
            seen.add(name.lower())
            column = _column(org, sobject, name)
            if column.field is sobject.fields["Id"]:
                self._id_at = at
            elif column.field is by and "." not in name:
                self._by_at = at
            else:
                self._columns.append((at, column))
        self._by = by
        needs_id = operation in facts.BY_ID or (by is not None and by.type == "id")
        if needs_id and self._id_at is None:
            raise BadFileError("InvalidBatch : Field name not found : Id")
        if by is not None and by.type != "id" and self._by_at is None:
            raise BadFileError(f"InvalidBatch : Field name not found : {by.name}")
        if operation in facts.DELETES and len(header) > 1:
            message = f"The '{operation}' batch must contain only ids"
            raise BadFileError(f"InvalidBatch : {message}")

    def row(self, cells: Sequence[str]) -> Row:
        """The values of a row; an empty cell leaves its field alone."""
        row = Row()
        for at, column in self._columns:
            cell = cells[at]
            if cell:
                try:
                    column.read(row, cell)
                except RowError as error:
                    row.error = row.error or error
        return row

    def id(self, cells: Sequence[str]) -> str | None:
        """The record id of a row, where it has one."""
        return None if self._id_at is None else cells[self._id_at] or None

    def match(self, cells: Sequence[str]) -> Any:
        """What a row's record is found by in an upsert.

        Raises:
            RowError: the cell means nothing.
        """
        if self._by is None or self._by_at is None:
            return self.id(cells)
        cell = cells[self._by_at]
        return from_text(self._by, cell) if cell not in ("", NULL) else None


def _column(org: Org, sobject: Sobject, name: str) -> Column:
    field = sobject.field(name)
    if field is not None:
        return Column(field)
    *typed, path = name.split(":")
    relationship, _, other = path.partition(".")
    reference = sobject.reference(relationship) if other else None
    if len(typed) > 1 or not other:
        raise BadFileError(f"InvalidBatch : Field name not found : {name}")
    if reference is None:
        raise BadFileError(f"InvalidBatch : Unable to find relationship: {relationship}")
    target = _target(org, reference, typed, relationship)
    found = target.field(other)
    if found is None or not found.matches:
        raise BadFileError(f"InvalidBatch : Field name not found : {name}")
    return Column(found, reference, target)


def _target(org: Org, reference: Field, typed: Sequence[str], relationship: str) -> Sobject:
    names = reference.reference_to
    if typed and len(names) == 1:
        message = "type is not needed for non polymorphic foreign key references"
        raise BadFileError(f"InvalidBatch : {message}: {relationship}")
    if not typed and len(names) > 1:
        message = "type is needed for polymorphic foreign key references"
        raise BadFileError(f"InvalidBatch : {message}: {relationship}")
    target = org.sobject(typed[0] if typed else names[0])
    if target is None or target.name not in names:
        raise BadFileError(f"InvalidBatch : Unable to find relationship: {relationship}")
    return target
