"""What answers of a REST API mean as a whole, and how its records are found, by declaration."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from tailrace.connections.rest_endpoint import (
    FoundRows,
    Means,
    UrlPath,
    names_a_row,
    needs_id,
    shape_with,
)
from tailrace.spec.values import OneOrMore, Strict, Text


def _mark(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


Mark = Annotated[
    Text, BeforeValidator(_mark), WithJsonSchema({"type": ["string", "boolean", "integer"]})
]


class RestSuccess(Strict):
    """A member that every success has, with the value that it has then. What is without it has not
    succeeded, whatever its status."""

    path: Text
    is_: Mark = Field(default="true", alias="is")


def _asked(value: Any) -> Any:
    return shape_with(value, ("$matches",))


class RestFind(Strict):
    """How the API's own ids are looked up by match values, for paths that hold {id}. `results`: the
    list of records in the answer; `match` and `id`: their members."""

    method: Literal["GET", "POST"] | None = None
    path: UrlPath
    body: Annotated[Any, AfterValidator(_asked)] = None
    batch_rows: FoundRows | None = None
    results: Text | None = None
    match: Text | None = None
    id: Text | None = None

    @model_validator(mode="after")
    def _asks(self) -> RestFind:
        if needs_id(self.path):
            raise ValueError("the path holds {id}, which is what is looked for")
        if (self.body is None) != names_a_row(self.path):
            raise ValueError("needs {match} in its path, or $matches in its body")
        if self.body is None and (self.batch_rows or 1) != 1:
            raise ValueError("the path asks for one record, so that batch_rows must be 1")
        return self


def _codes(value: dict[str, Means]) -> dict[str, Means]:
    if "" in value:
        raise ValueError("an empty text is no code")
    return value


CodeMeanings = Annotated[dict[str, Means], AfterValidator(_codes)]
CodePaths = OneOrMore
