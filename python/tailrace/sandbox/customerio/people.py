"""The people and objects of Customer.io's sandbox, and what an operation does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.customerio import facts
from tailrace.sandbox.fields import is_email
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.wire import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.wire import Json


class OperationError(Exception):
    """Why an operation is not taken."""

    def __init__(self, reason: str, field: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field

    def as_json(self) -> dict[str, Json]:
        """As it stands among the errors of an answer."""
        return {"reason": self.reason, "field": self.field, "message": str(self)}


def check(one: Json) -> None:
    """Whether an operation can be taken. Raises OperationError."""
    if not isinstance(one, dict):
        raise OperationError("invalid", "", "an operation is an object")
    if len(write_json(one)) >= facts.MAX_OPERATION_BYTES:
        message = f"an operation has less than {facts.MAX_OPERATION_BYTES} bytes"
        raise OperationError("invalid", "", message)
    for name in one.keys() - facts.MEMBERS:
        raise OperationError("invalid", name, f"{name} is not a field of an operation")
    kind, action = one.get("type"), one.get("action")
    if not isinstance(kind, str) or kind not in facts.ACTIONS:
        raise OperationError("invalid", "type", f"type is one of {', '.join(facts.ACTIONS)}")
    if action not in facts.ACTIONS[kind]:
        allowed = ", ".join(facts.ACTIONS[kind])
        raise OperationError("invalid", "action", f"action is one of {allowed}")
    _check_identifiers(kind, one.get("identifiers"))
    _check_attributes(one.get("attributes"))
    if action == "event" and (not isinstance(one.get("name"), str) or not one["name"]):
        raise OperationError("required", "name", "an event needs a name")
    if not isinstance(one.get("timestamp", 0), (int, type(None))):
        raise OperationError("invalid", "timestamp", "a timestamp is unix seconds")


def _check_identifiers(kind: str, given: Json) -> None:
    if not isinstance(given, dict) or not given:
        raise OperationError("required", "identifiers", "identifiers are required")
    names = facts.IDENTIFIERS[kind]
    for name, value in given.items():
        number = isinstance(value, int) and not isinstance(value, bool)
        if name not in names or not (number or isinstance(value, str)) or value == "":
            raise OperationError("invalid", f"identifiers.{name}", f"{name} is not valid")
    if kind == "person" and len(given) != 1:
        raise OperationError("invalid", "identifiers", "a person has one identifier")
    if kind == "object" and len(given) != len(names):
        raise OperationError("required", "identifiers", f"an object has {' and '.join(names)}")
    if "email" in given and not is_email(str(given["email"])):
        raise OperationError("invalid", "identifiers.email", "email is not valid")


def _check_attributes(given: Json) -> None:
    if given is None:
        return
    if not isinstance(given, dict):
        raise OperationError("invalid", "attributes", "attributes are an object")
    if len(given) > facts.MAX_ATTRIBUTES:
        message = f"at most {facts.MAX_ATTRIBUTES} attributes are allowed"
        raise OperationError("invalid", "attributes", message)
    for name, value in given.items():
        if not name or len(name.encode("utf-8", "replace")) > facts.MAX_NAME_BYTES:
            message = f"a name has at most {facts.MAX_NAME_BYTES} bytes"
            raise OperationError("invalid", "attributes", message)
        long = isinstance(value, str) and len(value.encode("utf-8", "replace"))
        if long and long > facts.MAX_VALUE_BYTES:
            message = f"a value has at most {facts.MAX_VALUE_BYTES} bytes"
            raise OperationError("invalid", f"attributes.{name}", message)
    for name in ("id", "email"):
        if not isinstance(given.get(name), (str, int, type(None))):
            raise OperationError("invalid", f"attributes.{name}", f"{name} is not valid")
    if given.get("email") and not is_email(str(given["email"])):
        raise OperationError("invalid", "attributes.email", "email is not valid")


class People:
    """All people and objects of a workspace."""

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        self.records = Collection("people", ("id", "email"), folded=("email",))
        self.objects = Collection("objects", ("mark",))
        self.events = Collection("events")
        self.suppressed: set[str] = set()
        self._wall_ms = wall_ms

    def find(self, identifiers: Mapping[str, Any]) -> Record | None:
        """The person that is meant."""
        ((name, value),) = identifiers.items()
        text = str(value)
        return self.records.get(text) if name == "cio_id" else self.records.find(name, text)

    def apply(self, one: Mapping[str, Any]) -> None:
        """Do an operation that was checked."""
        if one["type"] == "object":
            self._object(one)
            return
        record, key = self.find(one["identifiers"]), key_of(one)
        if one["action"] in ("suppress", "unsuppress"):
            change = self.suppressed.add if one["action"] == "suppress" else self.suppressed.discard
            change(key)
        if one["action"] in ("delete", "suppress"):
            if record is not None:
                self.records.remove(record, self._wall_ms(), key=key)
        elif key not in self.suppressed and one["action"] != "unsuppress":
            self._written(record, one, key)

    def _written(self, record: Record | None, one: Mapping[str, Any], key: str) -> None:
        identifiers = {name: str(value) for name, value in one["identifiers"].items()}
        identifiers.pop("cio_id", None)
        attributes = one.get("attributes") or {} if one["action"] == "identify" else {}
        values = {**attributes, **identifiers}
        if self.records.clash(values, record) is not None:
            # Another person has the address or the id; what was queued is dropped in silence.
            return
        if record is None:
            if not identifiers:
                return
            kept = {name: value for name, value in values.items() if value not in (None, "")}
            record = self.records.create(kept, self._wall_ms(), key=key)
        elif values:
            self.records.update(record, values, self._wall_ms(), key=key)
            for name in [name for name, value in values.items() if value in (None, "")]:
                del record.values[name]
        if one["action"] == "event":
            event = {"person": record.id, "name": one["name"], "data": one.get("attributes") or {}}
            self.events.create(event, self._wall_ms(), key=key)

    def _object(self, one: Mapping[str, Any]) -> None:
        mark = key_of(one)
        held = self.objects.find("mark", mark)
        values = {**(one.get("attributes") or {}), "mark": mark}
        if one["action"] == "delete":
            if held is not None:
                self.objects.remove(held, self._wall_ms(), key=mark)
        elif held is None:
            self.objects.create(values, self._wall_ms(), key=mark)
        else:
            self.objects.update(held, values, self._wall_ms(), key=mark)


def key_of(one: Json) -> str:
    """What an operation is called in the log."""
    given = one.get("identifiers") if isinstance(one, dict) else None
    if not isinstance(given, dict):
        return ""
    return "/".join(str(value) for value in given.values() if isinstance(value, (str, int)))
