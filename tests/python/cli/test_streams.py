"""Standard streams that are closed, full, narrow or gone: a run goes on and keeps its code."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

CLOSED = ["sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh"]


@pytest.fixture
def script(tmp_path: Path) -> dict[str, Any]:
    """A run that leaves a file when it has come to its end."""
    progress = list(range(10)) * 50
    return {"one": {"touch": str(tmp_path / "ended"), "progress": progress}}


def descriptors(tmp_path: Path) -> list[int]:
    found: list[int] = json.loads((tmp_path / "ended").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("arguments", [["run"], ["run", "--json"], ["run", "-v"]])
def test_closed_streams_do_not_end_a_run(
    program: Any, script: dict[str, Any], tmp_path: Path, arguments: list[str]
) -> None:
    assert program(script, *arguments, before=CLOSED).code == 0
    # Else the state store, opened next, would get what is printed.
    assert min(descriptors(tmp_path)) > 2


def test_a_reader_that_went_away_does_not_end_a_run(
    program: Any, script: dict[str, Any], tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = program.start(script, "run", "--json", stdout=writing, stderr=writing)
        assert process.wait(30) == 0
    finally:
        os.close(writing)
    assert descriptors(tmp_path)


def test_a_reader_that_went_away_does_not_hide_a_failure(program: Any) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = program.start({"one": {"raise": "Busy"}}, "run", stdout=writing, stderr=writing)
        assert process.wait(30) == 4
    finally:
        os.close(writing)


def test_a_full_disk_is_told_and_changes_no_exit_code(
    program: Any, script: dict[str, Any], tmp_path: Path
) -> None:
    with Path("/dev/full").open("w") as full:
        ended = program(script, "run", "--json", stdout=full)
    assert ended.code == 0
    assert "standard output could not be written: No space left on device" in ended.err
    assert descriptors(tmp_path)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_narrow_encoding_takes_every_text(program: Any, encoding: str) -> None:
    sample = [{"key": "Zoë 😀", "code": "c", "message": "\udc80", "field": ""}]
    report = {"counts": {"scanned": 1, "added": 1, "rejected": 1}, "rejected_sample": sample}
    script = {"one": {"raise": "RejectedRows", "message": "naïve 😀", "report": report}}
    variables = {"PYTHONIOENCODING": encoding}
    options: dict[str, Any] = {"variables": variables, "encoding": encoding}
    ended = program(script, "run", "--json", **options)
    assert ended.code == 1
    assert ended.document["rejected_sample"] == sample
    assert program(script, "run", **options).code == 1


def test_json_is_all_there_is_on_standard_output(program: Any) -> None:
    script = {
        "a": {"progress": [1, 10]},
        "b": {"raise": "ConfigError"},
        "c": {"raise": "fault"},
        "d": {},
    }
    ended = program(script, "-v", "run", "--json")
    assert [run["sync"] for run in ended.document["runs"]] == list("abcd")
    assert ended.code == 2


def test_a_terminal_gets_a_bar_and_the_program_its_result(program: Any) -> None:
    ours, theirs = os.openpty()
    try:
        variables = {"TERM": "xterm", "COLUMNS": "120"}
        script = {"one": {"progress": [1, 5, 10]}}
        process = program.start(
            script, "run", "--json", stderr=theirs, stdout=subprocess.PIPE, variables=variables
        )
        out, _ = process.communicate(timeout=30)
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert json.loads(out)["sync"] == "one"
    assert "10 of 10 accepted" in shown
    assert "\x1b[" in shown
