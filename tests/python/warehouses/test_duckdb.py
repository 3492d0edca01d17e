"""DuckDB is read-only, lazy, and its errors say whether trying again helps."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from tailrace.errors import SourceError
from tailrace.warehouses import open_warehouse
from tailrace.warehouses.base import ModelColumn

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "w.duckdb"
    connection = duckdb.connect(str(path))
    connection.execute('CREATE TABLE users (id INTEGER, mail VARCHAR, "Größe ""x""" DOUBLE)')
    connection.execute("INSERT INTO users SELECT i, 'a' || i, i / 3 FROM range(3) t(i)")
    connection.close()
    return path


def settings(path: Path) -> dict[str, str]:
    return {"kind": "duckdb", "path": str(path)}


def test_columns_are_told_without_running_the_query(file: Path) -> None:
    with open_warehouse(settings(file)) as warehouse:
        assert warehouse.describe("SELECT * FROM users") == [
            ModelColumn("id", "integer", "INTEGER"),
            ModelColumn("mail", "text", "VARCHAR"),
            ModelColumn('Größe "x"', "floating", "DOUBLE"),
        ]
        # Would fail if it were run.
        assert warehouse.describe("SELECT error('run') AS a")[0].name == "a"


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("1::DECIMAL(10, 2)", "decimal"),
        ("DATE '2024-01-01'", "date"),
        ("TIMESTAMPTZ '2024-01-01 00:00:00+00'", "timestamptz"),
        ("TIMESTAMP '2024-01-01'", "timestamp"),
        ("[1, 2]", "list"),
        ("{'a': 1}", "json"),
        ("MAP {'a': 1}", "json"),
        ("uuid()", "uuid"),
        ("'a'::BLOB", "bytes"),
        ("true", "boolean"),
        ("1::HUGEINT", "integer"),
        ("INTERVAL 1 DAY", "interval"),
        ("TIME '01:00:00'", "time"),
    ],
)
def test_types_have_our_words(file: Path, expression: str, word: str) -> None:
    with open_warehouse(settings(file)) as warehouse:
        assert warehouse.describe(f"SELECT {expression} AS a")[0].type == word


def test_a_source_is_a_stream_that_was_not_read(file: Path) -> None:
    with open_warehouse(settings(file)) as warehouse:
        source = warehouse.source("SELECT id FROM users", "tailrace sync=a")
        assert source.spec == {"kind": "arrow", "encoding": "arrow/1"}
        assert hasattr(source.stream, "__arrow_c_stream__")
        with pytest.raises(SourceError):
            warehouse.source("SELECT nothing FROM users", "")


def test_text_of_times_does_not_depend_on_the_machine(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with open_warehouse(settings(file)) as warehouse:
        select = "SELECT CAST(TIMESTAMPTZ '2024-01-01 00:00:00+00' AS VARCHAR) AS a"
        stream = warehouse.source(select, "").stream
        assert isinstance(stream, duckdb.DuckDBPyRelation)
        assert stream.fetchall() == [("2024-01-01 00:00:00+00",)]


SHOW_BAR = """
import sys
import duckdb
from tailrace.warehouses import open_warehouse
ask = "SELECT current_setting('enable_progress_bar')"
print(duckdb.connect().sql(ask).fetchall()[0][0])
with open_warehouse({"kind": "duckdb", "path": sys.argv[1]}) as warehouse:
    print(warehouse.source(ask, "").stream.fetchall()[0][0])
"""


def test_a_slow_query_draws_nothing_where_a_command_prints(file: Path) -> None:
    """Programs without a file of their own count as interactive with DuckDB."""
    ended = subprocess.run(
        [sys.executable, "-c", SHOW_BAR, str(file)], capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["True", "False"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nothing FROM users",
        "SELECT * FROM nowhere",
        "SELEKT 1",
        "CREATE TABLE t (a INT)",
        "DROP TABLE users",
        "INSERT INTO users VALUES (1, 'x', 2)",
        "SELECT 1; DROP TABLE users",
    ],
)
def test_a_wrong_query_is_a_matter_of_configuration(file: Path, sql: str) -> None:
    with open_warehouse(settings(file)) as warehouse:
        with pytest.raises(SourceError) as caught:
            warehouse.describe(sql)
        assert caught.value.exit_code == 2
        assert len(warehouse.describe("SELECT * FROM users")) == 3


def test_a_query_that_fails_when_its_stream_is_taken_is_told_as_ours(file: Path) -> None:
    # The error is told as ours when it leaves the warehouse's block.
    with (  # noqa: PT012
        pytest.raises(SourceError, match="the model broke") as caught,
        open_warehouse(settings(file)) as warehouse,
    ):
        stream = warehouse.source("SELECT error('the model broke') AS a", "").stream
        stream.__arrow_c_stream__()  # type: ignore[attr-defined]
    assert caught.value.exit_code == 2


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no DuckDB file") as caught:
        open_warehouse(settings(tmp_path / "none.duckdb"))
    assert caught.value.exit_code == 2


def test_a_file_that_is_written_to_is_free_later(file: Path) -> None:
    writer = duckdb.connect(str(file))
    try:
        with pytest.raises(SourceError) as caught:
            open_warehouse(settings(file))
        assert caught.value.exit_code == 5
    finally:
        writer.close()
    with open_warehouse(settings(file)) as warehouse:
        assert warehouse.describe("SELECT 1 AS a")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_text("this is text " * 1000)
    with pytest.raises(SourceError, match="DuckDB"):
        open_warehouse(settings(path))


def test_without_the_package_the_extra_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(SourceError, match=r"pip install 'tailrace\[duckdb\]'") as caught:
        open_warehouse(settings(file))
    assert caught.value.exit_code == 2
