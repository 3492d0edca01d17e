"""PostgreSQL, which the core reads by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.connections.resolving import reveal
from tailrace.errors import SourceError
from tailrace.warehouses.base import ModelColumn, Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

APPLICATION = "tailrace"


class PostgresWarehouse:
    """Nothing is opened here: the core connects, and closes, for each question."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def describe(self, select: str) -> list[ModelColumn]:
        """Ask the core. Raises SourceError."""
        from tailrace import _core

        try:
            return [ModelColumn(*column) for column in _core.describe(self._dsn, select)]
        except _core.SourceError as error:
            message, configuration, code = error.args
            raise SourceError(message, configuration=configuration, code=code) from None

    def source(self, select: str, comment: str) -> Source:
        """The DSN and the query."""
        return Source(
            {
                "kind": "postgres",
                "dsn": self._dsn,
                "select": select,
                "application_name": APPLICATION,
                "comment": comment,
            }
        )

    def __enter__(self) -> PostgresWarehouse:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return


def open_warehouse(settings: Mapping[str, Any]) -> PostgresWarehouse:
    """`settings` has the `dsn`."""
    return PostgresWarehouse(reveal(settings["dsn"]))
