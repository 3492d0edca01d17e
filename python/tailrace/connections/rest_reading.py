"""How a REST API is asked for its records, declared by the project."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, model_validator

from tailrace.connections.rest_endpoint import UrlPath, names_a_row
from tailrace.spec.values import Strict, Text


def _path_by_match(path: str) -> str:
    if "{match}" not in path or "{key}" in path:
        raise ValueError("must hold {match}, and no {key}: records are asked for by match value")
    return path


def _path_of_all(path: str) -> str:
    if names_a_row(path):
        raise ValueError("lists all records and names none")
    return path


class RestList(Strict):
    """How all records are listed, page by page: the next page by `cursor` and `parameter`, or by
    `link`."""

    path: Annotated[UrlPath, AfterValidator(_path_of_all)]
    results: Text | None = None
    record: Text | None = None
    match: Text | None = None
    id: Text | None = None
    cursor: Text | None = None
    parameter: Text | None = None
    link: Text | None = None

    @model_validator(mode="after")
    def _next_page(self) -> RestList:
        if (self.cursor is None) != (self.parameter is None):
            raise ValueError("`cursor` and `parameter` go together")
        if self.cursor is not None and self.link is not None:
            raise ValueError("the next page is found by `cursor` or by `link`")
        return self


class RestRead(Strict):
    """How one record is asked for by its match value; members are dotted paths.

    With `results`, the list of records in the answer; else the answer is the record. `record` is
    where a record's fields stand in that, `match` and `id` its members.
    """

    path: Annotated[UrlPath, AfterValidator(_path_by_match)] | None = None
    results: str | None = None
    record: Text | None = None
    match: Text | None = None
    id: Text | None = None
    all: RestList | None = None

    @model_validator(mode="after")
    def _something(self) -> RestRead:
        if self.path is None and self.all is None:
            raise ValueError("needs `path`, or `all`")
        return self
