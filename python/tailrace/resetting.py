"""A sync's baseline is dropped, or taken anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace import store_access
from tailrace.errors import ConfigError, StateLost
from tailrace.run_options import RunOptions
from tailrace.running import raise_unless

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.project_files import Owner
    from tailrace.work import Work

# Modes that make records: a new baseline would make all of them again.
_CREATING = ("insert", "append")


def reset(work: Work, name: str, *, adopt: bool) -> Path | None:
    """Drop the baseline of a sync; with `adopt` the model is taken as delivered at once.

    Returns:
        The new name of a damaged store, else None.

    Raises:
        ConfigError: The sync makes records, and would make every one of them again.
        Busy, Unfinished, StateLost (damaged, and it cannot be renamed)
    """
    compiled = work.files.compiled(name)
    creating = compiled.spec["mode"] in _CREATING
    if creating and not adopt:
        _refuse_to_create_again(name, compiled.spec)
    owner = work.files.owner_of(name)
    if creating and adopt:
        return _adopt_anew(work, name, owner)
    aside = store_access.reset(owner)
    for one in owner.all_names():
        work.memory(one).forget()
    if adopt:
        raise_unless(work.do("adopt", name, RunOptions()), "done")
    return aside


def _adopt_anew(work: Work, name: str, owner: Owner) -> Path | None:
    """For a sync that makes records: until the model is taken as delivered, what is known of it
    stays, or a run in between would make all of them again."""
    try:
        raise_unless(work.do("adopt", name, RunOptions(), fresh=True), "done")
    except StateLost as lost:
        aside = store_access.put_aside(owner, lost)
        raise_unless(work.do("adopt", name, RunOptions(), fresh=True), "done")
        return aside
    return None


def _refuse_to_create_again(name: str, spec: Mapping[str, Any]) -> None:
    if spec["insert_safety"] == "duplicate_ok":
        return
    raise ConfigError(
        f"sync {name}: mode {spec['mode']} makes a record for every row that it has not delivered, "
        "so that after a reset the next run would make all of them again; with --adopt the model "
        "is taken as delivered, and insert_safety: duplicate_ok says that duplicates may be",
        key="mode",
    )
