"""`tailrace.yml`: names, connections, targets."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.values import Name, Strict, Text


class DbtSettings(Strict):
    """Where dbt's manifest is, relative to the project; `target` is that of `type: dbt`
    connections that name none themselves."""

    manifest: Text = "target/manifest.json"
    target: Text | None = None


class TargetSection(Strict):
    """What another target replaces: whole connections by name, the state, dbt's settings."""

    state: Secret | None = None
    dbt: DbtSettings | None = None
    connections: dict[Name, dict[str, Any]] = Field(default_factory=dict)


class ProjectFile(Strict):
    """The project's own file. Each connection is read by the model of its type, when used."""

    name: Name
    state: Secret | None = None
    dbt: DbtSettings | None = None
    targets: dict[Name, TargetSection] = Field(default_factory=dict)
    connections: dict[Name, dict[str, Any]] = Field(default_factory=dict)
