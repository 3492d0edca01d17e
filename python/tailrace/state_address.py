"""Where a project's state is kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

DEFAULT = "sqlite:///.tailrace/state.db"
_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def resolve_state(address: object, directory: PathLike[str] | str) -> str:
    """The core's form of the address, the path of a SQLite file made absolute.

    Raises:
        ValueError: It is of another kind. The message holds nothing of the address but its kind.
    """
    if not isinstance(address, str):
        raise ValueError("must be text")
    if address.startswith(_POSTGRES) and "\0" not in address:
        _check_postgres(address)
        return address
    if not address.startswith(_SQLITE) or address == _SQLITE or "\0" in address:
        scheme = address.partition("://")[0] if "://" in address else "an address without ://"
        raise ValueError(f"state is kept at sqlite:///path or postgresql://…, not at {scheme}")
    path = Path(directory).absolute() / address[len(_SQLITE) :]
    return f"{_SQLITE}{path}"


def _check_postgres(address: str) -> None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ValueError(
            "is no address of a PostgreSQL database, such as postgresql://user:password@host/name; "
            "special characters of a password are written as %XX"
        ) from None
    if not parts.path.strip("/") and "dbname=" not in parts.query:
        raise ValueError("names no database: postgresql://user:password@host/name")


def state_file(url: str) -> Path | None:
    """The file of a resolved address; None for a database server."""
    return Path(url[len(_SQLITE) :]) if url.startswith(_SQLITE) else None


def without_login(url: str) -> str:
    """The address without user and password: who logs in does not decide which store it is."""
    if url.startswith(_SQLITE):
        return url
    from urllib.parse import parse_qsl, urlencode, urlsplit

    parts = urlsplit(url)
    _, _, place = parts.netloc.rpartition("@")
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in ("user", "password")]
    query = f"?{urlencode(sorted(kept))}" if kept else ""
    return f"postgresql://{place}{parts.path}{query}"


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
