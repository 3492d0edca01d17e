"""How one operation of a REST API is sent and how its answers are read, declared by the project."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tailrace.spec.values import Strict, Text

_PLACEHOLDER = re.compile(r"\{[^}]*\}?|\}")
_PLACEHOLDERS = frozenset({"{key}", "{match}"})
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
        raise ValueError(f"{path!r}: {{key}} and {{match}} are all that is put into a path")
    return path


def names_a_row(path: str | None) -> bool:
    """Whether requests to it are about one row each."""
    return path is not None and bool(_PLACEHOLDER.search(path))


def _path_of_one(path: str) -> str:
    # One address for all rows would delete the whole collection.
    if not names_a_row(path):
        raise ValueError(f"{path!r} must hold {{key}} or {{match}}")
    return path


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text of a JSON shape. Raises ValueError where it is nested too deeply."""
    if depth > _DEEPEST:
        raise ValueError("is nested too deeply")
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts_in(one, depth + 1)


def _shape(value: Any, holes: tuple[str, ...]) -> Any:
    """A JSON shape that holds one of `holes` once."""
    found = [text for text in texts_in(value) if text in holes]
    if not isinstance(value, (dict, list)) or len(found) != 1:
        raise ValueError(f"must be a shape that holds {' or '.join(holes)} as a value, once")
    return value


def _body(value: Any) -> Any:
    if value is None or value in ("rows", "object"):
        return value
    if isinstance(value, str):
        raise ValueError("must be rows, object, or a shape that holds $rows or $row")
    return _shape(value, ("$rows", "$row"))


def _row(value: Any) -> Any:
    return _shape(value, ("$row",))


def _values(value: Any) -> Any:
    if not isinstance(value, (dict, list)):
        raise ValueError("must be a shape, in which $key and $match may stand")
    list(texts_in(value))
    return value


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
PathOfOne = Annotated[UrlPath, AfterValidator(_path_of_one)]
Statuses = Annotated[dict[str, Means], AfterValidator(_statuses)]
Codes = Annotated[tuple[Text, ...], BeforeValidator(_codes)]
Body = Annotated[Any, AfterValidator(_body)]
Row = Annotated[Any, AfterValidator(_row)]
BatchRows = Annotated[int, Field(ge=1, le=100_000)]


class RestResults(Strict):
    """Where a reply says how each row fared: paths and member names of its JSON.

    `form: errors_only` (the default) lists refused rows, `list` has an entry for every row.
    """

    form: Literal["errors_only", "list"] = "errors_only"
    path: str = ""
    key: Text | None = None
    index: Text | None = None
    status: Text | None = None
    code: Text | None = None
    message: Text | None = None
    field: Text | None = None
    id: Text | None = None
    count: Text | None = None
    optional: bool | None = None

    @model_validator(mode="after")
    def _fits(self) -> RestResults:
        if self.form == "list":
            if self.status is None:
                raise ValueError("form: list needs `status`, the member that judges each row")
            if self.optional or self.count is not None:
                raise ValueError("`count` and `optional` go with form: errors_only alone")
        elif self.key is None and self.index is None:
            raise ValueError("a list of errors names its rows by `key` or `index`")
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
        one_row = self.body == "object" or "$row" in texts_in(self.body)
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
    """Takes one record away. `missing`: what says that it is gone already, besides 404."""

    method: Literal["DELETE", "POST", "PUT", "PATCH"] | None = None
    path: PathOfOne
    body: Annotated[Any, AfterValidator(_values)] = None
    statuses: Statuses | None = None
    missing: Codes | None = None
