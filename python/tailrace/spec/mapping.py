"""What a sync reads and maps: its model, and its destination's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema, field_validator, model_validator

from tailrace.dbt.reference import parse_reference
from tailrace.spec.values import Constant, Strict, Text

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

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


def model_of(value: object) -> object:
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


def field_of(value: object) -> object:
    if isinstance(value, str):
        return {"column": value}
    if not isinstance(value, dict):
        raise ValueError("must be a column's name, {sql: …} or {value: …}")
    return value
