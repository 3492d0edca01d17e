"""One SELECT: fields in canonical order, keys behind them, everything quoted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from sqlglot import exp, parse

from tailrace.compile.select import Selection
from tailrace.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from tailrace.warehouses.duckdb import DuckDbWarehouse

Build = Callable[..., Selection]

HEAD = """\
name: a
source: warehouse
model: {table: users}
destination: crm
object: contacts
match: email
"""


def rows(warehouse: DuckDbWarehouse, sql: str) -> list[Any]:
    relation: Any = warehouse.source(sql, "").stream
    return sorted(relation.fetchall(), key=str)


def refusal(build: Build, text: str, describer: Any, **more: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        build(text, describer, **more)
    assert caught.value.exit_code == 2
    assert caught.value.file == "syncs/a.yml"
    return caught.value


def test_the_match_field_comes_first_and_the_others_by_name(
    build: Build, warehouse: DuckDbWarehouse
) -> None:
    text = (
        HEAD + "key: id\nfields: {z: segment, a: score, email: Mail, up: {sql: upper(segment)}}\n"
    )
    made = build(text, warehouse)
    assert made.fields == ("email", "a", "up", "z")
    assert made.columns == ("email", "a", "up", "z", "id")
    assert made.key == (4,)
    assert made.key_names == ("id",)
    assert rows(warehouse, made.sql) == [
        ("a@b.c", 0.5, "X", "x", 1),
        ("d@e.f", None, "Y", "y", 2),
    ]


def test_the_order_in_the_file_makes_no_change(build: Build, warehouse: DuckDbWarehouse) -> None:
    fields = ["email: Mail", "b: score", "a: {value: 1}", "c: {sql: id + 1}"]
    made = {
        build(HEAD + "fields: {" + ", ".join(order) + "}\n", warehouse)
        for order in permutations(fields)
    }
    assert len(made) == 1


def test_a_mapped_key_column_is_not_selected_twice(
    build: Build, warehouse: DuckDbWarehouse
) -> None:
    text = HEAD + "key: [segment, id]\nfields: {email: Mail, nr: id}\n"
    made = build(text, warehouse)
    assert made.columns == ("email", "nr", "segment")
    assert made.key == (2, 1)
    assert made.key_names == ("segment", "id")


def test_a_column_written_in_sql_is_no_key(build: Build, warehouse: DuckDbWarehouse) -> None:
    made = build(HEAD + "key: id\nfields: {email: Mail, id: {sql: id}}\n", warehouse)
    assert made.columns == ("email", "id", "id")
    assert made.key == (2,)


def test_without_a_key_it_is_dbt_s_then_the_match_column(
    build: Build, warehouse: DuckDbWarehouse
) -> None:
    text = HEAD + "fields: {email: mail}\n"
    assert build(text, warehouse).key_names == ("Mail",)
    assert build(text, warehouse, default_key=("ID",)).key_names == ("id",)
    assert build(text, warehouse, default_key=("gone",)).key_names == ("Mail",)


@pytest.mark.parametrize(
    ("model", "relation"),
    [
        ('{table: \'"Odd ""S"."T.x"\'}', None),
        ("{table: main.users}", None),
        ("{table: lab.main.users}", None),
        ('{sql: "select * from users -- all of them"}', None),
        ('{sql: "from users;"}', None),
        (
            '{sql: "with u as (from users) select * from u union all select * from u where false"}',
            None,
        ),
        ("ref('users')", '"lab"."main"."users"'),
        ("ref('users')", '"Odd ""S"."T.x"'),
    ],
)
def test_models_are_tables_references_and_queries(
    build: Build, warehouse: DuckDbWarehouse, model: str, relation: str | None
) -> None:
    text = HEAD.replace("{table: users}", model) + "fields: {email: Mail}\n"
    made = build(text, warehouse, relation=relation)
    assert rows(warehouse, made.sql) == [("a@b.c",), ("d@e.f",)]


def test_constants_are_typed(build: Build, warehouse: DuckDbWarehouse) -> None:
    fields = (
        'fields: {email: Mail, a: {value: "it\'s"}, b: {value: true}, c: {value: -7}, '
        'd: {value: 0.1}, e: {value: "a\'; drop table users; --"}}\n'
    )
    made = build(HEAD + fields, warehouse)
    assert rows(warehouse, made.sql)[0][1:] == ("it's", True, -7, 0.1, "a'; drop table users; --")
    assert [column.type for column in warehouse.describe(made.sql)][1:] == [
        "text",
        "boolean",
        "integer",
        "floating",
        "text",
    ]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize(
    "name",
    [
        'a"b',
        "a'b",
        "a b",
        "a;b",
        "a--b",
        "a/*b",
        "select",
        "Größe",
        "名前",
        "a\\b",
        "a\nb",
        "$1",
        "{{x}}",
    ],
)
def test_names_are_quoted_whatever_they_hold(
    build: Build, columns: Any, name: str, dialect: str
) -> None:
    import json

    text = HEAD + f"fields: {{email: email, {json.dumps(name)}: {json.dumps(name)}}}\n"
    made = build(text, columns("email", name), dialect)
    (statement,) = parse(made.sql, dialect=dialect)
    assert isinstance(statement, exp.Select)
    by_alias = {one.alias: one.unalias() for one in statement.expressions}
    assert by_alias[name].name == name
    assert by_alias[name].this.quoted


def test_postgres_gets_a_short_alias_for_a_long_field(build: Build, columns: Any) -> None:
    long, other = "ä" * 32, "ä" * 31 + "b" * 2
    text = HEAD + f"fields: {{email: email, {long}: email, {other}: email}}\n"
    made = build(text, columns("email"), "postgres")
    aliases = [one.alias for one in parse(made.sql, dialect="postgres")[0].expressions]
    assert made.fields == ("email", other, long)
    assert len(set(aliases)) == 3
    assert all(len(alias.encode()) <= 63 for alias in aliases)
    kept = "ä" * 31 + "b"
    assert (
        kept
        in build(
            HEAD + f"fields: {{email: email, {kept}: email}}\n", columns("email"), "postgres"
        ).sql
    )


def test_a_column_that_postgres_cannot_have_is_refused(build: Build, columns: Any) -> None:
    long = "c" * 64
    text = HEAD + f"fields:\n  email: email\n  x: {long}\n"
    error = refusal(build, text, columns("email", long), dialect="postgres")
    assert (error.line, error.key) == (9, "fields.x")
    assert "63 bytes" in str(error)


@pytest.mark.parametrize(
    ("field", "key", "said"),
    [
        ("x: scor", "fields.x", "no column 'scor'; did you mean 'score'?"),
        ("x: {column: nothing}", "fields.x", "there are: Mail, id, score, segment"),
        ("x: {sql: upper(segmnt)}", "fields.x.sql", "did you mean 'segment'?"),
        ("x: {sql: no_such_function(id)}", "fields.x.sql", "no_such_function"),
        ("x: {sql: 'id; drop table users'}", "fields.x.sql", "not one expression"),
        ("x: {sql: 'id; id'}", "fields.x.sql", "expression"),
        ("x: {sql: 'id, score'}", "fields.x.sql", "not one expression"),
        ("x: {sql: 'id) from users --'}", "fields.x.sql", "not one expression"),
        ("x: {sql: 'id as y'}", "fields.x.sql", "not one expression"),
        ("x: {sql: ';'}", "fields.x.sql", "no expression"),
        ("x: {sql: '*'}", "fields.x.sql", "not one expression"),
        ("x: {sql: max(id)}", "fields.x.sql", "would fold the model"),
        ("x: {sql: '(select 1 from (delete from users))'}", "fields.x.sql", "expression"),
        ("x: {sql: '{{ 7*7 }} id'}", "fields.x.sql", "not one expression"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(
    build: Build, warehouse: DuckDbWarehouse, field: str, key: str, said: str
) -> None:
    error = refusal(build, HEAD + f"fields:\n  email: Mail\n  {field}\n", warehouse)
    assert (error.line, error.key) == (9, key)
    assert said in str(error)


@pytest.mark.parametrize(
    ("model", "key", "said"),
    [
        ('{sql: "select 1; select 2"}', "model.sql", "more than one query"),
        ('{sql: "drop table users"}', "model.sql", "DROP"),
        ('{sql: "delete from users"}', "model.sql", "DELETE"),
        (
            '{sql: "with x as (delete from users returning *) select * from x"}',
            "model.sql",
            "DELETE",
        ),
        ("{sql: \"copy users to program 'id'\"}", "model.sql", "COPY"),
        ('{sql: "set role admin"}', "model.sql", "SET"),
        ('{sql: "selec 1"}', "model.sql", "query"),
        ('{sql: ";"}', "model.sql", "no query"),
        ('{table: "users; drop table users"}', "model.table", "table's name"),
        ('{table: "users u"}', "model.table", "table's name"),
        ('{table: "(select 1)"}', "model.table", "table's name"),
        ("{table: \"read_csv('/etc/passwd')\"}", "model.table", "not a table's name"),
    ],
)
def test_a_wrong_model_is_named_with_its_line(
    build: Build, warehouse: DuckDbWarehouse, model: str, key: str, said: str
) -> None:
    text = HEAD.replace("{table: users}", model) + "fields: {email: Mail}\n"
    error = refusal(build, text, warehouse)
    assert (error.line, error.key) == (3, key)
    assert said in str(error)


def test_a_key_that_is_no_column_is_named(build: Build, warehouse: DuckDbWarehouse) -> None:
    error = refusal(build, HEAD + "key: [id, segmnt]\nfields: {email: Mail}\n", warehouse)
    assert (error.line, error.key) == (7, "key[1]")
    assert "did you mean 'segment'?" in str(error)


def test_all_wrong_columns_are_told_together(build: Build, warehouse: DuckDbWarehouse) -> None:
    error = refusal(build, HEAD + "key: ID_\nfields:\n  email: Mial\n  x: scor\n", warehouse)
    assert {problem.key for problem in error.problems} == {"key", "fields.email", "fields.x"}


def test_a_table_that_is_not_there_is_the_warehouse_s_error(
    build: Build, warehouse: DuckDbWarehouse
) -> None:
    text = HEAD.replace("table: users", "table: usres") + "fields: {email: Mail}\n"
    with pytest.raises(SourceError, match="usres") as caught:
        build(text, warehouse)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "{{ config.items() }}",
        "{% import os %}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "{{''.__class__.__mro__}}",
        "{{request}}",
        "*{7*7}",
        "@(7*7)",
        "${{7*7}}",
        "[[7*7]]",
        "%{7*7}",
        "$(id)",
        "`id`",
        "${T(java.lang.Runtime)}",
    ],
)
def test_data_and_constants_are_never_evaluated(
    build: Build, warehouse: DuckDbWarehouse, text: str
) -> None:
    import json

    written = json.dumps(text.replace("${", "$${"))
    made = build(HEAD + f"fields: {{email: Mail, x: {{value: {written}}}}}\n", warehouse)
    assert {row[1] for row in rows(warehouse, made.sql)} == {text}


def test_the_column_of_a_link_stands_behind_the_fields_and_before_the_keys(
    build: Build, warehouse: DuckDbWarehouse
) -> None:
    link = "associate: {to: companies, by: key, column: Segment}\n"
    made = build(HEAD + link + "key: id\nfields: {a: score, email: Mail}\n", warehouse)
    assert made.fields == ("email", "a")
    assert made.columns == ("email", "a", "associate:companies", "id")
    assert (made.compared, made.key) == (3, (3,))
    assert rows(warehouse, made.sql) == [("a@b.c", 0.5, "x", 1), ("d@e.f", None, "y", 2)]
    by_link = build(HEAD + link + "key: segment\nfields: {email: Mail}\n", warehouse)
    assert (by_link.columns, by_link.key) == (("email", "associate:companies"), (1,))


def test_a_link_by_no_column_of_the_model_is_named(build: Build, warehouse: Any) -> None:
    link = "associate: {to: companies, by: key, column: segmnt}\n"
    error = refusal(build, HEAD + link + "key: id\nfields: {email: Mail}\n", warehouse)
    assert error.key == "associate.column"
    assert "did you mean 'segment'" in str(error)
