"""What the demo needs to be installed, said before anything is started."""

from __future__ import annotations

from importlib.util import find_spec

from tailrace.demo.dbt_build import dbt_program
from tailrace.errors import ConfigError

_ALWAYS = {"aiohttp": "tailrace[sandbox]"}
_BY_WAREHOUSE = {
    "duckdb": {"duckdb": "tailrace[duckdb]", "dbt.adapters.duckdb": "dbt-duckdb"},
    "postgres": {"psycopg2": "dbt-postgres", "dbt.adapters.postgres": "dbt-postgres"},
}


def refuse_missing(warehouse: str) -> None:
    """Raises ConfigError where a package is missing, with the command that installs it."""
    dbt_program()
    needed = {**_ALWAYS, **_BY_WAREHOUSE[warehouse]}
    missing = {package for module, package in needed.items() if not _installed(module)}
    if missing:
        names = " ".join(f"'{name}'" for name in sorted(missing))
        raise ConfigError(f"the demo with {warehouse} needs more: pip install {names}")


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False
