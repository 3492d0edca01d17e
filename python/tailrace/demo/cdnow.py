"""The settings of `examples/cdnow` (dbt/profiles.yml, load.py, tailrace.yml) for a given server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.demo.temporary_postgres import TemporaryPostgres


def postgres_environment(server: TemporaryPostgres) -> dict[str, str]:
    """The environment variables that point the example's target `postgres` at `server`."""
    return {
        "CDNOW_DBT_TARGET": "postgres",
        "CDNOW_PG_HOST": server.host,
        "CDNOW_PG_PORT": str(server.port),
        "CDNOW_PG_USER": server.user,
        "CDNOW_PG_PASSWORD": server.password,
        "CDNOW_PG_DB": server.database,
    }
