"""A HubSpot account's properties: from its configuration, from a real account's, from the
vendor's own call, and as answers show them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.fields import CHECKS, Field
from tailrace.sandbox.hubspot import facts
from tailrace.sandbox.hubspot.answers import refuse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tailrace.sandbox.wire import Json


def field_from_config(where: str, name: str, part: Any) -> Field:
    """A property from ``name: type`` or ``name: {type, options, unique, ...}``."""
    settings = {"type": part} if isinstance(part, str) else part
    names = ("type", "label", "options", "multiple", "unique", "read_only", "max_length")
    known(settings, names, f"{where}.{name}")
    kind = settings.get("type", "string")
    if kind not in CHECKS:
        raise ConfigError(f"{where}.{name}: type is one of {', '.join(CHECKS)}, not {kind!r}")
    options = settings.get("options") or []
    if (kind == "enumeration") != bool(options):
        raise ConfigError(f"{where}.{name}: options belong to an enumeration, and it needs them")
    return Field(
        name,
        kind,
        str(settings.get("label", "")),
        tuple(str(option) for option in options),
        bool(settings.get("multiple", False)),
        bool(settings.get("unique", False)),
        bool(settings.get("read_only", False)),
        max_length=int(settings.get("max_length", Field(name).max_length)),
    )


def field_from_answer(where: str, part: Mapping[str, Any]) -> Field:
    """A property from an entry of the answer that lists an object's properties.

    Raises:
        ConfigError: it is none.
    """
    name, kind = part.get("name"), part.get("type")
    if not isinstance(name, str) or not isinstance(kind, str):
        raise ConfigError(f"{where}: a property of a saved answer has a name and a type")
    values = tuple(str(one.get("value")) for one in part.get("options") or [])
    # Some types hold text, and some enumerations have their options elsewhere, as owners do.
    if kind not in CHECKS or (kind == "enumeration" and not values):
        kind = "string"
    metadata = part.get("modificationMetadata") or {}
    return Field(
        name,
        kind,
        str(part.get("label", "")),
        values if kind == "enumeration" else (),
        part.get("fieldType") == "checkbox",
        part.get("hasUniqueValue") is True,
        metadata.get("readOnlyValue") is True or part.get("calculated") is True,
        part.get("hubspotDefined") is True,
    )


def field_from_api(body: Json, groups: Collection[str]) -> Field:
    """A property from the body of the vendor's own call; `groups` are the object's.

    Raises:
        RefusalError: it cannot be one.
    """
    needed = ("name", "label", "type", "fieldType", "groupName")
    if not isinstance(body, dict):
        raise refuse(400, "Invalid input JSON: an object is expected")
    unset = [name for name in needed if not isinstance(body.get(name), str) or not body[name]]
    if unset:
        raise refuse(400, f"Invalid input: some required fields were not set: {unset}")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", body["name"], re.ASCII):
        raise refuse(400, "name is lower case letters, digits and underscores, a letter first")
    if groups and body["groupName"] not in groups:
        raise refuse(400, f"There is no property group named {body['groupName']!r}")
    options = body.get("options") or []
    if not isinstance(options, list) or not all(isinstance(one, dict) for one in options):
        raise refuse(400, "options is a list of objects")
    values = tuple(str(one.get("value", "")) for one in options)
    kind, shown_as = body["type"], body["fieldType"]
    if kind not in facts.SHOWN_AS:
        raise refuse(400, f"type {kind!r} is not a type of property")
    if shown_as not in facts.SHOWN_AS[kind]:
        raise refuse(400, f"fieldType {shown_as!r} does not go with type {kind!r}")
    if kind == "enumeration" and not values:
        raise refuse(400, "an enumeration needs options")
    if kind == "bool" and set(values) != {"true", "false"}:
        raise refuse(400, "a bool has the options true and false")
    unique = body.get("hasUniqueValue") is True
    if unique and kind not in ("string", "number"):
        raise refuse(400, f"a property of type {kind} cannot have unique values")
    options_of = values if kind == "enumeration" else ()
    return Field(body["name"], kind, body["label"], options_of, shown_as == "checkbox", unique)


def as_json(field: Field) -> Json:
    """A property as the API shows it."""
    kind, shown_as = facts.FIELD_TYPES[field.kind]
    options = field.options if field.kind != "bool" else ("true", "false")
    return {
        "name": field.name,
        "label": field.label or field.name,
        "type": kind,
        "fieldType": "checkbox" if field.multiple else shown_as,
        "groupName": "sandbox",
        "description": "",
        "options": [
            {"label": value, "value": value, "displayOrder": at, "hidden": False}
            for at, value in enumerate(options)
        ],
        "hasUniqueValue": field.unique,
        "calculated": False,
        "hidden": False,
        "formField": False,
        "hubspotDefined": field.defined_by_vendor,
        "archived": False,
        "modificationMetadata": {
            "archivable": not field.defined_by_vendor,
            "readOnlyDefinition": field.defined_by_vendor,
            "readOnlyValue": field.read_only,
        },
    }
