"""The fields of leads in Marketo's sandbox: declared, taken over from an answer, described."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, is_count, known
from tailrace.sandbox.marketo import facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.wire import Json

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class LeadField:
    """A field. ``length`` is None for types that have none."""

    name: str
    data_type: str
    label: str
    length: int | None = None
    read_only: bool = False
    custom: bool = True
    company: bool = False
    by_api: bool = False

    @property
    def is_searchable(self) -> bool:
        """Whether leads may be looked up by it."""
        if not self.custom:
            return self.name in facts.SEARCHABLE
        return self.data_type in facts.SEARCHABLE_TYPES


def standard_fields() -> dict[str, LeadField]:
    """Those that every instance has."""
    fields = {}
    for group in facts.STANDARD:
        for pair in group.names.split(";"):
            name, label = pair.split("=")
            length = facts.LENGTHS.get(group.data_type)
            fields[name] = LeadField(
                *(name, group.data_type, label, length, group.read_only),
                custom=False,
                company=group.company,
            )
    return fields


def field_from_config(where: str, name: str, part: Any) -> LeadField:
    """``name: type``, or ``name: {type, label, length, read_only}``. Raises ConfigError."""
    settings = {"type": part} if isinstance(part, str) else part
    known(settings, ("type", "label", "length", "read_only"), where)
    data_type = settings.get("type", "string")
    if data_type not in facts.DATA_TYPES:
        raise ConfigError(f"{where}: type is one of {', '.join(facts.DATA_TYPES)}")
    if not _NAME.fullmatch(str(name)):
        raise ConfigError(f"{where}: a name begins with a letter and has letters, digits and _")
    length = settings.get("length", facts.LENGTHS.get(data_type))
    if length is not None and (not is_count(length) or data_type not in facts.LENGTHS):
        raise ConfigError(f"{where}: length is a number of characters of a text")
    label = str(settings.get("label", name))
    size = None if length is None else int(length)
    return LeadField(name, data_type, label, size, bool(settings.get("read_only", False)))


def field_from_answer(where: str, part: Mapping[str, Any]) -> LeadField | None:
    """A field from an entry of the answer to ``leads/describe``; None for one that REST does not
    have. Raises ConfigError."""
    rest = part.get("rest")
    if rest is None and isinstance(part.get("soap"), dict):
        return None
    if not isinstance(rest, dict) or not isinstance(rest.get("name"), str):
        raise ConfigError(f"{where}: a field of a saved answer has a rest name")
    data_type = part.get("dataType")
    if data_type not in facts.DATA_TYPES:
        data_type = "string"
    length = facts.LENGTHS.get(data_type)
    if length is not None and is_count(part.get("length")):
        length = int(part["length"])
    label = str(part.get("displayName", rest["name"]))
    return LeadField(rest["name"], data_type, label, length, rest.get("readOnly") is True)


def new_field(part: Mapping[str, Any]) -> LeadField | None:
    """A field as a request asks for it, None where it cannot be one."""
    name, data_type, label = (part.get(one) for one in ("name", "dataType", "displayName"))
    if not isinstance(name, str) or not isinstance(label, str) or not label:
        return None
    if not _NAME.fullmatch(name) or data_type not in facts.DATA_TYPES:
        return None
    return LeadField(name, data_type, label, facts.LENGTHS.get(data_type), by_api=True)


def described(number: int, field: LeadField) -> dict[str, Json]:
    """As ``leads/describe`` shows it."""
    shown: dict[str, Json] = {"id": number, "displayName": field.label, "dataType": field.data_type}
    if field.length is not None:
        shown["length"] = field.length
    shown["rest"] = {"name": field.name, "readOnly": field.read_only}
    soap = field.name[:1].upper() + field.name[1:]
    shown["soap"] = {"name": soap, "readOnly": field.read_only}
    return shown


def described_again(field: LeadField) -> dict[str, Json]:
    """As ``leads/describe2`` shows it."""
    shown: dict[str, Json] = {
        "name": field.name,
        "displayName": field.label,
        "dataType": field.data_type,
    }
    if field.length is not None:
        shown["length"] = field.length
    shown.update(updateable=not field.read_only, crmManaged=field.name.startswith("sfdc"))
    return shown


def in_schema(field: LeadField) -> dict[str, Json]:
    """As ``leads/schema/fields`` shows it."""
    shown: dict[str, Json] = {
        "displayName": field.label,
        "name": field.name,
        "description": None,
        "dataType": field.data_type,
        "isHidden": False,
        "isHtmlEncodingInEmail": field.data_type in facts.TEXTS,
        "isSensitive": False,
        "isCustom": field.custom,
        "isApiCreated": field.by_api,
    }
    if field.length is not None:
        shown["length"] = field.length
    return shown
