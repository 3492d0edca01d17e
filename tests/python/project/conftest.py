"""A project in a folder of its own over a real DuckDB file, and a core that tells what it got."""

from __future__ import annotations

import json
import sys
import types
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import tailrace
from tailrace import _core as _real
from tailrace.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROJECT = """\
name: acme
connections:
  warehouse: {type: duckdb, path: lab.duckdb}
  crm:
    type: hubspot
    base_url: http://127.0.0.1:1/hubspot
    auth: {token: "${env:CRM_TOKEN}"}
"""
SYNC = """\
name: health
source: warehouse
model: {table: users}
key: id
destination: crm
object: contacts
match: email
mode: upsert
fields:
  email: mail
  score: score
  up: {sql: "upper(segment)"}
"""
ENVIRONMENT = {"CRM_TOKEN": "canary-token-5d1f"}


class Folder:
    """A project's folder. `write` replaces files; `load` reads the project."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = dict(ENVIRONMENT)
        self.write("tailrace.yml", PROJECT)
        self.write("syncs/health.yml", SYNC)
        connection = duckdb.connect(str(path / "lab.duckdb"))
        connection.execute("CREATE TABLE users (id INT, mail VARCHAR, score INT, segment VARCHAR)")
        connection.execute("INSERT INTO users VALUES (1, 'a@b.c', 5, 'x'), (2, 'd@e.f', 6, 'y')")
        connection.close()

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def load(self, target: str | None = None) -> Project:
        return Project.load(self.path, target=target, env=self.environment)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A project with one good sync, `health`."""
    return Folder(tmp_path)


def report(status: str = "done", **changes: Any) -> dict[str, Any]:
    """A run report as the core writes it."""
    names = (
        "scanned unchanged added changed removed invalid accepted rejected skipped pending "
        "unknown not_attempted"
    )
    return {
        "format": 1,
        "run_id": "r_1",
        "sync": "health",
        "status": status,
        "message": "",
        "started_at": "2026-01-01T00:00:00.000Z",
        "ended_at": "2026-01-01T00:00:01.000Z",
        "counts": dict.fromkeys(names.split(), 0) | {"scanned": 2, "added": 2, "accepted": 2},
        "http": {
            "requests": 1,
            "retries": 0,
            "rate_limited": 0,
            "bytes_sent": 10,
            "calls_left": None,
        },
        "seconds": {"read": 0.1, "diff": 0.1, "send": 0.1, "settle": 0.1},
        "peak_rss_bytes": 1,
        "not_before": None,
        "rejected_sample": [],
        "invalid_sample": [],
        "breaches": [],
        "state": {"store_id": "s1", "epoch": 3, "last_seq": 41, "in_doubt": 0},
        **changes,
    }


class FakeCore(types.ModuleType):
    """Stands for the extension where the extension is not what a test is about."""

    class SourceError(Exception):
        """As the extension's."""

    class StateLostError(RuntimeError):
        """As the extension's."""

    class StoreUnavailableError(RuntimeError):
        """As the extension's."""

    class FencedError(RuntimeError):
        """As the extension's."""

    def __init__(self) -> None:
        super().__init__("tailrace._core")
        self.result: dict[str, Any] = {"status": "done", "message": "", "report": report()}
        self.waits = 2
        self.during: Callable[[], None] = lambda: None
        self.specs: list[dict[str, Any]] = []
        self.rows: list[Any] = []
        self.cancelled = 0
        self.refuses = ""
        self.store_calls: list[tuple[Any, ...]] = []
        self.store_error: Exception | None = None
        self.fields: list[dict[str, Any]] | None = None
        self.settled = 1
        core = self

        class RunHandle:
            def __init__(self, spec: str, stream: Any = None) -> None:
                if core.refuses:
                    raise ValueError(core.refuses)
                core.specs.append(json.loads(spec))
                if stream is not None:
                    core.rows = sorted(stream.fetchall())
                self.left = core.waits

            def start(self) -> None:
                self.started = True

            def wait(self, seconds: float) -> bool:
                assert self.started
                assert seconds <= 0.2
                core.during()
                self.left -= 1
                return self.left < 0

            def progress(self) -> str:
                counts = dict.fromkeys(
                    ["planned", "accepted", "rejected", "unknown", "requests"], 0
                )
                return json.dumps({"phase": "read", "scanned": 1, "seconds": 0.5, **counts})

            def cancel(self) -> None:
                core.cancelled += 1

            def result(self) -> str:
                return json.dumps(core.result)

        self.RunHandle = RunHandle

    def _store(self, *call: Any) -> str:
        # Of an account's former name, which has a mark of its token, there is nothing.
        former = [part for part in call[3:4] if "#" in str(part)]
        if former and call[0] != "reset":
            return "[]"
        self.store_calls.append(call)
        if self.store_error is not None:
            raise self.store_error
        return json.dumps([{"run_id": "r_1"}])

    def store_runs(self, url: str, sync: str, limit: int) -> str:
        return self._store("runs", url, sync, limit)

    def store_rejected(self, *call: str) -> str:
        return self._store("rejected", *call)

    def store_reset(self, *call: str) -> None:
        self._store("reset", *call)

    def store_log(self, *call: Any) -> str:
        return self._store("log", *call)

    def store_retry(self, *call: Any) -> int:
        return self.settled * len(json.loads(self._store("retry", *call)))

    def store_deliver(self, *call: Any) -> bool:
        return self.settled * len(json.loads(self._store("deliver", *call))) > 0

    def store_note_fields(self, *call: str) -> None:
        self._store("note_fields", *call)

    def store_copy(self, *call: str) -> None:
        self._store("copy", *call)

    def read_object(
        self, connection: str, target: str, kind: str, state_url: str, match: str
    ) -> str:
        assert kind == "describe"
        assert state_url
        self.specs.append({"connection": json.loads(connection), "object": json.loads(target)})
        return json.dumps({"fields": self.fields, "account": None, "failure": None})

    def check_mapping(self, spec: str, fields_json: str, **rules: bool) -> str:
        """The core's own, with what `fields` leaves out."""
        plain = {"writable": True, "required": False, "unique": True}
        plain |= {"takes": "anything", "max_length": None, "options": []}
        fields = [{**plain, **one} for one in json.loads(fields_json)]
        return _real.check_mapping(spec, json.dumps(fields), **rules)


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    """Put the fake in the extension's place."""
    module = FakeCore()
    monkeypatch.setitem(sys.modules, "tailrace._core", module)
    monkeypatch.setattr(tailrace, "_core", module, raising=False)
    return module


@pytest.fixture
def make_report() -> Callable[..., dict[str, Any]]:
    """`report`, for tests."""
    return report
