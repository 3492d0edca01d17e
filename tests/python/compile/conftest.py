"""Builds the SELECT of a sync over a real DuckDB file, or over columns that are given."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tailrace.compile.select import SelectBuilder, Selection
from tailrace.spec.document import read_document
from tailrace.spec.sync import Sync
from tailrace.spec.validation import expand_section, validate
from tailrace.warehouses.base import ModelColumn
from tailrace.warehouses.duckdb import DuckDbWarehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Columns:
    """A warehouse that has these columns and takes every query."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[str] = []

    def describe(self, select: str) -> list[ModelColumn]:
        self.asked.append(select)
        return [ModelColumn(name, "text", "text") for name in self.names]


def built(text: str, describer: Any, dialect: str = "duckdb", **more: Any) -> Selection:
    """The selection of the sync in `text`."""
    problems: list[Any] = []
    section = read_document(text.encode(), "syncs/a.yml").section()
    section = expand_section(section, {}, Counter(), problems)
    sync = validate(Sync, section, problems)
    assert sync is not None, problems
    return SelectBuilder(sync, section, dialect, describer, **more).build()


@pytest.fixture
def build() -> Callable[..., Selection]:
    """`built`, for tests."""
    return built


@pytest.fixture
def columns() -> type[Columns]:
    """`Columns`, for tests."""
    return Columns


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDbWarehouse]:
    """A file with a table of users, a copy of it, and names that need quotes."""
    path = str(tmp_path / "lab.duckdb")
    connection = duckdb.connect(path)
    connection.execute('CREATE TABLE users (id INT, "Mail" VARCHAR, score DOUBLE, segment VARCHAR)')
    connection.execute("INSERT INTO users VALUES (1, 'a@b.c', 0.5, 'x'), (2, 'd@e.f', NULL, 'y')")
    connection.execute('CREATE SCHEMA "Odd ""S"; CREATE TABLE "Odd ""S"."T.x" AS FROM users')
    connection.close()
    with DuckDbWarehouse(path) as opened:
        yield opened
