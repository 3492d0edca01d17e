"""What Zendesk takes in a user, an organization or a ticket, and what it makes of it.

A row is refused by itself, with a code and details in words. External ids, e-mail addresses and
names of organizations are compared without regard to case; what is stored is written as it came
last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.zendesk import facts
from tailrace.sandbox.zendesk.values import ATTRIBUTES, CUSTOM, CustomField

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.records import Collection, Record
    from tailrace.sandbox.wire import Json


class RowRefusedError(Exception):
    """Why a row is not written; ``taken`` where another record has the attribute's value."""

    def __init__(
        self, code: str, details: str, attribute: str = "base", *, taken: bool = False
    ) -> None:
        super().__init__(details)
        self.taken = taken
        self.code = code
        self.details = details
        self.attribute = attribute


@dataclass(slots=True)
class Store:
    """One object of the account."""

    type: facts.ObjectType
    records: Collection
    custom: dict[str, CustomField]
    wall_ms: Callable[[], int]
    ignores_unknown: bool = False
    organizations: Collection | None = None
    next_field: int = field(default=7_000_000_001)

    # -- writing ---------------------------------------------------------------------------------

    def find(self, item: Mapping[str, Any]) -> Record | None:
        """The record that an upsert's item means.

        Raises:
            RowRefusedError: its external id and its e-mail address are of two records.
        """
        if item.get("id") is not None:
            return self.records.get(str(item["id"]))
        found = [
            one
            for name in ("external_id", "email")
            if item.get(name) and self.records.is_unique(name)
            for one in [self.records.find(name, str(item[name]))]
            if one is not None
        ]
        if len({one.id for one in found}) > 1:
            message = f"Email: {item['email']} is already being used by another user"
            raise RowRefusedError(f"{self.type.error}UpdateError", message, "email")
        return found[0] if found else None

    def create(self, item: Json) -> Record:
        """A new record.

        Raises:
            RowRefusedError: the item cannot be one.
        """
        code = f"{self.type.error}CreateError"
        values = self._checked(item, code)
        values.pop("id", None)
        for name in self.type.required:
            if name not in values or values[name] in (None, "", {}):
                title = name.capitalize()
                raise RowRefusedError(code, f"{title}: cannot be blank", name)
        if self.type is facts.TICKETS and not _has_text(values["comment"]):
            raise RowRefusedError(code, "Comment: cannot be blank", "comment")
        self._refuse_clash(values, None, code)
        self._take_tags(values, [])
        return self.records.create(_without_nulls(values), self.wall_ms(), key=key_of(values))

    def update(self, record: Record, item: Json) -> None:
        """Overlay what the item names; null takes a value away.

        Raises:
            RowRefusedError: the item does not fit.
        """
        code = f"{self.type.error}UpdateError"
        values = self._checked(item, code)
        values.pop("id", None)
        for name in self.type.required:
            if name in values and values[name] in (None, ""):
                raise RowRefusedError(code, f"{name.capitalize()}: cannot be blank", name)
        self._refuse_clash(values, record, code)
        self._take_tags(values, record.values.get("tags") or [])
        if self.type.custom in values and isinstance(values[self.type.custom], dict):
            merged = {**record.values.get(self.type.custom, {}), **values[self.type.custom]}
            values[self.type.custom] = merged
        key = key_of({**record.values, **values})
        now_ms = self.wall_ms()
        self.records.update(record, values, now_ms, key=key)
        record.values = _without_nulls(record.values)

    def remove(self, record: Record) -> None:
        self.records.remove(record, self.wall_ms(), key=key_of(record.values))

    # -- checks ----------------------------------------------------------------------------------

    def _checked(self, item: Json, code: str) -> dict[str, Any]:
        if not isinstance(item, dict):
            raise RowRefusedError(code, "is not an object")
        values = {}
        for name, value in item.items():
            kind = self.type.attributes.get(name)
            if kind is None:
                if self.ignores_unknown:
                    continue
                raise RowRefusedError(code, f"{name}: is not an attribute", name)
            if kind == "read_only":
                continue
            if name != "skip_verify_email":
                values[name] = self._value(name, kind, value, code)
        return values

    def _value(self, name: str, kind: str, value: Json, code: str) -> Any:
        if value is None:
            return None
        if kind == "custom":
            return self._custom(value, code)
        refused = ATTRIBUTES[kind](value)
        if refused:
            raise RowRefusedError(code, f"{name.capitalize()}: {refused}", name)
        if name == "organization_id" and not self._has_organization(str(value)):
            raise RowRefusedError(code, "Organization: is invalid", name)
        return str(value) if name == "external_id" else value

    def _has_organization(self, number: str) -> bool:
        return self.organizations is None or self.organizations.get(number) is not None

    def _custom(self, value: Json, code: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise RowRefusedError(code, f"{self.type.custom}: is not an object")
        for key, one in value.items():
            known = self.custom.get(key)
            if known is None:
                if self.ignores_unknown:
                    continue
                raise RowRefusedError(code, f"{key}: is not a field of this account", key)
            refused = None if one is None else CUSTOM[known.type](known, one)
            if refused:
                raise RowRefusedError(code, f"{known.title}: {refused}", key)
        return {key: one for key, one in value.items() if key in self.custom}

    def _refuse_clash(self, values: dict[str, Any], owner: Record | None, code: str) -> None:
        clash = self.records.clash(values, owner)
        if clash is None:
            return
        if clash.field == "email":
            message = f"Email: {clash.value} is already being used by another user"
            raise RowRefusedError(code, message, "email", taken=True)
        title = "External" if clash.field == "external_id" else clash.field.capitalize()
        message = f"{title}: has already been taken"
        raise RowRefusedError("DuplicateValue", message, clash.field, taken=True)

    def _take_tags(self, values: dict[str, Any], held: list[str]) -> None:
        """Tags are a set in lower case; a ticket's may be added and removed by themselves."""
        added = values.pop("additional_tags", None)
        removed = values.pop("remove_tags", None)
        if added is not None or removed is not None:
            tags = [*(values.get("tags") or held), *(added or [])]
            values["tags"] = [one for one in tags if one not in (removed or [])]
        if values.get("tags") is not None:
            values["tags"] = sorted({str(one).lower() for one in values["tags"]})

    # -- showing ---------------------------------------------------------------------------------

    def as_json(self, record: Record, base_url: str) -> dict[str, Json]:
        """A record as the API shows it."""
        shown: dict[str, Json] = {
            "id": int(record.id),
            "url": f"{base_url}/api/v2/{self.type.name}/{record.id}.json",
            "created_at": _seconds(record.created_ms),
            "updated_at": _seconds(record.updated_ms),
        }
        for name, kind in self.type.attributes.items():
            if kind not in ("read_only", "custom", "object") and name != "skip_verify_email":
                shown.setdefault(name, record.values.get(name))
        if self.type is facts.USERS:
            shown.update(active=True, role=record.values.get("role", "end-user"))
        if self.type is not facts.TICKETS:
            shown[self.type.custom] = self._custom_as_json(record)
        shown["tags"] = record.values.get("tags", [])
        return shown

    def _custom_as_json(self, record: Record) -> Json:
        held = record.values.get(self.type.custom, {})
        shown = {}
        for key, one in self.custom.items():
            value = held.get(key, False if one.type == "checkbox" else None)
            if one.type == "date" and value is not None:
                value = f"{str(value)[:10]}T00:00:00+00:00"
            shown[key] = value
        return shown

    def add_field(self, one: CustomField) -> CustomField:
        numbered = CustomField(
            one.key, one.type, one.title, one.options, one.pattern, self.next_field
        )
        self.next_field += 1
        self.custom[one.key] = numbered
        return numbered


def key_of(values: Mapping[str, Any]) -> str | None:
    """The name under which a write is counted and a fault is matched."""
    for name in ("external_id", "email", "name", "subject"):
        if values.get(name):
            return str(values[name])
    return None


def _has_text(comment: Json) -> bool:
    return isinstance(comment, dict) and bool(comment.get("body") or comment.get("html_body"))


def _seconds(ms: int) -> str:
    return iso_ms(ms)[:19] + "Z"


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in values.items():
        if isinstance(value, dict):
            kept[name] = {key: one for key, one in value.items() if one not in (None, "")}
        elif value not in (None, ""):
            kept[name] = value
    return kept
