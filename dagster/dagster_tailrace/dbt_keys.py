"""The asset key that dagster-dbt gives a dbt model, worked out without dagster-dbt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping


def default_dbt_asset_key(node: Mapping[str, Any]) -> dg.AssetKey:
    """The key by dagster-dbt's default rule, so that both libraries mean one asset.

    Args:
        node: A model, seed, snapshot or source in the index of dbt's manifest.
    """
    own = (node.get("meta") or {}).get("dagster") or {}
    if own.get("asset_key"):
        return dg.AssetKey(own["asset_key"])
    if node.get("resource_type") == "source":
        return dg.AssetKey([node["source_name"], node["name"]])
    if node.get("version"):
        return dg.AssetKey([node["alias"]])
    schema = (node.get("config") or {}).get("schema")
    return dg.AssetKey([schema, node["name"]] if schema is not None else [node["name"]])
