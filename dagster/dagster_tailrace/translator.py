"""From a sync to the asset that stands for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg

from dagster_tailrace.dbt_keys import default_dbt_asset_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sync_data import SyncData

# Where an asset's spec says which sync makes it; `TailraceResource.run` reads it.
SYNC_KEY = "tailrace/sync"
LINEAGE_KEY = "dagster/column_lineage"


class DagsterTailraceTranslator:
    """Says how syncs become assets. Override `get_asset_spec` to change anything about them, and
    `get_dbt_asset_key` where your dbt translator gives models other keys."""

    def get_asset_spec(self, sync: SyncData) -> dg.AssetSpec:
        """The asset of `sync`: the destination's object, downstream of the dbt model.

        What is returned is made skippable, and its metadata keeps the sync's name, whatever an
        override does.
        """
        upstream = None if sync.dbt is None else self.get_dbt_asset_key(sync.dbt)
        return dg.AssetSpec(
            key=_key(sync),
            deps=[] if upstream is None else [upstream],
            description=sync.description,
            group_name=identifier(sync.project),
            kinds={sync.destination_type, "reverse_etl"},
            tags={_tag(tag): "" for tag in sync.tags},
            metadata=_metadata(sync, upstream),
        )

    def get_dbt_asset_key(self, manifest_node: Mapping[str, Any]) -> dg.AssetKey:
        """The asset key of the dbt model that a sync reads."""
        return default_dbt_asset_key(manifest_node)


def identifier(text: str) -> str:
    """`text` of the characters that Dagster takes in names of ops, groups and pools."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)


def _key(sync: SyncData) -> dg.AssetKey:
    between = [sync.destination] if sync.type_is_shared else []
    return dg.AssetKey([sync.destination_type, *between, sync.object])


def _tag(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:63]


def _metadata(sync: SyncData, upstream: dg.AssetKey | None) -> dict[str, Any]:
    place = "/".join(quote(part, safe="") for part in (sync.destination, sync.object))
    metadata: dict[str, Any] = {
        "dagster/uri": f"tailrace://{sync.destination_type}/{place}",
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(name=field, type="?") for field in sync.columns]
        ),
        SYNC_KEY: sync.name,
        "tailrace/model": sync.model,
        "tailrace/mode": sync.mode,
        "tailrace/on_removed": sync.on_removed,
        "tailrace/match": sync.match,
        "tailrace/guards": dg.MetadataValue.json(sync.guards),
    }
    if upstream is not None:
        metadata[LINEAGE_KEY] = dg.TableColumnLineage(
            deps_by_column={
                field: [dg.TableColumnDep(asset_key=upstream, column_name=name) for name in names]
                for field, names in sync.columns.items()
                if names
            }
        )
    return metadata
