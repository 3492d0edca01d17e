"""SIGKILL in the middle of the second sync: nothing is lost, nothing is made twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tailrace.demo import cdnow, checking
from tailrace.demo.dbt_build import DbtBuild
from tailrace.demo.expected import model_rows
from tailrace.report import RunReport
from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.demo.expected import Rows

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "cdnow"
BATCH_ROWS = 100
LATENCY_MS = 120
MOST_S = 60.0


class Stage:
    """The example in a folder of its own, the sandbox, and runs as programs of their own."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.environment = {
            **cdnow.own_environment(os.environ),
            **cdnow.duckdb_environment(folder),
            "HUBSPOT_BASE_URL": sandbox.url,
            "HUBSPOT_TOKEN": "any",
        }

    def score(self, as_of: str) -> Rows:
        """The model of a day, built by dbt."""
        with DbtBuild(self.folder / "dbt", as_of, self.environment) as build:
            build.finish()
        return model_rows(self.folder, self.environment)

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tailrace.cli", "run", "--json", "--target", "duckdb"]
        return subprocess.Popen(
            [*command, "--project", str(self.folder), "--select", cdnow.SYNC],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self) -> RunReport:
        """A run that must end well."""
        process = self.start()
        out, err = process.communicate(timeout=MOST_S)
        assert process.returncode == 0, err
        return RunReport.from_json(out)

    def requests(self) -> int:
        return int(self.sandbox.counters("hubspot")["total"])

    def writes(self) -> dict[str, int]:
        return self.sandbox.writes("hubspot", cdnow.OBJECT)

    def contacts(self) -> dict[str, Any]:
        state = self.sandbox.state(records=False, writes=False)
        return dict(state["vendors"]["hubspot"]["objects"][cdnow.OBJECT])

    def arrived(self, model: Rows) -> checking.Check:
        properties = cdnow.sandbox_settings(self.folder)["vendors"]["hubspot"]["properties"]
        kinds = properties[cdnow.OBJECT].items()
        numbers = [name for name, part in kinds if part["type"] == "number"]
        records = self.sandbox.records("hubspot", cdnow.OBJECT)
        return checking.arrived(records, model, cdnow.MATCH, numbers)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Slow enough for a kill half way, and without a rate limit, which would make it slower."""
    folder = tmp_path / "cdnow"
    cdnow.copy_example(EXAMPLE, folder)
    settings = cdnow.sandbox_settings(folder)
    settings["vendors"]["hubspot"]["limits"] = "none"
    with Sandbox({**settings, "latency_ms": LATENCY_MS}) as sandbox:
        yield Stage(folder, sandbox)


def kill_half_way(stage: Stage, requests: int) -> None:
    """Start a run and kill it when about half of its requests have come."""
    before = stage.requests()
    process = stage.start()
    end = time.monotonic() + MOST_S
    while stage.requests() - before < requests // 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGKILL


def wait_until_quiet(stage: Stage) -> None:
    """Requests of the dead process may still be at work in the sandbox."""
    end = time.monotonic() + MOST_S
    while stage.sandbox.counters("hubspot")["in_flight"]:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_customer_arrives_once_after_a_kill_in_the_second_sync(stage: Stage) -> None:
    january = stage.score(cdnow.DAYS[0])
    assert stage.run().counts.accepted == len(january)
    once = stage.writes()

    february = stage.score(cdnow.DAYS[1])
    changed = {key for key, row in february.items() if january[key] != row}
    kill_half_way(stage, len(changed) // BATCH_ROWS)
    wait_until_quiet(stage)
    half = {key for key, count in stage.writes().items() if count != once[key]}
    assert half < changed
    assert half, "the kill came before anything was written"
    assert not stage.arrived(february).ok

    again = stage.run()
    check = stage.arrived(february)
    assert check.ok, check.detail
    assert stage.contacts()["created"] == len(january)
    assert stage.contacts()["deleted"] == 0
    written = {key for key, count in stage.writes().items() if count != once[key]}
    assert written == changed
    # What was settled before the kill is not sent again; what was in flight is.
    assert again.counts.scanned == len(february)
    assert len(changed - half) <= again.counts.accepted < len(changed)

    before = stage.requests()
    last = stage.run()
    assert stage.requests() - before == last.http.requests
    # A row in doubt is sent until an answer came that no late request can undo: the report says so.
    assert last.counts.planned <= again.state.in_doubt
    assert stage.arrived(february).ok
    assert stage.contacts()["created"] == len(january)


def test_a_second_start_while_one_runs_is_busy(stage: Stage) -> None:
    stage.score(cdnow.DAYS[0])
    before = stage.requests()
    first = stage.start()
    end = time.monotonic() + MOST_S
    while stage.requests() == before:
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < end
        time.sleep(0.002)
    second = stage.start()
    out, _ = second.communicate(timeout=MOST_S)
    assert (second.returncode, json.loads(out)["status"]) == (4, "busy")
    out, err = first.communicate(timeout=MOST_S)
    assert first.returncode == 0, err
    assert RunReport.from_json(out).status == "done"
