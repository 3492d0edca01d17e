"""What is asked of the state store, or done to it, without a run."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tailrace.errors import Busy, ConfigError, StateLost, Unfinished
from tailrace.running import new_run_id
from tailrace.state_address import set_aside, state_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from tailrace.project_files import Owner

    Rows = list[dict[str, Any]]


@contextmanager
def store_errors() -> Iterator[ModuleType]:
    """The core, its errors about the state store as ours."""
    from tailrace import _core

    try:
        yield _core
    except _core.StateLostError as error:
        raise StateLost(str(error)) from None
    except _core.StoreUnavailableError as error:
        raise Unfinished(str(error)) from None
    except _core.FencedError as error:
        raise Busy(str(error)) from None
    except ValueError as error:  # missing rights, a refused login, an address that is none
        raise ConfigError(str(error)) from None


def _whose(owner: Owner) -> tuple[str, str, str, str]:
    return owner.url, owner.sync, owner.account, owner.object


def runs(url: str, sync: str, limit: int) -> Rows:
    """Newest first; of every sync where `sync` is empty."""
    with store_errors() as core:
        found: Rows = json.loads(core.store_runs(url, sync, limit))
    return found


def rejected(owner: Owner) -> Rows:
    """The rejected rows of a sync."""
    with store_errors() as core:
        found: Rows = []
        for one in owner.all_names():
            found += json.loads(core.store_rejected(*_whose(one)))
    return found


def log(url: str, sync: str, key: str, limit: int) -> Rows:
    """What was done to the row of a key, newest first."""
    with store_errors() as core:
        found: Rows = json.loads(core.store_log(url, sync, key, limit))
    return found


def retry(owner: Owner, key: str | None) -> int:
    """Release rejected rows for the next run; without a key, all but the parked ones."""
    with store_errors() as core:
        counts: list[int] = [
            core.store_retry(*_whose(one), key, new_run_id()) for one in owner.all_names()
        ]
    return sum(counts)


def deliver(owner: Owner, key: str) -> bool:
    """Record that a parked row has arrived; False where none is parked under the key."""
    with store_errors() as core:
        done: list[bool] = [
            core.store_deliver(*_whose(one), key, new_run_id()) for one in owner.all_names()
        ]
    return any(done)


def note_fields(owner: Owner, fingerprint: str) -> None:
    """Tell the store which fields the destination has, where there is a store already."""
    with store_errors() as core:
        for one in owner.all_names():
            core.store_note_fields(*_whose(one), fingerprint)


def ddl() -> str:
    """The statements that make a store's schema in PostgreSQL."""
    with store_errors() as core:
        text: str = core.store_ddl()
    return text


def copy(from_url: str, to_url: str) -> None:
    """Copy a whole store into an empty one.

    Raises:
        ConfigError: The other store is not empty.
        Busy: A run of some sync is at work.
        Unfinished, StateLost
    """
    with store_errors() as core:
        core.store_copy(from_url, to_url)


def reset(owner: Owner) -> Path | None:
    """Drop a sync's baseline; the new name of a damaged store that had to be renamed for it.

    Raises:
        Busy, Unfinished, StateLost (damaged, and it cannot be renamed)
    """
    path = state_file(owner.url)
    if path is not None and not path.exists():
        return None
    try:
        with store_errors() as core:
            for one in owner.all_names():
                core.store_reset(*_whose(one))
    except StateLost as error:
        return put_aside(owner, error)
    return None


def put_aside(owner: Owner, lost: StateLost) -> Path | None:
    """Rename the file of a store that was found lost or damaged; None where there is no file.

    Raises:
        StateLost: It is on a database server, or cannot be renamed.
    """
    store = state_file(owner.url)
    if store is None:
        raise StateLost(
            f"{lost}; a store in a database is not put aside: drop the schema tailrace there, by "
            "which every sync in it loses its baseline, and reset them"
        )
    if not store.exists():
        return None
    try:
        return set_aside(store)
    except OSError as error:
        raise StateLost(f"{lost}; it cannot be renamed either: {error}") from None
