"""The warehouse that a dbt project's `profiles.yml` names."""

from __future__ import annotations

from typing import Literal

from tailrace.connections.base import Warehouse
from tailrace.spec.values import Text  # noqa: TC001  (pydantic reads the annotation)


class DbtConnection(Warehouse):
    """`project_dir` is relative to the project; `target` left out is `dbt: {target}` of the
    project, else the profile's own. Read by `tailrace.dbt.profiles`, which knows the environment
    too."""

    type: Literal["dbt"]
    project_dir: Text = "."
    profiles_dir: Text | None = None
    profile: Text | None = None
    target: Text | None = None
