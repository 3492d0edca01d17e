"""The command line in this process and as a program, with a project that is scripted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

HERE = Path(__file__).resolve().parent

# Test modules are imported by path, so a module beside them is found only here.
sys.path.insert(0, str(HERE))

from fake_project import FakeProject  # noqa: E402

from tailrace.cli import projects  # noqa: E402
from tailrace.cli.main import cli  # noqa: E402
from tailrace.cli.settings import Settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it is."""
        return json.loads(self.out)


class CommandLine:
    """`tailrace` in this process, on a fake project."""

    def __init__(self, project: FakeProject) -> None:
        self.project = project

    def __call__(self, *arguments: str) -> Ended:
        ended = CliRunner().invoke(cli, arguments, prog_name="tailrace", obj=Settings())
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Ended(ended.exit_code, ended.stdout, ended.stderr)


@pytest.fixture
def tailrace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, Any]], CommandLine]:
    """Makes a command line of a script."""

    def make(script: dict[str, Any]) -> CommandLine:
        project = FakeProject(script, tmp_path / ".tailrace")
        monkeypatch.setattr(projects, "load", lambda directory, target: project)
        return CommandLine(project)

    return make


@dataclass(frozen=True)
class Program:
    """`tailrace` as a program of its own, on a fake project."""

    folder: Path

    def start(self, script: dict[str, Any], *arguments: str, **options: Any) -> Any:
        """Start it; `options` are those of Popen."""
        command = [*options.pop("before", ()), sys.executable, str(HERE / "fake_project.py")]
        environment = {
            **os.environ,
            "FAKE_SYNCS": json.dumps(script),
            "FAKE_FOLDER": str(self.folder),
            **options.pop("variables", {}),
        }
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([*command, *arguments], env=environment, text=True, **pipes)

    def __call__(self, script: dict[str, Any], *arguments: str, **options: Any) -> Ended:
        """Run it to its end."""
        process = self.start(script, *arguments, **options)
        out, err = process.communicate(timeout=30)
        return Ended(process.returncode, out or "", err or "")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)
