"""A small index of dbt's manifest, kept beside the manifest's time and size.

Manifests run to tens of megabytes. The index holds the fields named here and no others, so any
version of the manifest that has them can be read.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace import private_files
from tailrace.dbt import json_slices
from tailrace.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMAT = 2

_METADATA = (
    "dbt_schema_version",
    "dbt_version",
    "adapter_type",
    "project_name",
    "invocation_id",
    "generated_at",
)
_NODE = (
    "unique_id",
    "name",
    "resource_type",
    "package_name",
    "relation_name",
    "database",
    "schema",
    "alias",
    "version",
    "latest_version",
    "access",
    "tags",
    "fqn",
    "primary_key",
    "original_file_path",
    "checksum",
)
_NODE_CONFIG = ("materialized", "enabled", "unique_key", "schema", "access")
_SOURCE = ("unique_id", "name", "source_name", "package_name", "relation_name", "database")
_MODELS = frozenset({"model", "seed", "snapshot"})


@dataclass(frozen=True)
class Manifest:
    """`nodes` are models, seeds and snapshots by unique id; `disabled` the same, by unique id;
    `parents` and `children` the edges between the ids of the manifest."""

    file: str
    metadata: dict[str, Any]
    nodes: dict[str, dict[str, Any]]
    sources: dict[str, dict[str, Any]]
    exposures: dict[str, dict[str, Any]]
    disabled: dict[str, dict[str, Any]]
    parents: dict[str, list[str]]
    children: dict[str, list[str]]


def stamp(path: Path) -> tuple[int, int] | None:
    """Time of change (ns) and size (bytes) of the manifest; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def load_manifest(path: Path, shown: str, cache_folder: Path) -> Manifest:
    """The index of the manifest at `path`, called `shown` in messages.

    Raises:
        ConfigError: There is no manifest, or it cannot be read as one.
    """
    seen = stamp(path)
    if seen is None:
        raise ConfigError.of([_problem(shown, "there is no such file; run dbt parse or dbt build")])
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    cached = cache_folder / f"manifest-{name}.json"
    index = _read_cached(cached, seen)
    if index is None:
        try:
            index = build_index(path)
        except (OSError, ValueError) as error:
            raise ConfigError.of([_problem(shown, f"is not a dbt manifest: {error}")]) from None
        _write_cached(cached, seen, index)
    return Manifest(file=shown, **index)


def _problem(shown: str, message: str) -> Problem:
    return Problem(message, shown, 1, 1, "metadata")


def build_index(path: Path) -> dict[str, dict[str, Any]]:
    """Read the manifest a node at a time. Raises OSError, ValueError."""
    index: dict[str, dict[str, Any]] = {
        name: {}
        for name in (
            "metadata",
            "nodes",
            "sources",
            "exposures",
            "disabled",
            "parents",
            "children",
        )
    }
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
        # Never closed by hand: matches of the scanner may still point into it after an error.
        buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = len(buffer[:64]) - len(buffer[:64].lstrip())
    for name, span in json_slices.members(buffer, start):
        _read_part(index, name, buffer, span)
    if not index["metadata"]:
        raise ValueError("it has no metadata")
    return index


def _read_part(
    index: dict[str, dict[str, Any]], name: str, buffer: mmap.mmap, span: json_slices.Span
) -> None:
    if name == "metadata":
        index["metadata"] = _pick(json_slices.load(buffer, span), _METADATA)
    elif name in _READ:
        for unique_id, inner in json_slices.members(buffer, span[0]):
            found = _READ[name](json_slices.load(buffer, inner))
            if found is not None:
                index[name][unique_id] = found
    elif name in ("parent_map", "child_map"):
        edges = index["parents" if name == "parent_map" else "children"]
        for unique_id, inner in json_slices.members(buffer, span[0]):
            edges[unique_id] = json_slices.load(buffer, inner)


def _pick(document: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: document[name] for name in names if document.get(name) is not None}


def _meta(document: dict[str, Any]) -> dict[str, Any]:
    """`config.meta` first, then the copy; of it what is ours, and what gives an asset its key."""
    config = document.get("config") or {}
    metas = [
        meta
        for meta in (config.get("meta"), document.get("meta"))
        if isinstance(meta, dict) and meta
    ]
    found = {"dagster": metas[0]["dagster"]} if metas and "dagster" in metas[0] else {}
    for meta in metas:
        if "tailrace" in meta:
            return {**found, "tailrace": meta["tailrace"]}
    return found


def _node(document: dict[str, Any]) -> dict[str, Any] | None:
    if document.get("resource_type") not in _MODELS:
        return None
    node = _pick(document, _NODE)
    config = document.get("config") or {}
    node["config"] = _pick(config, _NODE_CONFIG)
    node["contract"] = bool((config.get("contract") or {}).get("enforced"))
    node["meta"] = _meta(document)
    node["columns"] = {
        name: {**_pick(column, ("name", "data_type")), "meta": _meta(column)}
        for name, column in (document.get("columns") or {}).items()
    }
    return node


def _source(document: dict[str, Any]) -> dict[str, Any]:
    config = document.get("config") or {}
    enabled = config.get("enabled", True)
    return {**_pick(document, _SOURCE), "enabled": enabled, "meta": _meta(document)}


def _exposure(document: dict[str, Any]) -> dict[str, Any]:
    depends = (document.get("depends_on") or {}).get("nodes") or []
    picked = _pick(document, ("name", "owner", "url", "tags"))
    return {**picked, "depends_on": depends, "meta": _meta(document)}


def _disabled(documents: list[dict[str, Any]]) -> dict[str, Any] | None:
    for document in documents:
        if document.get("resource_type") in _MODELS:
            return _pick(document, ("name", "package_name", "original_file_path", "version"))
    return None


_READ: dict[str, Callable[[Any], dict[str, Any] | None]] = {
    "nodes": _node,
    "sources": _source,
    "exposures": _exposure,
    "disabled": _disabled,
}


def _read_cached(path: Path, seen: tuple[int, int]) -> dict[str, dict[str, Any]] | None:
    try:
        content = private_files.read(path)
        document = json.loads(content) if content else None
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None
    if [document.get("mtime_ns"), document.get("size")] != list(seen):
        return None
    index = document.get("index")
    return index if isinstance(index, dict) else None


def _write_cached(path: Path, seen: tuple[int, int], index: dict[str, dict[str, Any]]) -> None:
    document = {"format": FORMAT, "mtime_ns": seen[0], "size": seen[1], "index": index}
    try:
        private_files.write(path, json.dumps(document).encode())
    except OSError:
        return  # a read-only project works, only slower
