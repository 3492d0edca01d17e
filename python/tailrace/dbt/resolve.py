"""From a reference to the relation that dbt built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.dbt.reference import Reference, SourceReference
from tailrace.nearest import hint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tailrace.dbt.manifest import Manifest


@dataclass(frozen=True)
class Relation:
    """`name` is quoted by dbt's adapter and used as it stands. `key` are the model's own key
    columns as dbt knows them, empty where it does not; `database` is empty where there is none."""

    unique_id: str
    name: str
    database: str
    key: tuple[str, ...] = ()


def resolve(manifest: Manifest, reference: Reference | SourceReference) -> Relation:
    """Find what `reference` means.

    Raises:
        LookupError: It is not in the manifest, disabled, private, ephemeral or ambiguous; the
            message names the nearest name.
    """
    if isinstance(reference, SourceReference):
        return _source(manifest, reference)
    return model_relation(_node(manifest, reference), str(reference))


def model_relation(node: dict[str, Any], called: str) -> Relation:
    """The relation of a node of the manifest. Raises LookupError where it has none."""
    if not node["config"].get("enabled", True):
        raise LookupError(f"{called} is disabled in {node.get('original_file_path', 'dbt')}")
    relation = node.get("relation_name")
    if not relation:
        raise LookupError(f"{called} is ephemeral: dbt builds no relation of it to read")
    return Relation(node["unique_id"], relation, node.get("database") or "", _key(node))


def _key(node: dict[str, Any]) -> tuple[str, ...]:
    for found in (node.get("primary_key"), node["config"].get("unique_key")):
        if isinstance(found, str) and found:
            return (found,)
        if isinstance(found, list) and found and all(isinstance(one, str) for one in found):
            return tuple(found)
    return ()


def _node(manifest: Manifest, reference: Reference) -> dict[str, Any]:
    named = [node for node in manifest.nodes.values() if node["name"] == reference.name]
    if reference.package is not None:
        found = [node for node in named if node["package_name"] == reference.package]
    else:
        root = manifest.metadata.get("project_name")
        found = [node for node in named if node["package_name"] == root] or named
    packages = sorted({node["package_name"] for node in found})
    if len(packages) > 1:
        listed = " and ".join(node["unique_id"] for node in found)
        raise LookupError(f"{reference} is ambiguous: {listed}; name the package")
    if not found:
        raise LookupError(_not_found(manifest, reference, named))
    node = _of_version(found, reference)
    private = node.get("access", node["config"].get("access")) == "private"
    if private and node["package_name"] != manifest.metadata.get("project_name"):
        raise LookupError(f"{reference} is private to the package {node['package_name']}")
    return node


def _of_version(found: list[dict[str, Any]], reference: Reference) -> dict[str, Any]:
    if reference.version is None:
        latest = [node for node in found if node.get("version") == node.get("latest_version")]
        if len(latest) == 1:
            return latest[0]
        raise LookupError(f"{reference} has {_versions(found)} and none is the latest: add v=…")
    for node in found:
        if str(node.get("version")) == reference.version:
            return node
    raise LookupError(f"{reference} is not among {_versions(found)}")


def _versions(found: Iterable[dict[str, Any]]) -> str:
    return "the versions " + ", ".join(sorted(str(node.get("version")) for node in found))


def _not_found(manifest: Manifest, reference: Reference, named: list[dict[str, Any]]) -> str:
    for disabled in manifest.disabled.values():
        same_package = reference.package in (None, disabled.get("package_name"))
        if disabled.get("name") == reference.name and same_package:
            return f"{reference} is disabled in {disabled.get('original_file_path', 'dbt')}"
    if named:
        packages = ", ".join(sorted({node["package_name"] for node in named}))
        return f"{reference}: a model of that name is in the package {packages} only"
    known = {node["name"] for node in manifest.nodes.values()}
    return f"{reference} is not in {manifest.file}{hint(reference.name, known)}"


def _source(manifest: Manifest, reference: SourceReference) -> Relation:
    found = [
        source
        for source in manifest.sources.values()
        if source["source_name"] == reference.source and source["name"] == reference.table
    ]
    root = manifest.metadata.get("project_name")
    found = [source for source in found if source["package_name"] == root] or found
    if len(found) > 1:
        listed = " and ".join(source["unique_id"] for source in found)
        raise LookupError(f"{reference} is ambiguous: {listed}")
    if not found:
        known = {f"{one['source_name']}.{one['name']}" for one in manifest.sources.values()}
        end = hint(f"{reference.source}.{reference.table}", known)
        raise LookupError(f"{reference} is not in {manifest.file}{end}")
    source = found[0]
    if not source["enabled"] or not source.get("relation_name"):
        raise LookupError(f"{reference} is disabled")
    return Relation(source["unique_id"], source["relation_name"], source.get("database") or "")
