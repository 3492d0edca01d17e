"""A project whose runs do what a script says, behind the command line's own door.

As a program it is `tailrace` with that project: the script is the JSON in FAKE_SYNCS.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace import errors
from tailrace.ordering import parents_first
from tailrace.report import Plan, Progress, RunReport, Trial, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

ZERO = {
    "scanned": 0,
    "unchanged": 0,
    "added": 0,
    "changed": 0,
    "removed": 0,
    "invalid": 0,
    "accepted": 0,
    "rejected": 0,
    "skipped": 0,
    "pending": 0,
    "unknown": 0,
    "not_attempted": 0,
}


def report_of(sync: str, status: str = "done", **changes: Any) -> RunReport:
    """A report; `counts` of `changes` are laid over zeros."""
    document: dict[str, Any] = {
        "format": 1,
        "run_id": "r_20260101T000000_abc123",
        "sync": sync,
        "status": status,
        "message": "",
        "started_at": "2026-01-01T00:00:00.000Z",
        "ended_at": "2026-01-01T00:00:02.000Z",
        "http": {
            "requests": 3,
            "retries": 0,
            "rate_limited": 0,
            "bytes_sent": 1234,
            "calls_left": None,
        },
        "seconds": {"read": 0.1, "diff": 0.2, "send": 1.5, "settle": 0.2},
        "peak_rss_bytes": 1 << 26,
        "not_before": None,
        "rejected_sample": [],
        "invalid_sample": [],
        "breaches": [],
        "state": {"store_id": "st0re", "epoch": 1, "last_seq": 4, "in_doubt": 0},
    }
    counts = {**ZERO, **changes.pop("counts", {})}
    return RunReport.from_json({**document, "counts": counts, **changes})


def plan_of(sync: str, **changes: Any) -> Plan:
    """A plan of one added and one changed row."""
    document: dict[str, Any] = {
        "format": 1,
        "sync": sync,
        "run_id": "r_20260101T000000_abc123",
        "counts": {
            "scanned": 10,
            "unchanged": 8,
            "added": 1,
            "changed": 1,
            "removed": 0,
            "invalid": 0,
        },
        "known": 9,
        "breaches": [],
        "samples": {
            "added": [{"key": "7", "match": "a@x.io", "fields": {"email": "a@x.io", "n": None}}],
            "changed": [{"key": "8", "match": "b@x.io", "fields": {"email": "b@x.io", "n": ""}}],
            "removed": [],
        },
        "requests": 1,
        "minutes": 0.5,
        "daily_share": 0.25,
        "plan_fingerprint": "00ff",
        "mapping_changed": False,
        "encoding_changed": False,
        "reasons": [],
        "file": None,
        "parts": [],
    }
    return Plan.from_json({**document, **changes})


def verification_of(sync: str, **changes: Any) -> dict[str, Any]:
    """A verification in which everything is equal."""
    names = ("missing", "different", "extra", "pending", "unreadable")
    counts = {"checked": 3, "equal": 3, **dict.fromkeys(names, 0)}
    return {"sync": sync, "run_id": "r_1", **counts, "rows": [], **changes}


def trial_of(sync: str, key: Any, **changes: Any) -> dict[str, Any]:
    """A request that was not sent."""
    request = {
        "method": "POST",
        "path": "/contacts",
        "headers": {"content-type": "application/json"},
        "body": '{"email":"a@x.io"}',
    }
    nothing = {"answers": [], "outcome": None}
    return {"sync": sync, "key": key, "requests": [request], **nothing, **changes}


class FakeProject:
    """`script` maps each sync to what its run does: see `_end`."""

    def __init__(self, script: dict[str, Any], folder: Path) -> None:
        self.script = script
        self.folder = folder
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    @property
    def syncs(self) -> list[str]:
        return list(self.script)

    def select(self, patterns: Collection[str]) -> list[str]:
        for pattern in patterns:
            if pattern not in self.script:
                raise errors.ConfigError(f"no sync fits {pattern!r}")
        return sorted(patterns or self.script)

    def parents_first(self, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        after = {name: step.get("after", []) for name, step in self.script.items()}
        return parents_first(names, after)

    def run(
        self, name: str, *, progress: Callable[[Progress], object], **options: Any
    ) -> RunReport:
        self.asked.append(("run", name, options))
        step = self.script[name]
        for accepted in step.get("progress", ()):
            progress(Progress("send", 10, 10, accepted, 0, 0, accepted, 0.1))
        try:
            _wait(step)
        except BaseException:
            time.sleep(step.get("drain_s", 0))
            raise
        return self._end(name, step)

    def _end(self, name: str, step: dict[str, Any]) -> RunReport:
        if step.get("touch"):
            Path(step["touch"]).write_text(json.dumps(sorted(_descriptors())), encoding="utf-8")
        if step.get("raise") == "fault":
            raise ZeroDivisionError("of the core")
        if step.get("raise"):
            kind = getattr(errors, step["raise"])
            report = None
            if step.get("report"):
                report = report_of(name, kind.status, **step["report"])
            raise kind(step.get("message", "it went wrong"), report=report)
        return report_of(name, **step.get("report", {}))

    def plan(self, name: str, **options: Any) -> Plan:
        self.asked.append(("plan", name, options))
        step = self.script[name]
        if step.get("raise"):
            self._end(name, step)
        return plan_of(name, **step.get("plan", {}))

    def check(
        self,
        name: str | None = None,
        *,
        offline: bool = False,
        remarks: list[str] | None = None,
    ) -> list[errors.Problem]:
        self.asked.append(("check", name or "", {"offline": offline}))
        names = [name] if name else self.syncs
        if remarks is not None:
            remarks += [text for one in names for text in self.script[one].get("remarks", ())]
        return [
            errors.Problem(*problem) for one in names for problem in self.script[one]["problems"]
        ]

    def runs(self, name: str = "", limit: int = 20) -> list[dict[str, Any]]:
        self._lost(name)
        document = report_of(name, counts={"scanned": 12, "added": 4, "accepted": 4}).to_dict()
        run = {
            "run_id": "r_1",
            "sync": name,
            "status": "done",
            "started_at": "2026-01-01T00:00:00.000Z",
            "ended_at": "2026-01-01T00:00:02.000Z",
            "report": document,
        }
        return [run] * min(limit, self.script[name].get("runs", 1))

    def rejected(self, name: str) -> list[dict[str, Any]]:
        self._lost(name)
        found: list[dict[str, Any]] = self.script[name].get("rejected", [])
        return found

    def reset(self, name: str, *, adopt: bool = False) -> None:
        self.asked.append(("reset", name, {"adopt": adopt}))

    def verify(self, name: str, *, repair: bool = False, **options: Any) -> Verification:
        self.asked.append(("verify", name, {"repair": repair}))
        return Verification.from_json(verification_of(name, **self.script[name].get("verify", {})))

    def try_row(self, name: str, key: Any, *, send: bool = False) -> Trial:
        self.asked.append(("try", name, {"key": key, "send": send}))
        return Trial.from_json(trial_of(name, key, **self.script[name].get("try", {})))

    def log(self, name: str, key: Any, limit: int) -> list[dict[str, Any]]:
        self.asked.append(("log", name, {"key": key, "limit": limit}))
        found: list[dict[str, Any]] = self.script[name or next(iter(self.script))].get("log", [])
        return found

    def retry(self, name: str, key: Any = None) -> int:
        self.asked.append(("retry", name, {"key": key}))
        step = self.script[name]
        if step.get("raise"):
            self._end(name, step)
        return int(step.get("released", 0))

    def deliver(self, name: str, key: Any) -> None:
        self.asked.append(("deliver", name, {"key": key}))

    def copy_state(self, to_url: str) -> None:
        self.asked.append(("copy", to_url, {}))

    def _lost(self, name: str) -> None:
        if self.script[name].get("lost"):
            raise errors.StateLost("there is no state store")


def _wait(step: dict[str, Any]) -> None:
    if "wait_s" not in step:
        return
    Path(step["started"]).touch()
    end = time.monotonic() + step["wait_s"]
    while time.monotonic() < end:
        time.sleep(0.02)


def _descriptors() -> list[int]:
    """Descriptors that a file opened now gets, besides those that are open for good."""
    nowhere = Path(os.devnull)
    with nowhere.open() as first, nowhere.open() as second:
        return [first.fileno(), second.fileno()]


def main() -> None:
    from tailrace.cli import projects
    from tailrace.cli.main import main as run_command_line

    project = FakeProject(json.loads(os.environ["FAKE_SYNCS"]), Path(os.environ["FAKE_FOLDER"]))
    projects.load = lambda directory, target: project  # type: ignore[assignment,return-value]
    run_command_line(sys.argv[1:])


if __name__ == "__main__":
    main()
