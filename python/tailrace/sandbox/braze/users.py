"""The users of Braze's sandbox: known by several identifiers, attributes of types that stay."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.braze import facts
from tailrace.sandbox.fields import is_date, is_email, is_time
from tailrace.sandbox.records import Collection, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.wire import Json

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})", re.ASCII
)
_UNIQUE = ("external_id", "user_alias", "email", "phone")


class RowError(Exception):
    """Why a row is not taken; the text is the error's ``type``."""


class Users:
    """All users, and what they did. ``drops``: a value of another type than before is left out,
    where otherwise it is an error."""

    def __init__(self, wall_ms: Callable[[], int], *, drops: bool) -> None:
        # Two users may have one e-mail address or phone number; the oldest is found.
        self.records = Collection("users", ("external_id", "user_alias"))
        self.did = {name: Collection(name) for name in ("events", "purchases")}
        self._wall_ms = wall_ms
        self._drops = drops
        self._types: dict[str, str] = {}
        self._contacts: dict[str, Record] = {}

    # -- finding ---------------------------------------------------------------------------------

    def find(self, row: Mapping[str, Any]) -> Record | None:
        """The user that a row means."""
        if row.get("external_id"):
            return self.records.find("external_id", row["external_id"])
        if row.get("braze_id"):
            return self.records.get(row["braze_id"])
        if row.get("user_alias"):
            return self.records.find("user_alias", alias_of(row["user_alias"]))
        return self._contacts.get(str(row.get("email") or row.get("phone")).lower())

    def of_ids(self, body: Mapping[str, Any]) -> list[Record]:
        """The users that a request for several names."""
        rows = [{"external_id": one} for one in body.get("external_ids") or []]
        rows += [{"braze_id": one} for one in body.get("braze_ids") or []]
        rows += [{"user_alias": one} for one in body.get("user_aliases") or []]
        found = (self.find(row) for row in rows)
        return list({one.id: one for one in found if one is not None}.values())

    def exported(self, record: Record, fields: list[str]) -> dict[str, Json]:
        """A user as an export shows it: attributes of one's own stand together."""
        values = record.values
        standard = {*facts.EXPORTED, *facts.UNTOLD, "user_alias"}
        told: dict[str, Json] = {name: values[name] for name in fields if name in values}
        if "braze_id" in fields:
            told["braze_id"] = record.id
        if "custom_attributes" in fields:
            own = {name: value for name, value in values.items() if name not in standard}
            told["custom_attributes"] = own
        if "user_aliases" in fields and values.get("user_alias"):
            label, _, name = str(values["user_alias"]).partition("\x1f")
            told["user_aliases"] = [{"alias_name": name, "alias_label": label}]
        return told

    # -- checking --------------------------------------------------------------------------------

    def check(self, kind: str, row: Json) -> dict[str, Any]:
        """A row as it is taken. Raises RowError."""
        if not isinstance(row, dict):
            raise RowError("an object is expected")
        if not any(row.get(name) for name in facts.IDENTIFIERS):
            raise RowError(facts.NO_IDENTIFIER)
        for name in ("external_id", "braze_id"):
            if not isinstance(row.get(name, ""), str):
                raise RowError(f"'{name}' must be a string")
        if row.get("user_alias") and not alias_of(row["user_alias"]):
            raise RowError("'user_alias' must have 'alias_name' and 'alias_label'")
        for name in facts.NEEDED[kind]:
            if row.get(name) in (None, ""):
                raise RowError(f"'{name}' is required")
        return self._attributes(row) if kind == "attributes" else _deed(row)

    def _attributes(self, row: dict[str, Any]) -> dict[str, Any]:
        taken = {}
        for name, value in row.items():
            if name in facts.META or name in ("external_id", "braze_id", "user_alias"):
                taken[name] = value
                continue
            found = _standard(name, value) if name in facts.TEXTS else self._custom(name, value)
            if found == "type" and self._drops:
                continue
            if found:
                clash = f"The attribute '{name}' has another data type: {self._types.get(name)}"
                raise RowError(clash if found == "type" else found)
            taken[name] = value
        return taken

    def _custom(self, name: str, value: Json) -> str:
        if len(name) > facts.MAX_TEXT:
            return f"The name of an attribute has at most {facts.MAX_TEXT} characters"
        if isinstance(value, str) and len(value) > facts.MAX_TEXT:
            return f"'{name}' has more than {facts.MAX_TEXT} characters"
        if value is None or name not in self._types:
            return ""
        return "" if self._types[name] == _type(value) else "type"

    # -- writing ---------------------------------------------------------------------------------

    def write(self, row: Mapping[str, Any]) -> None:
        """Take a row's attributes; null takes one away."""
        record = self.find(row)
        alone = row.get("_update_existing_only", "user_alias" in row and not row.get("external_id"))
        if record is None and alone is True:
            return
        values = {name: value for name, value in row.items() if name not in facts.META}
        values.pop("braze_id", None)
        if values.get("user_alias"):
            values["user_alias"] = alias_of(row["user_alias"])
        for name, value in values.items():
            if value is not None and name not in (*facts.TEXTS, *_UNIQUE):
                self._types.setdefault(name, _type(value))
        key = key_of(row)
        if record is None:
            kept = {name: value for name, value in values.items() if value is not None}
            record = self.records.create(kept, self._wall_ms(), key=key)
        else:
            self.records.update(record, values, self._wall_ms(), key=key)
            for name in [name for name, value in values.items() if value is None]:
                del record.values[name]
        for name in ("email", "phone"):
            if record.values.get(name):
                self._contacts.setdefault(str(record.values[name]).lower(), record)

    def record(self, kind: str, row: dict[str, Any]) -> None:
        """An event or a purchase, and its user where there is none yet."""
        if self.find(row) is None:
            self.write({name: row[name] for name in facts.IDENTIFIERS if row.get(name)})
        who = self.find(row)
        values = {name: value for name, value in row.items() if name not in facts.IDENTIFIERS}
        values["user"] = None if who is None else who.id
        self.did[kind].create(values, self._wall_ms(), key=key_of(row))

    def remove(self, record: Record) -> None:
        """Delete a user."""
        for contact in [key for key, held in self._contacts.items() if held is record]:
            del self._contacts[contact]
        key = str(record.values.get("external_id", record.id))
        self.records.remove(record, self._wall_ms(), key=key)


def alias_of(value: Json) -> str:
    """An alias as one text; empty where it is none."""
    if not isinstance(value, dict):
        return ""
    name, label = value.get("alias_name"), value.get("alias_label")
    fits = isinstance(name, str) and isinstance(label, str) and name and label
    return f"{label}\x1f{name}" if fits else ""


def key_of(row: Json) -> str:
    """What a row is called in the log."""
    if not isinstance(row, dict):
        return ""
    for name in ("external_id", "braze_id", "email", "phone"):
        if isinstance(row.get(name), str) and row[name]:
            return str(row[name])
    return alias_of(row.get("user_alias")).partition("\x1f")[2]


def _standard(name: str, value: Json) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return f"'{name}' must be a string"
    if name == "email" and not is_email(value):
        return "'email' is not a valid email address"
    if name == "dob" and not (_DATE.fullmatch(value) and is_date(value)):
        return "'dob' must be a date of the form YYYY-MM-DD"
    words = facts.WORDS.get(name)
    return f"'{name}' is one of {', '.join(words)}" if words and value not in words else ""


def _deed(row: dict[str, Any]) -> dict[str, Any]:
    match = _TIME.fullmatch(row["time"]) if isinstance(row["time"], str) else None
    if match is None or not is_date(match[1]) or not is_time(match[2], match[4]):
        raise RowError("'time' must be a valid ISO 8601 time")
    if not isinstance(row.get("properties", {}), (dict, type(None))):
        raise RowError("'properties' must be an object")
    for name in ("name", "product_id", "currency"):
        if not isinstance(row.get(name, ""), str):
            raise RowError(f"'{name}' must be a string")
    if _type(row.get("price", 0)) != "number":
        raise RowError("'price' must be a number")
    return row


def _type(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, Decimal)):
        return "number"
    if isinstance(value, str):
        return "time" if _TIME.fullmatch(value) else "string"
    return "array" if isinstance(value, list) else "object"
