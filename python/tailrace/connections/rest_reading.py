"""How a REST API is asked for its records, declared by the project."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator

from tailrace.connections.base import RateLimit
from tailrace.connections.rest_endpoint import (
    FoundRows,
    Requests,
    UrlPath,
    names_a_row,
    needs_id,
    shape_with,
)
from tailrace.spec.values import Strict, Text


def _path_of_all(path: str) -> str:
    if names_a_row(path):
        raise ValueError("lists all records and names none")
    return path


def _path_by_match(path: str) -> str:
    if "{key}" in path:
        raise ValueError("must hold {match}, and no {key}: records are asked for by match value")
    if needs_id(path):
        raise ValueError("holds {id}, which is what is looked for")
    return path


def _asked(value: Any) -> Any:
    return shape_with(value, ("$matches",))


AskedPath = Annotated[UrlPath, AfterValidator(_path_by_match)]


class RestAsking(Strict):
    """How match values are asked about: one in the path, or `batch_rows` of them in a body."""

    method: Literal["GET", "POST"] | None = None
    path: AskedPath | None = None
    body: Annotated[Any, AfterValidator(_asked)] = None
    batch_rows: FoundRows | None = None

    @model_validator(mode="after")
    def _asks(self) -> RestAsking:
        if self.path is None:
            return self
        if (self.body is None) != names_a_row(self.path):
            raise ValueError("needs {match} in its path, or $matches in its body")
        if self.body is None and (self.batch_rows or 1) != 1:
            raise ValueError("the path asks for one record, so that batch_rows must be 1")
        return self


class RestFind(RestAsking):
    """How the API's own ids are looked up by match values, for paths that hold {id}. `results`: the
    list of records in the answer; `match` and `id`: their members."""

    path: AskedPath
    results: Text | None = None
    match: Text | None = None
    id: Text | None = None


class RestRecord(Strict):
    """Where an answer, or an entry of its list, has a record; members are dotted paths.

    `within`: members of the record that hold fields too. `paths`: fields that stand elsewhere in it
    than under their names.
    """

    record: Text | None = None
    match: Text | None = None
    id: Text | None = None
    within: tuple[Text, ...] | None = None
    paths: dict[Text, Text] | None = None


class RestList(RestRecord):
    """How all records are listed, page by page: the next page by `cursor` and `parameter`, or by
    `link`."""

    path: Annotated[UrlPath, AfterValidator(_path_of_all)]
    results: Text | None = None
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


class ReadLimit(RateLimit):
    """A limit of questions, whose number may be a profile's parameter."""

    requests: Requests | None = None


class RestRead(RestRecord, RestAsking):
    """How records are asked for by their match values.

    With `results`, the list of records in the answer; else the answer is the record. `cut`: a
    member that is there where the list is not whole; `or_empty`: `{}` says as well that there is no
    record. `lags`: records may be older than what was written. `hidden`: fields that no answer has,
    and that are not compared. `limits`: of these questions alone.
    """

    results: str | None = None
    cut: Text | None = None
    or_empty: bool | None = None
    lags: bool | None = None
    hidden: tuple[Text, ...] | None = None
    limits: tuple[ReadLimit, ...] | None = None
    all: RestList | None = None

    @model_validator(mode="after")
    def _something(self) -> RestRead:
        if self.path is None and self.all is None:
            raise ValueError("needs `path`, or `all`")
        if self.path is None:
            lonely = self.model_fields_set - {"all", *RestRecord.model_fields}
            if lonely:
                raise ValueError(f"`{min(lonely)}` goes with a path, and there is none")
        return self

    @model_validator(mode="after")
    def _lists(self) -> RestRead:
        if self.results is not None:
            if self.or_empty:
                raise ValueError("`or_empty` does not go with `results`: an empty list says it")
        elif self.body is not None:
            raise ValueError("a body asks for several records: `results` says where they stand")
        elif self.cut is not None:
            raise ValueError("`cut` goes with `results`")
        return self

    def core_dict(self) -> dict[str, Any]:
        """The core's form."""
        told: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        if self.limits is not None:
            told["limits"] = [one.core_dict() for one in self.limits]
        return told
