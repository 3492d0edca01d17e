"""The CDNOW customers as Dagster assets: dbt's models, and HubSpot's contacts made from them.

    dagster dev -f dagster/definitions.py

The day of the scores is CDNOW_AS_OF, left out: the variable `as_of` of dbt_project.yml. The other
environment variables are those that this example's README names.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from dagster_tailrace import TailraceResource, tailrace_assets

HOME = Path(__file__).resolve().parents[1]

dbt_project = DbtProject(project_dir=HOME / "dbt", profiles_dir=HOME / "dbt")
dbt_project.prepare_if_dev()


@dbt_assets(manifest=dbt_project.manifest_path)
def cdnow_models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    arguments = ["build"]
    if as_of := os.environ.get("CDNOW_AS_OF"):
        arguments += ["--vars", json.dumps({"as_of": as_of})]
    yield from dbt.cli(arguments, context=context).stream()


@tailrace_assets(project=HOME)
def cdnow_contacts(context: dg.AssetExecutionContext, tailrace: TailraceResource) -> Iterator[Any]:
    yield from tailrace.run(context=context)


defs = dg.Definitions(
    assets=[cdnow_models, cdnow_contacts],
    resources={
        "dbt": DbtCliResource(project_dir=dbt_project),
        "tailrace": TailraceResource(project_dir=str(HOME)),
    },
)
