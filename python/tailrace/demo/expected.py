"""What must be at the destination, read from the warehouse by a way of its own.

Nothing here goes through the compiler or the core: the SELECT is written from the sync's file and
run by the warehouse's own Python driver, so that a fault of ours cannot hide itself.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Rows = dict[str, dict[str, str]]

_MODEL = "analytics.customer_health"


def model_rows(folder: Path, environment: Mapping[str, str]) -> Rows:
    """The mapped fields of every row of the model, by match value, as canonical text.

    Args:
        folder: The example.
        environment: Names the warehouse, as `cdnow` makes it.
    """
    import yaml

    sync = yaml.safe_load((folder / "syncs" / "customer_health.yml").read_text(encoding="utf-8"))
    fields: dict[str, Any] = sync["fields"]
    expressions = ", ".join(f"{_expression(field)} as {name}" for name, field in fields.items())
    select = f"select {expressions} from {_MODEL}"
    found: Rows = {}
    for row in _query(select, environment):
        texts = {name: canonical(value) for name, value in zip(fields, row, strict=True)}
        found[texts[sync["match"]]] = texts
    return found


def _expression(field: Any) -> str:
    if isinstance(field, str):
        return field
    if "sql" in field:
        return f"({field['sql']})"
    text = str(field["value"]).replace("'", "''")
    return f"'{text}'"


def _query(select: str, environment: Mapping[str, str]) -> Sequence[tuple[Any, ...]]:
    if environment["CDNOW_DBT_TARGET"] == "postgres":
        return _query_postgres(select, environment)
    import duckdb

    with duckdb.connect(environment["CDNOW_DUCKDB"], read_only=True) as connection:
        return connection.execute(select).fetchall()


def _query_postgres(select: str, environment: Mapping[str, str]) -> Sequence[tuple[Any, ...]]:
    psycopg2 = import_module("psycopg2")  # comes with dbt-postgres, and without types
    connection = psycopg2.connect(
        host=environment["CDNOW_PG_HOST"],
        port=environment["CDNOW_PG_PORT"],
        user=environment["CDNOW_PG_USER"],
        password=environment["CDNOW_PG_PASSWORD"],
        dbname=environment["CDNOW_PG_DB"],
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(select)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows
    finally:
        connection.close()


def canonical(value: object) -> str:
    """A value as the text that HubSpot keeps; numbers in their one shortest form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return number_text(str(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def number_text(text: str) -> str:
    """`12.30` and `12.3` are one number: `12.3`."""
    plain = f"{Decimal(text):f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
