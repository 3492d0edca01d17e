"""A check tells all that is wrong and sends nothing."""

from __future__ import annotations

from typing import Any


def field(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "text",
        "writable": True,
        "unique": False,
        "required": False,
    } | changes


def test_a_good_project_has_no_problem(folder: Any, core: Any) -> None:
    core.fields = [field("email", unique=True), field("score"), field("up")]
    assert folder.load().check() == []
    assert core.specs[0]["object"] == {"name": "contacts"}


def test_fields_are_compared_with_the_destination_s(folder: Any, core: Any) -> None:
    core.fields = [
        field("email"),
        field("scores"),
        field("up", writable=False),
        field("owner", required=True),
    ]
    found = {problem.key: problem for problem in folder.load().check("health")}
    assert "did you mean 'scores'?" in found["fields.score"].message
    assert "cannot be written" in found["fields.up"].message
    assert "not unique" in found["match"].message
    assert "requires the field 'owner'" in found["fields"].message
    assert found["fields.score"].file == "syncs/health.yml"
    assert found["fields.score"].line == 11


def test_a_destination_that_cannot_tell_is_no_problem(folder: Any, core: Any) -> None:
    core.fields = None
    assert folder.load().check() == []


def test_offline_asks_no_destination(folder: Any, core: Any) -> None:
    assert folder.load().check(offline=True) == []
    assert not core.specs


def test_all_syncs_and_connections_are_looked_at(folder: Any, core: Any) -> None:
    text = (folder.path / "syncs/health.yml").read_text()
    folder.write("syncs/two.yml", text.replace("health", "two").replace("key: id", "key: idd"))
    folder.change("syncs/health.yml", "match: email", "match: emial")
    project = (folder.path / "tailrace.yml").read_text()
    unused = '  spare: {type: rest, base_url: "http://10.0.0.1", objects: {a: {path: /a}}}\n'
    folder.write("tailrace.yml", project + unused)
    found = folder.load().check(offline=True)
    assert [(problem.file, problem.key) for problem in found] == [
        ("tailrace.yml", "connections.spare.base_url"),
        ("syncs/health.yml", "match"),
        ("syncs/two.yml", "key"),
    ]


def test_a_warehouse_out_of_reach_is_a_problem_of_the_source(folder: Any, core: Any) -> None:
    (folder.path / "lab.duckdb").unlink()
    (problem,) = folder.load().check()
    assert (problem.file, problem.line, problem.key) == ("syncs/health.yml", 2, "source")
