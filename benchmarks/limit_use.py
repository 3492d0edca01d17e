"""How much of a vendor's limit runs use: `python benchmarks/limit_use.py --form sliding`.

Starts the sandbox in a process of its own with HubSpot's limit of 190 requests in 10 seconds on,
in the form that is asked for, and one or ten runs of one account beside it, each a process. The
sandbox's log is the judge: requests that it let through in the time from the first on, and those
that it refused.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from sandbox_program import sandbox_program

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 190
WINDOW_S = 10.0
ROWS_A_REQUEST = 100
FORMS = ("fixed", "sliding", "leaky")


@dataclass(frozen=True)
class Use:
    """What the sandbox saw."""

    form: str
    processes: int
    seconds: float
    passed: int
    refused: int

    @property
    def share(self) -> float:
        """Of the requests that the limit allows in that time."""
        return self.passed / (LIMIT * self.seconds / WINDOW_S)

    def line(self) -> str:
        return (
            f"{self.form:8} {self.processes:3} processes {self.seconds:4.0f} s  "
            f"{self.passed:5} requests  {self.share:7.1%}  {self.refused} times 429"
        )


def measure(form: str, processes: int, seconds: float, folder: Path) -> Use:
    """Run it once.

    Raises:
        RuntimeError: a run ended early, or the log is too short to tell.
    """
    make_project(folder, processes, seconds)
    settings = sandbox_settings(form)
    with sandbox_program(folder, settings) as (url, _), running(folder, processes, url) as runs:
        first = _until_first(url, runs)
        _wait(url, runs, first, seconds)
        entries = _entries(url)
    span = [one for one in entries if one["at_ms"] < first + seconds * 1000]
    if entries[0]["number"] != 1:
        raise RuntimeError("the sandbox's log has lost its first requests")
    refused = sum(one["status"] == 429 for one in entries)
    passed = sum(one["status"] != 429 for one in span)
    return Use(form, processes, seconds, passed, refused)


def make_project(folder: Path, processes: int, seconds: float) -> None:
    """A model with rows for somewhat longer, and a sync for each process."""
    rows = int(LIMIT * (seconds / WINDOW_S + 3) * ROWS_A_REQUEST)
    rows *= min(processes, 2)  # of several, one may get more than its share of the limit
    with duckdb.connect(str(folder / "people.duckdb")) as connection:
        connection.execute(
            "create table people as select 'p' || i || '@example.com' as email, i as n "
            f"from range({rows}) as t(i)"
        )
    connections = {
        "warehouse": {"type": "duckdb", "path": "people.duckdb"},
        "hubspot": {
            "type": "hubspot",
            "base_url": "${env:SANDBOX}",
            "auth": {"token": "token-5d0c"},
            "tier": "professional",
        },
    }
    syncs = [
        {
            "name": f"people_{index}",
            "source": "warehouse",
            "model": {"sql": f"select email, n from people where n % {processes} = {index}"},
            "key": "email",
            "destination": "hubspot",
            "object": "contacts",
            "match": "email",
            "fields": {"email": "email", "firstname": {"sql": "cast(n as varchar)"}},
        }
        for index in range(processes)
    ]
    (folder / "syncs").mkdir()
    root = {"name": "limit_use", "connections": connections}
    (folder / "tailrace.yml").write_text(json.dumps(root), encoding="utf-8")
    (folder / "syncs" / "people.yml").write_text(json.dumps(syncs), encoding="utf-8")


def sandbox_settings(form: str) -> dict[str, Any]:
    """The limit in this form, and every request remembered."""
    limits = {"max": LIMIT, "interval_ms": int(WINDOW_S * 1000), "kind": form}
    return {"vendors": {"hubspot": {"limits": limits}}, "log_size": 100_000}


@contextlib.contextmanager
def running(folder: Path, processes: int, url: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The runs, ended with the block."""
    environment = {**os.environ, "SANDBOX": url}
    runs: list[subprocess.Popen[bytes]] = []
    try:
        for index in range(processes):
            command = [sys.executable, "-m", "tailrace.cli", "-q", "run"]
            command += ["--project", str(folder), "--select", f"people_{index}"]
            with (folder / f"run_{index}.log").open("wb") as log:
                runs.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        yield runs
    finally:
        for run in runs:
            _end(run)


def _end(process: subprocess.Popen[Any]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _state(url: str, last: int) -> dict[str, Any]:
    asked = f"{url}/__state?log={last}&records=false&writes=false"
    with urllib.request.urlopen(asked, timeout=30) as answer:
        state: dict[str, Any] = json.load(answer)
    return state


def _entries(url: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = _state(url, 100_000)["log"]
    return entries


def _until_first(url: str, runs: list[subprocess.Popen[bytes]]) -> float:
    """When the first request arrived, by the sandbox's clock."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        entries = _state(url, 1)["log"]
        if entries:
            return float(_entries(url)[0]["at_ms"])
        _check(runs)
        time.sleep(0.2)
    raise RuntimeError("no request within a minute")


def _wait(url: str, runs: list[subprocess.Popen[bytes]], first: float, seconds: float) -> None:
    """Until the sandbox's clock is past the time; looks seldom, for looking costs it time too."""
    while _state(url, 1)["log"][-1]["at_ms"] < first + seconds * 1000:
        _check(runs)
        time.sleep(1)


def _check(runs: list[subprocess.Popen[bytes]]) -> None:
    for run in runs:
        if run.poll() is not None:
            raise RuntimeError(f"a run ended early, with {run.returncode}")


def main() -> int:
    parser = argparse.ArgumentParser(description="How much of a vendor's limit runs use.")
    parser.add_argument("--form", choices=[*FORMS, "all"], default="all")
    parser.add_argument("--processes", type=int, action="append")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    missed = False
    for processes in options.processes or [1, 10]:
        for form in FORMS if options.form == "all" else [options.form]:
            with tempfile.TemporaryDirectory() as folder:
                use = measure(form, processes, options.seconds, Path(folder))
            print(use.line(), flush=True)
            least = 0.98 if processes == 1 else 0.95
            missed = missed or use.refused > 0 or use.share < least
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
