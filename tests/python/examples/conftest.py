"""The CDNOW example, built by dbt once a warehouse and day for all tests here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg2
import pytest
import yaml

from tailrace.demo.cdnow import postgres_environment
from tailrace.demo.temporary_postgres import TemporaryPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[2] / "examples" / "cdnow"
JANUARY, FEBRUARY = "1998-01-31", "1998-02-28"

# Test modules are imported by path, so a module beside them is found only here.
sys.path.insert(0, str(HERE))

SYNC = yaml.safe_load((EXAMPLE / "syncs" / "customer_health.yml").read_text(encoding="utf-8"))


def expression(field: str | dict[str, str]) -> str:
    """What the warehouse evaluates for a mapped field: a column, an SQL expression, a constant."""
    if isinstance(field, str):
        return field
    return field["sql"] if "sql" in field else f"'{field['value']}'"


FROM = "from analytics.customer_health order by customer_id"
SELECT_MODEL = f"select * {FROM}"
SELECT_FIELDS = ", ".join(
    f"{expression(field)} as {name}" for name, field in SYNC["fields"].items()
)
SELECT_SYNC = f"select {SELECT_FIELDS} {FROM}"

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Build:
    """What one `dbt build` left: the rows of model and sync by customer, each node's status."""

    columns: tuple[str, ...]
    rows: dict[str, dict[str, Any]]
    fields: dict[str, dict[str, Any]]
    row_count: int
    statuses: dict[str, str]
    manifest: dict[str, Any]


def dbt_build(folder: Path, as_of: str, environment: dict[str, str]) -> Path:
    """Runs `dbt build` for a day; returns the folder with dbt's artifacts."""
    target = folder / "target"
    settings = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("CDNOW_", "DBT_"))},
        **environment,
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    command = [str(Path(sys.executable).with_name("dbt")), "build", "--profiles-dir", "."]
    ended = subprocess.run(
        [*command, "--vars", json.dumps({"as_of": as_of})],
        cwd=EXAMPLE / "dbt",
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return target


def gather(target: Path, columns: Sequence[str], rows: Rows, mapped: Rows) -> Build:
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    sent = [dict(zip(SYNC["fields"], row, strict=True)) for row in mapped]
    return Build(
        tuple(columns),
        {row["customer_id"]: row for row in named},
        {row["cdnow_id"]: row for row in sent},
        len(named),
        {result["unique_id"]: result["status"] for result in results},
        json.loads((target / "manifest.json").read_text(encoding="utf-8")),
    )


def build_on_duckdb(folder: Path, as_of: str) -> Build:
    folder.mkdir()
    path = str(folder / "cdnow.duckdb")
    target = dbt_build(folder, as_of, {"CDNOW_DUCKDB": path})
    with duckdb.connect(path, read_only=True) as connection:
        model = connection.execute(SELECT_MODEL)
        columns, rows = [column[0] for column in model.description or ()], model.fetchall()
        return gather(target, columns, rows, connection.execute(SELECT_SYNC).fetchall())


def build_on_postgres(folder: Path, as_of: str, server: TemporaryPostgres) -> Build:
    folder.mkdir()
    target = dbt_build(folder, as_of, postgres_environment(server))
    connection = psycopg2.connect(server.dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(SELECT_MODEL)
            columns, rows = [column.name for column in cursor.description or ()], cursor.fetchall()
            cursor.execute(SELECT_SYNC)
            return gather(target, columns, rows, cursor.fetchall())
    finally:
        connection.close()


@pytest.fixture(scope="session")
def on_duckdb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Build]:
    folder = tmp_path_factory.mktemp("cdnow-duckdb")
    return {as_of: build_on_duckdb(folder / as_of, as_of) for as_of in (JANUARY, FEBRUARY)}


@pytest.fixture(scope="session")
def rebuilt_january(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_on_duckdb(tmp_path_factory.mktemp("cdnow-again") / JANUARY, JANUARY)


@pytest.fixture(scope="session")
def loaded_postgres() -> Iterator[TemporaryPostgres]:
    """A server whose raw table was filled by the example's load.py, twice, as a user would."""
    with TemporaryPostgres("cdnow") as server:
        environment = {**os.environ, **postgres_environment(server)}
        for _ in range(2):
            subprocess.run([sys.executable, EXAMPLE / "load.py"], env=environment, check=True)
        yield server


@pytest.fixture(scope="session")
def on_postgres(
    tmp_path_factory: pytest.TempPathFactory, loaded_postgres: TemporaryPostgres
) -> dict[str, Build]:
    folder = tmp_path_factory.mktemp("cdnow-postgres")
    return {
        as_of: build_on_postgres(folder / as_of, as_of, loaded_postgres)
        for as_of in (JANUARY, FEBRUARY)
    }


@pytest.fixture(params=["duckdb", "postgres"])
def builds(request: pytest.FixtureRequest) -> dict[str, Build]:
    """The builds of both days, on each warehouse in turn."""
    made: dict[str, Build] = request.getfixturevalue(f"on_{request.param}")
    return made
