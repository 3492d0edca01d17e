"""Starting: what is loaded, what --help says, and what a wrong command line gets."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

from tailrace import __version__
from tailrace.cli.group import COMMANDS
from tailrace.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[[dict[str, Any]], Any]

PROGRAM = [sys.executable, "-m", "tailrace.cli"]
LIMIT_S = 0.15
MOST_STARTS = 8.0
"""Of a Python that does nothing: what --help may take where the machine itself is slow."""


def children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def seconds_of(command: list[str]) -> float:
    before = children_seconds()
    subprocess.run(command, check=True, capture_output=True)
    return children_seconds() - before


def test_help_is_quick() -> None:
    """CPU time, the least of five: other programs on the machine do not count."""
    starts, taken = [], []
    for _ in range(5):
        starts.append(seconds_of([sys.executable, "-c", "pass"]))
        taken.append(seconds_of([*PROGRAM, "--help"]))
    assert min(taken) <= max(LIMIT_S, MOST_STARTS * min(starts))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = ("pydantic", "sqlglot", "rich", "yaml", "duckdb", "aiohttp", "tailrace._core")
    code = (
        "import sys\n"
        "from tailrace.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as ended:\n    assert ended.code == 0\n"
        f"sys.stderr.write(repr([m for m in {heavy!r} if m in sys.modules]))"
    )
    command = [sys.executable, "-c", code, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stderr == "[]"


def test_a_run_without_a_terminal_loads_no_rich(program: Any) -> None:
    ended = program({"one": {}}, "run", variables={"PYTHONPROFILEIMPORTTIME": "1"})
    modules = {line.rpartition("|")[2].strip() for line in ended.err.splitlines()}
    assert "tailrace.cli.attempts" in modules
    assert modules.isdisjoint({"rich", "pydantic", "sqlglot"})


def test_help_lists_all_commands_with_what_they_do(tailrace: Make) -> None:
    ended = tailrace({})("--help")
    text = " ".join(ended.out.split())
    for name, does in COMMANDS.items():
        assert f"{name} {does}" in text
    assert "7 state lost" in text


def all_commands() -> Iterator[tuple[str, ...]]:
    """Every command by its words, those of groups in the place of the group."""
    context = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert found is not None
        assert found.name == name
        if isinstance(found, click.Group):
            yield from ((name, inner) for inner in found.commands)
        else:
            yield (name,)


@pytest.mark.parametrize("words", [*all_commands()], ids=" ".join)
def test_every_command_has_help_and_json(tailrace: Make, words: tuple[str, ...]) -> None:
    ended = tailrace({})(*words, "--help")
    assert ended.code == 0
    assert "--json" in ended.out


def test_version(tailrace: Make) -> None:
    assert tailrace({})("--version").out == f"tailrace {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rum"], "there is no command 'rum'; did you mean 'run'?"),
        (["run", "--jsn"], "No such option"),
        (["status", "--limit", "0"], "0 is not in the range"),
        (["demo", "--warehouse", "oracle"], "'oracle' is not one of"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_says_what_is_wrong(
    arguments: list[str], said: str
) -> None:
    ended = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert said in ended.stderr
    assert re.search(r"Try `tailrace .*--help`", ended.stderr)


def test_a_folder_without_a_project_is_a_clear_error(tmp_path: Any) -> None:
    command = [*PROGRAM, "run", "--project", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "error: tailrace.yml" in ended.stderr
    assert "Traceback" not in ended.stderr
