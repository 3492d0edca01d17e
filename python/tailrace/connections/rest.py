"""Any HTTP API that takes JSON, described by the project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from tailrace.connections.base import Destination
from tailrace.nearest import hint
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Name, Strict, Text

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}\Z")
_OWN_HEADERS = frozenset({"authorization", "connection", "content-length", "content-type", "host"})
_ROWS = "$rows"


def _header_name(name: str) -> str:
    if not _HEADER.match(name):
        raise ValueError(f"{name!r} is no name of a header")
    return name


def _free_header(name: str) -> str:
    if name.lower() in _OWN_HEADERS:
        raise ValueError(f"{name} is set by the connection itself")
    return _header_name(name)


def _path(path: str) -> str:
    if not path.startswith("/") or path.startswith("//") or not path.isascii():
        raise ValueError(f"{path!r}: a path starts with one slash and is ASCII")
    if any(character <= " " or character in '\\"<>^`|#' for character in path):
        raise ValueError(f"{path!r} has characters that no path has")
    if set(re.findall(r"\{[^}]*\}?", path)) - {"{key}"}:
        raise ValueError(f"{path!r}: {{key}} is all that is put into a path")
    return path


HeaderName = Annotated[str, AfterValidator(_header_name)]
FreeHeaderName = Annotated[str, AfterValidator(_free_header)]
UrlPath = Annotated[str, AfterValidator(_path)]


class BasicAuth(Strict):
    """User and password."""

    user: Text
    password: Secret


class HeaderAuth(Strict):
    """A header of the API's own."""

    name: HeaderName
    value: Secret


class RestAuth(Strict):
    """One of its members."""

    not_offered: ClassVar[frozenset[str]] = frozenset({"oauth2"})

    bearer: Secret | None = None
    basic: BasicAuth | None = None
    header: HeaderAuth | None = None

    @model_validator(mode="after")
    def _one(self) -> RestAuth:
        given = [part for part in (self.bearer, self.basic, self.header) if part is not None]
        if len(given) != 1:
            raise ValueError("needs one of bearer, basic and header")
        return self


class RestResults(Strict):
    """Where a reply says how each row fared: paths and member names of its JSON."""

    path: Text
    key: Text
    status: Text | None = None
    code: Text | None = None
    message: Text | None = None


class RestDelete(Strict):
    """How a record is deleted."""

    method: Literal["DELETE", "POST", "PUT", "PATCH"] = "DELETE"
    path: UrlPath


def _shape(body: Any) -> Any:
    if body in ("rows", "object"):
        return body
    if isinstance(body, dict) and _count_rows(body) == 1:
        return body
    raise ValueError("must be rows, object, or a mapping that holds $rows once")


def _count_rows(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_count_rows(one) for one in value.values())
    if isinstance(value, list):
        return sum(_count_rows(one) for one in value)
    return int(value == _ROWS)


class RestObject(Strict):
    """One kind of record of the API."""

    method: Literal["POST", "PUT", "PATCH"] = "POST"
    path: UrlPath
    batch_rows: int = Field(default=1, ge=1, le=100_000)
    body: Annotated[Any, AfterValidator(_shape)] = "rows"
    results: RestResults | None = None
    delete: RestDelete | None = None

    @model_validator(mode="after")
    def _fits(self) -> RestObject:
        if self.body == "object" and self.batch_rows != 1:
            raise ValueError("body: object is one row, so that batch_rows must be 1")
        if "{key}" in self.path and self.batch_rows != 1:
            raise ValueError("a path with {key} is one row's, so that batch_rows must be 1")
        return self


class RestConnection(Destination):
    """`objects` declares what may be written; `headers` go with every request."""

    not_offered: ClassVar[frozenset[str]] = Destination.not_offered | {"profile"}

    type: Literal["rest"]
    auth: RestAuth | None = None
    headers: dict[FreeHeaderName, Secret] = Field(default_factory=dict)
    objects: dict[Name, RestObject] = Field(min_length=1)

    def auth_dict(self) -> dict[str, Any]:
        """In the shape of the file."""
        auth = self.auth
        if auth is None:
            return {}
        if auth.bearer is not None:
            return {"bearer": auth.bearer}
        if auth.basic is not None:
            return {"basic": {"user": auth.basic.user, "password": auth.basic.password}}
        assert auth.header is not None  # noqa: S101  (one of them is there)
        return {"header": {"name": auth.header.name, "value": auth.header.value}}

    def public_login(self) -> str | None:
        """The user of basic auth."""
        return self.auth.basic.user if self.auth and self.auth.basic else None

    def object_dict(self, name: str) -> dict[str, Any]:
        """The declaration of the file, with its name."""
        found = self.objects[name].model_dump(exclude_none=True)
        return {**json.loads(json.dumps(found)), "name": name}

    def refusals(self, name: str, mode: str, on_removed: str) -> Iterator[tuple[Path, str]]:
        """Objects are those that are declared; deletes need a declaration too."""
        yield from super().refusals(name, mode, on_removed)
        declared = self.objects.get(name)
        if declared is None:
            yield ("object",), f"{name!r} is not declared{hint(name, self.objects)}"
        elif on_removed == "delete" and declared.delete is None:
            key = "on_removed" if mode != "mirror" else "mode"
            yield (key,), f"deletes records, and object {name!r} declares no delete"

    def core_dict(self, name: str) -> dict[str, Any]:
        """With the headers."""
        return {**super().core_dict(name), "headers": dict(self.headers)}
