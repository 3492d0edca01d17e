"""Targets replace whole connections and the state; names and tags select."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.errors import ConfigError

TARGETS = """\
targets:
  dev: {}
  prod:
    state: sqlite:///prod/state.db
    connections:
      crm: {type: hubspot, base_url: "https://crm.example.com", auth: {token: "${env:PROD}"}}
"""


def test_a_target_replaces_connections_and_state(folder: Any, core: Any) -> None:
    folder.write("tailrace.yml", (folder.path / "tailrace.yml").read_text() + TARGETS)
    folder.environment["PROD"] = "p"
    folder.load("prod").run("health")
    folder.load("dev").run("health")
    folder.load().run("health")
    prod, dev, plain = core.specs
    assert prod["connection"]["base_url"] == "https://crm.example.com"
    assert prod["connection"]["auth"] == {"token": "p"}
    assert prod["state"]["url"] == f"sqlite:///{folder.path}/prod/state.db"
    assert dev["connection"] == plain["connection"]
    assert dev["state"] == plain["state"]


def test_variables_of_other_targets_may_be_missing(folder: Any, core: Any) -> None:
    folder.write("tailrace.yml", (folder.path / "tailrace.yml").read_text() + TARGETS)
    folder.load("dev").run("health")
    with pytest.raises(ConfigError, match="PROD is not set") as caught:
        folder.load("prod").run("health")
    assert caught.value.line == 13
    assert caught.value.key == "targets.prod.connections.crm.auth.token"


def test_variables_of_other_syncs_may_be_missing(folder: Any, core: Any) -> None:
    text = (folder.path / "syncs/health.yml").read_text()
    other = text.replace("name: health", "name: other").replace("users", "'${env:OTHER}'")
    folder.write("syncs/other.yml", other)
    project = folder.load()
    assert project.syncs == ["health", "other"]
    project.run("health")
    with pytest.raises(ConfigError, match="OTHER is not set"):
        project.run("other")


def test_names_globs_and_tags_select(folder: Any) -> None:
    text = (folder.path / "syncs/health.yml").read_text()
    for name, tags in (("crm_a", "crm"), ("crm_b", "[crm, daily]"), ("other", "daily")):
        folder.write(f"syncs/{name}.yml", text.replace("health", name) + f"tags: {tags}\n")
    project = folder.load()
    assert project.select([]) == ["crm_a", "crm_b", "health", "other"]
    assert project.select(["crm_*", "health"]) == ["crm_a", "crm_b", "health"]
    assert project.select(["tag:daily"]) == ["crm_b", "other"]
    for wrong in ("tag:dialy", "crm_c", "x*"):
        with pytest.raises(ConfigError, match="no sync fits"):
            project.select([wrong])


def test_a_list_of_syncs_in_one_file(folder: Any) -> None:
    folder.write("syncs/many.yaml", "- {name: a}\n- {name: b}\n")
    folder.write("syncs/deeper/one.yml", "name: c\n")
    folder.write("syncs/.hidden.yml", "[")
    assert folder.load().syncs == ["a", "b", "c", "health"]


def test_syncs_in_dbt_count_too(folder: Any, core: Any) -> None:
    import json

    import yaml

    sync = yaml.safe_load((folder.path / "syncs/health.yml").read_text())
    del sync["model"]
    exposure = {
        "name": "crm",
        "config": {"meta": {"tailrace": {**sync, "name": "from_dbt"}}},
        "depends_on": {"nodes": ["model.acme.users"]},
    }
    node = {
        "unique_id": "model.acme.users",
        "name": "users",
        "resource_type": "model",
        "package_name": "acme",
        "relation_name": '"lab"."main"."users"',
        "database": "lab",
        "config": {"enabled": True, "unique_key": "id"},
    }
    manifest = {
        "metadata": {"project_name": "acme", "adapter_type": "duckdb"},
        "nodes": {"model.acme.users": node},
        "exposures": {"exposure.acme.crm": exposure},
    }
    folder.write("target/manifest.json", json.dumps(manifest))
    folder.change("tailrace.yml", "name: acme", "name: acme\ndbt: {}")
    project = folder.load()
    assert project.syncs == ["from_dbt", "health"]
    project.run("from_dbt")
    assert core.rows[0] == ("a@b.c", 5, "X", 1)
    folder.change("syncs/health.yml", "name: health", "name: from_dbt")
    with pytest.raises(ConfigError, match=r"syncs/health\.yml:1") as caught:
        folder.load()
    assert caught.value.file == "target/manifest.json"
    assert caught.value.key == "exposures.exposure.acme.crm.config.meta.tailrace.name"


def test_before_dbt_has_run_syncs_in_files_are_known(folder: Any, core: Any) -> None:
    folder.change("tailrace.yml", "name: acme", "name: acme\ndbt: {}")
    project = folder.load()
    assert project.syncs == ["health"]
    project.run("health")
    with pytest.raises(ConfigError, match=r"has not written target/manifest\.json yet"):
        project.run("from_dbt")
    folder.change("syncs/health.yml", "{table: users}", "ref('users')")
    with pytest.raises(ConfigError, match="run dbt parse"):
        folder.load().run("health")


def test_a_dbt_profile_serves_as_the_warehouse(folder: Any, core: Any) -> None:
    folder.write("dbt/dbt_project.yml", "profile: lab\n")
    folder.write(
        "dbt/profiles.yml",
        "lab: {target: a, outputs: {a: {type: duckdb, path: none.duckdb}, "
        "b: {type: duckdb, path: \"{{ env_var('LAB', '../lab.duckdb') }}\"}}}\n",
    )
    folder.change(
        "tailrace.yml", "{type: duckdb, path: lab.duckdb}", "{type: dbt, project_dir: dbt}"
    )
    with pytest.raises(Exception, match=r"none\.duckdb"):
        folder.load().run("health")
    folder.change("tailrace.yml", "name: acme", "name: acme\ndbt: {target: b}")
    folder.write("target/manifest.json", '{"metadata": {"project_name": "acme"}}')
    folder.load().run("health")
    assert len(core.rows) == 2
    folder.environment["LAB"] = "gone.duckdb"
    with pytest.raises(Exception, match=r"gone\.duckdb"):
        folder.load().run("health")


def test_a_dbt_target_without_a_dbt_connection_is_refused(folder: Any) -> None:
    folder.change("tailrace.yml", "name: acme", "name: acme\ndbt: {target: b}")
    with pytest.raises(ConfigError, match="there is none") as caught:
        folder.load()
    assert (caught.value.line, caught.value.key) == (2, "dbt.target")
