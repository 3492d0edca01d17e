"""A DuckDB file as warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from tailrace.connections.base import OwnWarehouse
from tailrace.spec.values import Text  # noqa: TC001  (pydantic reads the annotation)


class DuckDbConnection(OwnWarehouse):
    """`path` is relative to the project."""

    type: Literal["duckdb"]
    path: Text

    def source(self, directory: str) -> dict[str, Any]:
        """Opened read-only, so that dbt may run beside it."""
        return {"kind": "duckdb", "path": str(Path(directory) / self.path)}
