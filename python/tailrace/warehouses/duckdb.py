"""DuckDB, opened read-only so that dbt may run beside it, and streamed as Arrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError
from tailrace.warehouses.base import ModelColumn, Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

# Of what the core writes Arrow values as; another one may not re-send a model silently.
ENCODING = "arrow/1"

# Values as text must not depend on the machine; the order of rows means nothing to the diff, and
# keeping it costs memory; what prints is ours alone, where DuckDB would draw a bar into the output
# of slow queries: in a shell, a notebook, under `python -c`.
_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET preserve_insertion_order = false",
    "SET enable_progress_bar = false",
)

_WORDS = {
    "BOOLEAN": "boolean",
    "TINYINT": "integer",
    "SMALLINT": "integer",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "HUGEINT": "integer",
    "UTINYINT": "integer",
    "USMALLINT": "integer",
    "UINTEGER": "integer",
    "UBIGINT": "integer",
    "UHUGEINT": "integer",
    "FLOAT": "floating",
    "DOUBLE": "floating",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "INTERVAL": "interval",
    "UUID": "uuid",
    "JSON": "json",
    "BLOB": "bytes",
}


def type_word(duckdb_type: str) -> str:
    """Our word for a type of DuckDB."""
    if duckdb_type.endswith("]"):
        return "list"
    if duckdb_type.startswith(("STRUCT", "MAP", "UNION")):
        return "json"
    if duckdb_type.startswith("DECIMAL"):
        return "decimal"
    return _WORDS.get(duckdb_type, "text")


class DuckDbWarehouse:
    """One read-only connection. While a stream of it is open it takes no other query."""

    def __init__(self, path: str) -> None:
        try:
            import duckdb
        except ImportError:
            raise SourceError(
                "a duckdb warehouse needs the package duckdb: pip install 'tailrace[duckdb]'",
                configuration=True,
            ) from None
        self._duckdb = duckdb
        if not Path(path).is_file():
            raise SourceError(f"there is no DuckDB file {path}", configuration=True)
        try:
            self._connection = duckdb.connect(path, read_only=True)
            for setting in _SETTINGS:
                self._connection.execute(setting)
        except duckdb.Error as error:
            raise self._error(error) from None

    def _error(self, error: Exception) -> SourceError:
        """A lock, or a file that is open for writing in this process, passes; the rest stays."""
        duckdb = self._duckdb
        passing = isinstance(error, (duckdb.IOException, duckdb.ConnectionException))
        code = type(error).__name__
        return SourceError(f"DuckDB: {error}", configuration=not passing, code=code)

    def _relation(self, select: str) -> Any:
        try:
            relation = self._connection.sql(select)
        except self._duckdb.Error as error:
            raise self._error(error) from None
        if relation is None:
            raise SourceError("DuckDB: the query gives no rows", configuration=True)
        return relation

    def describe(self, select: str) -> list[ModelColumn]:
        """Binds the query without running it. Raises SourceError."""
        relation = self._relation(select)
        types = [str(one) for one in relation.types]
        pairs = zip(relation.columns, types, strict=True)
        return [ModelColumn(name, type_word(one), one) for name, one in pairs]

    def source(self, select: str, comment: str) -> Source:  # noqa: ARG002
        """A relation, which runs when the core takes its stream. DuckDB shows no comments."""
        return Source({"kind": "arrow", "encoding": ENCODING}, self._relation(select))

    def __enter__(self) -> DuckDbWarehouse:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        # The query runs when its stream is taken, far from here: DuckDB's words for what is wrong
        # with it are made ours on the way out.
        if isinstance(error, self._duckdb.Error):
            raise self._error(error) from None


def open_warehouse(settings: Mapping[str, Any]) -> DuckDbWarehouse:
    """`settings` has the `path` of the file."""
    return DuckDbWarehouse(settings["path"])
