"""Where a project's state is kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

DEFAULT = "sqlite:///.tailrace/state.db"
_SQLITE = "sqlite:///"
_LATER = ("postgresql://", "postgres://")


def resolve_state(address: object, directory: PathLike[str] | str) -> str:
    """The core's form of the address, the path of a SQLite file made absolute.

    Raises:
        ValueError: It is of another kind.
    """
    if not isinstance(address, str):
        raise ValueError("must be text")
    if address.startswith(_LATER):
        raise ValueError("state in PostgreSQL is not offered by this version")
    if not address.startswith(_SQLITE) or address == _SQLITE or "\0" in address:
        scheme = address.partition("://")[0] if "://" in address else "an address without ://"
        raise ValueError(f"state is kept at sqlite:///path, not at {scheme}")
    path = Path(directory).absolute() / address[len(_SQLITE) :]
    return f"{_SQLITE}{path}"


def state_file(url: str) -> Path:
    """The file of a resolved address."""
    return Path(url[len(_SQLITE) :])


def set_aside(path: Path) -> Path:
    """Rename a damaged store, so that another can be made in its place.

    Raises:
        OSError: It cannot be renamed.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    # SQLite would take a log that is left behind for the new file's.
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
