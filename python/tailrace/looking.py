"""A first look at a real account: who it is, and the model's first rows beside their records.

Everything here only reads.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from tailrace import store_access
from tailrace.errors import SourceError
from tailrace.run_spec import query_comment
from tailrace.warehouses import open_warehouse

if TYPE_CHECKING:
    from tailrace.compile.compiled import Compiled
    from tailrace.project_files import ProjectFiles, SyncSpec

_ROWS = 3


@dataclass(frozen=True)
class SeenRow:
    """A row beside its record: `state` is equal, different, missing (there is no record yet) or
    unreadable; `fields` are those that differ."""

    key: str
    state: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """`account` is what the tool calls the login's own, empty where it does not say; `fields` the
    number that it tells of, None where it tells of none; `rows` the model's first three. `failure`
    says why something could not be read."""

    sync: str
    destination: str
    address: str
    object: str
    account: str
    fields: int | None
    rows: tuple[SeenRow, ...] = ()
    failure: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def look(files: ProjectFiles, sync: SyncSpec) -> Look:
    """Log in, ask whose account it is and what fields it has, and read three records.

    Raises:
        ConfigError, SourceError: The files or the model are wrong.
    """
    compiled = files.compiled(sync)
    connection = files.connection(compiled)
    owner = files.owner(compiled, connection)
    asked = (json.dumps(connection), json.dumps(compiled.spec["object"]))
    match = compiled.spec["columns"][compiled.spec["match"]]["name"]
    with store_access.store_errors() as core:
        account = json.loads(core.read_object(*asked, "account", owner.url, match))
        described = json.loads(core.read_object(*asked, "describe", owner.url, match))
    fields = described.get("fields")
    seen = Look(
        sync=compiled.sync,
        destination=str(compiled.connection["name"]),
        address=connection["base_url"],
        object=compiled.spec["object"]["name"],
        account=account["account"],
        fields=None if fields is None else len(fields),
        failure=account["failure"] or described["failure"] or "",
    )
    return seen if seen.failure else _with_rows(seen, compiled, connection, owner.url)


def _with_rows(look_so_far: Look, compiled: Compiled, connection: dict[str, Any], url: str) -> Look:
    from tailrace import _core

    first = f"select * from (\n{compiled.select}\n) as first_rows limit {_ROWS}"
    with open_warehouse(compiled.warehouse) as warehouse:
        source = warehouse.source(first, query_comment(compiled.sync, {}))
        spec = json.dumps({**compiled.spec, "source": source.spec})
        try:
            text = _core.look_at_rows(json.dumps(connection), spec, url, source.stream)
        except _core.SourceError as error:
            message, configuration, code = error.args
            raise SourceError(message, configuration=configuration, code=code) from None
    told = json.loads(text)
    rows = tuple(SeenRow(one["key"], one["state"], tuple(one["fields"])) for one in told["rows"])
    return replace(look_so_far, rows=rows, failure=told["failure"] or "")
