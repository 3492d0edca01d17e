"""The last lines of `make test`: what counts as passed, and what is named."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FAILED = "<failure message='no'/>"


@pytest.fixture(scope="module")
def summary() -> Any:
    spec = importlib.util.spec_from_file_location("summary", ROOT / "ci" / "summary.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(report: Path, **cases: str) -> None:
    listed = "".join(
        f"<testcase classname='tests.x' name='{name}'>{inner}</testcase>"
        for name, inner in cases.items()
    )
    report.write_text(f"<testsuites><testsuite>{listed}</testsuite></testsuites>")


def test_what_passed_alone_is_passed_and_named(
    summary: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.xml", one="", two=FAILED, three="")
    write(tmp_path / "a.again.xml", two="")
    assert summary.main(tmp_path, ["a:0"]) == 0
    printed = capsys.readouterr().out
    assert "a: 3 passed, 0 failed\n" in printed
    assert "passed alone, after it failed beside other suites: tests.x::two" in printed


def test_what_failed_again_has_failed(
    summary: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.xml", one="", two=FAILED, three=FAILED)
    write(tmp_path / "a.again.xml", two="", three=FAILED)
    assert summary.main(tmp_path, ["a:1"]) == 1
    assert "a: 2 passed, 1 failed\n" in capsys.readouterr().out


def test_skips_crashes_and_nothing_at_all_are_failures(
    summary: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "skips.xml", one="", two="<skipped/>")
    write(tmp_path / "crashed.xml", one="")
    assert summary.main(tmp_path, ["skips:0", "crashed:2", "missing:1"]) == 1
    printed = capsys.readouterr().out
    assert "skips: 1 passed, 0 failed, 1 skipped (counted as failed)" in printed
    assert "crashed: 1 passed, 1 failed, ended with status 2 (counted as failed)" in printed
    assert printed.endswith("2 passed, 3 failed\n")
    assert summary.main(tmp_path, []) == 1
