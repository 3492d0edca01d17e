"""What the demo starts from: the example's copy, its settings, dbt as a program, requirements."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from tailrace.demo import cdnow, dbt_build, requirements
from tailrace.demo.dbt_build import DbtBuild
from tailrace.errors import ConfigError, TailraceError

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "cdnow"


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """A program in dbt's place."""
    path = folder / "dbt"
    path.write_text(f"#!{sys.executable}\n{body}", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(dbt_build, "dbt_program", lambda: path)
    return path


def test_the_copy_has_the_example_and_none_of_what_runs_leave(tmp_path: Path) -> None:
    example = tmp_path / "example"
    cdnow.copy_example(EXAMPLE, example)
    for left in ("dbt/target/manifest.json", ".tailrace/state.db", "dbt/logs/dbt.log", "x.duckdb"):
        (example / left).parent.mkdir(parents=True, exist_ok=True)
        (example / left).touch()
    cdnow.copy_example(example, tmp_path / "copy")
    found = {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*")}
    assert Path("dbt/models/customer_health.sql") in found
    assert not {path.name for path in found} & {"target", "logs", ".tailrace", "x.duckdb"}


def test_another_folder_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tailrace\.yml is missing.*--dir"):
        cdnow.copy_example(tmp_path, tmp_path / "copy")


def test_settings_of_the_caller_lead_nowhere() -> None:
    mine = {"PATH": "/bin", "HOME": "/h", "LANG": "C"}
    foreign = {"DBT_TARGET_PATH": "/x", "CDNOW_DUCKDB": "/y", "PGHOST": "h", "HUBSPOT_TOKEN": "t"}
    assert cdnow.own_environment({**mine, **foreign}) == mine


def test_dbt_gets_day_folder_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (
        "import os, sys, pathlib\n"
        "pathlib.Path('said').write_text(os.environ['CDNOW'] + ' '.join(sys.argv[1:]))\n"
    )
    program(tmp_path, monkeypatch, body)
    with DbtBuild(tmp_path, "1998-01-31", {**os.environ, "CDNOW": "here: "}) as build:
        build.finish()
    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert said.startswith("here: build --profiles-dir . ")
    assert said.endswith('--vars {"as_of": "1998-01-31"}')


def test_a_failed_dbt_is_told_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program(tmp_path, monkeypatch, "print('Compilation Error in model x')\nraise SystemExit(2)\n")
    with (
        DbtBuild(tmp_path, "1998-01-31", os.environ) as build,
        pytest.raises(TailraceError, match=r"(?s)1998-01-31 failed with exit 2.*Compilation Error"),
    ):
        build.finish()
    assert capfd.readouterr() == ("", "")


def test_dbts_output_is_let_through_when_asked_and_never_to_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program(tmp_path, monkeypatch, "print('Found 2 models')\n")
    with DbtBuild(tmp_path, "1998-01-31", os.environ, shown=True) as build:
        build.finish()
    assert capfd.readouterr() == ("", "Found 2 models\n")


def test_dbt_ends_with_the_demo_children_included(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "pathlib.Path('child.part').write_text(str(child.pid))\n"
        "pathlib.Path('child.part').rename('child')\n"
        "child.wait()\n"
    )
    program(tmp_path, monkeypatch, body)
    start = time.monotonic()

    def interrupted() -> None:
        with DbtBuild(tmp_path, "1998-01-31", os.environ):
            while not (tmp_path / "child").exists():
                assert time.monotonic() - start < 20
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    while alive(child):
        assert time.monotonic() - start < 30
        time.sleep(0.01)


def alive(number: int) -> bool:
    """Neither gone nor a zombie that nobody waits for."""
    try:
        os.kill(number, 0)
        status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_what_is_not_installed_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        requirements._BY_WAREHOUSE, "duckdb", {"no_such_module": "tailrace[duckdb]"}
    )
    with pytest.raises(ConfigError, match=r"pip install 'tailrace\[duckdb\]'"):
        requirements.refuse_missing("duckdb")


def test_a_python_without_dbt_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ConfigError, match=r"pip install 'dbt-core<1\.12'"):
        dbt_build.dbt_program()
