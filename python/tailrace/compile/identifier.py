"""The one place where names become SQL identifiers."""

from __future__ import annotations

import hashlib

from sqlglot import exp

# PostgreSQL cuts longer identifiers, silently, so that two of them may become one.
POSTGRES_BYTES = 63


def fits(name: str, dialect: str) -> bool:
    """True where the warehouse keeps the whole name."""
    return dialect != "postgres" or len(name.encode()) <= POSTGRES_BYTES


def quoted(name: str, dialect: str) -> exp.Identifier:
    """The name as a quoted identifier.

    Raises:
        ValueError: It is empty, holds a NUL, or is longer than the warehouse keeps.
    """
    if not name or "\0" in name:
        raise ValueError(f"{name!r} cannot be the name of a column")
    if not fits(name, dialect):
        raise ValueError(f"{name!r} is longer than the {POSTGRES_BYTES} bytes that Postgres keeps")
    return exp.Identifier(this=name, quoted=True)


def alias(name: str, dialect: str) -> exp.Identifier:
    """An identifier to deliver the destination's field `name` under. Fields are told apart by
    their place; a name that the warehouse would cut gets a short one that stays the same."""
    if not fits(name, dialect):
        name = f"field_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return quoted(name, dialect)
