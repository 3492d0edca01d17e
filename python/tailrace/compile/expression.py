"""SQL that users write, parsed as exactly what it may be: one expression, one query, one table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a query that only reads has no part of, inside of a WITH or elsewhere.
_WRITES: tuple[type[exp.Expression], ...] = (
    exp.Alter,
    exp.Command,
    exp.Copy,
    exp.Create,
    exp.Delete,
    exp.Drop,
    exp.Insert,
    exp.Into,
    exp.Merge,
    exp.Set,
    exp.TruncateTable,
    exp.Update,
)


def parse_expression(text: str, dialect: str) -> exp.Expression:
    """One expression over the model's columns.

    Raises:
        ValueError: It is none, more than one, or folds the rows of the model.
    """
    parsed = _parse(text, dialect, exp.Condition, "expression")
    if isinstance(parsed, exp.Star):
        raise ValueError("* is not one expression")
    for part in parsed.find_all(exp.AggFunc):
        if part.find_ancestor(exp.Window, exp.Query) is None:
            raise ValueError(
                f"{part.sql(dialect, comments=False)} would fold the model into one row; "
                "aggregate in the model"
            )
    return parsed


def parse_query(text: str, dialect: str) -> exp.Query:
    """One SELECT, a semicolon behind it tolerated.

    Raises:
        ValueError: It is none, more than one statement, or one that writes.
    """
    parsed = _parse(text, dialect, None, "query")
    if not isinstance(parsed, exp.Query):
        raise ValueError(f"must be one SELECT, not {parsed.key.upper()}")
    return parsed


def parse_table(text: str, dialect: str) -> exp.Table:
    """A table's name, quoted or not, with schema and database where it has them.

    Raises:
        ValueError: It is anything else.
    """
    parsed = _parse(text, dialect, exp.Table, "table's name")
    plain = isinstance(parsed, exp.Table) and isinstance(parsed.this, exp.Identifier)
    extra = {name for name, value in parsed.args.items() if value} - {"this", "db", "catalog"}
    if not plain or extra:
        raise ValueError(f"{text!r} is not a table's name; a query is written {{sql: …}}")
    assert isinstance(parsed, exp.Table)  # noqa: S101  (for the type checker: `plain` says it)
    return parsed


def _parse(text: str, dialect: str, into: Any, what: str) -> exp.Expression:
    reader = Dialect.get_or_raise(dialect)
    try:
        parsed = reader.parse_into(into, text) if into else reader.parse(text)
    except (SqlglotError, RecursionError) as error:
        raise ValueError(f"is not one {what} of {dialect}: {_first_line(error)}") from None
    found = [one for one in parsed if one is not None and not isinstance(one, exp.Semicolon)]
    if len(found) != 1:
        count = "more than one" if found else "no"
        raise ValueError(f"holds {count} {what}")
    for part in found[0].walk():
        if isinstance(part, _WRITES):
            verb = part.name if isinstance(part, exp.Command) else part.key
            raise ValueError(f"may only read: {verb.upper()} is not allowed")
    root: Any = found[0]
    return cast("exp.Expression", root)


def _first_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    causes = getattr(error.__cause__ or error, "errors", None) or [{}]
    said = causes[0].get("description") or str(error).split("\n", 1)[0]
    near = causes[0].get("highlight")
    return f"{said} (near {near!r})" if near else str(said)


def constant(value: object) -> exp.Expression:
    """A typed literal: text, boolean, integer or double."""
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.cast(exp.Literal.string(value), exp.DataType.Type.TEXT)
    if isinstance(value, int):
        return _number(str(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no number that can be sent")
        return exp.cast(_number(repr(value)), exp.DataType.Type.DOUBLE)
    raise TypeError(f"a constant is text, a number or a boolean, not {type(value).__name__}")


def _number(text: str) -> exp.Expression:
    if text.startswith("-"):
        return exp.Neg(this=exp.Literal.number(text[1:]))
    return exp.Literal.number(text)


def columns_of(expression: exp.Expression) -> Iterator[str]:
    """Names of the model's columns that an expression uses, as far as its text tells: columns of
    subqueries and parameters of lambdas are left out."""
    for column in expression.find_all(exp.Column):
        inside = column.find_ancestor(exp.Query, exp.Lambda)
        if inside is None and not column.table:
            yield column.name
