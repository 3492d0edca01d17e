"""What the sandbox's page promises is what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tailrace.cli.main import cli
from tailrace.sandbox.control import Control
from tailrace.sandbox.faults import KINDS, read_schedule
from tailrace.sandbox.registry import VENDORS
from tailrace.sandbox.run import make_app

PAGE = (Path(__file__).parents[3] / "docs/sandbox.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(PAGE) if kind == language]


def first_cells(heading: str) -> list[str]:
    """The first cells of the first table below a heading whose head is not empty."""
    text = PAGE.split(f"\n{heading}\n", 1)[1]
    table = re.search(r"^\| \w.*\n\|---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None
    return [line.split("|")[1].strip() for line in table[1].splitlines()]


@pytest.mark.parametrize("name", VENDORS)
def test_the_options_of_the_page_are_the_options_there_are(name: str) -> None:
    listed = [cell.strip("`") for cell in first_cells(f"### {name}")]
    assert len(listed) == len(set(listed))
    assert set(listed) == VENDORS[name].OPTIONS


def test_the_faults_of_the_page_are_the_faults_there_are() -> None:
    listed = [one.strip("`") for cell in first_cells("## Faults") for one in cell.split(", ")]
    assert sorted(listed) == sorted(KINDS)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_configuration_is_one_that_it_takes(text: str) -> None:
    settings = yaml.safe_load(text)
    make_app(settings)
    assert settings.keys() & {"vendors", "faults"}
    if isinstance(settings.get("faults"), dict):
        assert read_schedule(settings["faults"])[0]


def test_named_limits_are_those_there_are() -> None:
    for name, vendor in VENDORS.items():
        section = PAGE.split(f"### {name}\n", 1)[1].split("### ", 1)[0]
        row = next(line for line in section.splitlines() if line.startswith("| `limits`"))
        for limit in vendor.LIMIT_NAMES:
            assert re.search(rf"\b{limit}\b", row), (name, limit)


def test_the_commands_are_ones_that_there_are() -> None:
    for line in "".join(blocks("sh")).splitlines():
        program, command, *words = shlex.split(line)
        assert program == "tailrace"
        found: Any = cli.get_command(None, command)  # type: ignore[arg-type]
        parser = found.make_parser(found.make_context(command, [], resilient_parsing=True))
        _, left, _ = parser.parse_args(words)
        assert left == []


def test_the_python_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("py")
    exec(compile(code, "docs/sandbox.md", "exec"), {})
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


def test_what_is_looked_in_at_is_served() -> None:
    app = make_app({"vendors": ["rest"]})
    control = Control(app)
    from tailrace.sandbox.wire import Request

    for cell in first_cells("## Looking in"):
        method, path = cell.strip("`").split()
        body = b"[]" if path == "/__faults" else b'{"rest":"none"}'
        reply = control.handle(Request(method, path, {}, {"host": "localhost"}, body))
        assert reply.status == 200, cell
