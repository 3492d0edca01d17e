"""The demo's own Postgres: works, ends without a trace, and says why where it cannot start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest

from tailrace.demo import temporary_postgres
from tailrace.demo.cdnow import postgres_environment
from tailrace.demo.temporary_postgres import PostgresUnavailableError, TemporaryPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where clusters are made in this test; readable for the account that runs them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def ask(dsn: str, question: str) -> object:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            ((answer,),) = cursor.fetchall()
            return answer
    finally:
        connection.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_answers_on_loopback_and_leaves_nothing_behind(folder: Path) -> None:
    with TemporaryPostgres("shop") as server:
        assert ask(server.dsn, "select current_database()") == "shop"
        assert ask(server.dsn, "show listen_addresses") == "127.0.0.1"
        assert ask(server.dsn, "show server_encoding") == "UTF8"
        assert len(list(folder.iterdir())) == 1
    assert not listens(server.port)
    assert list(folder.iterdir()) == []


def test_asks_for_its_password(folder: Path) -> None:
    with TemporaryPostgres() as server:
        wrong = server.dsn.replace(server.password, "wrong")
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            ask(wrong, "select 1")


def test_two_run_side_by_side(folder: Path) -> None:
    with TemporaryPostgres() as one, TemporaryPostgres() as other:
        assert one.port != other.port
        assert one.password != other.password
        assert ask(one.dsn, "select 1") == ask(other.dsn, "select 1") == 1


def test_stops_while_a_client_is_connected_and_may_be_stopped_again(folder: Path) -> None:
    server = TemporaryPostgres()
    server.start()
    client = psycopg2.connect(server.dsn)
    server.stop()
    server.stop()
    client.close()
    assert list(folder.iterdir()) == []


def test_is_not_started_twice(folder: Path) -> None:
    with TemporaryPostgres() as server, pytest.raises(RuntimeError, match="started already"):
        server.start()


def test_takes_another_port_where_the_first_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_port = temporary_postgres._free_port
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = int(holder.getsockname()[1])
        ports = iter([taken])
        monkeypatch.setattr(temporary_postgres, "_free_port", lambda: next(ports, free_port()))
        with TemporaryPostgres() as server:
            assert server.port != taken
            assert ask(server.dsn, "select 1") == 1


def test_says_what_the_server_said_when_it_does_not_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(temporary_postgres._SETTINGS, "max_connections", "none")
    with pytest.raises(PostgresUnavailableError, match="max_connections"):
        TemporaryPostgres().start()
    assert list(folder.iterdir()) == []


def test_says_that_no_server_is_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_postgres, "_candidate_folders", lambda: [folder])
    with pytest.raises(PostgresUnavailableError, match="no PostgreSQL server is installed"):
        TemporaryPostgres().start()
    assert list(folder.iterdir()) == []


def test_settings_of_the_callers_own_server_do_not_reach_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "192.0.2.1")
    monkeypatch.setenv("PGDATABASE", "elsewhere")
    with TemporaryPostgres() as server:
        assert ask(server.dsn, "select current_database()") == "warehouse"


def test_the_examples_settings_lead_to_the_server(folder: Path) -> None:
    with TemporaryPostgres("cdnow") as server:
        found = postgres_environment(server)
    assert server.dsn == (
        f"postgresql://{found['CDNOW_PG_USER']}:{found['CDNOW_PG_PASSWORD']}"
        f"@{found['CDNOW_PG_HOST']}:{found['CDNOW_PG_PORT']}/{found['CDNOW_PG_DB']}"
    )
    assert found["CDNOW_DBT_TARGET"] == "postgres"


def test_import_is_light() -> None:
    code = (
        "import sys, tailrace.demo.cdnow; "
        "print([m for m in ('pydantic', 'sqlglot', 'rich', 'duckdb', 'psycopg2', 'tailrace._core') "
        "if m in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert ended.stdout.strip() == "[]"
