"""The users, lists and events of Iterable's sandbox.

Users are known by e-mail address or by user id. A data field keeps the type of the first value
that was written to it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import is_email
from tailrace.sandbox.records import Collection, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.wire import Json


class RowError(Exception):
    """Why a row is not taken: the name of the list of failures that names its user."""


class Project:
    """One project, from one reset to the next."""

    def __init__(
        self, names: tuple[str, ...], types: Mapping[str, str], wall_ms: Callable[[], int]
    ) -> None:
        self._wall_ms = wall_ms
        self.users = Collection("users", ("email", "userId"), folded=("email",))
        self.events = Collection("events", ("id",))
        self.lists = Collection("lists")
        self.types: dict[str, str] = dict(types)
        for name in names:
            self.lists.create({"name": name, "members": []}, wall_ms(), key=name)

    # -- users -----------------------------------------------------------------------------------

    def write(self, row: Mapping[str, Any]) -> Record:
        """The user after a row was laid over it. Raises RowError."""
        by, side = _named(row)
        given = row.get("dataFields") or {}
        named = all(isinstance(given.get(name, ""), str) for name in ("email", "userId"))
        if not named or any(self._clashes(name, value) for name, value in given.items()):
            raise RowError(f"invalidData{side}")
        record = self.users.find(by, row[by])
        values = {**given, **{name: row[name] for name in ("email", "userId") if row.get(name)}}
        if self.users.clash(values, record) is not None:
            raise RowError(f"conflict{side}")
        for name, value in given.items():
            if value is not None:
                self.types.setdefault(name, _type(value))
        if record is None:
            kept = {name: value for name, value in values.items() if value is not None}
            return self.users.create(kept, self._wall_ms(), key=key_of(row))
        self._overlay(record, values, merges=row.get("mergeNestedObjects") is True, key=key_of(row))
        return record

    def _overlay(self, record: Record, values: dict[str, Any], *, merges: bool, key: str) -> None:
        for name, value in values.items():
            held = record.values.get(name)
            if merges and isinstance(value, dict) and isinstance(held, dict):
                values[name] = {**held, **value}
        self.users.update(record, values, self._wall_ms(), key=key)
        for name in [name for name, value in values.items() if value is None]:
            del record.values[name]

    def _clashes(self, name: str, value: Json) -> bool:
        held, kind = self.types.get(name), _type(value)
        return value is not None and held not in (None, kind) and (held, kind) != ("double", "long")

    def remove(self, record: Record) -> None:
        """Delete a user."""
        for one in self.lists:
            if record.id in one.values["members"]:
                one.values["members"].remove(record.id)
        self.users.remove(record, self._wall_ms(), key=key_of(record.values))

    # -- lists and events ------------------------------------------------------------------------

    def subscribe(self, one: Record, row: Mapping[str, Any]) -> None:
        """Write a user and make it a member. Raises RowError."""
        user = self.write(row)
        if user.id not in one.values["members"]:
            one.values["members"].append(user.id)

    def unsubscribe(self, one: Record, row: Mapping[str, Any]) -> None:
        """Take a user out of a list. Raises RowError."""
        by, side = _named(row)
        user = self.users.find(by, row[by])
        if user is None:
            raise RowError(f"notFound{side}")
        if user.id in one.values["members"]:
            one.values["members"].remove(user.id)

    def record(self, event: Mapping[str, Any]) -> None:
        """An event, once for its id. Raises RowError."""
        _named(event)
        number = event.get("id") or None
        if number is None or self.events.find("id", number) is None:
            key = str(number or key_of(event))
            self.events.create({**event, "id": number}, self._wall_ms(), key=key)


def _named(row: Mapping[str, Any]) -> tuple[str, str]:
    """What a row names its user by, and how lists of failures call that. Raises RowError."""
    if row.get("email"):
        if not is_email(row["email"]):
            raise RowError("invalidEmails")
        return "email", "Emails"
    if not row.get("userId"):
        raise RowError("invalidUserIds")
    return "userId", "UserIds"


def key_of(row: Mapping[str, Any]) -> str:
    """What a row is called in the log."""
    return str(row.get("email") or row.get("userId") or "")


def _type(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    if isinstance(value, (float, Decimal)):
        return "double"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
