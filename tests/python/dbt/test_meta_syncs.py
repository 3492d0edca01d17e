"""Syncs may live in dbt, at an exposure or a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tailrace.dbt.manifest import Manifest
from tailrace.dbt.meta_syncs import find_syncs

if TYPE_CHECKING:
    from tailrace.errors import Problem

Load = Callable[..., Manifest]
Make = Callable[..., dict[str, Any]]


def exposure(name: str, meta: Any, *depends: str) -> dict[str, Any]:
    return {
        f"exposure.acme.{name}": {
            "name": name,
            "config": {"meta": {"tailrace": meta}},
            "depends_on": {"nodes": list(depends)},
        }
    }


def found(manifest: Manifest) -> tuple[list[Any], list[Problem]]:
    problems: list[Problem] = []
    return list(find_syncs(manifest, problems)), problems


def test_an_exposure_s_one_model_is_the_default(load: Load, make_node: Make) -> None:
    syncs = exposure("crm", {"name": "a"}, "model.acme.scores", "metric.acme.x")
    sections, problems = found(load(make_node("scores"), exposures=syncs))
    assert not problems
    assert sections[0].value == {"name": "a", "model": "ref('acme', 'scores')"}
    problem = sections[0].problem("x", "match")
    assert problem.file == "target/manifest.json"
    assert problem.line == 1
    assert problem.key == "exposures.exposure.acme.crm.config.meta.tailrace.match"


def test_of_several_models_one_must_be_named(load: Load, make_node: Make) -> None:
    both = ("model.acme.scores", "model.acme.users")
    syncs = exposure("crm", [{"name": "a"}, {"name": "b", "model": "ref('users')"}], *both)
    sections, problems = found(load(make_node("scores"), make_node("users"), exposures=syncs))
    assert [section.value["name"] for section in sections] == ["b"]
    assert "name the `model`" in problems[0].message
    assert str(problems[0].key).endswith("tailrace[0]")


def test_a_model_s_sync_takes_fields_from_its_columns(load: Load, make_node: Make) -> None:
    columns = {
        "mail": {"name": "mail", "config": {"meta": {"tailrace": {"field": "email"}}}},
        "score": {"name": "score", "meta": {"tailrace": {"field": "Score__c"}}},
        "other": {"name": "other"},
    }
    meta = {"meta": {"tailrace": {"name": "a", "fields": {"x": "other"}}}}
    sections, _ = found(load(make_node("scores", columns=columns, config=meta, version=2)))
    assert sections[0].value["model"] == "ref('acme', 'scores', v='2')"
    assert sections[0].value["fields"] == {"email": "mail", "Score__c": "score", "x": "other"}


def test_config_meta_goes_before_its_copy(load: Load, make_node: Make) -> None:
    both = make_node("scores", config={"meta": {"tailrace": {"name": "config"}}})
    both["meta"] = {"tailrace": {"name": "copy"}}
    copy = make_node("users", meta={"tailrace": {"name": "only"}})
    sections, _ = found(load(both, copy))
    assert [section.value["name"] for section in sections] == ["config", "only"]


def test_what_is_no_sync_is_told(load: Load, make_node: Make) -> None:
    _, problems = found(load(make_node("scores", meta={"tailrace": "yes"})))
    assert "must be a sync" in problems[0].message
