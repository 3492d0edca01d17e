"""The manifest is rewritten by any `dbt parse` with another target: is it still ours?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tailrace.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.dbt.manifest import Manifest
    from tailrace.dbt.resolve import Relation

# dbt's adapters that write to what our warehouse of a kind reads.
_ADAPTERS = {"postgres": frozenset({"postgres", "redshift"}), "duckdb": frozenset({"duckdb"})}


def mismatch(manifest: Manifest, relation: Relation, warehouse: Mapping[str, Any]) -> str | None:
    """Why the manifest was not written for `warehouse` (its `kind` and settings); None where
    nothing speaks against it. The message has both values."""
    adapter = manifest.metadata.get("adapter_type")
    kind = warehouse["kind"]
    if adapter is not None and adapter not in _ADAPTERS[kind]:
        return (
            f"{manifest.file} was written for {adapter}, and the source is {kind}; "
            "run dbt parse with the right target"
        )
    database = _database(warehouse)
    if database and relation.database and database.casefold() != relation.database.casefold():
        return (
            f"{manifest.file} has the model in the database {relation.database!r}, and the source "
            f"is the database {database!r}; run dbt parse with the right target"
        )
    return None


def _database(warehouse: Mapping[str, Any]) -> str:
    if warehouse["kind"] == "duckdb":
        path = str(warehouse["path"])
        # DuckDB names the catalog of a file after its stem.
        return "" if ":" in path else Path(path).name.split(".", 1)[0]
    dsn = warehouse["dsn"]
    return database_of_dsn(dsn.reveal() if isinstance(dsn, Secret) else str(dsn))


def database_of_dsn(dsn: str) -> str:
    """The database that a PostgreSQL URL or `key=value` text names; empty where it names none."""
    if dsn.startswith(("postgresql://", "postgres://")):
        try:
            return unquote(urlsplit(dsn).path.lstrip("/"))
        except ValueError:
            return ""
    for pair in dsn.split():
        name, _, value = pair.partition("=")
        if name == "dbname":
            return value.strip("'")
    return ""
