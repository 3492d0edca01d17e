"""What the assets of a project are, before anything runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import contacts_project as contacts
import dagster as dg
import pytest
from conftest import make_assets
from dagster_dbt.asset_utils import default_asset_key_fn

from dagster_tailrace import DagsterTailraceTranslator, TailraceResource
from dagster_tailrace.dbt_keys import default_dbt_asset_key
from tailrace import ConfigError
from tailrace.dbt.manifest import build_index
from tailrace.sync_data import SyncData

MODEL = {
    "unique_id": "model.acme.scores",
    "name": "scores",
    "resource_type": "model",
    "package_name": "acme",
    "alias": "scores",
    "relation_name": '"lab"."main"."scores"',
    "config": {"enabled": True, "materialized": "table", "meta": {}},
    "meta": {},
    "columns": {},
}
SOURCE = {
    "unique_id": "source.acme.raw.people",
    "name": "people",
    "source_name": "raw",
    "resource_type": "source",
    "package_name": "acme",
    "relation_name": '"lab"."raw"."people"',
    "config": {"enabled": True},
    "meta": {},
}


def model(**changes: Any) -> dict[str, Any]:
    config = {**MODEL["config"], **changes.pop("config", {})}  # type: ignore[dict-item]
    return {**MODEL, **changes, "config": config}


KEYS = {
    "name": (model(), ["scores"]),
    "configured schema": (model(config={"schema": "marts"}), ["marts", "scores"]),
    "version": (model(version=2, latest_version=2, alias="scores_v2"), ["scores_v2"]),
    "config.meta": (
        model(config={"meta": {"dagster": {"asset_key": ["a", "b"]}}, "schema": "marts"}),
        ["a", "b"],
    ),
    "meta": (model(meta={"dagster": {"asset_key": ["c"]}}), ["c"]),
    "config.meta hides meta": (
        model(config={"meta": {"other": 1}}, meta={"dagster": {"asset_key": ["c"]}}),
        ["scores"],
    ),
    "source": (SOURCE, ["raw", "people"]),
    "key of a source": ({**SOURCE, "meta": {"dagster": {"asset_key": ["d"]}}}, ["d"]),
}


@pytest.mark.parametrize("case", KEYS)
def test_the_key_of_a_dbt_model_is_dagster_dbts(case: str, tmp_path: Path) -> None:
    node, expected = KEYS[case]
    kind = "sources" if node["resource_type"] == "source" else "nodes"
    manifest = {"metadata": {"project_name": "acme"}, kind: {node["unique_id"]: node}}
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest), encoding="utf-8")
    indexed = build_index(file)[kind][node["unique_id"]]
    if kind == "sources":
        indexed = {**indexed, "resource_type": "source"}
    assert default_dbt_asset_key(indexed) == default_asset_key_fn(node) == dg.AssetKey(expected)


def with_dbt(folder: Path, nodes: dict[str, Any]) -> Path:
    contacts.make_project(folder, 1)
    manifest = {"metadata": {"project_name": "acme", "adapter_type": "duckdb"}, **nodes}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "tailrace.yml").write_text(
        contacts.PROJECT + "dbt: {manifest: manifest.json}\n", encoding="utf-8"
    )
    text = contacts.FILE.replace("{table: people}", "ref('scores')")
    text += "  name: {sql: \"upper(first) || ' ' || last\"}\n  origin: {value: warehouse}\n"
    (folder / "syncs" / "people.yml").write_text(text, encoding="utf-8")
    return folder


def test_an_asset_says_what_its_sync_is(tmp_path: Path) -> None:
    folder = with_dbt(tmp_path / "people", {"nodes": {MODEL["unique_id"]: MODEL}})
    (spec,) = make_assets(folder).specs
    assert spec.key == dg.AssetKey(["hubspot", "contacts"])
    assert [dep.asset_key for dep in spec.deps] == [dg.AssetKey(["scores"])]
    assert (spec.group_name, spec.description) == ("people", "Everybody we know.")
    assert spec.kinds == {"hubspot", "reverse_etl"}
    assert spec.tags["crm"] == ""
    assert spec.skippable
    metadata = spec.metadata
    assert metadata["dagster/uri"] == "tailrace://hubspot/crm/contacts"
    assert metadata["tailrace/sync"] == contacts.SYNC
    assert (metadata["tailrace/mode"], metadata["tailrace/match"]) == ("upsert", "person_id")
    columns = [column.name for column in metadata["dagster/column_schema"].columns]
    assert columns == ["person_id", "level", "name", "origin"]
    lineage = metadata["dagster/column_lineage"].deps_by_column
    assert {field: [dep.column_name for dep in deps] for field, deps in lineage.items()} == {
        "person_id": ["id"],
        "level": ["level"],
        "name": ["first", "last"],
    }
    assert {dep.asset_key for deps in lineage.values() for dep in deps} == {dg.AssetKey("scores")}


def test_two_connections_of_a_type_are_told_apart(tmp_path: Path) -> None:
    folder = contacts.make_project(tmp_path / "people", 1)
    second = (
        "  other: {type: hubspot, base_url: 'http://127.0.0.1:1', auth: {token: '${env:NOPE}'}}\n"
    )
    (folder / "tailrace.yml").write_text(contacts.PROJECT + second, encoding="utf-8")
    (spec,) = make_assets(folder).specs
    assert spec.key == dg.AssetKey(["hubspot", "crm", "contacts"])


def test_loading_looks_up_no_variable_of_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBSPOT_TOKEN", raising=False)
    assert make_assets(contacts.make_project(tmp_path / "people", 1)).specs


def test_two_syncs_of_one_key_are_refused_with_both_files(tmp_path: Path) -> None:
    folder = contacts.make_project(tmp_path / "people", 1)
    again = contacts.FILE.replace("people_to_hubspot", "people_again")
    (folder / "syncs" / "again.yml").write_text(again, encoding="utf-8")
    with pytest.raises(dg.DagsterInvalidDefinitionError) as caught:
        make_assets(folder)
    assert "syncs/people.yml:1" in str(caught.value)
    assert "syncs/again.yml:1" in str(caught.value)
    assert "hubspot/contacts" in str(caught.value)


def test_a_translator_may_change_everything_but_what_a_run_needs(tmp_path: Path) -> None:
    class Translator(DagsterTailraceTranslator):
        def get_asset_spec(self, sync: SyncData) -> dg.AssetSpec:
            return dg.AssetSpec(key=["crm", sync.name], group_name="other")

    folder = contacts.make_project(tmp_path / "people", 1)
    (spec,) = make_assets(folder, dagster_tailrace_translator=Translator()).specs
    assert spec.key == dg.AssetKey(["crm", contacts.SYNC])
    assert (spec.group_name, spec.skippable) == ("other", True)
    assert spec.metadata["tailrace/sync"] == contacts.SYNC


def test_what_the_decorator_is_given_is_in_the_definition(tmp_path: Path) -> None:
    folder = contacts.make_project(tmp_path / "people", 1)
    policy = dg.RetryPolicy(max_retries=4)
    made = make_assets(
        folder, name="odd", pool="odd_pool", op_tags={"odd": "tag"}, retry_policy=policy
    )
    op = made.op
    assert (op.name, op.pool, op.tags["odd"], op.retry_policy) == ("odd", "odd_pool", "tag", policy)
    names = {(check.asset_key, check.name) for check in made.check_specs}
    assert {name for _, name in names} == {"no_rejected_rows", "guard"}


def test_ops_of_two_selections_never_collide(tmp_path: Path) -> None:
    folder = contacts.make_project(tmp_path / "people", 1)
    companies = contacts.FILE.replace("people_to_hubspot", "b").replace("contacts", "companies")
    (folder / "syncs" / "b.yml").write_text(companies.replace("crm]", "erp]"), encoding="utf-8")
    first = make_assets(folder, select="tag:crm")
    second = make_assets(folder, exclude=[contacts.SYNC])
    assert first.keys.isdisjoint(second.keys)
    assert first.op.name != second.op.name
    assert first.op.pool == "tailrace_crm"
    resource = TailraceResource(project_dir=str(folder))
    together = dg.Definitions(assets=[first, second], resources={"tailrace": resource})
    assert together.resolve_all_job_defs()
    with pytest.raises(ConfigError, match="no sync fits"):
        make_assets(folder, select="nothing*")
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="no sync"):
        make_assets(folder, exclude="*")


def test_importing_loads_no_engine() -> None:
    code = "import sys, dagster_tailrace; print('tailrace._core' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "False\n"
