"""`tailrace demo` as a user starts it: both warehouses, kept up, stopped half way, failing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tailrace.cli.main import cli
from tailrace.demo import demo as demo_module
from tailrace.demo.checking import Check
from tailrace.demo.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "cdnow"
PROGRAM = [sys.executable, "-m", "tailrace.cli", "demo", "--dir", str(EXAMPLE)]
CUSTOMERS, CHANGED, BATCH_ROWS = 23_570, 6_172, 100


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where temporary files of the demo go; readable for the account that runs Postgres."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=30)


def of_folder(folder: Path) -> list[str]:
    """Command lines of processes that have to do with the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            where = str((entry / "cwd").readlink())
        except OSError:
            continue
        if int(entry.name) != os.getpid() and str(folder) in f"{line} {where}":
            found.append(line)
    return found


def assert_nothing_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert of_folder(folder) == []


def assert_as_promised(document: dict[str, Any], warehouse: str) -> None:
    assert (document["status"], document["warehouse"]) == ("done", warehouse)
    assert len(document["checks"]) == 5
    assert all(check["ok"] for check in document["checks"])
    first, second, third = (run["report"] for run in document["runs"])
    assert {report["counts"]["scanned"] for report in (first, second, third)} == {CUSTOMERS}
    assert first["counts"]["added"] == first["counts"]["accepted"] == CUSTOMERS
    assert second["counts"]["changed"] == second["counts"]["accepted"] == CHANGED
    assert third["counts"]["unchanged"] == CUSTOMERS
    # On a busy machine a request may come late and be put off by the sandbox's limit.
    calls = [report["http"] for report in (first, second, third)]
    requests = [one["requests"] - one["rate_limited"] - one["retries"] for one in calls]
    # The first run asks besides whose account it is, and for the fields.
    assert requests == [-(-CUSTOMERS // BATCH_ROWS) + 2, -(-CHANGED // BATCH_ROWS), 0]


def read_document(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The JSON document of a demo that stays up behind it."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != "}\n":
        lines.append(process.stdout.readline())
        assert lines[-1], process.communicate()
    document: dict[str, Any] = json.loads("".join(lines))
    return document


def test_on_duckdb_it_keeps_its_promise_and_its_page(folder: Path) -> None:
    before = sorted(path for path in EXAMPLE.rglob("*"))
    with started(folder, "--json", "--keep") as process:
        assert process.stderr is not None
        told: list[str] = []
        reader = threading.Thread(target=told.extend, args=(process.stderr,), daemon=True)
        reader.start()
        document = read_document(process)
        with urllib.request.urlopen(document["sandbox"], timeout=10) as reply:
            assert b"cdnow_id" in reply.read()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        reader.join(timeout=10)
    assert process.returncode == 0
    assert_as_promised(document, "duckdb")
    assert any(document["sandbox"] in line for line in told)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(document["sandbox"], timeout=10)
    assert_nothing_left(folder)
    assert sorted(path for path in EXAMPLE.rglob("*")) == before


def test_on_postgres_it_keeps_its_promise(folder: Path) -> None:
    with started(folder, "--json", "--warehouse", "postgres") as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert_as_promised(json.loads(out), "postgres")
    assert_nothing_left(folder)


@pytest.mark.parametrize(
    ("warehouse", "said", "number", "code"),
    [
        ("duckdb", "dbt: scores as of 1998-01-31", signal.SIGTERM, 143),
        ("postgres", "dbt: scores as of 1998-01-31", signal.SIGINT, 130),
        ("duckdb", "scores of 1998-01-31: started", signal.SIGINT, 130),
    ],
)
def test_a_signal_stops_and_removes_everything(
    folder: Path, warehouse: str, said: str, number: int, code: int
) -> None:
    with started(folder, "--warehouse", warehouse) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(said):
                break
        process.send_signal(number)
        process.send_signal(signal.SIGTERM)  # an impatient one: it must not cut the clean-up short
        _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in err
    assert_nothing_left(folder)


def test_a_folder_that_is_not_the_example_is_a_usage_error(tmp_path: Path) -> None:
    ended = CliRunner().invoke(cli, ["demo", "--dir", str(tmp_path)])
    assert ended.exit_code == 2
    assert "is not the CDNOW example" in ended.stderr


def test_a_check_that_fails_ends_with_5(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = (Check("all arrived", True, "2"), Check("no request", False, "3 requests"))

    @contextmanager
    def failed(*arguments: object, **options: object) -> Iterator[Result]:
        yield Result("duckdb", "http://127.0.0.1:1", (), checks, 1.0)

    monkeypatch.setattr(demo_module, "demo", failed)
    words = CliRunner().invoke(cli, ["demo"])
    document = CliRunner().invoke(cli, ["demo", "--json"])
    assert words.exit_code == document.exit_code == 5
    assert "FAILED no request (3 requests)" in words.stdout
    assert json.loads(document.stdout)["status"] == "failed"
