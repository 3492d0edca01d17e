"""What answers of a REST API mean as a whole, by declaration."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from tailrace.connections.rest_endpoint import Means
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


def _codes(value: dict[str, Means]) -> dict[str, Means]:
    if "" in value:
        raise ValueError("an empty text is no code")
    return value


CodeMeanings = Annotated[dict[str, Means], AfterValidator(_codes)]
CodePaths = OneOrMore
