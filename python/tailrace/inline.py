"""A sync that stands in Python alone, without a project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.project import Project
from tailrace.spec.inputs import InputFile, Inputs

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from tailrace.report import RunReport
    from tailrace.run_options import RunArguments


def run(
    sync_spec: Mapping[str, Any],
    *,
    connections: Mapping[str, Mapping[str, Any]],
    state: str | None = None,
    name: str = "inline",
    directory: str | os.PathLike[str] = ".",
    env: Mapping[str, str] | None = None,
    **arguments: Unpack[RunArguments],
) -> RunReport:
    """Run a sync without a project: the mappings have the keys of sync and project files.

    `state` and relative paths are resolved from `directory`; the other arguments and what is
    raised are those of `Project.run`.
    """
    from tailrace.spec.document import Document

    root: dict[str, Any] = {"name": name, "connections": json.loads(json.dumps(connections))}
    if state is not None:
        root["state"] = state
    inputs = Inputs(Path(directory).resolve(), InputFile("connections", b""), ())
    project = Project(inputs, environment=env, document=Document("inline project", root))
    return project.run(sync_spec, **arguments)
