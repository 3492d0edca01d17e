"""Syncs that live in dbt: `config.meta.tailrace` of an exposure or a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.errors import Problem  # noqa: TC001
from tailrace.spec.document import Document, Path, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.dbt.manifest import Manifest


def find_syncs(manifest: Manifest, problems: list[Problem]) -> Iterator[Section]:
    """The syncs of the manifest, each with its model put in where it names none itself."""
    root = {
        kind: {
            unique_id: {"config": {"meta": entry["meta"]}}
            for unique_id, entry in entries.items()
            if "tailrace" in entry["meta"]
        }
        for kind, entries in (("exposures", manifest.exposures), ("nodes", manifest.nodes))
    }
    document = Document(manifest.file, root, line=1)
    for unique_id in root["exposures"]:
        default = _model_of_exposure(manifest, unique_id)
        yield from _syncs(document, ("exposures", unique_id), default, {}, problems)
    for unique_id in root["nodes"]:
        node = manifest.nodes[unique_id]
        fields = _fields_of_columns(node)
        yield from _syncs(document, ("nodes", unique_id), _reference(node), fields, problems)


def _syncs(
    document: Document,
    owner: Path,
    model: str | None,
    fields: dict[str, str],
    problems: list[Problem],
) -> Iterator[Section]:
    section = document.section(*owner, "config", "meta", "tailrace")
    many = isinstance(section.value, list)
    for one in [section.child(i) for i in range(len(section.value))] if many else [section]:
        if not isinstance(one.value, dict):
            problems.append(one.problem("must be a sync, or a list of syncs"))
            continue
        value = dict(one.value)
        if "model" not in value:
            if model is None:
                problems.append(one.problem("depends on several models: name the `model`"))
                continue
            value["model"] = model
        if fields and isinstance(value.get("fields", {}), dict):
            value["fields"] = {**fields, **value.get("fields", {})}
        yield Section(document, one.path, value)


def _model_of_exposure(manifest: Manifest, unique_id: str) -> str | None:
    depends = manifest.exposures[unique_id]["depends_on"]
    found = [one for one in (_by_id(manifest, each) for each in depends) if one is not None]
    return found[0] if len(found) == 1 else None


def _by_id(manifest: Manifest, unique_id: str) -> str | None:
    if unique_id in manifest.nodes:
        return _reference(manifest.nodes[unique_id])
    source = manifest.sources.get(unique_id)
    if source is None:
        return None
    return f"source('{source['source_name']}', '{source['name']}')"


def _reference(node: dict[str, Any]) -> str:
    version = f", v='{node['version']}'" if node.get("version") is not None else ""
    return f"ref('{node['package_name']}', '{node['name']}'{version})"


def _fields_of_columns(node: dict[str, Any]) -> dict[str, str]:
    """Columns whose own `meta.tailrace` names a field."""
    fields = {}
    for name, column in node["columns"].items():
        ours = column["meta"].get("tailrace")
        if isinstance(ours, dict) and isinstance(ours.get("field"), str):
            fields[ours["field"]] = name
    return fields
