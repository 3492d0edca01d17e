"""Merge fields of an audience: declared, taken over from an answer, listed, made, filled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.mailchimp import facts
from tailrace.sandbox.wire import Json, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TAG = re.compile(r"[A-Z0-9_]{1,10}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{2})/(\d{2})/(\d{4})", re.ASCII)
_BIRTHDAY = re.compile(r"(\d{2})/(\d{2})", re.ASCII)
_URL = re.compile(r"https?://[^\s/]+\.[^\s]+")


@dataclass(frozen=True, slots=True)
class MergeField:
    """A merge field; ``choices`` are the values of a radio or dropdown."""

    tag: str
    name: str
    type: str = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    number: int = 0

    def as_json(self, list_id: str) -> dict[str, Json]:
        """As the API shows it."""
        options: dict[str, Json] = {"size": 25} if self.type == "text" else {}
        if self.choices:
            options["choices"] = list(self.choices)
        if self.type == "phone":
            options["phone_format"] = "none"
        return {
            "merge_id": self.number,
            "tag": self.tag,
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "default_value": "",
            "public": False,
            "display_order": self.number + 1,
            "options": options,
            "help_text": "",
            "list_id": list_id,
            "_links": [],
        }


def standard_fields() -> list[MergeField]:
    """Those that an audience begins with."""
    return [MergeField(tag, name, kind) for tag, (name, kind) in facts.STANDARD_FIELDS.items()]


def field_from_config(where: str, tag: str, part: Any) -> MergeField:
    """``TAG: type``, or ``TAG: {type, name, required, choices}``. Raises ConfigError."""
    settings = {"type": part} if isinstance(part, str) else part
    known(settings, ("type", "name", "required", "choices"), where)
    kind = settings.get("type", "text")
    if kind not in facts.FIELD_TYPES:
        raise ConfigError(f"{where}: type is one of {', '.join(facts.FIELD_TYPES)}")
    if not _TAG.fullmatch(str(tag)):
        raise ConfigError(f"{where}: a tag has at most ten capital letters, digits and _")
    choices = tuple(str(one) for one in settings.get("choices") or [])
    if (kind in facts.CHOICES) != bool(choices):
        raise ConfigError(f"{where}: choices belong to radio and dropdown, which need them")
    name = str(settings.get("name", tag))
    return MergeField(tag, name, kind, bool(settings.get("required", False)), choices)


def field_from_answer(where: str, part: Mapping[str, Any]) -> MergeField:
    """A field from an entry of the answer to ``merge-fields``. Raises ConfigError."""
    tag, kind = part.get("tag"), part.get("type")
    if not isinstance(tag, str) or not isinstance(kind, str):
        raise ConfigError(f"{where}: a field of a saved answer has a tag and a type")
    options = part.get("options")
    listed = options.get("choices") if isinstance(options, dict) else None
    choices = tuple(str(one) for one in listed or [])
    if kind not in facts.FIELD_TYPES or (kind in facts.CHOICES and not choices):
        kind = "text"
    name = str(part.get("name", tag))
    return MergeField(tag, name, kind, part.get("required") is True, choices)


def new_field(part: Mapping[str, Any], number: int) -> MergeField | None:
    """A field as a request asks for it, None where it cannot be one."""
    name, kind = part.get("name"), part.get("type")
    tag = part.get("tag") or f"MMERGE{number}"
    options = part.get("options")
    choices = options.get("choices") if isinstance(options, dict) else []
    texts = isinstance(choices, list) and all(isinstance(one, str) for one in choices)
    if not isinstance(name, str) or not name or kind not in facts.FIELD_TYPES or not texts:
        return None
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        return None
    if (kind in facts.CHOICES) != bool(choices):
        return None
    return MergeField(tag, name, str(kind), part.get("required") is True, tuple(choices or []))


def misfit(field: MergeField, value: Json) -> str:
    """Why a value cannot be stored; empty where it can. An empty text always can: it clears."""
    if value == "":
        return ""
    if field.type == "address":
        return _address(value)
    if value is None or isinstance(value, (dict, list)):
        return "This value should be of type string."
    text = text_of(value)
    if len(text.encode("utf-8", "replace")) > facts.MAX_VALUE_BYTES:
        return f"This value is too long. It should have {facts.MAX_VALUE_BYTES} bytes or less."
    if field.type in facts.CHOICES:
        return "" if text in field.choices else "Please select a valid choice"
    return _CHECKS[field.type](text)


def _address(value: Json) -> str:
    if isinstance(value, str):
        return ""
    fits = isinstance(value, dict) and all(value.get(name) for name in facts.ADDRESS)
    if fits and value.keys() <= set(facts.ADDRESS_PARTS):
        return ""
    return "Please enter a complete address"


def _number(text: str) -> str:
    return "" if _NUMBER.fullmatch(text) else "Please enter a number"


def _date(text: str) -> str:
    match = _DATE.fullmatch(text)
    if match is None:
        return "Please enter a valid date"
    year, month, day = match[1] or match[6], match[2] or match[4], match[3] or match[5]
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return "Please enter a valid date"
    return ""


def _birthday(text: str) -> str:
    match = _BIRTHDAY.fullmatch(text)
    if match is None:
        return "Please enter a month and day, such as 12/31"
    return _date(f"2024-{match[1]}-{match[2]}")


def _url(text: str) -> str:
    return "" if _URL.fullmatch(text) else "Please enter a valid URL"


def _any(_: str) -> str:
    return ""


_CHECKS: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(("text", "phone", "zip"), _any),
    "number": _number,
    "date": _date,
    "birthday": _birthday,
    **dict.fromkeys(("url", "imageurl"), _url),
}
