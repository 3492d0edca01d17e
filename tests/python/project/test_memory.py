"""A lost or swapped state store is noticed, per target, address, sync, account and object."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace import errors
from tailrace.store_memory import KnownState, StoreMemory

SEEN = {"store_id": "s1", "epoch": 3, "last_seq": 41}


def test_what_a_run_saw_is_expected_of_the_next(folder: Any, core: Any) -> None:
    project = folder.load()
    project.run("health")
    project.run("health")
    assert core.specs[0]["state"]["expect"] is None
    assert core.specs[1]["state"]["expect"] == SEEN


def test_what_the_orchestrator_expects_goes_first(folder: Any, core: Any) -> None:
    project = folder.load()
    project.run("health")
    given = {"store_id": "s2", "epoch": 9, "last_seq": 1, "in_doubt": 0}
    project.run("health", expect_state=given)
    assert core.specs[1]["state"]["expect"] == {"store_id": "s2", "epoch": 9, "last_seq": 1}


def test_a_failed_run_is_remembered_and_a_lost_store_is_not(
    folder: Any, core: Any, make_report: Any
) -> None:
    lost = {"store_id": "other", "epoch": 0, "last_seq": 0, "in_doubt": 0}
    for status in ("unfinished", "state_lost"):
        state = SEEN | {"in_doubt": 1} if status == "unfinished" else lost
        core.result = {"status": status, "message": "", "report": make_report(status, state=state)}
        with pytest.raises(errors.TailraceError):
            folder.load().run("health")
    core.result = {"status": "done", "report": make_report()}
    folder.load().run("health")
    assert core.specs[2]["state"]["expect"] == SEEN


def test_another_target_store_or_account_is_no_loss(folder: Any, core: Any) -> None:
    folder.change("tailrace.yml", "name: acme", "name: acme\ntargets: {dev: {}}")
    folder.load().run("health")
    folder.load("dev").run("health")
    folder.change("tailrace.yml", "    auth:", "    account: another\n    auth:")
    folder.load().run("health")
    folder.change("tailrace.yml", "name: acme", "name: acme\nstate: sqlite:///other.db")
    folder.load().run("health")
    assert [spec["state"]["expect"] for spec in core.specs] == [None] * 4


def test_a_reset_forgets(folder: Any, core: Any) -> None:
    project = folder.load()
    project.run("health")
    (folder.path / ".tailrace" / "state.db").write_text("")
    project.reset("health")
    url = f"sqlite:///{folder.path}/.tailrace/state.db"
    connection = core.specs[0]["connection"]
    accounts = [connection["account"], *connection["account_was"]]
    assert core.store_calls == [("reset", url, "health", one, "contacts") for one in accounts]
    project.run("health")
    assert core.specs[1]["state"]["expect"] is None


def test_a_reset_is_the_way_out_of_a_store_that_is_gone(folder: Any, core: Any) -> None:
    project = folder.load()
    project.run("health")
    project.reset("health")
    assert not core.store_calls
    project.run("health")
    assert core.specs[1]["state"]["expect"] is None


def test_a_reset_is_the_way_out_of_a_damaged_store_too(folder: Any, core: Any) -> None:
    project = folder.load()
    project.run("health")
    state = folder.path / ".tailrace" / "state.db"
    for suffix in ("", "-wal"):
        (state.parent / (state.name + suffix)).write_text("damaged" + suffix)
    core.store_error = core.StateLostError("corrupt")
    aside = project.reset("health")
    assert aside is not None
    assert aside.read_text() == "damaged"
    assert aside.with_name(aside.name + "-wal").read_text() == "damaged-wal"
    assert list(state.parent.glob("state.db*")) == list(state.parent.glob("state.db.damaged-*"))
    project.run("health")
    assert core.specs[1]["state"]["expect"] is None


def test_questions_to_the_store_have_our_errors(folder: Any, core: Any) -> None:
    project = folder.load()
    assert project.runs("health", 5) == [{"run_id": "r_1"}]
    assert project.rejected("health") == [{"run_id": "r_1"}]
    (folder.path / ".tailrace" / "state.db").write_text("")
    for raised, kind in (
        (core.StateLostError("corrupt"), errors.StateLost),
        (core.StoreUnavailableError("no answer"), errors.Unfinished),
        (core.FencedError("held"), errors.Busy),
    ):
        core.store_error = raised
        for ask in (project.runs, lambda: project.rejected("health")):
            with pytest.raises(kind, match=str(raised)):
                ask()
        if kind is not errors.StateLost:
            with pytest.raises(kind, match=str(raised)):
                project.reset("health")


def test_an_older_sight_does_not_replace_a_newer_one(tmp_path: Any) -> None:
    memory = StoreMemory.at(tmp_path / ".tailrace", "a", "b")
    memory.remember(KnownState("s1", 5, 50))
    memory.remember(KnownState("s1", 4, 60))
    assert memory.read() == KnownState("s1", 5, 50)
    memory.remember(KnownState("s2", 1, 1))
    assert memory.read() == KnownState("s2", 1, 1)


def test_a_damaged_memory_means_unknown(tmp_path: Any) -> None:
    memory = StoreMemory.at(tmp_path / ".tailrace", "a")
    memory.remember(KnownState("s1", 5, 50))
    memory.path.write_text('{"store_id": "s1"')
    assert memory.read() is None
    memory.path.write_text('{"store_id": "s1"}')
    assert memory.read() is None


def test_a_folder_that_cannot_be_written_is_a_warning(
    folder: Any, core: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Any, seen: Any) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(StoreMemory, "remember", refused)
    assert folder.load().run("health").status == "done"
    assert "would go unnoticed" in caplog.text
