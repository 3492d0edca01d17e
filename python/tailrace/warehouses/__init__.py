"""Warehouses by kind. A new one is one file beside this one and one line of the table below."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.warehouses.base import OpenWarehouse

_MODULES = {"duckdb": "duckdb", "postgres": "postgres"}


def open_warehouse(settings: Mapping[str, Any]) -> OpenWarehouse:
    """Open the warehouse that `settings["kind"]` names; to be used in a `with`.

    Raises:
        SourceError: It cannot be reached.
    """
    module = import_module(f"tailrace.warehouses.{_MODULES[settings['kind']]}")
    opened: OpenWarehouse = module.open_warehouse(settings)
    return opened
