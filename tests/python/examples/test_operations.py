"""examples/operations: what its README says happens, in a PostgreSQL of its own and the sandbox."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
import yaml
from shop import EXAMPLES, Shop, opened, settings

from tailrace.demo.temporary_postgres import TemporaryPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYNCS = ("cards_to_points", "customers_to_application")
CUSTOMERS, MORE, CHANGED = 10_843, 197, 1_354
"""At the end of January 1998, and what February adds and changes."""


@pytest.fixture
def server() -> Iterator[TemporaryPostgres]:
    with TemporaryPostgres("application") as made:
        schema = (EXAMPLES / "operations" / "schema.sql").read_text(encoding="utf-8")
        with closing(psycopg2.connect(made.dsn)) as connection, connection:
            connection.cursor().execute(schema)
        yield made


@pytest.fixture
def shop(tmp_path: Path, server: TemporaryPostgres) -> Iterator[Shop]:
    environment = {
        "SHOP_DUCKDB": str(tmp_path / "operations" / "shop.duckdb"),
        "APPLICATION_DSN": server.dsn,
        "POINTS_URL": "$URL/rest",
        "POINTS_TOKEN": "key-of-the-sandbox",
    }
    with opened("operations", "rest", tmp_path, **environment) as made:
        yield made


def table(server: TemporaryPostgres) -> dict[str, tuple[object, ...]]:
    with closing(psycopg2.connect(server.dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select customer_id, orders, spent, tier from shop.customers")
        return {row[0]: row[1:] for row in cursor.fetchall()}


def test_the_way_of_the_readme(shop: Shop, server: TemporaryPostgres) -> None:
    shop.load("1998-01-31")
    assert shop.project().check() == []
    first = shop.run(SYNCS)
    assert {counts.accepted for counts in first.values()} == {CUSTOMERS}
    assert len([one for one in shop.log() if one["rows"]]) == -(-CUSTOMERS // 500)

    shop.load("1998-02-28")
    second = shop.run(SYNCS)
    assert {(counts.added, counts.changed) for counts in second.values()} == {(MORE, CHANGED)}
    asked = len(shop.log())
    assert {counts.accepted for counts in shop.run(SYNCS).values()} == {0}
    assert len(shop.log()) == asked

    written = table(server)
    assert len(written) == CUSTOMERS + MORE
    assert {tier for _, _, tier in written.values()} == {"gold", "silver", "bronze"}
    found = shop.project().verify(SYNCS[1])
    assert (found.equal, found.missing, found.different) == (CUSTOMERS + MORE, 0, 0)


def test_the_api_of_the_sandbox_is_the_one_that_is_declared() -> None:
    text = (EXAMPLES / "operations" / "tailrace.yml").read_text(encoding="utf-8")
    declared = yaml.safe_load(text)["connections"]["points"]["objects"]["cards"]
    served = settings("operations")["vendors"]["rest"]["objects"]["cards"]
    assert served.pop("key") == "number"
    assert served == declared


def test_the_numbers_of_the_readme_are_those_above() -> None:
    text = (EXAMPLES / "operations" / "README.md").read_text(encoding="utf-8")
    assert f"{CUSTOMERS:,} rows and {CUSTOMERS:,} cards added" in text
    assert f"{MORE:,} customers more, {CHANGED:,} changed" in text
