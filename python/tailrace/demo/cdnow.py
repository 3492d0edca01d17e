"""The example `examples/cdnow`: its files, its settings, and what it must leave at HubSpot."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.demo.temporary_postgres import TemporaryPostgres

SYNC = "customer_health_to_hubspot"
OBJECT = "contacts"
MATCH = "cdnow_id"
DAYS = ("1998-01-31", "1998-02-28")

_NEEDED = (
    "tailrace.yml",
    "sandbox.yml",
    "load.py",
    "syncs/customer_health.yml",
    "dbt/dbt_project.yml",
    "data/CDNOW_master.txt",
)
# What running the example in place leaves behind.
_LEFT_BEHIND = shutil.ignore_patterns(
    ".tailrace", "target", "logs", "*.duckdb", "*.duckdb.wal", "__pycache__", ".user.yml"
)
# The caller's own settings of dbt, Postgres and the example would lead elsewhere.
_FOREIGN = ("DBT_", "CDNOW_", "PG", "HUBSPOT_", "TAILRACE_")


def copy_example(example: Path, to: Path) -> None:
    """Copy the example's files, so that a demo leaves the checkout as it is.

    Raises:
        ConfigError: `example` does not have them.
    """
    missing = [name for name in _NEEDED if not (example / name).is_file()]
    if missing:
        raise ConfigError(
            f"{example} is not the CDNOW example ({missing[0]} is missing): run the demo in a "
            "checkout of Tailrace, or name the folder with --dir"
        )
    shutil.copytree(example, to, ignore=_LEFT_BEHIND, dirs_exist_ok=True)


def own_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings that would lead dbt or the sync elsewhere."""
    return {name: value for name, value in environment.items() if not name.startswith(_FOREIGN)}


def duckdb_environment(folder: Path) -> dict[str, str]:
    """The environment variables that point the example's target `duckdb` at a file in `folder`."""
    return {"CDNOW_DBT_TARGET": "duckdb", "CDNOW_DUCKDB": str(folder / "cdnow.duckdb")}


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


def sandbox_settings(folder: Path) -> dict[str, Any]:
    """The example's sandbox.yml."""
    import yaml

    settings = yaml.safe_load((folder / "sandbox.yml").read_text(encoding="utf-8"))
    return dict(settings)
