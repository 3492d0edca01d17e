"""Constants and names survive the way through SQL as they are."""

from __future__ import annotations

import math

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from tailrace.compile.expression import constant, parse_expression, parse_query
from tailrace.compile.identifier import alias, quoted

SAFE = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)


def answer(expression: exp.Expression) -> object:
    sql = exp.Select().select(expression).sql("duckdb", comments=False)
    ((value,),) = duckdb.sql(sql).fetchall()
    return value


@given(SAFE | st.booleans() | st.integers(-(2**100), 2**100) | st.floats(allow_nan=False))
def test_a_constant_comes_back_as_it_was(value: object) -> None:
    if isinstance(value, float) and math.isinf(value):
        with pytest.raises(ValueError, match="no number"):
            constant(value)
        return
    result = answer(constant(value))
    assert result == value
    assert type(result) is type(value)


@given(SAFE.filter(bool))
def test_an_alias_comes_back_as_it_was(name: str) -> None:
    one = exp.Alias(this=exp.Literal.number(1), alias=alias(name, "duckdb"))
    assert duckdb.sql(exp.Select().select(one).sql("duckdb")).columns == [name]


@given(SAFE.filter(bool))
def test_postgres_never_gets_more_bytes_than_it_keeps(name: str) -> None:
    assert len(alias(name * 3, "postgres").this.encode()) <= 63


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_some_names_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        quoted(name, "duckdb")


@pytest.mark.parametrize(
    "text",
    [
        "upper(a)",
        "a::text || '-' || b",
        "case when a > 1 then 'x' else 'y' end",
        "(select max(z) from t)",
        "sum(a) over (partition by b)",
        "exists (select count(*) from t)",
        "a -- a comment",
        "coalesce(a, 0.5)",
        "a is not null and b in (1, 2)",
        "a;",
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_one_expression_is_let_through(text: str, dialect: str) -> None:
    assert "--" not in parse_expression(text, dialect).sql(dialect, comments=False)


@given(st.text("(){}[];,'\"-/* \nabx1=<>|&:.$@", max_size=25))
def test_whatever_is_written_is_one_expression_or_refused(text: str) -> None:
    try:
        found = parse_expression(text, "postgres")
    except ValueError:
        return
    sql = exp.Select().select(found).from_("model").sql("postgres", comments=False)
    assert isinstance(parse_query(sql, "postgres"), exp.Select)


def test_depth_is_no_crash() -> None:
    with pytest.raises(ValueError, match="expression"):
        parse_expression("(" * 50_000 + "a" + ")" * 50_000, "postgres")
