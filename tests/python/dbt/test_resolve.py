"""References are resolved as dbt does, and what cannot be read is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tailrace.dbt.manifest import Manifest
from tailrace.dbt.reference import parse_reference
from tailrace.dbt.resolve import Relation, resolve
from tailrace.dbt.target import database_of_dsn, mismatch
from tailrace.secret import Secret

Load = Callable[..., Manifest]
Make = Callable[..., dict[str, Any]]


def refusal(manifest: Manifest, text: str) -> str:
    with pytest.raises(LookupError) as caught:
        resolve(manifest, parse_reference(text))
    return str(caught.value)


def test_the_relation_is_used_as_it_stands(load: Load, make_node: Make) -> None:
    odd = make_node("scores", relation_name="`odd`.scores")
    assert resolve(load(odd), parse_reference("ref('scores')")).name == "`odd`.scores"


def test_the_root_project_comes_first(load: Load, make_node: Make) -> None:
    read = load(make_node("scores", "other"), make_node("scores"))
    assert resolve(read, parse_reference("ref('scores')")).unique_id == "model.acme.scores"
    other = resolve(read, parse_reference("ref('other', 'scores')"))
    assert other.unique_id == "model.other.scores"


def test_a_name_of_two_other_packages_is_ambiguous(load: Load, make_node: Make) -> None:
    read = load(make_node("scores", "a"), make_node("scores", "b"))
    assert "model.a.scores and model.b.scores" in refusal(read, "ref('scores')")
    assert resolve(load(make_node("scores", "a")), parse_reference("ref('scores')"))


def test_no_version_is_the_latest(load: Load, make_node: Make) -> None:
    read = load(*(make_node("scores", version=one, latest_version=2) for one in (1, 2, 3)))
    assert resolve(read, parse_reference("ref('scores')")).unique_id.endswith(".v2")
    assert resolve(read, parse_reference("ref('scores', v=3)")).unique_id.endswith(".v3")
    assert "versions 1, 2, 3" in refusal(read, "ref('scores', v=9)")


def test_seeds_and_snapshots_are_models_too(load: Load, make_node: Make) -> None:
    seed = make_node("codes", resource_type="seed")
    assert resolve(load(seed), parse_reference("ref('codes')"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"relation_name": None}, "ephemeral"),
        ({"config": {"enabled": False}}, "disabled in models/scores.sql"),
    ],
)
def test_what_has_no_relation_is_refused(
    load: Load, make_node: Make, change: dict[str, Any], said: str
) -> None:
    assert said in refusal(load(make_node("scores", **change)), "ref('scores')")


def test_private_models_of_other_packages_are_refused(load: Load, make_node: Make) -> None:
    read = load(make_node("scores", "other", access="private"), make_node("own", access="private"))
    assert "private" in refusal(read, "ref('other', 'scores')")
    assert resolve(read, parse_reference("ref('own')"))


def test_a_disabled_model_is_told_from_a_missing_one(load: Load, make_node: Make) -> None:
    gone = {"model.acme.old": [make_node("old")]}
    read = load(make_node("scores"), disabled=gone)
    assert "disabled in models/old.sql" in refusal(read, "ref('old')")
    assert "did you mean 'scores'?" in refusal(read, "ref('socres')")
    assert "in the package acme only" in refusal(read, "ref('other', 'scores')")


def test_sources_are_found_by_both_names(load: Load, make_node: Make) -> None:
    source = {
        "unique_id": "source.acme.raw.orders",
        "source_name": "raw",
        "name": "orders",
        "package_name": "acme",
        "relation_name": '"lab"."raw"."orders"',
        "config": {"enabled": True},
    }
    read = load(sources={"source.acme.raw.orders": source})
    assert resolve(read, parse_reference("source('raw', 'orders')")).name == '"lab"."raw"."orders"'
    assert "did you mean 'raw.orders'?" in refusal(read, "source('raw', 'order')")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"primary_key": ["a", "b"], "config": {"unique_key": "c"}}, ("a", "b")),
        ({"primary_key": [], "config": {"unique_key": "c"}}, ("c",)),
        ({"config": {"unique_key": ["c", "d"]}}, ("c", "d")),
        ({}, ()),
    ],
)
def test_the_key_is_what_dbt_knows(
    load: Load, make_node: Make, change: dict[str, Any], key: tuple[str, ...]
) -> None:
    assert resolve(load(make_node("scores", **change)), parse_reference("ref('scores')")).key == key


def test_a_manifest_of_another_target_is_noticed(load: Load) -> None:
    read = load()
    relation = Relation("model.acme.scores", '"lab"."a"."s"', "lab")
    dsn = Secret("postgresql://u:p@h/lab")
    assert mismatch(read, relation, {"kind": "postgres", "dsn": dsn}) is None
    adapter = mismatch(read, relation, {"kind": "duckdb", "path": "/x/lab.duckdb"})
    assert adapter is not None
    assert "postgres" in adapter
    assert "duckdb" in adapter
    other = mismatch(read, relation, {"kind": "postgres", "dsn": Secret("postgresql://h/prod")})
    assert other is not None
    assert "'lab'" in other
    assert "'prod'" in other


def test_the_database_of_a_duckdb_file_is_its_stem(load: Load) -> None:
    read = load(metadata={"adapter_type": "duckdb", "project_name": "acme"})
    relation = Relation("model.acme.scores", "s", "lab")
    assert mismatch(read, relation, {"kind": "duckdb", "path": "/x/lab.duckdb"}) is None
    assert mismatch(read, relation, {"kind": "duckdb", "path": "/x/dev.duckdb"}) is not None


@pytest.mark.parametrize(
    ("dsn", "database"),
    [
        ("postgresql://u:p@h:5/lab?sslmode=require", "lab"),
        ("postgres:///a%20b", "a b"),
        ("host=h dbname=lab user=u", "lab"),
        ("host=h dbname='lab'", "lab"),
        ("host=h", ""),
        ("postgresql://h", ""),
        ("postgresql://[", ""),
    ],
)
def test_the_database_of_a_dsn(dsn: str, database: str) -> None:
    assert database_of_dsn(dsn) == database
