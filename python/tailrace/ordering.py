"""Which syncs go before which: what `after` says, for one command or DAG over several of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


def names_of(sync: Mapping[str, Any], key: str) -> list[str]:
    """One name or a list of them, of a sync that nothing has checked yet."""
    given = sync.get(key) or []
    return [given] if isinstance(given, str) else [str(name) for name in given]


class CircleError(Exception):
    """Syncs come after one another in a circle: `names`, from child to parent, the first again at
    the end."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(" after ".join(names))
        self.names = names


def parents_first(
    chosen: Collection[str], after: Mapping[str, Collection[str]]
) -> dict[str, tuple[str, ...]]:
    """`chosen` in the order in which they go, each with those of them that go before it.

    A parent that is not chosen hands on its own parents. Syncs that nothing puts in order stand
    by name.

    Args:
        after: The parents of every sync of the project; names that are no sync are passed over.

    Raises:
        CircleError
    """
    from graphlib import CycleError, TopologicalSorter

    graph = {name: [one for one in parents if one in after] for name, parents in after.items()}
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        raise CircleError([*reversed(error.args[1])]) from None
    above: dict[str, frozenset[str]] = {}
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        for name in ready:
            above[name] = frozenset(_chosen_above(graph[name], chosen, above))
        sorter.done(*ready)
    return {name: tuple(sorted(above[name])) for name in above if name in chosen}


def _chosen_above(
    parents: Iterable[str], chosen: Collection[str], above: Mapping[str, frozenset[str]]
) -> Iterable[str]:
    for parent in parents:
        if parent in chosen:
            yield parent
        else:
            yield from above[parent]
