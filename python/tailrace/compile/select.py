"""One SELECT whose columns are the destination's fields in canonical order, keys behind them.

The tree is built and quoted by sqlglot; no text is ever put together by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from tailrace.compile.expression import (
    columns_of,
    constant,
    parse_expression,
    parse_query,
    parse_table,
)
from tailrace.compile.identifier import alias, quoted
from tailrace.errors import ConfigError, Problem, SourceError
from tailrace.nearest import hint

if TYPE_CHECKING:
    from tailrace.spec.associate import Associate
    from tailrace.spec.document import Section
    from tailrace.spec.mapping import FieldSpec, ModelSpec
    from tailrace.spec.sync import Sync
    from tailrace.warehouses.base import Describer

# What the model is called within the SELECT; fields written in SQL may use it.
MODEL = "model"


@dataclass(frozen=True)
class Selection:
    """`fields` are the destination's, the match field first and the others by name, so that the
    order in the file makes no change; `compared` counts them and the column of a link behind them;
    `key` are places among `columns`."""

    sql: str
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    compared: int
    key: tuple[int, ...]
    key_names: tuple[str, ...]


def canonical_order(sync: Sync) -> tuple[str, ...]:
    """The match field, then the others by name."""
    return (sync.match, *sorted(name for name in sync.fields if name != sync.match))


@dataclass
class SelectBuilder:
    """Builds the SELECT of one sync. `relation` is dbt's name of the model where it has one."""

    sync: Sync
    section: Section
    dialect: str
    describer: Describer
    relation: str | None = None
    default_key: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)

    def build(self) -> Selection:
        """Raises ConfigError with everything that is wrong, SourceError."""
        expressions = self._written_in_sql()
        source = self._source()
        if source is None or self.problems:
            raise ConfigError.of(self.problems)
        known = self._describe_model(source)
        select = exp.Select().from_(source)
        names = canonical_order(self.sync)
        for name in names:
            value = self._value(name, self.sync.fields[name], expressions, known)
            if value is not None:
                select = select.select(self._aliased(value, name), copy=False)
        compared = names
        if self.sync.associate is not None:
            compared = (*names, self.sync.associate.name)
            select = self._with_link(select, self.sync.associate, known)
        key, keys_behind = self._key(compared, known)
        for column in keys_behind:
            select = select.select(self._column(column), copy=False)
        if self.problems:
            raise ConfigError.of(self.problems)
        sql = select.sql(self.dialect, comments=False)
        self._try(sql, expressions, known)
        columns, key_names = (*compared, *keys_behind), tuple(self._key_columns(known))
        return Selection(sql, columns, names, len(compared), key, key_names)

    def _with_link(
        self, select: exp.Select, associate: Associate, known: dict[str, str]
    ) -> exp.Select:
        column = self._find(associate.column, known, "associate", "column")
        if column is None:
            return select
        return select.select(self._aliased(self._column(column), associate.name), copy=False)

    def _written_in_sql(self) -> dict[str, exp.Expression]:
        found: dict[str, exp.Expression] = {}
        for name, given in self.sync.fields.items():
            if given.sql is None:
                continue
            try:
                found[name] = parse_expression(given.sql, self.dialect)
            except ValueError as error:
                self.problems.append(self.section.problem(str(error), "fields", name, "sql"))
        return found

    def _source(self) -> exp.Table | exp.Subquery | None:
        model: ModelSpec = self.sync.model
        where = "sql" if model.sql is not None else "table"
        try:
            if model.sql is not None:
                return parse_query(model.sql, self.dialect).subquery(MODEL, copy=False)
            table = parse_table(self.relation or model.table or "", self.dialect)
        except ValueError as error:
            path = ("model",) if self.relation else ("model", where)
            self.problems.append(self.section.problem(str(error), *path))
            return None
        aliased = exp.alias_(table, MODEL, table=True)
        assert isinstance(aliased, exp.Table)  # noqa: S101  (an aliased table is a table)
        return aliased

    def _describe_model(self, source: exp.Table | exp.Subquery) -> dict[str, str]:
        """Folded names of the model's columns to their own."""
        everything = exp.Select(expressions=[exp.Star()]).from_(source)
        columns = self.describer.describe(everything.sql(self.dialect, comments=False))
        known: dict[str, str] = {}
        for column in columns:
            known.setdefault(column.name.casefold(), column.name)
        self._exact = {column.name for column in columns}
        return known

    def _find(self, column: str, known: dict[str, str], *path: str | int) -> str | None:
        """The model's own spelling of a column; None where a problem was noted."""
        if column in self._exact:
            return column
        found = known.get(column.casefold())
        if found is None:
            message = f"the model has no column {column!r}{hint(column, self._exact)}"
            self.problems.append(self.section.problem(message, *path))
        return found

    def _value(
        self,
        name: str,
        given: FieldSpec,
        expressions: dict[str, exp.Expression],
        known: dict[str, str],
    ) -> exp.Expression | None:
        if given.sql is not None:
            # A copy: what is asked about the original's columns is asked of it alone.
            return expressions[name].copy()
        try:
            if given.column is None:
                return constant(given.value)
            column = self._find(given.column, known, "fields", name)
            return None if column is None else self._column(column)
        except ValueError as error:
            self.problems.append(self.section.problem(str(error), "fields", name))
            return None

    def _column(self, name: str) -> exp.Column:
        return exp.Column(this=quoted(name, self.dialect), table=exp.to_identifier(MODEL))

    def _aliased(self, value: exp.Expression, name: str) -> exp.Expression:
        try:
            return exp.Alias(this=value, alias=alias(name, self.dialect))
        except ValueError as error:
            self.problems.append(self.section.problem(str(error), "fields", name))
            return value

    def _key_columns(self, known: dict[str, str]) -> list[str]:
        if self.sync.key is not None:
            many = isinstance(self.section.value.get("key"), list)
            found = [
                self._find(column, known, "key", *([index] if many else []))
                for index, column in enumerate(self.sync.key)
            ]
            return [column for column in found if column is not None]
        if self.default_key and all(one.casefold() in known for one in self.default_key):
            return [known[one.casefold()] for one in self.default_key]
        column = self.sync.fields[self.sync.match].column
        found_one = known.get(column.casefold()) if column is not None else None
        return [found_one] if found_one is not None else []

    def _column_of(self, name: str) -> str | None:
        """The column that is sent as `name`; a link's column is sent too."""
        field, associate = self.sync.fields.get(name), self.sync.associate
        if field is not None:
            return field.column
        return associate.column if associate is not None else None

    def _key(
        self, names: tuple[str, ...], known: dict[str, str]
    ) -> tuple[tuple[int, ...], list[str]]:
        """Places of the key columns; those that no field maps come behind the fields."""
        mapped: dict[str, int] = {}
        for index, name in enumerate(names):
            column = self._column_of(name)
            if column is not None and column.casefold() in known:
                own = column if column in self._exact else known[column.casefold()]
                mapped.setdefault(own, index)
        places: list[int] = []
        behind: list[str] = []
        for column in self._key_columns(known):
            if column not in mapped:
                mapped[column] = len(names) + len(behind)
                behind.append(column)
            places.append(mapped[column])
        return tuple(places), behind

    def _try(self, sql: str, expressions: dict[str, exp.Expression], known: dict[str, str]) -> None:
        """Let the warehouse look at the whole SELECT; where it refuses, tell which field it was."""
        if not expressions:
            return
        try:
            self.describer.describe(sql)
        except SourceError as error:
            if not error.configuration:
                raise
            for name, expression in expressions.items():
                for column in columns_of(expression):
                    if column.casefold() not in known:
                        message = f"the model has no column {column!r}{hint(column, self._exact)}"
                        self.problems.append(self.section.problem(message, "fields", name, "sql"))
            if not self.problems:
                self.problems.append(self.section.problem(str(error), *self._culprit(expressions)))
            raise ConfigError.of(self.problems) from None

    def _culprit(self, expressions: dict[str, exp.Expression]) -> tuple[str, ...]:
        """The only field written in SQL, where there is one."""
        return ("fields", next(iter(expressions)), "sql") if len(expressions) == 1 else ("fields",)
