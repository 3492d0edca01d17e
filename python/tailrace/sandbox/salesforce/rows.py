"""Rows as JSON brings them: members by name, relationships as objects within."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.salesforce.answers import RowError, refuse
from tailrace.sandbox.salesforce.values import UnreadableError, from_json
from tailrace.sandbox.salesforce.writing import Link, Row
from tailrace.sandbox.wire import Flaw, Json, RefusalError, Request, json_object

if TYPE_CHECKING:
    from tailrace.sandbox.salesforce.fields import Field
    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.sobject import Sobject


def json_body(request: Request) -> dict[str, Json]:
    """The request's JSON object.

    Raises:
        RefusalError: 400 or 415.
    """
    return json_object(request, _unreadable)


def _unreadable(flaw: Flaw, why: str) -> RefusalError:
    if flaw == "type":
        message = "Content-Type header specified in HTTP request is not supported"
        return refuse(415, "UNSUPPORTED_MEDIA_TYPE", f"{message}: {why}")
    said = why if flaw == "json" else "is no JSON object"
    return refuse(400, "JSON_PARSER_ERROR", f"The request body {said}")


class RowReader:
    """Reads records. With ``by_row`` what cannot be read is the row's error, and not the whole
    request's."""

    def __init__(self, org: Org, *, by_row: bool) -> None:
        self._org = org
        self._by_row = by_row

    def read(self, sobject: Sobject, members: dict[str, Json], ignored: frozenset[str]) -> Row:
        """The row of a record; members in ``ignored`` (lower case) are read by the caller.

        Raises:
            RefusalError: something in it means nothing.
        """
        row = Row()
        for name, value in members.items():
            if name == "attributes" or name.lower() in ignored:
                continue
            try:
                self._add(row, sobject, name, value)
            except UnreadableError as error:
                self._blame(row, error)
        return row

    def match(self, row: Row, field: Field, value: Json) -> Any:
        """What the member that names a row's record means. Raises RefusalError."""
        try:
            return from_json(field, value)
        except UnreadableError as error:
            self._blame(row, error)
            return None

    def _blame(self, row: Row, error: UnreadableError) -> None:
        if not self._by_row:
            raise refuse(400, error.code, str(error)) from None
        row.error = row.error or RowError(error.code, str(error))

    def _add(self, row: Row, sobject: Sobject, name: str, value: Json) -> None:
        field = sobject.field(name)
        if field is not None:
            row.values[field.name] = from_json(field, value)
            return
        reference = sobject.reference(name)
        if reference is None:
            message = f"No such column '{name}' on sobject of type {sobject.name}"
            raise UnreadableError(message, "INVALID_FIELD")
        row.links.append(self._link(reference, name, value))

    def _link(self, reference: Field, name: str, value: Json) -> Link:
        if not isinstance(value, dict):
            message = f"Cannot deserialize instance of {name} from a value that is no object"
            raise UnreadableError(message)
        target = self._target(reference, name, value.get("attributes"))
        members = [(one, held) for one, held in value.items() if one != "attributes"]
        by = target.field(members[0][0]) if len(members) == 1 else None
        if by is None or not by.matches:
            message = (
                f"The external foreign key reference does not reference a valid entity: {name}"
            )
            raise UnreadableError(message, "INVALID_FIELD")
        return Link(reference, target, by, from_json(by, members[0][1]))

    def _target(self, reference: Field, name: str, attributes: Json) -> Sobject:
        named = attributes.get("type") if isinstance(attributes, dict) else None
        names = reference.reference_to
        if named is None and len(names) == 1:
            named = names[0]
        target = self._org.sobject(named) if isinstance(named, str) else None
        if target is None or target.name not in names:
            message = (
                f"The external foreign key reference does not reference a valid entity: {name}"
            )
            raise UnreadableError(message, "INVALID_FIELD")
        return target
