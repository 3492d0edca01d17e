"""`tailrace status`: the last runs of each sync, its rejected rows, and where its state is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli import projects, streams
from tailrace.cli.options import common, of_syncs
from tailrace.cli.table import table

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tailrace.cli.settings import Settings
    from tailrace.project import Project

_HEAD = ("started", "status", "scanned", "planned", "accepted", "rejected", "requests", "run")


@click.command("status")
@of_syncs
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Runs of each sync.",
)
@common
def command(
    settings: Settings,
    *,
    directory: Path,
    target: str | None,
    selectors: tuple[str, ...],
    limit: int,
) -> int:
    """Show the last runs of each sync, how many rows are rejected, and the state store's id.

    Ends with 7 where the state store that was used before is gone or corrupt.
    """
    from tailrace.cli.attempts import attempt_all, exit_code

    project = projects.load(directory, target)
    names = projects.chosen(project, selectors)
    made = attempt_all(settings, names, lambda name: _sync(project, name, limit))
    found = [one.value or {**_nothing(one.sync), "error": one.failure()} for one in made]
    settings.result("\n".join(_words(sync) for sync in found), {"syncs": found})
    return exit_code(made)


def _nothing(name: str) -> dict[str, Any]:
    return {"sync": name, "store_id": None, "rejected": None, "runs": []}


def _sync(project: Project, name: str, limit: int) -> dict[str, Any]:
    """What is known of one sync. Raises TailraceError."""
    from tailrace.errors import StateLost

    try:
        runs = project.runs(name, limit)
        rejected = len(project.rejected(name))
    except StateLost:
        if projects.remembers(project):
            raise
        return {**_nothing(name), "rejected": 0}
    return {"sync": name, "store_id": _store_id(runs), "rejected": rejected, "runs": runs}


def _store_id(runs: list[dict[str, Any]]) -> str | None:
    for run in runs:
        store_id = ((run.get("report") or {}).get("state") or {}).get("store_id")
        if store_id:
            return str(store_id)
    return None


def _words(sync: dict[str, Any]) -> str:
    rejected = "unknown" if sync["rejected"] is None else f"{sync['rejected']:,}"
    store = f", state store {streams.visible(sync['store_id'])}" if sync["store_id"] else ""
    title = f"{sync['sync']}: {rejected} rejected rows{store}"
    if not sync["runs"]:
        return f"{title}\n  no runs yet"
    return f"{title}\n{table(_HEAD, [_row(run) for run in sync['runs']], 2)}"


def _row(run: dict[str, Any]) -> list[object]:
    report = run.get("report") or {}
    counts = report.get("counts") or {}
    kinds = [counts.get(kind) for kind in ("added", "changed", "removed")]
    planned = sum(count or 0 for count in kinds) if any(n is not None for n in kinds) else None
    return [
        run["started_at"],
        run["status"],
        counts.get("scanned"),
        planned,
        counts.get("accepted"),
        counts.get("rejected"),
        (report.get("http") or {}).get("requests"),
        run["run_id"],
    ]
