"""Any HTTP API that takes JSON, described by the project."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from tailrace.connections.base import Can, Destination, Wanted
from tailrace.connections.rest_header import FreeHeaderName, HeaderName  # noqa: TC001
from tailrace.connections.rest_object import RestObject  # noqa: TC001  (pydantic too)
from tailrace.nearest import hint
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Name, Strict, Text


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
        return self.objects[name].core_dict(name)

    def can(self, name: str) -> Can:
        """What the object declares."""
        return self.objects[name].can()

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Objects are those that are declared, and do what they declare."""
        name = wanted.object
        if name not in self.objects:
            yield ("object",), f"{name!r} is not declared{hint(name, self.objects)}"
            return
        yield from self.can(name).refusals(wanted, f"object {name!r} as it is declared")

    def core_dict(self, name: str) -> dict[str, Any]:
        """With the headers."""
        return {**super().core_dict(name), "headers": dict(self.headers)}
