"""The declared shapes of the generic REST sandbox: paths with a key in them, bodies with rows in
them, answers with per-row results, and the schema of a record.

They are those of a REST connection's ``objects:`` block, so that the block of a project can be
pasted into the sandbox's configuration as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tailrace.sandbox.config import ConfigError, known

if TYPE_CHECKING:
    from tailrace.sandbox.wire import Json

MODES = ("upsert", "insert", "update", "append", "replace")


class WrongShapeError(ValueError):
    """A body that is not of the declared shape."""


def path_pattern(template: str, where: str) -> re.Pattern[str]:
    """A pattern for ``/accounts/{key}`` below ``/rest``, over undecoded paths."""
    if not isinstance(template, str) or not template.startswith("/"):
        raise ConfigError(f"{where}: a path that starts with /, not {template!r}")
    pieces = re.split(r"\{([a-z_]+)\}", template)
    pattern = "".join(
        f"(?P<{piece}>[^/]+)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)
    )
    return re.compile("/rest" + pattern)


def key_in(match: re.Match[str]) -> str | None:
    """The decoded key of a matched path, if it has one; {match} is another word for it."""
    names = [name for name in ("key", "match") if name in match.re.groupindex]
    return unquote(match[names[0]]) if names else None


def rows_in(shape: Json, body: Json) -> list[Json]:
    """The rows of a body of the declared shape: ``rows``, ``object``, or a document in which
    ``$rows`` or ``$row`` stands where they are.

    Raises:
        WrongShapeError: the body is something else.
    """
    if shape == "rows":
        shape = "$rows"
    elif shape == "object":
        shape = "$row"
    return _walk(shape, body, "body")


def _walk(shape: Json, body: Json, where: str) -> list[Json]:
    if shape == "$rows":
        if not isinstance(body, list):
            raise WrongShapeError(f"{where} is not an array")
        return body
    if shape == "$row":
        if not isinstance(body, dict):
            raise WrongShapeError(f"{where} is not an object")
        return [body]
    if isinstance(shape, Mapping):
        if not isinstance(body, dict) or body.keys() != shape.keys():
            raise WrongShapeError(f"{where} is not an object with {', '.join(sorted(shape))}")
        rows: list[Json] = []
        for name, part in shape.items():
            rows += _walk(part, body[name], f"{where}.{name}")
        return rows
    if body != shape:
        raise WrongShapeError(f"{where} is not {shape!r}")
    return []


def filled(shape: Json, key: str) -> Json:
    """A body without rows: the key stands where the shape has ``$key`` or ``$match``."""
    if shape in ("$key", "$match"):
        return key
    if isinstance(shape, Mapping):
        return {name: filled(part, key) for name, part in shape.items()}
    if isinstance(shape, list):
        return [filled(part, key) for part in shape]
    return shape


@dataclass(frozen=True, slots=True)
class Results:
    """Where per-row results stand in an answer, and the names of their members."""

    path: tuple[str, ...] = ("errors",)
    key: str = "key"
    status: str = "status"
    code: str = "code"
    message: str = "message"
    every_row: bool = False
    """Whether accepted rows are listed too."""

    def put(self, body: dict[str, Json], listed: list[Json]) -> None:
        for name in self.path[:-1]:
            body = body.setdefault(name, {})
        body[self.path[-1]] = listed

    def get(self, body: Json) -> list[Json] | None:
        for name in self.path:
            body = body.get(name) if isinstance(body, dict) else None
        return body if isinstance(body, list) else None


DEFAULT_RESULTS = Results()


def results_from(settings: Any, where: str) -> Results | None:
    """From ``{path, key, status, code, message, include}``; None: the status speaks for all."""
    if settings is None:
        return None
    known(settings, ("path", "key", "status", "code", "message", "include"), where)
    include = settings.get("include", "errors")
    if include not in ("errors", "all"):
        raise ConfigError(f"{where}: include is errors or all, not {include!r}")
    names = {name: str(settings[name]) for name in settings if name not in ("path", "include")}
    path = tuple(str(settings.get("path", "errors")).split("."))
    return Results(path, every_row=include == "all", **names)


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def schema_from(settings: Any, where: str) -> Mapping[str, Any]:
    """A record's schema, the small part of JSON Schema that is enough to refuse rows:
    ``required``, ``additionalProperties``, and per property ``type``, ``maxLength``, ``enum``."""
    schema = settings or {}
    known(schema, ("type", "required", "properties", "additionalProperties"), where)
    for name, part in (schema.get("properties") or {}).items():
        known(part, ("type", "maxLength", "enum"), f"{where}.properties.{name}")
        for kind in _listed(part.get("type")):
            if kind not in (*_TYPES, "number", "integer"):
                raise ConfigError(f"{where}.properties.{name}: unknown type {kind!r}")
    return schema


def problem(schema: Mapping[str, Any], row: Mapping[str, Json]) -> tuple[str, str] | None:
    """Why a record is refused, as a code and a message."""
    for name in schema.get("required") or ():
        if name not in row:
            return "required", f"{name} is required"
    properties = schema.get("properties") or {}
    closed = schema.get("additionalProperties") is False
    for name, value in row.items():
        part = properties.get(name)
        if part is None:
            if closed:
                return "unknown_field", f"{name} is not a field"
            continue
        found = _value_problem(name, part, value)
        if found is not None:
            return found
    return None


def _value_problem(name: str, part: Mapping[str, Any], value: Json) -> tuple[str, str] | None:
    kinds = _listed(part.get("type"))
    if kinds and not any(_is(kind, value) for kind in kinds):
        return "wrong_type", f"{name} is not a {' or '.join(kinds)}"
    longest = part.get("maxLength")
    if longest is not None and isinstance(value, str) and len(value) > longest:
        return "too_long", f"{name} is longer than {longest}"
    allowed = part.get("enum")
    if allowed is not None and not any(value == one and _same_kind(value, one) for one in allowed):
        return "not_allowed", f"{name} is none of its allowed values"
    return None


def _listed(kinds: Any) -> list[str]:
    if kinds is None:
        return []
    return kinds if isinstance(kinds, list) else [kinds]


def _is(kind: str, value: Json) -> bool:
    if kind in _TYPES:
        return isinstance(value, _TYPES[kind])
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return False
    if kind == "number" or isinstance(value, int):
        return True
    if isinstance(value, float):
        return value.is_integer()
    return bool(value == value.to_integral_value())


def _same_kind(one: Json, other: Json) -> bool:
    return isinstance(one, bool) == isinstance(other, bool)
