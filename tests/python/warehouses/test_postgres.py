"""PostgreSQL is left to the core; its errors become ours."""

from __future__ import annotations

import sys
import types

import pytest

import tailrace
from tailrace.errors import SourceError
from tailrace.secret import Secret
from tailrace.warehouses import open_warehouse
from tailrace.warehouses.base import ModelColumn

DSN = "postgresql://u:canary@127.0.0.1/lab"


class CoreSourceError(Exception):
    pass


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A core that knows one query."""

    def describe(dsn: str, sql: str) -> list[tuple[str, str, str]]:
        assert dsn == DSN
        if sql != "SELECT 1 AS a":
            raise CoreSourceError('relation "x" does not exist', True, "42P01")
        return [("a", "integer", "int4")]

    module = types.ModuleType("tailrace._core")
    module.describe = describe  # type: ignore[attr-defined]
    module.SourceError = CoreSourceError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tailrace._core", module)
    monkeypatch.setattr(tailrace, "_core", module, raising=False)
    return module


def test_columns_come_from_the_core(core: types.ModuleType) -> None:
    with open_warehouse({"kind": "postgres", "dsn": Secret(DSN)}) as warehouse:
        assert warehouse.describe("SELECT 1 AS a") == [ModelColumn("a", "integer", "int4")]


def test_an_error_keeps_its_kind_and_code(core: types.ModuleType) -> None:
    warehouse = open_warehouse({"kind": "postgres", "dsn": DSN})
    with warehouse, pytest.raises(SourceError, match="does not exist") as caught:
        warehouse.describe("SELECT * FROM x")
    assert caught.value.exit_code == 2
    assert caught.value.code == "42P01"
    assert "canary" not in repr(caught.value)


def test_the_source_goes_to_the_core(core: types.ModuleType) -> None:
    with open_warehouse({"kind": "postgres", "dsn": Secret(DSN)}) as warehouse:
        source = warehouse.source("SELECT 1 AS a", "tailrace sync=s")
    assert source.stream is None
    assert source.spec == {
        "kind": "postgres",
        "dsn": DSN,
        "select": "SELECT 1 AS a",
        "application_name": "tailrace",
        "comment": "tailrace sync=s",
    }
