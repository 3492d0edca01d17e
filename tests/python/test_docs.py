"""Every key and every command of the pages about concepts is one that there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tailrace.cli.main import cli
from tailrace.connections.hubspot import HubSpotConnection
from tailrace.connections.klaviyo import KlaviyoConnection
from tailrace.connections.mailchimp import MailchimpConnection
from tailrace.connections.registry import TYPES
from tailrace.project import Project
from tailrace.run_options import GUARDS
from tailrace.spec.document import Document
from tailrace.spec.project_file import ProjectFile
from tailrace.spec.sync import Sync
from tailrace.spec.validation import validate

PAGES = sorted((Path(__file__).parents[2] / "docs/concepts").glob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(tailrace [^`]+)`")
CALL = re.compile(r"`?project\.(\w+)\((.*?)\)")
SYNC: dict[str, Any] = {
    "name": "accounts",
    "source": "warehouse",
    "model": {"table": "accounts"},
    "key": "id",
    "destination": "crm",
    "object": "contacts",
    "match": "email",
    "fields": {"email": "email"},
}


def blocks(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{page.stem}-{at}")
        for page in PAGES
        for at, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
        if kind == language
    ]


def commands() -> list[Any]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [
            line for kind, body in BLOCK.findall(text) if kind == "sh" for line in body.splitlines()
        ]
        lines += INLINE.findall(BLOCK.sub("", text).replace("\n", " "))
        found += [pytest.param(line, id=f"{page.stem}: {line}") for line in lines]
    return found


def test_there_are_pages() -> None:
    names = {page.stem for page in PAGES}
    assert names >= {
        *("modes", "guards", "plans", "rejected-rows", "state", "shards", "verify", "pace")
    }


@pytest.mark.parametrize("text", blocks("yaml"))
def test_what_a_file_may_say_is_what_it_says(text: str) -> None:
    given = yaml.safe_load(text)
    kind: Any = ProjectFile if "connections" in given else Sync
    whole = given if kind is ProjectFile else {**SYNC, **given}
    problems: list[Any] = []
    assert validate(kind, Document("page", whole).section(), problems) is not None, problems


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_connection_is_one_that_there_is(text: str) -> None:
    for name, settings in yaml.safe_load(text).get("connections", {}).items():
        problems: list[Any] = []
        section = Document(f"connection {name}", settings).section()
        assert validate(TYPES[settings["type"]], section, problems) is not None, problems


@pytest.mark.parametrize("line", commands())
def test_every_command_takes_what_the_page_gives_it(line: str) -> None:
    program, *words = shlex.split(line, comments=True)
    assert program == "tailrace"
    command: click.Command = cli
    context = click.Context(cli, info_name="tailrace")
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command = found
    parser = command.make_parser(click.Context(command))
    values, left, _ = parser.parse_args(words)
    assert left == []
    assert values or not words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_call_is_one_that_a_project_has(page: Path) -> None:
    for name, _ in CALL.findall(page.read_text(encoding="utf-8")):
        assert callable(getattr(Project, name)), name


def rows_of(page: str, heading: str) -> dict[str, list[str]]:
    """Cells of the table below a heading, by the first one."""
    text = next(one for one in PAGES if one.stem == page).read_text(encoding="utf-8")
    lines = text.split(heading, 1)[1].strip().splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("|"))
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        first, *others = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
        rows[first.strip("`")] = others
    return rows


def test_the_guards_of_the_page_are_the_guards_there_are() -> None:
    assert set(rows_of("guards", "# Guards")) == set(GUARDS)


def test_the_modes_of_the_page_are_the_modes_there_are() -> None:
    modes = Sync.model_fields["mode"].annotation
    assert set(rows_of("modes", "# Modes")) == set(modes.__args__)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("hubspot", HubSpotConnection, "contacts"),
        ("klaviyo profiles", KlaviyoConnection, "profiles"),
        ("klaviyo lists", KlaviyoConnection, "list:ID"),
        ("klaviyo events", KlaviyoConnection, "event:Churn Scored"),
        ("mailchimp", MailchimpConnection, "members"),
    ],
)
def test_what_a_destination_does_is_what_the_page_says(name: str, kind: Any, target: str) -> None:
    can = kind.can(None, target)
    modes, removals, safeties, _ = rows_of("modes", "## Which destination")[name]
    assert set(modes.split(", ")) == can.modes
    assert set(removals.split(", ")) == can.removals
    inserts = "insert" in can.modes
    assert not inserts or set(safeties.split(", ")) == can.safeties
