"""What a sync is, read without asking the warehouse or the destination: for orchestrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tailrace.spec.document import Section
    from tailrace.spec.loading import LoadedProject
    from tailrace.spec.mapping import FieldSpec
    from tailrace.spec.sync import Sync
    from tailrace.spec.values import Amount


@dataclass(frozen=True, kw_only=True)
class SyncData:
    """A sync as its files say it; no variable of a connection is looked up for it.

    `destination` is the connection's name, `destination_type` its type, and `type_is_shared` says
    that the project has other connections of that type. `model` is how the file names it; `dbt` is
    its node or source in the index of dbt's manifest, None where the model is not dbt's. `columns`
    has the model's columns that each field is made of: none for a constant, and for an SQL
    expression those that could be found in it. `file` and `line` are where the sync stands. `after`
    names the syncs that go before it: where one of them ends unfinished, this one is not to start.
    """

    name: str
    project: str
    file: str
    line: int | None
    description: str | None
    tags: tuple[str, ...]
    destination: str
    destination_type: str
    type_is_shared: bool
    object: str
    match: str
    mode: str
    on_removed: str
    model: str
    dbt: dict[str, Any] | None
    columns: dict[str, tuple[str, ...]]
    guards: dict[str, Any]
    after: tuple[str, ...] = ()


def read_sync_data(loaded: LoadedProject, names: Iterable[str]) -> list[SyncData]:
    """The syncs `names`, in this order.

    Raises:
        ConfigError: One of them is wrong, or dbt's manifest is not there.
    """
    types = {
        section.path[-1]: section.value.get("type")
        for section in loaded.connection_sections()
        if isinstance(section.value, dict)
    }
    return [_read(loaded, types, name) for name in names]


def _read(loaded: LoadedProject, types: dict[str | int, Any], name: str) -> SyncData:
    sync, section = loaded.sync(name)
    kind = types.get(sync.destination)
    if not isinstance(kind, str):
        raise section.error(f"there is no connection {sync.destination!r}", "destination")
    model = sync.model
    return SyncData(
        name=sync.name,
        project=loaded.file.name,
        file=section.document.file,
        line=section.document.place((*section.path, "name"))[0],
        description=sync.description,
        tags=sync.tags,
        destination=sync.destination,
        destination_type=kind,
        type_is_shared=sum(other == kind for other in types.values()) > 1,
        object=sync.object,
        match=sync.match,
        mode=sync.effective_mode,
        on_removed=sync.effective_on_removed,
        model=model.ref or model.table or model.sql or "",
        dbt=_dbt_node(loaded, sync, section),
        columns=_lineage(sync),
        guards=_guards(sync),
        after=sync.after,
    )


def _dbt_node(loaded: LoadedProject, sync: Sync, section: Section) -> dict[str, Any] | None:
    from tailrace.dbt.reference import parse_reference
    from tailrace.dbt.resolve import resolve

    if sync.model.ref is None:
        return None
    manifest = loaded.manifest
    if manifest is None:
        raise section.error(f"{sync.model.ref} needs dbt's manifest", "model")
    try:
        found = resolve(manifest, parse_reference(sync.model.ref)).unique_id
    except LookupError as error:
        raise section.error(str(error), "model") from None
    node = manifest.nodes.get(found)
    return node if node is not None else {**manifest.sources[found], "resource_type": "source"}


def _lineage(sync: Sync) -> dict[str, tuple[str, ...]]:
    columns = {field: _columns(spec) for field, spec in sync.fields.items()}
    if sync.associate is not None:
        columns[sync.associate.name] = (sync.associate.column,)
    return columns


def _columns(field: FieldSpec) -> tuple[str, ...]:
    if field.column is not None:
        return (field.column,)
    if field.sql is None:
        return ()
    from sqlglot import exp

    from tailrace.compile.expression import parse_expression

    try:
        # The warehouse's dialect is known when it is opened; names of columns differ in none.
        parsed = parse_expression(field.sql, "")
    except ValueError:
        return ()
    return tuple(dict.fromkeys(column.name for column in parsed.find_all(exp.Column)))


def _guards(sync: Sync) -> dict[str, Any]:
    names = ("encoding", "max_added", "max_changed", "max_removed")
    limits = {name: getattr(sync.guards, name) for name in names}
    told: dict[str, Any] = {
        name: _amount(limit) for name, limit in limits.items() if limit is not None
    }
    jumps = {name: _amount(limit) for name, limit in sync.guards.max_null_jump.items()}
    if jumps:
        told["max_null_jump"] = jumps
    return {"allow_empty": sync.guards.allow_empty, **told}


def _amount(limit: Amount) -> str:
    return f"{limit.to_dict()['value']}{'%' if limit.percent else ''}"
