"""What the generic REST sandbox serves of a declared object: writes, removals and reads, each at a
path of its own.

```yaml
objects:
  people:
    path: /people                       # upsert, or what `mode` says
    body: rows
    key: person_id
    results: {path: errors, include: all}
    update: {method: PATCH, path: "/people/{match}"}
    insert: {path: /people/new, batch_rows: 50}
    delete: {path: "/people/{key}"}
    archive: {path: "/people/{key}/archive", body: {by: $key}}
    clear: {method: PATCH, path: "/people/{key}/fields"}
    read: {path: "/people/{match}", record: data}
    all: {path: /people, results: items, cursor: next, parameter: after, rows: 100}
    once: {header: Idempotency-Key, ttl_s: 86400, mismatch: 409}      # for inserts
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.rest.once import OnceSetting, once_from
from tailrace.sandbox.rest.shapes import (
    DEFAULT_RESULTS,
    MODES,
    Results,
    path_pattern,
    results_from,
    schema_from,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from tailrace.sandbox.wire import Json

BATCH_ROWS = 10_000
_SHAPE = ("method", "path", "batch_rows", "body", "results")
_WRITES: Mapping[str, tuple[str, str]] = {
    "update": ("update", "PATCH"),
    "insert": ("insert", "POST"),
    "clear": ("update", "PATCH"),
}
_REMOVALS: Mapping[str, str] = {"delete": "DELETE", "archive": "POST"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to write a collection. ``op`` is its name in the log, ``mode`` what it does."""

    collection: str
    key: str | None
    """The field that holds the key; None: rows have none."""
    mode: str = "upsert"
    shape: Json = None
    """None: any of the three that a default collection takes."""
    batch_rows: int = BATCH_ROWS
    results: Results | None = DEFAULT_RESULTS
    schema: Mapping[str, Any] | None = None
    op: str = ""
    once: OnceSetting | None = None

    @property
    def keyed(self) -> bool:
        """Whether a row's key names its record; if not, every row is a new record."""
        return self.key is not None and self.mode != "append"


@dataclass(frozen=True, slots=True)
class Removal:
    """How a record is deleted or archived; ``body`` None: there must be none."""

    collection: str
    op: str
    body: Json = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How records are read: ``results`` is the member of an answer that lists them, ``record`` the
    one that holds a record. ``query`` is the parameter that names one where its path does not."""

    collection: str
    key: str | None
    record: str = ""
    results: str = ""
    query: str = ""
    cursor: str = "next"
    parameter: str = "after"
    link: str = ""
    rows: int = 100

    def shown(self, values: Json) -> Json:
        """A record as it stands in an answer."""
        return {self.record: values} if self.record else values


Served = Endpoint | Removal | Reading


@dataclass(frozen=True, slots=True)
class Serving:
    """A request line and what it is for."""

    method: str
    pattern: re.Pattern[str]
    what: Served


def declared(name: str, part: Any, where: str) -> list[Serving]:
    """What a declared object serves.

    Raises:
        ConfigError: the declaration is wrong somewhere.
    """
    names = (*_SHAPE, "key", "mode", "schema", *_WRITES, *_REMOVALS, "read", "all", "once")
    known(part, names, where)
    mode = part.get("mode", "upsert")
    if mode not in MODES:
        raise ConfigError(f"{where}: mode is one of {', '.join(MODES)}, not {mode!r}")
    others = any(part.get(op) is not None for op in _WRITES)
    served = [] if others and part.get("path") is None else [_main(name, part, mode, where)]
    given = [op for op in (*_WRITES, *_REMOVALS) if part.get(op) is not None]
    for op in given:
        make = _write if op in _WRITES else _removal
        served.append(make(name, part, op, f"{where}.{op}"))
    return served + _readings(name, part, where)


def _main(name: str, part: Any, mode: str, where: str) -> Serving:
    once = once_from(part.get("once"), f"{where}.once")
    endpoint = Endpoint(
        name,
        part.get("key", "id"),
        mode,
        part.get("body", "rows"),
        rows_most(part.get("batch_rows", BATCH_ROWS), where),
        results_from(part.get("results"), f"{where}.results"),
        schema_from(part.get("schema"), f"{where}.schema"),
        mode,
        once if mode in ("insert", "append") else None,
    )
    method = str(part.get("method", "POST")).upper()
    return Serving(method, path_pattern(part.get("path", f"/{name}"), where), endpoint)


def _write(name: str, part: Any, op: str, where: str) -> Serving:
    """An operation beside the object's own write, whose shape it has where it has no path."""
    settings = part[op]
    known(settings, _SHAPE, where)
    mode, method = _WRITES[op]
    own = settings.get("path") is not None
    base = {} if own else part
    path = settings.get("path", part.get("path", f"/{name}"))
    pattern = path_pattern(path, where)
    one = bool(pattern.groupindex)
    shaped = {**{one: base[one] for one in _SHAPE if one in base}, **settings}
    endpoint = Endpoint(
        name,
        part.get("key", "id"),
        mode,
        shaped.get("body", "object" if one and own else "rows"),
        rows_most(shaped.get("batch_rows", 1 if one else BATCH_ROWS), where),
        results_from(shaped.get("results"), f"{where}.results"),
        _schema(part, op, where),
        op,
        once_from(part.get("once"), f"{where}.once") if op == "insert" else None,
    )
    return Serving(str(settings.get("method", method)).upper(), pattern, endpoint)


def _schema(part: Any, op: str, where: str) -> Mapping[str, Any]:
    """Of an operation: a record that is there need not be whole to be changed."""
    schema = schema_from(part.get("schema"), f"{where}.schema")
    return schema if op == "insert" else {**schema, "required": []}


def _removal(name: str, part: Any, op: str, where: str) -> Serving:
    settings = part[op]
    known(settings, ("method", "path", "body"), where)
    pattern = path_pattern(settings.get("path", f"/{name}/{{key}}"), where)
    if not pattern.groupindex:
        raise ConfigError(f"{where}: path needs {{key}} or {{match}}")
    what = Removal(name, op, settings.get("body"))
    return Serving(str(settings.get("method", _REMOVALS[op])).upper(), pattern, what)


def _readings(name: str, part: Any, where: str) -> list[Serving]:
    served = []
    key = part.get("key", "id")
    one = part.get("read")
    if one is not None:
        known(one, ("path", "query", "record", "results"), f"{where}.read")
        pattern = path_pattern(one.get("path", f"/{name}/{{key}}"), f"{where}.read")
        query = str(one.get("query", ""))
        if bool(pattern.groupindex) == bool(query):
            raise ConfigError(f"{where}.read: path holds {{key}} or {{match}}, or query names one")
        what = Reading(name, key, str(one.get("record", "")), str(one.get("results", "")), query)
        served.append(Serving("GET", pattern, what))
    every = part.get("all")
    if every is not None:
        names = ("path", "record", "results", "cursor", "parameter", "link", "rows")
        known(every, names, f"{where}.all")
        texts = {one: str(every[one]) for one in names[1:6] if one in every}
        texts.setdefault("results", "results")
        what = Reading(name, key, rows=rows_most(every.get("rows", 100), where), **texts)
        pattern = path_pattern(every.get("path", f"/{name}"), f"{where}.all")
        served.append(Serving("GET", pattern, what))
    return served


def rows_most(value: Any, where: str) -> int:
    """A number of rows.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ConfigError(f"{where}: batch_rows is a number of rows, not {value!r}")
