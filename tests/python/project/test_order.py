"""`after`: parents first, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ConfigError
from tailrace.ordering import parents_first


def write(folder: Any, **after: str) -> None:
    text = (folder.path / "syncs/health.yml").read_text()
    for name, parents in after.items():
        folder.write(f"syncs/{name}.yml", text.replace("health", name) + f"after: {parents}\n")


def test_parents_go_first_and_names_decide_the_rest(folder: Any) -> None:
    write(folder, a="c", b="[c, health]", c="health", d="[a]")
    project = folder.load()
    order = project.parents_first(project.syncs)
    assert list(order) == ["health", "c", "a", "b", "d"]
    assert order["b"] == ("c", "health")
    assert order["health"] == ()


def test_a_parent_that_is_not_chosen_hands_on_its_own(folder: Any) -> None:
    write(folder, a="b", b="health")
    assert folder.load().parents_first(["a", "health"]) == {"health": (), "a": ("health",)}


def test_a_circle_is_named_with_its_file(folder: Any) -> None:
    write(folder, a="b", b="c", c="a")
    project = folder.load()
    with pytest.raises(
        ConfigError, match=r"come after one another in a circle: [abc] after"
    ) as caught:
        project.parents_first(project.syncs)
    error = caught.value
    assert error.key == "after"
    assert error.file in {f"syncs/{name}.yml" for name in "abc"}
    assert error.line == 13
    assert str(error).count(" after ") == 4
    assert error.problems[0] in project.check(offline=True)


def test_a_parent_that_is_no_sync_is_named(folder: Any, core: Any) -> None:
    write(folder, a="helth")
    with pytest.raises(ConfigError, match="did you mean 'health'") as caught:
        folder.load().run("a")
    assert (caught.value.file, caught.value.key) == ("syncs/a.yml", "after")


def test_an_old_name_that_is_still_a_sync_is_refused(folder: Any, core: Any) -> None:
    write(folder, a="health")
    folder.change("syncs/health.yml", "mode: upsert", "mode: upsert\nwas: a")
    with pytest.raises(ConfigError, match=r"still is a sync, at syncs/a\.yml:1") as caught:
        folder.load().run("health")
    assert (caught.value.file, caught.value.key) == ("syncs/health.yml", "was")


def test_orchestrators_are_told_of_the_order(folder: Any) -> None:
    write(folder, a="health")
    (data,) = folder.load().sync_data(["a"])
    assert data.after == ("health",)


graphs = st.integers(1, 8).flatmap(
    lambda n: st.fixed_dictionaries(
        {str(at): st.sets(st.integers(0, max(0, at - 1)).map(str)) for at in range(1, n + 1)}
        | {"0": st.just(set())}
    )
)


@given(graphs, st.data())
def test_every_chosen_sync_stands_behind_its_parents(graph: Any, data: Any) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(graph))))
    order = parents_first(chosen, graph)
    assert set(order) == chosen
    places = {name: at for at, name in enumerate(order)}
    for name, parents in order.items():
        assert all(places[parent] < places[name] for parent in parents)
        assert set(parents) >= graph[name] & chosen
