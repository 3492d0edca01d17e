"""init, schema, sandbox: the commands that need no project."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from tailrace.cli.main import cli
from tailrace.project import Project

if TYPE_CHECKING:
    from click.testing import Result

PROGRAM = [sys.executable, "-m", "tailrace.cli"]
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "cdnow"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="tailrace")


def test_init_writes_a_project_without_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    ended = call("init", "--project", str(folder), "--json")
    assert ended.exit_code == 0
    written = json.loads(ended.stdout)["written"]
    assert sorted(written) == ["syncs/people.yml", "tailrace.yml", "warehouse.duckdb"]
    project = Project.load(folder)
    assert project.syncs == ["people_to_hubspot"]
    assert project.check(offline=True) == []


def test_init_touches_nothing_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "tailrace.yml").write_text("name: mine\n", encoding="utf-8")
    ended = call("init", "--project", str(tmp_path))
    assert ended.exit_code == 2
    assert "tailrace.yml is there already; nothing was written" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tailrace.yml"]
    assert (tmp_path / "tailrace.yml").read_text(encoding="utf-8") == "name: mine\n"


def test_init_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = call("init", "--project", str(tmp_path / "file"))
    assert ended.exit_code == 2
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [["schema"], ["schema", "--json"]])
def test_the_schema_takes_the_examples_files(arguments: list[str]) -> None:
    schema = json.loads(call(*arguments).stdout)
    kind = import_module("jsonschema").Draft202012Validator  # without types
    kind.check_schema(schema)
    validator = kind(schema)
    for name in ("tailrace.yml", "syncs/customer_health.yml"):
        document = yaml.safe_load((EXAMPLE / name).read_text(encoding="utf-8"))
        validator.validate(document)
    assert not validator.is_valid({"name": "x", "modle": 1})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_serves_until_a_signal(number: int) -> None:
    command = [*PROGRAM, "sandbox", "--vendors", "hubspot", "--limits", "none", "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], process.communicate()
        document: Any = json.loads("".join(lines))
        assert document["vendors"] == ["hubspot"]
        with urllib.request.urlopen(document["url"], timeout=10) as reply:
            assert b"Tailrace sandbox" in reply.read()
        process.send_signal(number)
        _, err = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 0
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--vendors", "hubspott"], "did you mean 'hubspot'?"),
        (["--host", "0.0.0.0"], "loopback only"),
        (["--config", "/nonexistent.yml"], "No such file"),
    ],
)
def test_a_wrong_sandbox_is_a_usage_error(arguments: list[str], said: str) -> None:
    ended = call("sandbox", *arguments)
    assert ended.exit_code == 2
    assert said in ended.stderr
