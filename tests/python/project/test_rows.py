"""Single rows, a new baseline and another store: what the core is asked, and what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace import errors

FOUND = {
    "checked": 3,
    "equal": 1,
    "missing": 1,
    "different": 1,
    "extra": 0,
    "pending": 1,
    "unreadable": 0,
    "rows": [
        {"key": "7", "state": "missing", "fields": []},
        {
            "key": "8",
            "state": "different",
            "fields": [{"field": "score", "ours": "5", "theirs": "6"}],
        },
        {"key": "9", "state": "pending", "fields": []},
    ],
    "repair": ["7", "8"],
}


def test_a_verification_is_a_task_of_its_own(folder: Any, core: Any) -> None:
    core.result = {**core.result, "verify": FOUND}
    found = folder.load().verify("health")
    assert [spec["task"] for spec in core.specs] == ["verify"]
    assert (found.sync, found.checked, found.missing, found.agrees) == ("health", 3, 1, False)
    assert found.rows[1].fields[0].theirs == "6"
    assert found.to_dict()["rows"][0] == {"key": "7", "state": "missing", "fields": []}


def test_a_repair_sends_what_is_missing_or_different_and_nothing_else(
    folder: Any, core: Any
) -> None:
    core.result = {**core.result, "verify": FOUND}
    folder.load().verify("health", repair=True)
    verify, run = core.specs
    assert (verify["only_keys"], verify["full_refresh"]) == (None, False)
    assert (run["task"], run["only_keys"], run["full_refresh"]) == ("run", ["7", "8"], True)


def test_nothing_to_repair_is_no_run(folder: Any, core: Any) -> None:
    fine = {**FOUND, "equal": 3, "missing": 0, "different": 0, "rows": [], "repair": []}
    core.result = {**core.result, "verify": fine}
    assert folder.load().verify("health", repair=True).agrees
    assert len(core.specs) == 1


def test_a_verification_that_lacks_a_count_is_an_error(folder: Any, core: Any) -> None:
    core.result = {**core.result, "verify": {**FOUND, "missing": None} | {"rows": []}}
    del core.result["verify"]["different"]
    with pytest.raises(ValueError, match="lacks different"):
        folder.load().verify("health")


TRIAL = {
    "key": "7",
    "requests": [{"method": "POST", "path": "/x", "headers": {}, "body": "{}"}],
    "answers": [],
}


def test_more_than_are_listed_are_repaired_as_well(folder: Any, core: Any) -> None:
    keys = [str(number) for number in range(5000)]
    core.result = {**core.result, "verify": {**FOUND, "missing": 5000, "repair": keys}}
    found = folder.load().verify("health", repair=True)
    assert core.specs[1]["only_keys"] == keys
    assert "keys_to_repair" not in found.to_dict()


def test_a_baseline_that_cannot_be_taken_leaves_the_old_one_known(
    folder: Any, core: Any, make_report: Any
) -> None:
    folder.change("syncs/health.yml", "mode: upsert", "mode: insert")
    project = folder.load()
    project.run("health")
    core.result = {"status": "unfinished", "message": "no", "report": make_report("unfinished")}
    with pytest.raises(errors.Unfinished):
        project.reset("health", adopt=True)
    core.result = {"status": "done", "message": "", "report": make_report()}
    project.run("health")
    run, adopt, again = (spec["state"]["expect"] for spec in core.specs)
    assert (run, adopt) == (None, None)
    assert again["store_id"] == "s1"


def test_a_damaged_store_is_kept_aside_when_the_model_is_adopted(
    folder: Any, core: Any, make_report: Any
) -> None:
    folder.change("syncs/health.yml", "mode: upsert", "mode: insert")
    store = folder.path / ".tailrace/state.db"
    store.parent.mkdir()
    store.write_text("damaged")
    ends = iter(["state_lost", "done"])

    def end() -> None:
        if core.waits == 0:
            core.result = {**core.result, "status": next(ends)}

    core.during, core.waits = end, 0
    aside = folder.load().reset("health", adopt=True)
    assert [spec["task"] for spec in core.specs] == ["adopt", "adopt"]
    assert aside is not None
    assert aside.read_text() == "damaged"
    assert not store.exists()


@pytest.mark.parametrize(("send", "status"), [(False, "planned"), (True, "done")])
def test_a_row_is_tried(
    *, folder: Any, core: Any, make_report: Any, send: bool, status: str
) -> None:
    counts = {**make_report()["counts"], "accepted": 0, "skipped": 1}
    core.result = {"status": status, "report": make_report(status, counts=counts), "try": TRIAL}
    trial = folder.load().try_row("health", ("acme", "7"), send=send)
    (spec,) = core.specs
    assert (spec["task"], spec["only_keys"], spec["try_send"]) == ("try", ["acme\x1f7"], send)
    assert trial.requests[0].method == "POST"
    assert trial.outcome == ("skipped" if send else None)


def test_a_row_that_is_not_there_is_an_error(folder: Any, core: Any, make_report: Any) -> None:
    core.result = {"status": "config", "message": "no such row", "report": make_report("config")}
    with pytest.raises(errors.ConfigError, match="no such row"):
        folder.load().try_row("health", "7")


def test_adopting_sends_nothing_and_is_remembered(folder: Any, core: Any) -> None:
    project = folder.load()
    project.adopt("health")
    project.run("health")
    assert [spec["task"] for spec in core.specs] == ["adopt", "run"]
    assert core.specs[1]["state"]["expect"]["store_id"] == "s1"


@pytest.mark.parametrize("mode", ["insert", "append"])
def test_a_reset_that_would_make_every_record_again_is_refused(
    folder: Any, core: Any, mode: str
) -> None:
    folder.change("syncs/health.yml", "mode: upsert", f"mode: {mode}")
    (folder.path / ".tailrace").mkdir()
    (folder.path / ".tailrace/state.db").touch()
    with pytest.raises(errors.ConfigError, match="make all of them again; with --adopt"):
        folder.load().reset("health")
    assert core.store_calls == []
    folder.load().reset("health", adopt=True)
    assert [spec["task"] for spec in core.specs] == ["adopt"]
    assert core.store_calls == []
    folder.change("syncs/health.yml", f"mode: {mode}", f"mode: {mode}\ninsert_safety: duplicate_ok")
    folder.load().reset("health")
    assert core.store_calls[-1][0] == "reset"


def test_rejected_rows_are_released_under_a_run_of_their_own(folder: Any, core: Any) -> None:
    project = folder.load()
    assert project.retry("health", "7") == 1
    assert project.retry("health") == 1
    project.deliver("health", ("acme", "7"))
    kinds = [(call[0], call[2], call[4], call[5]) for call in core.store_calls]
    assert kinds == [
        ("retry", "health", "contacts", "7"),
        ("retry", "health", "contacts", None),
        ("deliver", "health", "contacts", "acme\x1f7"),
    ]
    ids = [call[6] for call in core.store_calls]
    assert len(set(ids)) == 3
    assert all(one.startswith("r_") for one in ids)


def test_a_key_that_nothing_waits_under_is_named(folder: Any, core: Any) -> None:
    core.settled = 0
    project = folder.load()
    with pytest.raises(errors.ConfigError, match="no rejected row has the key '7'"):
        project.retry("health", "7")
    with pytest.raises(errors.ConfigError, match="no parked row has the key '7'"):
        project.deliver("health", "7")
    assert project.retry("health") == 0


def test_a_run_at_work_keeps_rows_from_being_settled_by_hand(folder: Any, core: Any) -> None:
    core.store_error = core.FencedError("a run is at work")
    with pytest.raises(errors.Busy, match="at work"):
        folder.load().retry("health")


def test_the_log_is_read_by_key(folder: Any, core: Any) -> None:
    assert folder.load().log("health", ("acme", "7"), 3) == [{"run_id": "r_1"}]
    (call,) = core.store_calls
    assert (call[0], *call[2:]) == ("log", "health", "acme\x1f7", 3)


def test_a_check_tells_the_store_of_the_fields(folder: Any, core: Any) -> None:
    core.fields = [{"name": name, "writable": True} for name in ("email", "score", "up")]
    for _ in range(2):
        assert folder.load().check("health") == []
    core.fields = [*core.fields, {"name": "new", "writable": True}]
    assert folder.load().check("health") == []
    first, same, other = (call[-1] for call in core.store_calls)
    assert first == same != other
    core.store_error = core.StateLostError("there is no store")
    assert folder.load().check("health") == []
    core.store_error = core.StoreUnavailableError("cannot connect")
    assert "out of reach: cannot connect" in folder.load().check("health")[0].message


def test_state_is_copied_from_the_projects_store(folder: Any, core: Any) -> None:
    folder.environment["NEW"] = "x"
    folder.load().copy_state("postgresql://u:canary@h/d")
    assert core.store_calls == [
        ("copy", f"sqlite:///{folder.path}/.tailrace/state.db", "postgresql://u:canary@h/d")
    ]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://u:canary@h/d", "not at mysql"),
        ("postgresql://u:canary@h", "names no database"),
        ("sqlite:///.tailrace/state.db", "is that of the state as it is"),
    ],
)
def test_a_new_address_that_is_none_is_refused(
    folder: Any, core: Any, address: str, said: str
) -> None:
    with pytest.raises(errors.ConfigError, match=said) as caught:
        folder.load().copy_state(address)
    assert "canary" not in str(caught.value)
    assert core.store_calls == []


def test_a_store_that_is_not_empty_is_not_copied_into(folder: Any, core: Any) -> None:
    core.store_error = ValueError("the other store is not empty")
    with pytest.raises(errors.ConfigError, match="not empty"):
        folder.load().copy_state("sqlite:///other.db")
