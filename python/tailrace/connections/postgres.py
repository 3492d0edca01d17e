"""A PostgreSQL warehouse."""

from __future__ import annotations

from typing import Any, Literal

from tailrace.connections.base import OwnWarehouse
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)


class PostgresConnection(OwnWarehouse):
    """`dsn` is anything that libpq takes: a URL, or `key=value` pairs."""

    type: Literal["postgres"]
    dsn: Secret

    def source(self, directory: str) -> dict[str, Any]:  # noqa: ARG002
        """The core reads it by itself."""
        return {"kind": "postgres", "dsn": self.dsn}
