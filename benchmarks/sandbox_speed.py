"""How fast the sandbox is with its limits off: `python benchmarks/sandbox_speed.py`.

50,000 rows go to each of three vendors at once, by the vendors' own largest requests and jobs, each
sync a process. The sandbox is a process of its own, which works on one core; what its processor
time was tells more than the seconds on a machine that does something else besides.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from sandbox_program import sandbox_program

MOST_S = 10.0
ROWS = 50_000
# What a connection and a sync need, and the names of the fields.
VENDORS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str, str]]] = {
    "salesforce": (
        {"instance_url": "${env:SANDBOX}", "auth": {"token": "any"}},
        {"object": "Account"},
        ("External_Id__c", "Name", "AnnualRevenue"),
    ),
    "zendesk": (
        {"base_url": "${env:SANDBOX}", "auth": {"email": "a@acme.test", "api_token": "any"}},
        {"object": "users"},
        ("external_id", "name", "user_fields.score"),
    ),
    "marketo": (
        {"base_url": "${env:SANDBOX}", "auth": {"client_id": "app", "client_secret": "any"}},
        {"object": "leads"},
        ("accountId", "lastName", "score"),
    ),
}
SANDBOX = {
    "vendors": {
        "salesforce": {"limits": "none"},
        "zendesk": {"limits": "none", "fields": {"users": {"score": "decimal"}}},
        "marketo": {"limits": "none", "fields": {"accountId": "string", "score": "float"}},
    },
    "log_size": 100,
}
FAST = [{"requests": 100_000, "per": "1s"}]


def write_project(folder: Path, rows: int) -> None:
    """The model, and a sync of it to each vendor."""
    with duckdb.connect(str(folder / "people.duckdb")) as connection:
        made = "select 'a' || i as id, 'Name ' || i as name, i / 8 as score from range(?) t(i)"
        connection.execute(f"create table people as {made}", [rows])
    connections: dict[str, Any] = {"warehouse": {"type": "duckdb", "path": "people.duckdb"}}
    syncs = []
    for name, (connection_part, sync_part, fields) in VENDORS.items():
        connections[name] = {"type": name, "limits": FAST, **connection_part}
        sync = {"name": f"to_{name}", "source": "warehouse", "model": {"table": "people"}}
        named = dict(zip(fields, ("id", "name", "score"), strict=True))
        sync |= {"key": "id", "destination": name, "match": fields[0], "fields": named, **sync_part}
        syncs.append(sync)
    root = json.dumps({"name": "speed", "connections": connections})
    (folder / "tailrace.yml").write_text(root, encoding="utf-8")
    (folder / "syncs").mkdir()
    (folder / "syncs" / "all.yml").write_text(json.dumps(syncs), encoding="utf-8")


def run(folder: Path, url: str, vendor: str) -> dict[str, Any]:
    """The report of one sync, a process of its own."""
    command = [sys.executable, "-m", "tailrace.cli", "-q", "run", "--json"]
    command += ["--project", str(folder), "--select", f"to_{vendor}"]
    environment = {**os.environ, "SANDBOX": url}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{vendor} ended with {ended.returncode}: {ended.stderr}")
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def processor_s(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """One go: requests by vendor, seconds from start to exit, the sandbox's processor time."""

    requests: dict[str, int]
    took_s: float
    used_s: float


def measure(rows: int, folder: Path) -> Measured:
    """Sends so many rows to each vendor, all at once.

    Raises:
        RuntimeError: a run failed, or not every row arrived.
    """
    write_project(folder, rows)
    with sandbox_program(folder, SANDBOX) as (url, pid), ThreadPoolExecutor(len(VENDORS)) as pool:
        used, began = processor_s(pid), time.monotonic()
        reports = list(pool.map(lambda vendor: run(folder, url, vendor), VENDORS))
        took, used = time.monotonic() - began, processor_s(pid) - used
    if any(report["counts"]["accepted"] != rows for report in reports):
        raise RuntimeError("not every row arrived")
    requests = {
        vendor: report["http"]["requests"] for vendor, report in zip(VENDORS, reports, strict=True)
    }
    return Measured(requests, took, used)


def main() -> int:
    parser = argparse.ArgumentParser(description="50,000 rows to three vendors' stand-ins.")
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        told = measure(rows, Path(folder))
    for vendor, requests in told.requests.items():
        print(f"{vendor:11} {rows:7,} rows  {requests:5,} requests")
    used = f"{told.used_s:.1f} s of the sandbox's processor time"
    print(f"{told.took_s:.1f} s from start to exit, {used}")
    return int(told.took_s > MOST_S)


if __name__ == "__main__":
    sys.exit(main())
