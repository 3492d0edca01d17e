"""A sync as its file says it: one model to one object of one destination."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from tailrace.dbt.reference import parse_reference
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Amount, Constant, Name, OneOrMore, Strict, Text

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

Mode = Literal["upsert", "update", "insert", "append", "mirror"]
OnRemoved = Literal["ignore", "delete", "archive", "clear"]

# Of floats that a field does not compare by every digit.
DEFAULT_DIGITS = 12


class ModelSpec(Strict):
    """Where the rows are: a dbt reference, a table, or a query of one SELECT."""

    ref: Text | None = None
    table: Text | None = None
    sql: Text | None = None

    @field_validator("ref")
    @classmethod
    def _reference(cls, value: str | None) -> str | None:
        if value is not None:
            parse_reference(value)
        return value

    @model_validator(mode="after")
    def _one(self) -> ModelSpec:
        given = [name for name in ("ref", "table", "sql") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("needs one of ref('…'), {table: …} and {sql: …}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        mapping = handler.resolve_ref_schema(handler(schema))
        mapping["minProperties"] = mapping["maxProperties"] = 1
        text = {"type": "string", "pattern": r"^\s*(ref|source)\s*\(.*\)\s*$"}
        return {"anyOf": [text, dict(mapping)]}


def _model(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.split("(", 1)[0].strip() not in ("ref", "source"):
        raise ValueError(
            f"{value!r} is no ref('…') or source('…', '…'); "
            'a table is written {table: schema.name}, a query {sql: "select …"}'
        )
    return {"ref": value}


def _digits(value: object) -> int:
    if value == "exact":
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 17:
        return value
    raise ValueError("must be exact, or a number of significant digits from 1 to 17")


Digits = Annotated[
    int,
    BeforeValidator(_digits),
    WithJsonSchema(
        {"anyOf": [{"const": "exact"}, {"type": "integer", "minimum": 1, "maximum": 17}]}
    ),
]


class FieldSpec(Strict):
    """What one field of the destination gets: a column, a constant or an SQL expression."""

    column: Text | None = None
    sql: Text | None = None
    value: Constant | None = None
    nulls: Literal["clear", "keep"] = "clear"
    digits: Digits | None = None

    @model_validator(mode="after")
    def _one(self) -> FieldSpec:
        given = [name for name in ("column", "sql", "value") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("needs one of column, sql and value")
        return self

    @property
    def compared_digits(self) -> int:
        """Significant digits that floats are compared at; 0 is all of them."""
        return DEFAULT_DIGITS if self.digits is None else self.digits

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        mapping = handler.resolve_ref_schema(handler(schema))
        return {"anyOf": [{"type": "string", "minLength": 1}, dict(mapping)]}


def _field(value: object) -> object:
    if isinstance(value, str):
        return {"column": value}
    if not isinstance(value, dict):
        raise ValueError("must be a column's name, {sql: …} or {value: …}")
    return value


def _amount_given(value: object) -> object:
    # `max_removed:` with nothing behind it would switch a guard off without saying so.
    if value is None:
        raise ValueError("is empty; 100% lets everything through")
    return value


Limit = Annotated[Amount | None, BeforeValidator(_amount_given)]


class Guards(Strict):
    """What stops a run before its first request. A limit left out is its default."""

    allow_empty: bool = False
    max_removed: Limit = None
    max_changed: Limit = None
    max_added: Limit = None


class Tolerate(Strict):
    """What may be wrong with a run that still counts as done."""

    rejected: Amount = Amount(0)


class Sync(Strict):
    """One sync. Whether a destination can do what it asks is judged where that is known."""

    not_offered: ClassVar[frozenset[str]] = frozenset(
        {"after", "associate", "insert_safety", "on_missing", "require", "resync_every", "was"}
    )

    name: Name
    description: str | None = None
    tags: OneOrMore = ()
    source: Text
    model: Annotated[ModelSpec, BeforeValidator(_model)]
    key: OneOrMore | None = None
    destination: Text
    object: Text
    match: Text
    mode: Mode = "upsert"
    on_removed: OnRemoved | None = None
    fields: dict[Text, Annotated[FieldSpec, BeforeValidator(_field)]] = Field(min_length=1)
    guards: Guards = Guards()
    tolerate: Tolerate = Tolerate()

    @property
    def effective_mode(self) -> str:
        """The mode of the run spec: mirror is upsert and the deletion of removed rows."""
        return "upsert" if self.mode == "mirror" else self.mode

    @property
    def effective_on_removed(self) -> str:
        """What happens to removed rows."""
        if self.on_removed is not None:
            return self.on_removed
        return "delete" if self.mode == "mirror" else "ignore"

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """Values that do not go together."""
        if self.mode == "mirror" and self.on_removed not in (None, "delete"):
            yield (
                ("on_removed",),
                "contradicts mode: mirror, which deletes removed rows; to keep them: mode: upsert",
            )
        if self.mode in ("insert", "append") and self.on_removed not in (None, "ignore"):
            yield (
                ("on_removed",),
                f"contradicts mode: {self.mode}, which does not know the records it made",
            )
        if self.key is not None and len(set(self.key)) != len(self.key):
            yield ("key",), "names a column twice"
        yield from self._of_the_match()

    def _of_the_match(self) -> Iterator[tuple[Path, str]]:
        from tailrace.nearest import hint

        field = self.fields.get(self.match)
        if field is None:
            end = hint(self.match, self.fields)
            yield ("match",), f"the match field {self.match!r} is not among the fields{end}"
        elif field.value is not None:
            yield (
                ("fields", self.match),
                "the match field is a constant, so that every row would be the same record",
            )
        elif field.sql is not None and self.key is None:
            yield (
                ("match",),
                "comes from an SQL expression, so that `key` must name the key columns",
            )
