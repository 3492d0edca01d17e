"""Signals: cancelled in an orderly way, at once when asked twice, ignored where the caller says."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

NUMBERS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def script(tmp_path: Path) -> dict[str, Any]:
    """A long run, and one that comes after it."""
    waiting = {"wait_s": 20, "started": str(tmp_path / "started")}
    return {"a": waiting, "b": {"touch": str(tmp_path / "second")}}


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 15
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.01)


@pytest.mark.parametrize(("number", "code"), NUMBERS)
def test_a_signal_cancels_and_the_rest_is_not_begun(
    program: Any, script: dict[str, Any], tmp_path: Path, number: int, code: int
) -> None:
    process = program.start(script, "run", "--json")
    wait_for(tmp_path / "started", process)
    start = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=15)
    assert process.returncode == code
    assert time.monotonic() - start < 5
    (run,) = json.loads(out)["runs"]
    name = signal.Signals(number).name
    assert run == {
        "sync": "a",
        "status": "cancelled",
        "exit_code": code,
        "message": f"stopped by {name}",
    }
    assert "Traceback" not in err
    assert f"a: stopped by {name}" in err
    assert not (tmp_path / "second").exists()


def test_a_second_signal_ends_it_at_once(
    program: Any, script: dict[str, Any], tmp_path: Path
) -> None:
    script["a"]["drain_s"] = 20
    process = program.start(script, "run")
    wait_for(tmp_path / "started", process)
    process.send_signal(signal.SIGTERM)
    end = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < end:
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    process.communicate(timeout=5)
    # Signals that wait together are taken by number: either may be the second.
    assert process.returncode in (130, 143)


def test_a_signal_that_the_caller_ignores_stays_ignored(
    program: Any, script: dict[str, Any], tmp_path: Path
) -> None:
    before = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    script["a"]["wait_s"] = 1
    process = program.start(script, "run", before=before)
    wait_for(tmp_path / "started", process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert process.returncode == 0
    assert (tmp_path / "second").exists()


def test_an_earlier_failure_keeps_its_place_in_the_precedence(
    program: Any, script: dict[str, Any], tmp_path: Path
) -> None:
    process = program.start({"A": {"raise": "StateLost"}, **script}, "run")
    wait_for(tmp_path / "started", process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=15)
    assert process.returncode == 7
