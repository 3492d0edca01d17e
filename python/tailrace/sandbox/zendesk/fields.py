"""The account's own fields of Zendesk's sandbox: declared, listed and made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request
from tailrace.sandbox.zendesk import asking, facts
from tailrace.sandbox.zendesk.values import CustomField

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from tailrace.sandbox.zendesk.account import Account

_FIELDS = r"/api/v2/(?P<type>user|organization|ticket)_fields"


class Fields:
    """The lists of fields, and a new one."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", _FIELDS, self._read_fields),
            route("POST", _FIELDS, self._read_new_field),
        ]

    def _read_fields(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.stores[match["type"] + "s"]
        size = asking.number_of(request, "page[size]", 100)
        start = asking.number_of(request, "page[after]", 0)

        def run(_: Call) -> Reply:
            shown = [field_json(one) for one in store.custom.values()]
            more = start + size < len(shown)
            meta = {"has_more": more, "after_cursor": str(start + size) if more else None}
            name = store.type.fields_path
            return Reply(200, {name: shown[start : start + size], "meta": meta})

        return Call("fields", store.type.name, [], run)

    def _read_new_field(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.stores[match["type"] + "s"]
        part = asking.dict_of(asking.item_of(request, f"{match['type']}_field"))
        options = tuple(str(one.get("value")) for one in part.get("custom_field_options") or [])
        key, kind = part.get("key", part.get("title")), part.get("type")

        def run(call: Call) -> Reply:
            if not isinstance(key, str) or kind not in facts.FIELD_TYPES or key in store.custom:
                raise asking.refuse(422, "RecordInvalid", "Key: is invalid, or has been taken")
            added = store.add_field(CustomField(key, kind, str(part.get("title", key)), options))
            call.applied = 1
            return Reply(201, {f"{match['type']}_field": field_json(added)})

        return Call("create_field", store.type.name, [str(key)], run)


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


def field_from_answer(where: str, part: Mapping[str, Any]) -> CustomField:
    """A field from an entry of the answer that lists an object's fields. Raises ConfigError."""
    key = part.get("key", part.get("title"))
    if not isinstance(key, str) or not isinstance(part.get("type"), str):
        raise ConfigError(f"{where}: a field of a saved answer has a key and a type")
    values = tuple(str(one.get("value")) for one in part.get("custom_field_options") or [])
    kind = {"tagger": "dropdown"}.get(part["type"], part["type"])
    if kind not in facts.FIELD_TYPES or (kind in ("dropdown", "multiselect") and not values):
        kind = "text"
    title = str(part.get("title", key))
    return CustomField(key, kind, title, values, part.get("regexp_for_validation") or ".*")


def field_json(one: CustomField) -> dict[str, Json]:
    """A field as the API shows it."""
    shown: dict[str, Json] = {
        "id": one.number,
        "key": one.key,
        "type": one.type,
        "title": one.title,
        "raw_title": one.title,
        "description": "",
        "active": True,
        "system": False,
        "position": one.number % 1000,
        "regexp_for_validation": one.pattern or None,
    }
    if one.options:
        shown["custom_field_options"] = [
            {"id": one.number * 100 + at, "name": value, "raw_name": value, "value": value}
            for at, value in enumerate(one.options)
        ]
    return shown
