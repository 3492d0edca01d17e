"""A manifest of a few nodes, in the shape that dbt writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tailrace.dbt.manifest import Manifest, load_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def node(name: str, package: str = "acme", **changes: Any) -> dict[str, Any]:
    """A model as the manifest has it, with members that are of no interest here."""
    version = changes.get("version")
    unique_id = f"model.{package}.{name}" + (f".v{version}" if version is not None else "")
    config = {"materialized": "table", "enabled": True, "meta": {}, **changes.pop("config", {})}
    return {
        "unique_id": unique_id,
        "name": name,
        "resource_type": "model",
        "package_name": package,
        "relation_name": f'"lab"."analytics"."{name}"',
        "database": "lab",
        "schema": "analytics",
        "alias": name,
        "version": None,
        "latest_version": None,
        "access": "protected",
        "original_file_path": f"models/{name}.sql",
        "raw_code": 'select "{" as brace, \'}]\' as others -- "\\"',
        "compiled_code": "x" * 100,
        "columns": {},
        "config": config,
        "meta": {},
        "tags": [],
        **changes,
    }


def manifest(*nodes: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A manifest of `nodes`, other members as given."""
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "adapter_type": "postgres",
            "project_name": "acme",
            "env": {"SECRET": "x"},
        },
        "nodes": {one["unique_id"]: one for one in nodes},
        "sources": {},
        "macros": {"macro.a": {"macro_sql": "{% macro a() %} {{ [1, 2] }} {% endmacro %}"}},
        "exposures": {},
        "disabled": {},
        "parent_map": {},
        "child_map": {},
        **parts,
    }


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Manifest]:
    """Write a manifest and read its index."""

    def loaded(*nodes: dict[str, Any], **parts: Any) -> Manifest:
        path = tmp_path / "manifest.json"
        path.write_text(json.dumps(manifest(*nodes, **parts)))
        return load_manifest(path, "target/manifest.json", tmp_path / ".tailrace" / "cache")

    return loaded


@pytest.fixture
def make_node() -> Callable[..., dict[str, Any]]:
    """`node`, for tests."""
    return node
