"""Materialises the assets of the project in argv[1], as a run's process does; told to stop, it
prints how that ended."""

from __future__ import annotations

import sys

import dagster as dg
from conftest import make_assets

from dagster_tailrace import TailraceResource

try:
    ended = dg.materialize(
        [make_assets(sys.argv[1])],
        resources={"tailrace": TailraceResource(project_dir=sys.argv[1])},
        raise_on_error=False,
    )
except BaseException as error:  # noqa: BLE001  (told, whatever it is)
    print(f"raised {type(error).__name__}")  # noqa: T201
else:
    print(f"ended {ended.success}")  # noqa: T201
