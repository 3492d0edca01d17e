"""`tailrace init`: a project small enough to read, that runs against the sandbox as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.cli import streams
from tailrace.cli.options import common
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from tailrace.cli.settings import Settings

_PORT = 8080

_PROJECT = f"""\
name: first_project

connections:
  warehouse: {{type: duckdb, path: warehouse.duckdb}}
  hubspot:
    type: hubspot
    base_url: http://127.0.0.1:{_PORT}    # the sandbox; leave it out for HubSpot itself
    auth: {{token: any}}                  # then "${{env:HUBSPOT_TOKEN}}", never the token itself
"""

_SYNC = """\
name: people_to_hubspot
source: warehouse
model: {table: main.people}
key: id
destination: hubspot
object: contacts
match: email
fields:
  email: email
  firstname: first_name
  lifecyclestage: {sql: "case when orders > 1 then 'customer' else 'lead' end"}
"""

_TABLE = """\
create table people as
select * from (values
    (1, 'ada@example.com', 'Ada', 3),
    (2, 'grace@example.com', 'Grace', 1),
    (3, 'edsger@example.com', 'Edsger', 0)
) as rows(id, email, first_name, orders)
"""

_NEXT = f"""\
Next:
  tailrace sandbox --port {_PORT}     # in another shell: a HubSpot on this machine
  tailrace check
  tailrace plan
  tailrace run                     # run it twice: the second one has nothing to send"""


@click.command("init")
@click.option(
    "--project",
    "directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=".",
    help="The folder to write into, made where it is missing; default: the current one.",
)
@common
def command(settings: Settings, directory: Path) -> int:
    """Write a project of one sync, from a small DuckDB file to the sandbox's HubSpot.

    Nothing that is there already is touched.
    """
    files = {"tailrace.yml": _PROJECT, "syncs/people.yml": _SYNC}
    warehouse = directory / "warehouse.duckdb"
    there = [name for name in (*files, warehouse.name) if (directory / name).exists()]
    if there:
        raise ConfigError(f"{directory}: {', '.join(there)} is there already; nothing was written")
    try:
        _write_warehouse(warehouse)
        for name, content in files.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{directory}: {error.strerror or error}") from None
    written = [*files, warehouse.name]
    lines = [streams.visible(f"wrote {directory / name}") for name in written]
    settings.result("\n".join([*lines, _NEXT]), {"written": written})
    return 0


def _write_warehouse(path: Path) -> None:
    try:
        import duckdb
    except ModuleNotFoundError:
        raise ConfigError(
            "the project that init writes reads from DuckDB: pip install 'tailrace[duckdb]'"
        ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(_TABLE)
