"""The manifest is read a node at a time, once for each state of the file."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.dbt import json_slices
from tailrace.dbt import manifest as manifest_module
from tailrace.dbt.manifest import Manifest, build_index, load_manifest
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

Load = Callable[..., Manifest]
Make = Callable[..., dict[str, Any]]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=4), one, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=5), st.sampled_from([None, 2]))
def test_members_are_those_of_the_object(document: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    text = text.decode("utf-8", "replace").encode()
    found = {name: json_slices.load(text, span) for name, span in json_slices.members(text, 0)}
    assert found == json.loads(text)


@given(st.binary(max_size=60))
def test_broken_json_is_a_value_error_or_read(content: bytes) -> None:
    try:
        list(json_slices.members(b"{" + content, 0))
    except ValueError:
        return


def test_the_index_has_the_fields_that_are_used_and_no_more(load: Load, make_node: Make) -> None:
    read = load(make_node("scores", config={"unique_key": "id"}))
    scores = read.nodes["model.acme.scores"]
    assert scores["relation_name"] == '"lab"."analytics"."scores"'
    assert scores["config"]["unique_key"] == "id"
    assert "raw_code" not in scores
    assert "compiled_code" not in scores
    assert "env" not in read.metadata


def test_tests_and_analyses_are_left_out(load: Load, make_node: Make) -> None:
    check = {**make_node("unique_id"), "unique_id": "test.acme.u", "resource_type": "test"}
    assert set(load(make_node("scores"), check).nodes) == {"model.acme.scores"}


def test_a_newer_manifest_is_read_by_its_fields(load: Load, make_node: Make) -> None:
    metadata = {"dbt_schema_version": "manifest/v99.json", "project_name": "acme", "new": [1]}
    read = load(make_node("scores", shiny={"a": 1}), metadata=metadata, galaxies={"x": {}})
    assert read.nodes["model.acme.scores"]["name"] == "scores"


def test_it_is_parsed_once_for_each_state_of_the_file(
    load: Load, make_node: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(make_node("scores"))
    path, cache = tmp_path / "manifest.json", tmp_path / ".tailrace" / "cache"
    calls: list[Path] = []

    def counted(path: Path) -> dict[str, dict[str, Any]]:
        calls.append(path)
        return build_index(path)

    monkeypatch.setattr(manifest_module, "build_index", counted)
    assert "model.acme.scores" in load_manifest(path, "m", cache).nodes
    assert not calls
    os.utime(path, ns=(1, 1))
    load_manifest(path, "m", cache)
    assert len(calls) == 1


def test_a_damaged_cache_is_built_again(load: Load, make_node: Make, tmp_path: Path) -> None:
    first = load(make_node("scores"))
    cache = tmp_path / ".tailrace" / "cache"
    for file in cache.iterdir():
        file.write_bytes(b'{"format": 1, "ind')
    again = load_manifest(tmp_path / "manifest.json", "target/manifest.json", cache)
    assert again == first


def test_a_folder_that_cannot_be_written_is_no_error(
    load: Load, make_node: Make, tmp_path: Path
) -> None:
    load(make_node("scores"))
    blocked = tmp_path / "file"
    blocked.write_text("")
    read = load_manifest(tmp_path / "manifest.json", "m", blocked / "cache")
    assert "model.acme.scores" in read.nodes


def test_memory_does_not_grow_with_the_manifest(make_node: Make, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    with path.open("w") as file:
        file.write('{"metadata": {"project_name": "acme"}, "macros": {"m": "')
        file.write("x" * 10_000_000)
        file.write('"}, "nodes": {')
        for number in range(300):
            one = make_node(f"m{number}", compiled_code="y" * 30_000)
            file.write(("," if number else "") + f'"{one["unique_id"]}": {json.dumps(one)}')
        file.write("}}")
    tracemalloc.start()
    try:
        index = build_index(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(index["nodes"]) == 300
    assert peak < path.stat().st_size / 2


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", '{"metadata": {"a": 1}', "nonsense"])
def test_what_is_no_manifest_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="is not a dbt manifest") as caught:
        load_manifest(path, "target/manifest.json", tmp_path / "cache")
    assert (caught.value.file, caught.value.line) == ("target/manifest.json", 1)


def test_a_missing_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dbt parse"):
        load_manifest(tmp_path / "none.json", "target/manifest.json", tmp_path / "cache")
