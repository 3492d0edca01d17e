"""How one operation of a REST API is sent and how its answers are read, declared by the project."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from tailrace.spec.values import Strict, Text

_PLACEHOLDER = re.compile(r"\{[^}]*\}?|\}")
_PLACEHOLDERS = frozenset({"{key}", "{match}", "{id}"})
_NAMED = re.compile(r"^\$(key|match)\Z|\{(key|match)\}")
_STATUS = re.compile(r"[2-5][0-9]{2}\Z")
_DEEPEST = 32

Means = Literal["accepted", "rejected", "split", "terminal", "retry", "stop", "reauth", "unknown"]


def _path(path: str) -> str:
    if not path.startswith("/") or path.startswith("//") or not path.isascii():
        raise ValueError(f"{path!r}: a path begins with one slash and is ASCII")
    if any(character <= " " or character in '\\"<>^`|#\x7f' for character in path):
        raise ValueError(f"{path!r} has characters that no path has")
    if {".", ".."} & set(path.partition("?")[0].split("/")):
        raise ValueError(f"{path!r}: '.' and '..' have no place in a path")
    if set(_PLACEHOLDER.findall(path)) - _PLACEHOLDERS:
        raise ValueError(f"{path!r}: {{key}}, {{match}} and {{id}} are all that is put into a path")
    return path


def names_a_row(path: str | None) -> bool:
    """Whether requests to it are about one row each."""
    return path is not None and bool(_PLACEHOLDER.search(path))


def _path_of_one(path: str) -> str:
    if not names_a_row(path):
        raise ValueError(f"{path!r} must hold {{key}}, {{match}} or {{id}}")
    return path


def needs_id(path: str | None) -> bool:
    """Whether requests to it name a record by the API's own id."""
    return path is not None and "{id}" in path


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text of a JSON shape. Raises ValueError where it is nested too deeply."""
    if depth > _DEEPEST:
        raise ValueError("is nested too deeply")
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts_in(one, depth + 1)


def shape_with(value: Any, holes: tuple[str, ...]) -> Any:
    """A JSON shape that holds one of `holes` once."""
    found = [text for text in texts_in(value) if text in holes]
    if not isinstance(value, (dict, list)) or len(found) != 1:
        raise ValueError(f"must be a shape that holds {' or '.join(holes)} as a value, once")
    return value


_ONE_ROW = ("$row", "$fields")


def _body(value: Any) -> Any:
    if value is None or value in ("rows", "lines", "object"):
        return value
    if isinstance(value, str):
        raise ValueError("must be rows, lines, object, or a shape that holds $rows or $row")
    return shape_with(value, ("$rows", *_ONE_ROW))


def _row(value: Any) -> Any:
    return shape_with(value, _ONE_ROW)


def _values(value: Any) -> Any:
    if not isinstance(value, (dict, list)):
        raise ValueError("must be a shape, in which $key, $match or $rows may stand")
    list(texts_in(value))
    return value


def _name_of_one(value: Any) -> Any:
    if not any(_NAMED.search(one) for one in texts_in(value)):
        raise ValueError("must hold $match or $key")
    return value


def holds_one_row(body: Any) -> bool:
    """Whether a body is that of one row."""
    return body == "object" or any(hole in texts_in(body) for hole in _ONE_ROW)


def _statuses(value: dict[str, Means]) -> dict[str, Means]:
    for status, means in value.items():
        if not _STATUS.match(status):
            raise ValueError(f"{status!r} is no HTTP status from 200 to 599")
        if means == "accepted" and status.startswith("5"):
            raise ValueError(f"{status}: a failure of the server is never an acceptance")
    return value


def _codes(value: object) -> object:
    given = value if isinstance(value, list) else [value]
    if any(isinstance(one, (bool, dict, list)) or one is None or one == "" for one in given):
        raise ValueError("must be statuses and codes, such as [404, NOT_FOUND]")
    return [str(one) for one in given]


UrlPath = Annotated[str, AfterValidator(_path)]
Statuses = Annotated[dict[str, Means], AfterValidator(_statuses)]
Codes = Annotated[tuple[Text, ...], BeforeValidator(_codes)]
Body = Annotated[Any, AfterValidator(_body)]
Row = Annotated[Any, AfterValidator(_row)]
NameOfOne = Annotated[Any, AfterValidator(_name_of_one)]


def _count_up_to(most: int) -> WithJsonSchema:
    """In a profile a number may be one of its parameters."""
    parameter = {"type": "string", "pattern": r"^\$\{[a-z][a-z0-9_]*\}$"}
    return WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": most}, parameter]}
    )


BatchRows = Annotated[int, Field(ge=1, le=100_000), _count_up_to(100_000)]
Requests = Annotated[int, Field(ge=1, le=1_000_000), _count_up_to(1_000_000)]
FoundRows = Annotated[int, Field(ge=1, le=1000), _count_up_to(1000)]


class RestResults(Strict):
    """Where a reply says how each row fared: paths and member names of its JSON.

    `form: errors_only` (the default) lists refused rows, `list` has an entry for every row,
    `names` has `lists` of refused rows' match values.
    """

    form: Literal["errors_only", "list", "names"] = "errors_only"
    path: str | None = None
    lists: tuple[Text, ...] | None = None
    refused: Text | None = None
    key: Text | None = None
    index: Text | None = None
    index_word: Text | None = None
    status: Text | None = None
    code: Text | None = None
    message: Text | None = None
    field: Text | None = None
    id: Text | None = None
    count: Text | None = None
    optional: bool | None = None

    @model_validator(mode="after")
    def _fits(self) -> RestResults:
        if self.form == "names":
            return self._of_names()
        if self.lists is not None or self.refused is not None:
            raise ValueError("`lists` and `refused` go with form: names alone")
        if self.form == "list":
            if self.status is None:
                raise ValueError("form: list needs `status`, the member that judges each row")
            if self.optional or self.count is not None:
                raise ValueError("`count` and `optional` do not go with form: list")
        elif self.key is None and self.index is None:
            raise ValueError("a list of errors names its rows by `key` or `index`")
        return self

    def _of_names(self) -> RestResults:
        strange = self.model_fields_set - {"form", "lists", "count", "refused"}
        if strange:
            raise ValueError(f"`{min(strange)}` does not go with form: names")
        if not self.lists:
            raise ValueError("form: names needs `lists`, the paths of the lists")
        if self.count is None and self.refused is None:
            raise ValueError("needs `count` or `refused`: a name left out would go unseen")
        return self


class RestShape(Strict):
    """How rows are written: for upsert at the top of an object, for others under their names."""

    method: Literal["POST", "PUT", "PATCH"] | None = None
    path: UrlPath | None = None
    batch_rows: BatchRows | None = None
    body: Body = None
    row: Row = None
    results: RestResults | None = None

    @model_validator(mode="after")
    def _rows_fit(self) -> RestShape:
        one_row = holds_one_row(self.body)
        several = self.batch_rows is not None and self.batch_rows != 1
        if one_row and several:
            raise ValueError("the body holds one row, so that batch_rows must be 1")
        if one_row and self.row is not None:
            raise ValueError("`row` goes with a body of several rows; put the shape into `body`")
        if names_a_row(self.path) and several:
            raise ValueError("the path names one row, so that batch_rows must be 1")
        return self


class RestUpdate(RestShape):
    """Writes to records that are there; also how fields are cleared. Without a path it goes where
    upsert goes, in its shape, and a clear where the update goes if there is one. `missing`: what
    says that there is no such record, besides 404."""

    statuses: Statuses | None = None
    missing: Codes | None = None


class RestInsert(RestShape):
    """Makes records. `exists`: what says that there is one already, besides 409."""

    statuses: Statuses | None = None
    exists: Codes | None = None


class RestRemoval(Strict):
    """Takes records away: one whose name stands in the path, or several where the body holds
    $rows, each as `row` says. `missing`: what says that it is gone already, besides 404."""

    method: Literal["DELETE", "POST", "PUT", "PATCH"] | None = None
    body: Annotated[Any, AfterValidator(_values)] = None
    path: UrlPath
    row: NameOfOne = None
    batch_rows: BatchRows | None = None
    results: RestResults | None = None
    statuses: Statuses | None = None
    missing: Codes | None = None

    @field_validator("path")
    @classmethod
    def _names_rows(cls, path: str, info: ValidationInfo) -> str:
        if "$rows" not in texts_in(info.data.get("body")):
            # One address for all rows would delete the whole collection.
            return _path_of_one(path)
        if names_a_row(path):
            raise ValueError("the path names one row, and the body several")
        return path

    @model_validator(mode="after")
    def _of_several(self) -> RestRemoval:
        if "$rows" in texts_in(self.body):
            return self
        for name in ("row", "batch_rows", "results"):
            if getattr(self, name) is not None:
                raise ValueError(f"`{name}` goes with a body that holds $rows")
        return self
