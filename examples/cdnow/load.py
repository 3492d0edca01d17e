"""Copies the purchase file into Postgres, one text row a line, for the dbt target `postgres`.

DuckDB needs no loading: there the dbt source reads the file. Connection settings are those of
dbt/profiles.yml: CDNOW_PG_HOST, CDNOW_PG_PORT, CDNOW_PG_USER, CDNOW_PG_PASSWORD, CDNOW_PG_DB.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import psycopg2
import psycopg2.extensions

DATA = Path(__file__).resolve().parent / "data" / "CDNOW_master.txt"


def connect() -> psycopg2.extensions.connection:
    """Connects as dbt/profiles.yml does, with the same defaults."""
    return psycopg2.connect(
        host=os.environ.get("CDNOW_PG_HOST", "127.0.0.1"),
        port=os.environ.get("CDNOW_PG_PORT", "5432"),
        user=os.environ.get("CDNOW_PG_USER", "postgres"),
        password=os.environ.get("CDNOW_PG_PASSWORD", ""),
        dbname=os.environ.get("CDNOW_PG_DB", "cdnow"),
    )


def load(path: Path) -> int:
    """Replaces raw.cdnow_lines by the lines of `path`; returns how many there are.

    Raises:
        OSError: the file cannot be read.
        psycopg2.Error: Postgres cannot be reached or refuses; the old rows are then still there.
    """
    _header, *lines = path.read_text(encoding="ascii").splitlines()
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("create schema if not exists raw")
            cursor.execute("create table if not exists raw.cdnow_lines (line text not null)")
            cursor.execute("truncate raw.cdnow_lines")
            cursor.copy_expert(
                "copy raw.cdnow_lines (line) from stdin", io.StringIO("\n".join(lines) + "\n")
            )
    finally:
        connection.close()
    return len(lines)


def main() -> None:
    path = Path(os.environ.get("CDNOW_DATA", DATA))
    print(f"raw.cdnow_lines: {load(path):,} orders from {path.name}")


if __name__ == "__main__":
    main()
