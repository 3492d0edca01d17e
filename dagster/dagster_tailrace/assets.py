"""`@tailrace_assets`: the syncs of a project as the assets of one op."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import dagster as dg

from dagster_tailrace.events import check_specs
from dagster_tailrace.translator import SYNC_KEY, DagsterTailraceTranslator, identifier
from tailrace import Project

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from tailrace.sync_data import SyncData

Patterns = str | list[str] | tuple[str, ...]


def tailrace_assets(
    *,
    project: str | os.PathLike[str] | Project,
    target: str | None = None,
    select: Patterns = (),
    exclude: Patterns = (),
    dagster_tailrace_translator: DagsterTailraceTranslator | None = None,
    name: str | None = None,
    pool: str | None = None,
    op_tags: Mapping[str, Any] | None = None,
    retry_policy: dg.RetryPolicy | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Make one op of a project's syncs, an asset and two checks each; the decorated function runs
    them with `yield from tailrace.run(context=context)`.

    Reads the project's files and dbt's manifest, and no variable of a connection.

    Args:
        project: The folder with tailrace.yml, or a project loaded already.
        target: One of the project's targets, for a folder.
        select: Names, globs or `tag:x`; left out, all syncs.
        exclude: The same for syncs to leave out.
        dagster_tailrace_translator: Says how syncs become assets.
        name: The op's name; left out, made of the project's name and the selection.
        pool: The op's pool; left out, `tailrace_<destination>` where all syncs share one. A pool
            counts ops, not requests: the vendor's limit is kept without one.
        op_tags: Tags of the op.
        retry_policy: For failures that may be retried; a rejected row or a refused plan is not.

    Raises:
        ConfigError: The project is wrong, or a pattern fits no sync.
        DagsterInvalidDefinitionError: No sync is left, or two have one asset key.
    """
    loaded = project if isinstance(project, Project) else Project.load(project, target=target)
    names = _selected(loaded, select, exclude)
    syncs = loaded.sync_data(names)
    specs = _specs(syncs, dagster_tailrace_translator or DagsterTailraceTranslator())
    return dg.multi_asset(
        name=name or _op_name(syncs[0].project, names, target),
        specs=specs,
        check_specs=[check for spec in specs for check in check_specs(spec.key)],
        can_subset=True,
        pool=pool or _pool(syncs),
        op_tags=op_tags,
        retry_policy=retry_policy,
    )


def _selected(project: Project, select: Patterns, exclude: Patterns) -> list[str]:
    left_out = set(project.select(_listed(exclude))) if exclude else set()
    names = [name for name in project.select(_listed(select)) if name not in left_out]
    if not names:
        raise dg.DagsterInvalidDefinitionError(
            f"no sync of the project in {project.directory} is selected"
        )
    return names


def _listed(patterns: Patterns) -> list[str]:
    return [patterns] if isinstance(patterns, str) else list(patterns)


def _specs(syncs: Sequence[SyncData], translator: DagsterTailraceTranslator) -> list[dg.AssetSpec]:
    specs: dict[dg.AssetKey, dg.AssetSpec] = {}
    owners: dict[dg.AssetKey, SyncData] = {}
    for sync in syncs:
        spec = translator.get_asset_spec(sync)
        if spec.key in specs:
            raise dg.DagsterInvalidDefinitionError(
                f"the syncs {_told(owners[spec.key])} and {_told(sync)} have one asset key, "
                f"{spec.key.to_user_string()}: give one of them another in get_asset_spec"
            )
        owners[spec.key] = sync
        specs[spec.key] = spec.replace_attributes(
            metadata={**spec.metadata, SYNC_KEY: sync.name},
            # What is not skippable counts as materialised although nothing was delivered.
            skippable=True,
        )
    return list(specs.values())


def _told(sync: SyncData) -> str:
    return f"{sync.name!r} ({sync.file}{'' if sync.line is None else f':{sync.line}'})"


def _op_name(project: str, names: Sequence[str], target: str | None) -> str:
    chosen = "\0".join([target or "", *names])
    return f"tailrace_{identifier(project)}_{hashlib.sha256(chosen.encode()).hexdigest()[:8]}"


def _pool(syncs: Sequence[SyncData]) -> str | None:
    destinations = {sync.destination for sync in syncs}
    return f"tailrace_{identifier(destinations.pop())}" if len(destinations) == 1 else None
