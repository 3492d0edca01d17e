"""Arguments of runs and plans: what the core gets of them, and what they may not be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tailrace.errors import Busy, ConfigError
from tailrace.run_options import RunOptions


def test_keys_of_several_columns_are_joined_as_the_core_joins_them() -> None:
    spec = RunOptions(only_keys=["7", ("acme", "8")]).of_run("run")
    assert spec["only_keys"] == ["7", "acme\x1f8"]


def test_a_shard_is_told_with_its_round() -> None:
    spec = RunOptions(shard=(1, 3, "tonight")).of_run("run")
    assert spec["shard"] == {"index": 1, "of": 3, "round": "tonight"}


def test_paths_of_plans_are_the_callers(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.fspath(tmp_path)
    assert RunOptions(plan_file="a.plan").of_run("run")["plan"] == {"read": f"{here}/a.plan"}
    assert RunOptions(write_plan="a.plan").of_run("plan")["plan"] == {"write": f"{here}/a.plan"}
    parts = RunOptions(plan_parts=("parts", 4)).of_run("plan")["plan"]
    assert parts == {"directory": f"{here}/parts", "of": 4}


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({"allow_guard": ["emptyy"]}, "allow_guard", "did you mean 'empty'?"),
        ({"shard": (3, 3, "")}, "shard", "counts from 0/n to n-1/n"),
        ({"shard": (-1, 3, "")}, "shard", "shard -1/3"),
        ({"shard": (0, 0, "")}, "shard", "shard 0/0"),
        ({"plan_parts": ("d", 0)}, "plan_parts", "from 1 to 256 parts"),
        ({"plan_file": "a", "full_refresh": True}, "full_refresh", "beside a plan file"),
        ({"plan_file": "a", "only_keys": ["1"]}, "only_keys", "beside a plan file"),
        ({"plan_file": "a", "shard": (0, 2, "")}, "shard", "beside a plan file"),
        ({"write_plan": "a", "plan_parts": ("d", 2)}, "plan_parts", "whole or in parts"),
        ({"trace_bodies": True}, "trace_bodies", "no trace"),
    ],
)
def test_what_contradicts_is_refused(given: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunOptions(**given)
    assert caught.value.key == key
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("task", "given", "said"),
    [
        ("plan", {"plan_file": "a"}, "for runs"),
        ("plan", {"trace": "a"}, "of a run's requests"),
        ("run", {"write_plan": "a"}, "only a plan"),
        ("adopt", {"plan_parts": ("d", 2)}, "only a plan"),
    ],
)
def test_a_task_is_not_told_what_another_does(task: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RunOptions(**given).of_run(task)


def test_a_trace_is_written_where_its_user_is() -> None:
    told = RunOptions(trace="t.jsonl", trace_bodies=True).of_run("run")["trace"]
    assert told == {"path": str(Path.cwd() / "t.jsonl"), "bodies": True}
    assert RunOptions().of_run("run")["trace"] is None


def test_an_argument_that_is_none_is_a_mistake(folder: Any, core: Any) -> None:
    with pytest.raises(TypeError, match="full_refersh"):
        folder.load().run("health", full_refersh=True)
    assert core.specs == []


def test_the_folder_of_parts_is_made(folder: Any, core: Any, tmp_path: Any) -> None:
    core.result = {"status": "busy", "report": None}
    with pytest.raises(Busy):
        folder.load().plan("health", plan_parts=(tmp_path / "a/b", 2))
    assert (tmp_path / "a/b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be made"):
        folder.load().plan("health", plan_parts=(tmp_path / "file", 2))
