"""Any HTTP API that takes JSON, described by the project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from tailrace.connections.base import Destination, Wanted
from tailrace.connections.rest_object import RestObject  # noqa: TC001  (pydantic too)
from tailrace.nearest import hint
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Name, Strict, Text

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}\Z")
_OWN_HEADERS = frozenset({"authorization", "connection", "content-length", "content-type", "host"})


def _header_name(name: str) -> str:
    if not _HEADER.match(name):
        raise ValueError(f"{name!r} is no name of a header")
    return name


def _free_header(name: str) -> str:
    if name.lower() in _OWN_HEADERS:
        raise ValueError(f"{name} is set by the connection itself")
    return _header_name(name)


HeaderName = Annotated[str, AfterValidator(_header_name)]
FreeHeaderName = Annotated[str, AfterValidator(_free_header)]


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

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Objects are those that are declared; deletes need a declaration too."""
        yield from super().refusals(wanted)
        declared = self.objects.get(wanted.object)
        if declared is None:
            message = f"{wanted.object!r} is not declared{hint(wanted.object, self.objects)}"
            yield ("object",), message
        elif wanted.on_removed == "delete" and declared.delete is None:
            key = "on_removed" if wanted.mode != "mirror" else "mode"
            yield (key,), f"deletes records, and object {wanted.object!r} declares no delete"

    def core_dict(self, name: str) -> dict[str, Any]:
        """With the headers."""
        return {**super().core_dict(name), "headers": dict(self.headers)}
