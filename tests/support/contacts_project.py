"""A small project for tests of the orchestrators: people in DuckDB, contacts in the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from tailrace.report.run_report import Counts, HttpCounts, PhaseSeconds, RunReport, StateMark

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.sandbox import Sandbox

SYNC = "people_to_hubspot"
TOKEN = "canary-token-5d1f"
REFUSED_LEVEL = "nonsense"

PROJECT = """\
name: people
connections:
  warehouse: {type: duckdb, path: people.duckdb}
  crm:
    type: hubspot
    base_url: ${env:HUBSPOT_BASE_URL}
    auth: {token: "${env:HUBSPOT_TOKEN}"}
"""
FILE = """\
name: people_to_hubspot
description: Everybody we know.
tags: [crm]
source: warehouse
model: {table: people}
key: id
destination: crm
object: contacts
match: person_id
fields:
  person_id: id
  level: level
"""


def sandbox_settings(**changes: Any) -> dict[str, Any]:
    """An account with the fields of the sync, and without a rate limit."""
    properties = {
        "person_id": {"type": "string", "label": "Number", "unique": True},
        "level": {"type": "enumeration", "label": "Level", "options": ["low", "high"]},
    }
    hubspot = {"limits": "none", "properties": {"contacts": properties}}
    return {"vendors": {"hubspot": hubspot}, **changes}


def make_project(folder: Path, people: int, *, sync: str = "") -> Path:
    """A project with so many people; `sync` is more YAML for the sync's file."""
    (folder / "syncs").mkdir(parents=True)
    (folder / "tailrace.yml").write_text(PROJECT, encoding="utf-8")
    (folder / "syncs" / "people.yml").write_text(FILE + sync, encoding="utf-8")
    with duckdb.connect(str(folder / "people.duckdb")) as connection:
        connection.execute(
            "create table people as select i::varchar as id, 'low' as level from range(?) t(i)",
            [people],
        )
    return folder


def has_rows(sandbox: Sandbox) -> bool:
    """Whether a request with rows was answered, and not only questions before them."""
    return bool(sandbox.counters("hubspot")["by_op"].get("contacts.upsert"))


def change(folder: Path, statement: str) -> None:
    """Run SQL in the project's warehouse."""
    with duckdb.connect(str(folder / "people.duckdb")) as connection:
        connection.execute(statement)


def environment(sandbox: Sandbox) -> dict[str, str]:
    """The variables that the project's files name."""
    return {"HUBSPOT_BASE_URL": sandbox.url, "HUBSPOT_TOKEN": TOKEN}


def delivered(sandbox: Sandbox) -> dict[str, str]:
    """Levels of the account's contacts by the number of the person."""
    records = sandbox.records("hubspot", "contacts")
    return {record["values"]["person_id"]: record["values"]["level"] for record in records}


_NO_ROWS = dict.fromkeys(Counts.__dataclass_fields__, 0)


def make_report(status: str = "done", message: str = "", **changes: Any) -> RunReport:
    """A report of a run that nobody ran; counts by their own names, else the report's fields."""
    counts = {name: changes.pop(name) for name in list(changes) if name in _NO_ROWS}
    parts: dict[str, Any] = {
        "run_id": "r_20261122T195000_ab12cd",
        "sync": SYNC,
        "status": status,
        "message": message,
        "started_at": "2026-11-22T19:50:00.000Z",
        "ended_at": "2026-11-22T19:50:03.000Z",
        "counts": Counts(**{**_NO_ROWS, **counts}),
        "http": HttpCounts(7, 1, 0, 5_000, None),
        "seconds": PhaseSeconds(0.5, 0.25, 2.0, 0.25),
        "peak_rss_bytes": 80 << 20,
        "not_before": None,
        "rejected_sample": (),
        "invalid_sample": (),
        "breaches": (),
        "state": StateMark("5d1f", 1, 12, 0),
        **changes,
    }
    return RunReport(**parts)
