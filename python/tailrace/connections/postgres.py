"""A PostgreSQL database: a warehouse, a destination, or both."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Any, Literal

from tailrace.connections.base import Can, Destination, OwnWarehouse, Wanted
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001

_TABLE = re.compile(r"[^.\0]+(\.[^.\0]+)?\Z")

# For ten thousand rows: half of it for sending them, half for the statements that write them.
_TIMEOUT_S = 180.0

_CAN = Can(
    modes=frozenset({"upsert", "update", "insert", "append", "mirror"}),
    removals=frozenset({"ignore", "delete", "clear"}),
    safeties=frozenset({"read_back", "park", "duplicate_ok"}),
    changed_fields=True,
)


class PostgresConnection(OwnWarehouse, Destination):
    """`dsn` is anything that libpq takes: a URL, or `key=value` pairs. As a destination its account
    is the host, the port and the database, whoever logs in; `max_in_flight` is the number of
    connections, four where it is left out."""

    type: Literal["postgres"]
    dsn: Secret

    def source(self, directory: str) -> dict[str, Any]:  # noqa: ARG002
        """The core reads it by itself."""
        return {"kind": "postgres", "dsn": self.dsn}

    def can(self, name: str) -> Can:  # noqa: ARG002
        """Rows are inserted, updated and deleted by one column of the table."""
        return _CAN

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Objects are tables."""
        yield from super().refusals(wanted)
        if not _TABLE.match(wanted.object):
            yield (
                ("object",),
                f"{wanted.object!r} is not the name of a table, as accounts or crm.accounts",
            )

    def core_dict(self, name: str) -> dict[str, Any]:
        """With the dsn, which `resolving.resolve` takes the account from."""
        core = super().core_dict(name)
        return {**core, "dsn": self.dsn, "timeout_s": self.timeout or _TIMEOUT_S}
