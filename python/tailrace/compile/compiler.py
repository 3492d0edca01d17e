"""Compiles one sync of a loaded project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.compile.compiled import Compiled
from tailrace.compile.select import SelectBuilder
from tailrace.compile.sync_spec import sync_spec
from tailrace.dbt.reference import parse_reference
from tailrace.dbt.resolve import Relation, resolve
from tailrace.dbt.target import mismatch
from tailrace.errors import ConfigError
from tailrace.warehouses import open_warehouse

if TYPE_CHECKING:
    from tailrace.connections.base import Destination
    from tailrace.errors import Problem
    from tailrace.spec.document import Section
    from tailrace.spec.loading import LoadedProject
    from tailrace.spec.sync import Sync


def compile_sync(project: LoadedProject, name: str) -> Compiled:
    """Compile the sync `name`.

    Raises:
        ConfigError: Something of it is wrong; as many problems as can be seen are told together.
        SourceError: The warehouse cannot be asked for the model's columns.
    """
    return compile_section(project, *project.sync(name))


def compile_section(project: LoadedProject, sync: Sync, section: Section) -> Compiled:
    """The same for a sync that was read already."""
    problems: list[Problem] = []
    warehouse: dict[str, Any] = {}
    destination: Destination | None = None
    relation: Relation | None = None
    try:
        warehouse = project.warehouse(sync, section)
        relation = _relation(project, sync, section, warehouse)
    except ConfigError as error:
        problems.extend(error.problems)
    try:
        destination = project.destination(sync, section)
    except ConfigError as error:
        problems.extend(error.problems)
    if problems or destination is None:
        raise ConfigError.of(problems)
    state = project.state
    with open_warehouse(warehouse) as describer:
        selection = SelectBuilder(
            sync,
            section,
            warehouse["kind"],
            describer,
            relation=relation.name if relation else None,
            default_key=relation.key if relation else (),
        ).build()
    return Compiled(
        sync=sync.name,
        project=project.file.name,
        select=selection.sql,
        warehouse=warehouse,
        connection=destination.core_dict(sync.destination),
        state=state,
        spec=sync_spec(sync, destination, selection),
    )


def _relation(
    project: LoadedProject, sync: Sync, section: Section, warehouse: dict[str, Any]
) -> Relation | None:
    if sync.model.ref is None:
        return None
    if project.manifest is None:
        raise section.error(
            f"{sync.model.ref} needs dbt's manifest: set dbt: {{manifest: …}} in tailrace.yml",
            "model",
        )
    try:
        relation = resolve(project.manifest, parse_reference(sync.model.ref))
    except LookupError as error:
        raise section.error(str(error), "model") from None
    wrong = mismatch(project.manifest, relation, warehouse)
    if wrong is not None:
        raise section.error(wrong, "model")
    return relation
