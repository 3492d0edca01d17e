"""`tailrace schema`: the configuration's JSON Schema, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import streams
from tailrace.cli.options import common

if TYPE_CHECKING:
    from tailrace.cli.settings import Settings


@click.command("schema")
@common
def command(settings: Settings) -> int:  # noqa: ARG001  (it prints JSON with --json and without)
    """Print one JSON Schema for tailrace.yml and for the files in syncs/.

    `#/$defs/project` is the one, `#/$defs/syncs` the other; the whole takes either.
    """
    from tailrace.spec.schema import json_schema

    streams.write_json(json_schema())
    return 0
