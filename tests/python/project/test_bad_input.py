"""Every bad input ends with exit code 2 before anything is sent, and names file, line and key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from tailrace.project import Project

SYNC, PROJECT = "syncs/health.yml", "tailrace.yml"


def refusal(folder: Any, core: Any, work: str = "run", target: str | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        getattr(folder.load(target), work)("health")
    assert caught.value.exit_code == 2
    assert caught.value.status == "config"
    assert not core.specs
    return caught.value


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "key", "said"),
    [
        # An unknown key.
        (SYNC, "mode: upsert", "modus: upsert", 8, "modus", "unknown key 'modus'"),
        (PROJECT, "connections:", "conections:", 2, "conections", "did you mean 'connections'?"),
        (PROJECT, "auth: {token:", "auth: {tokn:", 7, "crm.auth.tokn", "did you mean 'token'?"),
        # An unknown column.
        (SYNC, "score: score", "score: scor", 11, "fields.score", "did you mean 'score'?"),
        (SYNC, "upper(segment)", "upper(segmen)", 12, "fields.up.sql", "did you mean 'segment'?"),
        (SYNC, "key: id", "key: idd", 4, "key", "did you mean 'id'?"),
        # A missing match field.
        (SYNC, "match: email", "match: Email__c", 7, "match", "not among the fields"),
        (SYNC, "match: email\n", "", 1, "match", "is missing"),
        # A duplicate mapping.
        (SYNC, "  score: score", "  email: score", 11, "fields.email", "lines 10 and 11"),
        (SYNC, "mode: upsert", "match: email", 8, "match", "lines 7 and 8"),
        # A missing variable.
        (PROJECT, "CRM_TOKEN", "CRM_TOKN", 7, "crm.auth.token", "CRM_TOKN is not set"),
        (SYNC, "table: users", 'table: "${env:TABLE}"', 3, "model.table", "TABLE is not set"),
        # A model that dbt does not have, or no dbt.
        (SYNC, "{table: users}", "ref('users')", 3, "model", "needs dbt's manifest"),
        # A percentage above 100, and other amounts.
        (SYNC, "mode: upsert", "guards: {max_changed: 101%}", 8, "max_changed", "more than 100%"),
        (SYNC, "mode: upsert", "tolerate: {rejected: 200%}", 8, "tolerate.rejected", "than 100%"),
        # Things that contradict each other.
        (SYNC, "mode: upsert", "mode: mirror\non_removed: ignore", 9, "on_removed", "contradicts"),
        (SYNC, "mode: upsert", "mode: append\non_removed: delete", 9, "on_removed", "contradicts"),
        # An address that credentials may not go to.
        (PROJECT, "127.0.0.1:1", "crm.example.com", 6, "crm.base_url", "loopback"),
        # What this version does not offer.
        (
            SYNC,
            "mode: upsert",
            "mode: insert\ninsert_safety: idempotency_key",
            9,
            "insert_safety",
            "not offered by destination hubspot in this version; it does duplicate_ok, park",
        ),
        (
            SYNC,
            "mode: upsert",
            "associate: {to: companies, by: key, column: maill}",
            8,
            "associate.column",
            "the model has no column 'maill'; did you mean 'mail'?",
        ),
        (
            SYNC,
            "mode: upsert",
            "mode: insert\nassociate: {to: companies, by: key, column: mail}",
            9,
            "associate",
            "contradicts mode: insert",
        ),
        (
            PROJECT,
            "type: hubspot",
            "type: adbc",
            5,
            "crm.type",
            "not offered by this version",
        ),
        (PROJECT, "type: hubspot", "type: hubspt", 5, "crm.type", "did you mean 'hubspot'?"),
        (PROJECT, "name: acme", "name: acme\nstate: mysql://h/d", 2, "state", "not at mysql"),
        (PROJECT, "name: acme", "name: acme\nstate: postgresql://h", 2, "state", "no database"),
        (PROJECT, "name: acme", "name: acme\nstate: postgresql://[", 2, "state", "is no address"),
        # Connections that are not there, or of the wrong kind.
        (SYNC, "destination: crm", "destination: crn", 5, "destination", "did you mean 'crm'?"),
        (SYNC, "source: warehouse", "source: warehous", 2, "source", "did you mean 'warehouse'?"),
        (SYNC, "source: warehouse", "source: crm", 2, "source", "is of type hubspot"),
        (SYNC, "destination: crm", "destination: warehouse", 5, "destination", "type duckdb"),
        # SQL that is more than it may be.
        (SYNC, "{table: users}", '{sql: "select 1; select 2"}', 3, "model.sql", "more than one"),
        (SYNC, "upper(segment)", "1; drop table users", 12, "fields.up.sql", "not one expression"),
    ],
)
def test_it_is_named_with_file_line_and_key(
    *, folder: Any, core: Any, file: str, old: str, new: str, line: int, key: str, said: str
) -> None:
    folder.change(file, old, new)
    error = refusal(folder, core)
    assert (error.file, error.line) == (file, line)
    assert error.key is not None
    assert error.key.endswith(key)
    assert f"{file}:{line}" in str(error)
    assert said in str(error)


def test_a_plan_is_refused_alike(folder: Any, core: Any) -> None:
    folder.change(SYNC, "score: score", "score: scor")
    assert refusal(folder, core, "plan").key == "fields.score"


def test_a_model_that_is_not_in_the_manifest(folder: Any, core: Any) -> None:
    folder.change(PROJECT, "name: acme", "name: acme\ndbt: {}")
    node = {
        "unique_id": "model.acme.scores",
        "name": "scores",
        "resource_type": "model",
        "package_name": "acme",
        "relation_name": '"lab"."main"."users"',
        "database": "lab",
        "config": {"enabled": True},
    }
    metadata = {"project_name": "acme", "adapter_type": "duckdb"}
    manifest = {"metadata": metadata, "nodes": {"model.acme.scores": node}}
    folder.write("target/manifest.json", json.dumps(manifest))
    folder.change(SYNC, "{table: users}", "ref('socres')")
    error = refusal(folder, core)
    assert (error.file, error.line, error.key) == (SYNC, 3, "model")
    assert "did you mean 'scores'?" in str(error)
    folder.change(SYNC, "socres", "scores")
    folder.load().run("health")
    assert core.rows == [("a@b.c", 5, "X", 1), ("d@e.f", 6, "Y", 2)]


def test_a_manifest_of_another_target(folder: Any, core: Any) -> None:
    folder.change(PROJECT, "name: acme", "name: acme\ndbt: {manifest: m.json}")
    node = {"unique_id": "model.acme.x", "name": "x", "resource_type": "model"}
    node |= {"package_name": "acme", "relation_name": "x", "config": {}}
    metadata = {"project_name": "acme", "adapter_type": "postgres"}
    manifest = {"metadata": metadata, "nodes": {"model.acme.x": node}}
    folder.write("m.json", json.dumps(manifest))
    folder.change(SYNC, "{table: users}", "ref('x')")
    error = refusal(folder, core)
    assert (error.file, error.line, error.key) == (SYNC, 3, "model")
    assert "postgres" in str(error)
    assert "duckdb" in str(error)


def test_one_name_used_twice_names_both_places(folder: Any, core: Any) -> None:
    folder.write("syncs/more.yml", "- name: other\n- name: health\n")
    error = refusal(folder, core)
    assert (error.file, error.line, error.key) == ("syncs/more.yml", 2, "[1].name")
    assert "syncs/health.yml:1" in str(error)


def test_a_sync_without_a_name(folder: Any, core: Any) -> None:
    folder.write("syncs/more.yml", "source: warehouse\n")
    error = refusal(folder, core)
    assert (error.file, error.line, error.key) == ("syncs/more.yml", 1, "name")


def test_errors_of_several_files_are_told_together(folder: Any, core: Any) -> None:
    folder.write("syncs/b.yml", "a: [\n")
    folder.write("syncs/c.yml", "name: x\nname: y\n")
    error = refusal(folder, core)
    assert {problem.file for problem in error.problems} == {"syncs/b.yml", "syncs/c.yml"}
    assert len(str(error).splitlines()) == 2


def test_errors_of_sync_and_connections_are_told_together(folder: Any, core: Any) -> None:
    folder.change(PROJECT, "127.0.0.1:1", "10.0.0.1")
    folder.change(SYNC, "source: warehouse", "source: house")
    error = refusal(folder, core)
    assert {problem.file for problem in error.problems} == {SYNC, PROJECT}


def test_an_unknown_target(folder: Any, core: Any) -> None:
    folder.change(PROJECT, "name: acme", "name: acme\ntargets: {prod: {}}")
    error = refusal(folder, core, target="prd")
    assert (error.file, error.line, error.key) == (PROJECT, 2, "targets")
    assert "did you mean 'prod'?" in str(error)


def test_an_unknown_sync(folder: Any, core: Any) -> None:
    with pytest.raises(ConfigError, match="did you mean 'health'") as caught:
        folder.load().run("helth")
    assert (caught.value.file, caught.value.line, caught.value.key) == (PROJECT, 1, "syncs")


def test_a_folder_without_a_project(tmp_path: Any, core: Any) -> None:
    from tailrace.project import Project

    with pytest.raises(ConfigError, match="tailrace init") as caught:
        Project.load(tmp_path)
    assert caught.value.file == PROJECT


def test_a_sync_file_from_outside_is_not_read(folder: Any, core: Any, tmp_path: Any) -> None:
    outside = folder.path.parent / f"{folder.path.name}-outside.yml"
    outside.write_text("name: stolen\n")
    (folder.path / "syncs" / "link.yml").symlink_to(outside)
    error = refusal(folder, core)
    assert (error.file, error.line) == ("syncs/link.yml", 1)
    assert "outside" in str(error)


def test_an_unknown_guard(folder: Any, core: Any) -> None:
    with pytest.raises(ConfigError, match="did you mean 'max_removed'"):
        folder.load().run("health", allow_guard=["max_removd"])
    assert not core.specs


def test_a_wrong_expected_state(folder: Any, core: Any) -> None:
    project: Project = folder.load()
    for wrong in ({}, {"store_id": ""}, {"store_id": "a", "epoch": "1", "last_seq": 2}):
        with pytest.raises(ConfigError, match="expected state"):
            project.run("health", expect_state=wrong)
    assert not core.specs


def test_no_error_shows_a_secret(folder: Any, core: Any) -> None:
    import pickle

    folder.change(PROJECT, 'token: "${env:CRM_TOKEN}"', 'token: "${env:CRM_TOKEN}", extra: 1')
    folder.environment["CRM_TOKEN"] = "canary\n1"
    error = refusal(folder, core)
    assert "canary" not in str(error)
    assert b"canary" not in pickle.dumps(error)
