"""A first look at an account in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.cli.streams import visible
from tailrace.cli.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.looking import Look


def show_look(seen: Look) -> str:
    """Who the login is, then the rows."""
    return "\n".join(_lines(seen))


def _lines(seen: Look) -> Iterator[str]:
    where = f" at {visible(seen.address)}" if seen.address else ""
    yield f"{visible(seen.sync)}: {visible(seen.destination)}{where}, nothing was written"
    if seen.account:
        yield f"  logged in; the account is {visible(seen.account)}"
    if seen.fields is not None:
        yield f"  {visible(seen.object)} has {seen.fields:,} fields"
    if seen.failure:
        yield f"  {visible(seen.failure)}"
    elif seen.rows:
        rows = [[row.key, row.state, ", ".join(row.fields)] for row in seen.rows]
        yield table(("key", "record", "fields that differ"), rows, 2)
