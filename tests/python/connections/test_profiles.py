"""Profiles: declared once in a file, filled by connections, and wrong by file, line and key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tailrace import ConfigError, Project
from tailrace.connections.resolving import resolve
from tailrace.spec.profiles import packaged
from tailrace.spec.schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tailrace.errors import Problem

FIVE = ("braze", "customerio", "intercom", "iterable", "slack")
PROFILE = """\
about: An API of our own
parameters:
  host: {default: api.example.com}
  token: {secret: true}
  list_id: {}
  region: {options: [eu, us], default: eu}
  size: {type: integer, least: 1, most: 500, default: 100}
base_url: "https://${host}/v1"
auth: {bearer: "${token}"}
headers: {X-Region: "${region}", X-List: "list ${list_id}", X-Plain: "1"}
limits: [{requests: 10, per: 1s}]
objects:
  members:
    match: [email]
    path: "/lists/${list_id}/members"
    batch_rows: "${size}"
    body: {rows: $rows, list: "${list_id}"}
"""
USE = {"type": "ours", "token": "${env:TOKEN}", "list_id": "l-7"}
SYNC = {
    "name": "members",
    "source": "warehouse",
    "model": {"table": "members"},
    "key": "id",
    "destination": "tool",
    "object": "members",
    "match": "email",
    "fields": {"email": "email", "level": "level"},
}


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Project]:
    """A project with a profile `ours` and a connection that uses it."""

    def make(
        use: dict[str, Any] | None = None, profile: str = PROFILE, sync: Any = SYNC
    ) -> Project:
        import duckdb

        for folder in ("destinations", "syncs"):
            (tmp_path / folder).mkdir(exist_ok=True)
        connections = {
            "warehouse": {"type": "duckdb", "path": "w.duckdb"},
            "tool": USE if use is None else use,
        }
        with duckdb.connect(str(tmp_path / "w.duckdb")) as warehouse:
            warehouse.execute("create or replace table members (id int, email text, level text)")
        text = json.dumps({"name": "p", "connections": connections}, indent=1)
        (tmp_path / "tailrace.yml").write_text(text, encoding="utf-8")
        (tmp_path / "destinations" / "ours.yml").write_text(profile, encoding="utf-8")
        (tmp_path / "syncs" / "s.yml").write_text(json.dumps(sync), encoding="utf-8")
        return Project.load(tmp_path, env={"TOKEN": "canary-41c7"})

    return make


def compiled(project: Project) -> tuple[dict[str, Any], dict[str, Any]]:
    """The core's connection and its object."""
    made = project._files.compiled("members")
    return resolve(made.connection, {"TOKEN": "canary-41c7"}), made.spec["object"]


def test_five_come_with_tailrace() -> None:
    assert tuple(packaged()) == FIVE


def test_a_connection_fills_a_profile(project: Callable[..., Project]) -> None:
    connection, declared = compiled(project())
    assert connection["type"] == "rest"
    assert connection["base_url"] == "https://api.example.com/v1"
    assert connection["auth"] == {"bearer": "canary-41c7"}
    assert connection["headers"] == {"X-Region": "eu", "X-List": "list l-7", "X-Plain": "1"}
    assert connection["limits"] == [{"requests": 10, "per_s": 1.0}]
    assert declared["path"] == "/lists/l-7/members"
    assert declared["batch_rows"] == 100
    assert declared["body"] == {"rows": "$rows", "list": "l-7"}


@pytest.mark.parametrize("named", ["ours", "destinations/ours.yml"])
def test_what_the_connection_says_goes_over_the_profile(
    project: Callable[..., Project], named: str
) -> None:
    use = {
        **USE,
        "type": "rest",
        "profile": named,
        "base_url": "http://127.0.0.1:9",
        "limits": [{"concurrent": 2}],
        "size": 7,
        "region": "us",
    }
    connection, declared = compiled(project(use))
    assert connection["base_url"] == "http://127.0.0.1:9"
    assert connection["limits"] == [{"concurrent": 2}]
    assert connection["headers"]["X-Region"] == "us"
    assert declared["batch_rows"] == 7


def test_a_changed_profile_is_seen_by_the_next_run(project: Callable[..., Project]) -> None:
    assert compiled(project())[1]["batch_rows"] == 100
    assert compiled(project())[1]["batch_rows"] == 100
    changed = project(profile=PROFILE.replace("default: 100", "default: 50"))
    assert compiled(changed)[1]["batch_rows"] == 50


def test_no_secret_is_written_down(project: Callable[..., Project], tmp_path: Path) -> None:
    compiled(project())
    kept = [path for path in (tmp_path / ".tailrace").rglob("*.json") if path.is_file()]
    assert any("sync_members" in path.name for path in kept), "the credential is kept as its name"
    assert not any(b"canary-41c7" in path.read_bytes() for path in kept)
    assert compiled(project())[0]["auth"] == {"bearer": "canary-41c7"}


def test_a_secret_that_stands_in_the_file_is_written_down_nowhere_else(
    project: Callable[..., Project], tmp_path: Path
) -> None:
    compiled(project({**USE, "token": "in-the-file"}))
    kept = [path for path in (tmp_path / ".tailrace").rglob("*") if path.is_file()]
    assert not any(b"in-the-file" in path.read_bytes() for path in kept)


def test_a_projects_own_profile_goes_before_that_of_the_same_name(
    project: Callable[..., Project], tmp_path: Path
) -> None:
    made = project({**USE, "type": "slack"})
    (tmp_path / "destinations" / "slack.yml").write_text(PROFILE, encoding="utf-8")
    made = Project.load(tmp_path, env={"TOKEN": "canary-41c7"})
    assert compiled(made)[1]["path"] == "/lists/l-7/members"


def problems(project: Project) -> list[Problem]:
    return project.check(offline=True)


WRONG_USES: dict[str, tuple[dict[str, Any], str, str]] = {
    "missing": ({"list_id": None}, "connections.tool.list_id", "is missing"),
    "unknown": ({"lst_id": "x"}, "connections.tool.lst_id", "'list_id'"),
    "option": ({"region": "mars"}, "connections.tool.region", "'eu' or 'us'"),
    "number": ({"size": 501}, "connections.tool.size", "500"),
    "word": ({"size": "many"}, "connections.tool.size", "whole number"),
    "variable": ({"token": "${env:NONE}"}, "connections.tool.token", "NONE is not set"),
    "type": ({"type": "slak"}, "connections.tool.type", "'slack'"),
    "name": ({"type": "rest", "profile": "our"}, "connections.tool.profile", "'ours'"),
    "elsewhere": (
        {"type": "rest", "profile": "../x.yml"},
        "connections.tool.profile",
        "no profile",
    ),
}


@pytest.mark.parametrize(("change", "key", "said"), WRONG_USES.values(), ids=WRONG_USES)
def test_what_a_connection_gets_wrong_is_named_in_its_file(
    project: Callable[..., Project], change: dict[str, Any], key: str, said: str
) -> None:
    use = {name: one for name, one in {**USE, **change}.items() if one is not None}
    found = problems(project(use))
    (problem,) = {one for one in found if one.file == "tailrace.yml" and one.key == key}
    assert said in problem.message
    assert problem.line


WRONG_PROFILES: dict[str, tuple[str, str, int, str, str]] = {
    "key": ("batch_rows:", "bach_rows:", 16, "objects.members.bach_rows", "'batch_rows'"),
    "place": ("/${list_id}/", "/${lst_id}/", 15, "objects.members.path", "'list_id'"),
    "secret": (
        'list: "${list_id}"',
        'list: "${token}"',
        17,
        "objects.members.body.list",
        "is a secret",
    ),
    "environment": ("${host}", "${env:HOST}", 8, "base_url", "a profile is shared"),
    "default": ("default: 100", "default: 1000", 7, "parameters.size", "default"),
    "given secret": ("secret: true", "secret: true, default: x", 4, "parameters.token", "shared"),
    "taken": ("list_id: {}", "list_id: {}\n  timeout: {}", 6, "parameters.timeout", "another name"),
    "address": ("https://${host}", "ftp://${host}", 8, "base_url", "https"),
    "body": ("$rows", "$row s", 17, "objects.members.body", "$rows"),
    "limits": ("per: 1s", "per: 1 year", 11, "limits[0].per", "duration"),
}


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"), WRONG_PROFILES.values(), ids=WRONG_PROFILES
)
def test_what_is_wrong_in_a_profile_is_named_in_its_file(
    project: Callable[..., Project], old: str, new: str, line: int, key: str, said: str, used: bool
) -> None:
    assert old in PROFILE
    unused = {"type": "slack", "token": "t", "channel": "c"}
    sync = SYNC if used else {**SYNC, "object": "messages", "mode": "append"}
    made = project(USE if used else unused, PROFILE.replace(old, new, 1), sync)
    found = {one for one in problems(made) if one.file == "destinations/ours.yml"}
    (problem,) = (one for one in found if one.key == key)
    assert problem.line == line
    assert said in problem.message


def test_a_profile_cannot_have_the_name_of_a_type(
    project: Callable[..., Project], tmp_path: Path
) -> None:
    project()
    (tmp_path / "destinations" / "salesforce.yml").write_text(PROFILE, encoding="utf-8")
    (problem,) = problems(Project.load(tmp_path, env={"TOKEN": "canary-41c7"}))
    assert problem.file == "destinations/salesforce.yml"
    assert "a type of its own" in problem.message


def test_a_match_field_that_the_object_does_not_take_is_refused(
    project: Callable[..., Project],
) -> None:
    fields = {"name": "email", "level": "level"}
    made = project(sync={**SYNC, "match": "name", "fields": fields})
    (problem,) = problems(made)
    assert problem.key == "match"
    assert "it takes email" in problem.message
    with pytest.raises(ConfigError):
        made.plan("members")


def test_a_base_url_has_to_stand_somewhere(project: Callable[..., Project]) -> None:
    made = project(profile=PROFILE.replace('base_url: "https://${host}/v1"', ""))
    assert any("base_url is missing" in one.message for one in problems(made))


def test_the_published_schema_takes_profiles_and_their_uses() -> None:
    schema = json_schema()

    def validator(part: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]})

    import yaml

    for path in packaged().values():
        validator("profile").validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    profiled = validator("profiled")
    profiled.validate({"type": "slack", "token": "t", "channel": "c"})
    profiled.validate({"type": "rest", "profile": "ours", "anything": 1})
    assert not profiled.is_valid({"type": "slack", "token": "t"})
    assert not profiled.is_valid({"type": "slack", "token": "t", "channel": "c", "chanel": "c"})
