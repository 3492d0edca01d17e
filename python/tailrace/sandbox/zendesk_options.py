"""The options of Zendesk's sandbox, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox import zendesk_facts as facts
from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.zendesk_records import CustomField

if TYPE_CHECKING:
    from collections.abc import Mapping


def texts(options: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A text or a list of them. Raises ConfigError."""
    value = options.get(name) or []
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
        raise ConfigError(f"vendors.zendesk: {name} is a text or a list of texts")
    return tuple(listed)


def number(options: Mapping[str, Any], name: str, default: float) -> float:
    """A number, 0 or more. Raises ConfigError."""
    value = options.get(name, default)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"vendors.zendesk: {name} is a number")
    return float(value)


def choice(options: Mapping[str, Any], name: str, words: tuple[str, ...]) -> str:
    """One of the words, the first where it is left out. Raises ConfigError."""
    value = options.get(name, words[0])
    if value not in words:
        raise ConfigError(f"vendors.zendesk: {name} is one of {', '.join(words)}")
    return str(value)


def field_from_config(where: str, name: str, part: Any) -> CustomField:
    """``name: type``, or ``name: {type, title, options, pattern}``. Raises ConfigError."""
    settings = {"type": part} if isinstance(part, str) else part
    known(settings, ("type", "title", "options", "pattern"), where)
    kind = settings.get("type", "text")
    if kind not in facts.FIELD_TYPES:
        raise ConfigError(f"{where}: type is one of {', '.join(facts.FIELD_TYPES)}")
    options = tuple(str(one) for one in settings.get("options") or [])
    if (kind in ("dropdown", "multiselect")) != bool(options):
        raise ConfigError(f"{where}: options belong to dropdown and multiselect, which need them")
    title = str(settings.get("title", name))
    return CustomField(name, kind, title, options, str(settings.get("pattern", ".*")))
