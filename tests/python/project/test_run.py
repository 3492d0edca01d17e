"""One door: what the core is handed, how waiting goes, and what each end raises."""

from __future__ import annotations

import json
import stat
import time
from typing import Any

import pytest

import tailrace
from tailrace import errors


def test_the_core_is_handed_the_resolved_run_spec(folder: Any, core: Any) -> None:
    folder.change("syncs/health.yml", "mode: upsert", "mode: mirror\ntolerate: {rejected: 1%}")
    folder.load().run("health", allow_guard=["max_removed"], full_refresh=True, caller="airflow")
    (spec,) = core.specs
    run_id = spec.pop("run_id")
    assert run_id.startswith("r_2")
    assert len(spec.pop("mapping_fingerprint")) == 64
    assert spec["connection"].pop("account") == "hubspot:http://127.0.0.1:1/hubspot"
    (former,) = spec["connection"].pop("account_was")
    assert former.startswith("hubspot:http://127.0.0.1:1/hubspot#")
    assert spec == {
        "format": 1,
        "project": "acme",
        "sync": "health",
        "task": "run",
        "source": {"kind": "arrow", "encoding": "arrow/1"},
        "columns": [
            {"name": "email", "nulls": "clear", "digits": 12},
            {"name": "score", "nulls": "clear", "digits": 12},
            {"name": "up", "nulls": "clear", "digits": 12},
            {"name": "id"},
        ],
        "field_count": 3,
        "key": [3],
        "key_names": ["id"],
        "match": 0,
        "mode": "upsert",
        "on_missing": "skip",
        "on_removed": "delete",
        "backfill": "send",
        "insert_safety": None,
        "resync_every_s": None,
        "changed_fields": False,
        "create_fields": False,
        "row_log": False,
        "was": [],
        "rejected": {"max_attempts": 10, "messages": "full"},
        "connection": {
            "name": "crm",
            "type": "hubspot",
            "base_url": "http://127.0.0.1:1/hubspot",
            "auth": {"token": folder.environment["CRM_TOKEN"]},
            "max_in_flight": None,
            "timeout_s": 60,
            "ca_file": "",
            "proxy": "",
            "headers": {},
            "daily_calls": None,
            "idle_timeout_s": 60.0,
            "limits": None,
            "allow_private": False,
        },
        "object": {"name": "contacts"},
        "guards": {
            "allow_empty": False,
            "max_removed": {"value": 20, "percent": True},
            "removed_floor": 100,
            "max_changed": None,
            "max_added": None,
            "max_null_jump": {},
            "encoding": {"value": 20, "percent": True},
        },
        "allow_guards": ["max_removed"],
        "tolerate": {"value": 1, "percent": True},
        "full_refresh": True,
        "only_keys": None,
        "shard": None,
        "plan": {"keep": str(folder.path / ".tailrace" / "plans" / "health.plan")},
        "trace": None,
        "try_send": False,
        "state": {"url": f"sqlite:///{folder.path}/.tailrace/state.db", "expect": None},
        "timing": {
            "lease_s": 60,
            "send_window_s": 30,
            "deadline_s": None,
            "drain_s": 3,
        },
        "memory": {"buffer_bytes": 8388608, "directory": "/tmp"},
        "user_agent": f"tailrace/{tailrace.__version__} (airflow)",
    }
    assert core.rows == [("a@b.c", 5, "X", 1), ("d@e.f", 6, "Y", 2)]


def test_what_the_file_says_of_modes_reaches_the_core(folder: Any, core: Any) -> None:
    said = """\
mode: update
on_missing: reject
on_removed: clear
backfill: skip
resync_every: 7d
send: changed_fields
create_fields: true
row_log: true
was: [old_health, older]
rejected: {max_attempts: 3, messages: code_only}
guards: {encoding: 30%, max_added: 250%, max_null_jump: {score: 10%}}
"""
    folder.change("syncs/health.yml", "mode: upsert\n", said)
    folder.load().run("health")
    (spec,) = core.specs
    assert {name: spec[name] for name in ("mode", "on_missing", "on_removed", "backfill")} == {
        "mode": "update",
        "on_missing": "reject",
        "on_removed": "clear",
        "backfill": "skip",
    }
    assert (spec["resync_every_s"], spec["changed_fields"], spec["row_log"]) == (604800, True, True)
    assert spec["create_fields"] is True
    assert spec["was"] == ["old_health", "older"]
    assert spec["rejected"] == {"max_attempts": 3, "messages": "code_only"}
    guards = spec["guards"]
    assert guards["encoding"] == {"value": 30, "percent": True}
    assert guards["max_added"] == {"value": 250, "percent": True}
    assert guards["max_null_jump"] == {"score": {"value": 10, "percent": True}}


def test_a_limit_that_is_set_has_no_floor(folder: Any, core: Any) -> None:
    folder.change("syncs/health.yml", "mode: upsert", "guards: {max_removed: 5, max_added: 50%}")
    folder.load().run("health")
    guards = core.specs[0]["guards"]
    assert guards["max_removed"] == {"value": 5, "percent": False}
    assert guards["removed_floor"] == 0
    assert guards["max_added"] == {"value": 50, "percent": True}


def test_the_fingerprint_is_of_the_mapping_alone(folder: Any, core: Any) -> None:
    def fingerprint(old: str, new: str) -> str:
        folder.change("syncs/health.yml", old, new)
        folder.load().run("health")
        folder.change("syncs/health.yml", new, old)
        found: str = core.specs[-1]["mapping_fingerprint"]
        return found

    first = fingerprint("key: id", "key: id")
    for same in (("key: id", "key: mail"), ("score: score", "score: id"), ("upsert", "mirror")):
        assert fingerprint(*same) == first
    for other in (
        ("  score: score", "  points: score"),
        ("score: score", "score: {column: score, digits: 5}"),
        ("score: score", "score: {column: score, nulls: keep}"),
        ("object: contacts", "object: leads"),
        ("match: email", "match: score"),
        ("  score: score\n", ""),
    ):
        assert fingerprint(*other) != first


def test_the_folder_of_the_state_is_private(folder: Any, core: Any) -> None:
    folder.load().run("health")
    for path in (folder.path / ".tailrace").rglob("*"):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected
    assert stat.S_IMODE((folder.path / ".tailrace").stat().st_mode) == 0o700


def test_a_link_in_the_place_of_the_folder_is_refused(
    folder: Any, core: Any, tmp_path: Any
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder.path / ".tailrace").symlink_to(elsewhere)
    with pytest.raises(errors.ConfigError, match="symbolic link"):
        folder.load().run("health")
    assert not list(elsewhere.iterdir())


def test_done_returns_the_report(folder: Any, core: Any) -> None:
    report = folder.load().run("health")
    assert report.status == "done"
    assert report.counts.accepted == 2
    assert report.counts.planned == 2
    assert tailrace.RunReport.from_json(report.to_json()) == report


def test_progress_is_told_while_waiting_and_at_the_end(folder: Any, core: Any) -> None:
    seen: list[Any] = []
    folder.load().run("health", progress=seen.append)
    assert [one.phase for one in seen] == ["read"] * 3


@pytest.mark.parametrize(
    ("status", "kind", "exit_code"),
    [
        ("rejected", errors.RejectedRows, 1),
        ("config", errors.ConfigError, 2),
        ("refused", errors.GuardRefused, 3),
        ("busy", errors.Busy, 4),
        ("unfinished", errors.Unfinished, 5),
        ("quota", errors.QuotaExhausted, 6),
        ("state_lost", errors.StateLost, 7),
        ("cancelled", errors.Cancelled, 130),
        ("planned", errors.TailraceError, 5),
        ("splendid", errors.TailraceError, 5),
    ],
)
def test_every_other_end_raises_its_class_with_the_report(
    *, folder: Any, core: Any, make_report: Any, status: str, kind: Any, exit_code: int
) -> None:
    core.result = {
        "status": status,
        "message": "what and why",
        "report": make_report(status, not_before="2026-01-01T01:00:00.000Z"),
    }
    with pytest.raises(errors.TailraceError, match="what and why") as caught:
        folder.load().run("health")
    error = caught.value
    assert type(error) is kind
    assert error.exit_code == exit_code
    if status in errors._ByStatus.classes:
        assert error.status == status
        assert error.report is not None
        assert error.report.run_id == "r_1"
    if isinstance(error, errors.Unfinished):
        assert error.not_before == "2026-01-01T01:00:00.000Z"


@pytest.mark.parametrize(("status", "exit_code"), [("config", 2), ("unfinished", 5)])
def test_a_source_that_fails_is_told_apart(
    *, folder: Any, core: Any, make_report: Any, status: str, exit_code: int
) -> None:
    core.result = {
        "status": status,
        "message": "relation is gone",
        "report": make_report(status),
        "source_error": {"code": "42P01"},
    }
    with pytest.raises(errors.SourceError, match="relation is gone") as caught:
        folder.load().run("health")
    assert (caught.value.exit_code, caught.value.status) == (exit_code, status)
    assert caught.value.code == "42P01"


def test_a_report_that_cannot_be_read_is_no_success(folder: Any, core: Any) -> None:
    del core.result["report"]["counts"]["accepted"]
    with pytest.raises(ValueError, match="accepted"):
        folder.load().run("health")


def test_a_run_spec_that_the_core_refuses_is_configuration(folder: Any, core: Any) -> None:
    core.refuses = "run spec: 'match' is missing"
    with pytest.raises(errors.ConfigError, match="sync health: run spec"):
        folder.load().run("health")


class Interrupt(BaseException):
    """Stands for what an orchestrator raises from a signal handler."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Interrupt, RuntimeError])
def test_whatever_is_raised_while_waiting_cancels_and_goes_on(
    folder: Any, core: Any, kind: type[BaseException]
) -> None:
    raised: list[int] = []

    def once() -> None:
        if not raised:
            raised.append(1)
            raise kind("stop")

    core.during = once
    with pytest.raises(kind, match="stop"):
        folder.load().run("health")
    assert core.cancelled == 1


def test_an_error_of_the_progress_callback_cancels_too(folder: Any, core: Any) -> None:
    def broken(progress: Any) -> None:
        raise LookupError("the bar broke")

    with pytest.raises(LookupError, match="the bar broke"):
        folder.load().run("health", progress=broken)
    assert core.cancelled == 1


def test_a_run_that_does_not_end_is_left_after_three_seconds(
    folder: Any, core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def during() -> None:
        clock[0] += 0.1
        if core.cancelled == 0:
            raise KeyboardInterrupt

    core.during, core.waits = during, 10_000
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with pytest.raises(KeyboardInterrupt):
        folder.load().run("health")
    assert 3.0 <= clock[0] <= 3.5


def test_the_warehouse_is_free_after_each_end(folder: Any, core: Any) -> None:
    import duckdb

    def interrupted() -> None:
        raise KeyboardInterrupt

    core.during = interrupted
    with pytest.raises(KeyboardInterrupt):
        folder.load().run("health")
    duckdb.connect(str(folder.path / "lab.duckdb")).close()


def test_a_plan_is_returned_with_its_breaches(folder: Any, core: Any, make_report: Any) -> None:
    breach = {
        "guard": "max_removed",
        "value": 50.0,
        "limit": {"value": 20.0, "percent": True},
        "message": "guard max_removed: …",
    }
    row = {"key": "1", "match": "a@b.c", "fields": {"email": "a@b.c", "score": None}}
    plan = {
        "counts": {"scanned": 2, "added": 2},
        "known": 10,
        "breaches": [breach],
        "samples": {"added": [row], "changed": [], "removed": []},
        "requests": 1,
        "minutes": 0.5,
        "daily_share": None,
        "plan_fingerprint": "ab",
    }
    for status in ("planned", "refused"):
        core.result = {"status": status, "report": make_report(status), "plan": plan}
        found = folder.load().plan("health")
        assert core.specs[-1]["task"] == "plan"
        assert found.refused
        assert found.breaches[0].limit == 20
        assert found.samples.added[0].fields == {"email": "a@b.c", "score": None}
        assert (found.sync, found.run_id) == ("health", "r_1")
        assert tailrace.Plan.from_json(found.to_json()) == found


def test_a_plan_that_ended_otherwise_raises(folder: Any, core: Any, make_report: Any) -> None:
    core.result = {"status": "busy", "message": "held", "report": make_report("busy"), "plan": None}
    with pytest.raises(errors.Busy, match="held"):
        folder.load().plan("health")
    core.result["status"] = "done"
    with pytest.raises(errors.TailraceError, match="unknown status 'done'"):
        folder.load().plan("health")


def test_what_the_warehouse_shows_cannot_leave_its_comment() -> None:
    from tailrace.run_spec import query_comment

    shown = query_comment("a", {"dag": "x */ drop table y; --\n", "task": "t-1"})
    assert shown == "tailrace sync=a dag=x __ drop table y_ --_ task=t-1"


def test_an_inline_sync_needs_no_file(folder: Any, core: Any) -> None:
    import yaml

    sync = yaml.safe_load((folder.path / "syncs/health.yml").read_text()) | {"name": "inline_one"}
    folder.load().run(sync)
    assert core.specs[0]["sync"] == "inline_one"
    with pytest.raises(errors.ConfigError, match=r"inline sync: fields\.score: .*'score'"):
        folder.load().run(sync | {"fields": {"email": "mail", "score": "scor"}})


def test_a_run_without_any_project(folder: Any, core: Any, tmp_path: Any) -> None:
    import yaml

    sync = yaml.safe_load((folder.path / "syncs/health.yml").read_text())
    connections = yaml.safe_load((folder.path / "tailrace.yml").read_text())["connections"]
    report = tailrace.run(sync, connections=connections, directory=tmp_path, env=folder.environment)
    assert report.status == "done"
    spec = core.specs[0]
    assert spec["project"] == "inline"
    assert spec["state"]["url"] == f"sqlite:///{tmp_path}/.tailrace/state.db"
    connections["crm"]["auth"]["tokn"] = "x"
    with pytest.raises(errors.ConfigError, match=r"inline project: .*tokn"):
        tailrace.run(sync, connections=connections, directory=tmp_path, env=folder.environment)


def test_secrets_reach_the_core_and_no_file(folder: Any, core: Any) -> None:
    folder.load().run("health")
    canary = folder.environment["CRM_TOKEN"]
    assert canary in json.dumps(core.specs)
    for path in folder.path.rglob("*"):
        if path.is_file():
            assert canary.encode() not in path.read_bytes()
