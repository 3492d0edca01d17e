"""Where a world's state may be kept, and what is found there when a run has died.

What is on record is read with plain SQL, by nothing of Tailrace: of a SQLite store from a copy, so
that the next run finds the files as the dead one left them.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sqlite3
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from tailrace.demo import temporary_postgres
from tailrace.demo.temporary_postgres import TemporaryPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync_world import World

KINDS = {1: "intent", 2: "outcome", 3: "void"}
_SESSIONS = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


class State(ABC):
    """A state store of one world's own."""

    kind: str
    url: str
    """As a project's file names it."""
    address: str
    """What `Moment` knows the store by: a path or a port."""

    @abstractmethod
    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of an answer; `{}` in front of a table stands for its schema."""

    def journal(self) -> Counter[str]:
        """How many rows of each kind the journal has."""
        return Counter(KINDS[kind] for (kind,) in self.query("select kind from {}journal"))

    def epoch(self) -> int:
        """The newest epoch that a run has taken; 0 where none has."""
        return max((epoch for (epoch,) in self.query("select epoch from {}sync_shard")), default=0)

    def statuses(self) -> list[str]:
        """How each run ended, oldest first."""
        return [status for (status,) in self.query("select status from {}run order by number")]

    def running(self) -> bool:
        return "running" in self.statuses()

    @abstractmethod
    def make_newer(self) -> None:
        """Mark the store as one of format 99."""


@dataclass
class Kept:
    """A world, and the store that its state is in."""

    world: World
    state: State


class SqliteState(State):
    """The embedded store, at its default place in a project's folder."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".tailrace" / "state.db"
        self.url = f"sqlite:///{self.path}"
        self.address = str(self.path)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with tempfile.TemporaryDirectory(dir=self.path.parent.parent) as folder:
            for suffix in ("-wal", ""):
                part = self.path.with_name(self.path.name + suffix)
                if part.exists():
                    shutil.copy(part, folder)
            copy = Path(folder) / self.path.name
            if not copy.exists():
                return []
            with contextlib.closing(sqlite3.connect(copy)) as connection:
                try:
                    return connection.execute(sql.format("")).fetchall()
                except sqlite3.OperationalError as error:
                    if "no such table" in str(error):
                        return []
                    raise

    def running(self) -> bool:
        try:
            return super().running()
        except sqlite3.DatabaseError:
            return False  # copied while it was being made

    def make_newer(self) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.execute("pragma user_version = 99")


class PostgresState(State):
    """A database of its own on the session's server."""

    kind = "postgresql"

    def __init__(self, server: StateServer, database: str) -> None:
        self.server = server
        self.database = database
        self.url = server.url(database)
        self.address = str(server.port)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.server.session(self.database) as cursor:
            _wait_for_dead_sessions(cursor)
            cursor.execute("select to_regnamespace('tailrace') is null")
            if cursor.fetchone() == (True,):
                return []
            cursor.execute(sql.format("tailrace."))
            return list(cursor.fetchall())

    def make_newer(self) -> None:
        with self.server.session(self.database) as cursor:
            cursor.execute("update tailrace.store set format = 99")


def _wait_for_dead_sessions(cursor: Any) -> None:
    """The server notices within a moment that a client was killed, and rolls back by itself.

    A session that lives and waits for its client has nothing open that this could hang on.
    """
    end = time.monotonic() + 10
    while time.monotonic() < end:
        cursor.execute(_SESSIONS + " and state not in ('idle')")
        if cursor.fetchone() == (0,):
            return


class StateServer(TemporaryPostgres):
    """A PostgreSQL server that can be stopped and started again on its port."""

    def __init__(self) -> None:
        super().__init__("postgres_of_states")
        self._databases = 0

    def url(self, database: str, *, user: str | None = None) -> str:
        parts = urlsplit(self.dsn)
        place = parts.netloc if user is None else f"{user}:{self.password}@{self.host}:{self.port}"
        return urlunsplit((parts.scheme, place, f"/{database}", "", ""))

    @contextlib.contextmanager
    def session(self, database: str) -> Iterator[Any]:
        """A cursor; each statement is a transaction of its own."""
        with contextlib.closing(psycopg2.connect(self.url(database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def new_state(self) -> PostgresState:
        """A new database, with nothing in it."""
        self._databases += 1
        name = f"state_{self._databases}"
        with self.session(self.database) as cursor:
            cursor.execute(f"create database {name}")
        return PostgresState(self, name)

    def halt(self) -> None:
        """Stop the server and keep its data: clients are dropped."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=20)

    def is_halted(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def resume(self) -> None:
        """Start it again, on the port that it had."""
        assert self._folder is not None
        tools = temporary_postgres._Tools(
            temporary_postgres.find_binaries(),
            temporary_postgres._server_account(),
            self.password,
        )
        settings = {**temporary_postgres._SETTINGS, "port": str(self.port)}
        self._process = tools.launch(self._folder, self._folder / "server.log", settings)
        ready = self._wait_until_ready(self._process, self._folder / "data" / "postmaster.pid")
        assert ready, (self._folder / "server.log").read_text(encoding="utf-8")
