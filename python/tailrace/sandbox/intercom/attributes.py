"""Data attributes of Intercom's sandbox: declared, listed, made, and what their values may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.intercom import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.wire import Json

_NAME = re.compile(r"[^.$]{1,190}")
MAX_TEXT = 255


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of contacts or companies that the workspace has made."""

    name: str
    data_type: str = "string"
    options: tuple[str, ...] = ()
    number: int = 0

    def as_json(self, model: str) -> dict[str, Json]:
        """As the API shows it."""
        shown: dict[str, Json] = {
            "type": "data_attribute",
            "id": self.number,
            "model": model,
            "name": self.name,
            "full_name": f"custom_attributes.{self.name}",
            "label": self.name,
            "description": "",
            "data_type": "string" if self.data_type == "options" else self.data_type,
            "api_writable": True,
            "messenger_writable": False,
            "ui_writable": True,
            "custom": True,
            "archived": False,
        }
        if self.options:
            shown["options"] = list(self.options)
        return shown


def attribute_from_config(where: str, name: str, part: Any) -> Attribute:
    """``name: type``, or ``name: {type, options}``. Raises ConfigError."""
    settings = {"type": part} if isinstance(part, str) else part
    known(settings, ("type", "options"), where)
    data_type = settings.get("type", "string")
    options = tuple(str(one) for one in settings.get("options") or [])
    if data_type not in facts.DATA_TYPES or (data_type == "options") != bool(options):
        allowed = ", ".join(facts.DATA_TYPES)
        raise ConfigError(f"{where}: type is one of {allowed}; options belong to options alone")
    return Attribute(str(name), data_type, options)


def attribute_from_answer(where: str, part: Mapping[str, Any]) -> Attribute | None:
    """From an entry of a saved answer, None for one that every workspace has.

    Raises:
        ConfigError: it is no attribute.
    """
    if not isinstance(part.get("name"), str):
        raise ConfigError(f"{where}: an attribute of a saved answer has a name")
    if part.get("custom") is not True:
        return None
    options = tuple(str(one) for one in part.get("options") or [])
    data_type = "options" if options else part.get("data_type")
    return Attribute(
        part["name"], data_type if data_type in facts.DATA_TYPES else "string", options
    )


def new_attribute(part: Mapping[str, Any]) -> Attribute | None:
    """As a request asks for it, None where it cannot be one."""
    name, data_type, given = part.get("name"), part.get("data_type"), part.get("options", [])
    if not isinstance(name, str) or not _NAME.fullmatch(name) or data_type not in facts.DATA_TYPES:
        return None
    fits = isinstance(given, list) and all(
        isinstance(one, dict) and isinstance(one.get("value"), str) for one in given
    )
    if not fits or (data_type == "options") != bool(given):
        return None
    return Attribute(name, str(data_type), tuple(one["value"] for one in given))


def misfit(kind: str, value: Json, options: tuple[str, ...] = ()) -> str:
    """Why a value is not of a type, empty where it is; null always is."""
    if value is None:
        return ""
    if kind == "options":
        return "" if value in options else "is not one of the options"
    if not _FITS[kind](value):
        return f"is not {_CALLED.get(kind, f'a {kind}')}"
    return "is too long" if kind == "string" and len(value) > MAX_TEXT else ""


def _is_whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return _is_whole(value) or isinstance(value, (float, Decimal))


_FITS: Mapping[str, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "boolean": lambda value: isinstance(value, bool),
    **dict.fromkeys(("integer", "date", "datetime"), _is_whole),
    **dict.fromkeys(("float", "number"), _is_number),
}
_CALLED: Mapping[str, str] = {
    "integer": "an integer",
    "object": "an object",
    "boolean": "true or false",
    "date": "unix seconds",
    "datetime": "unix seconds",
}
