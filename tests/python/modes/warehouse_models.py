"""Models in a warehouse of either kind, for what has to hold in both."""

from __future__ import annotations

import contextlib
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync_world import World

    from tailrace.demo.temporary_postgres import TemporaryPostgres


def ask(server: TemporaryPostgres, *statements: str) -> list[tuple[Any, ...]]:
    """Run SQL in a transaction; the rows of the last statement, where it gives any."""
    opened = contextlib.closing(psycopg2.connect(server.dsn))
    with opened as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def of_postgres(world: World, server: TemporaryPostgres, **changes: Any) -> None:
    """Let the sync read its model from `server`."""
    world.environment["WAREHOUSE"] = server.dsn
    write = world.write

    def with_postgres() -> None:
        write()
        path = world.folder / "tailrace.yml"
        root = json.loads(path.read_text(encoding="utf-8"))
        root["connections"]["warehouse"] = {"type": "postgres", "dsn": "${env:WAREHOUSE}"}
        path.write_text(json.dumps(root), encoding="utf-8")

    world.write = with_postgres  # type: ignore[method-assign]
    world.declare(**changes)


# A row of every kind of value; times fall into the hours that summer time takes and gives.
TYPED = """
select
  'p' || i as person_id,
  cast('2026-03-29 00:00:00+00' as timestamptz) + i * interval '7 minutes' as instant,
  cast('2026-10-25 01:59:59.123456' as timestamp) + i * interval '61 minutes' as moment,
  cast('2026-02-27' as date) + cast(i as integer) as day,
  cast(i as double precision) / 7 * 1e5 as ratio,
  cast(i * 1.2345 as numeric(14, 4)) as amount,
  i % 3 = 0 as flag,
  cast('{"n": ' || i || ', "all": [1, 2.50, "ÄÖ"]}' as json) as doc,
  i * interval '65 minutes' as span,
  cast('raw ' || i as bytea) as raw,
  'note ' || i || ' ÄÖ€' as note
from generate_series(0, 499) as t(i)
"""
ROWS = 500
VALUES = (
    *("person_id", "instant", "moment", "day", "ratio", "amount", "flag", "doc", "span", "raw"),
    "note",
)
# What the warehouse itself writes of them.
TEXTS = ("instant", "moment", "day", "ratio", "span", "raw")


class WarehouseModel(ABC):
    """The table `people`, which the sync of `world` reads."""

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows of the last statement, where it gives any."""

    def make_typed(self) -> None:
        """Make 500 rows of every kind of value, which the sync sends as they are and as text."""
        self.ask("drop table if exists people", f"create table people as {TYPED}")
        texts = ", ".join(f"cast({name} as varchar) as {name}_text" for name in TEXTS)
        names = (*VALUES, *(f"{name}_text" for name in TEXTS))
        self.world.declare(
            model={"sql": f"select *, {texts} from people"}, fields={name: name for name in names}
        )

    def rewrite(self, order: str, columns: str = "*") -> None:
        """Write the table anew, its rows in another order, and see that they are."""
        before = self.found()
        self.ask(
            f"create table anew as select {columns} from people order by {order}",
            "drop table people",
            "alter table anew rename to people",
        )
        assert sorted(before) == sorted(self.found())
        assert before != self.found()

    def found(self) -> list[tuple[Any, ...]]:
        """Keys in the order in which they are found."""
        return self.ask("select person_id from people")


class DuckDbModel(WarehouseModel):
    """The world's own."""

    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        import duckdb

        with duckdb.connect(str(self.world.folder / "people.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)
            return connection.fetchall()


class PostgresModel(WarehouseModel):
    """In a database of `server`."""

    def __init__(self, world: World, server: TemporaryPostgres) -> None:
        super().__init__(world)
        self.server = server
        of_postgres(world, server)
        ask(server, "drop table if exists people")

    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        return ask(self.server, *statements)

    @contextlib.contextmanager
    def session(self, owner: str, *settings: str) -> Iterator[str]:
        """Every new session begins so, as the role or the database has it; yields what a session
        shows of itself."""
        altered = f"alter {owner} {self.server.database if owner == 'database' else 'current_user'}"
        try:
            ask(self.server, *(f"{altered} set {one}" for one in settings))
            texts = ", ".join(f"cast({name} as text)" for name in TEXTS)
            yield repr(ask(self.server, f"select {texts} from people order by person_id"))
        finally:
            ask(self.server, f"{altered} reset all")
