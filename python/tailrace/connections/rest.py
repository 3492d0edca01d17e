"""Any HTTP API that takes JSON, described by the project."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Any, Literal

from pydantic import Field, model_validator

from tailrace.connections.base import Can, HttpDestination, Wanted
from tailrace.connections.oauth import (  # noqa: TC001  (pydantic reads the annotations)
    ClientCredentials,
    JwtBearer,
    RefreshToken,
)
from tailrace.connections.rest_header import FreeHeaderName, HeaderName  # noqa: TC001
from tailrace.connections.rest_knowing import RestOwner  # noqa: TC001
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

    bearer: Secret | None = None
    basic: BasicAuth | None = None
    header: HeaderAuth | None = None
    oauth2: ClientCredentials | None = None
    refresh_token: RefreshToken | None = None
    jwt: JwtBearer | None = None

    @model_validator(mode="after")
    def _one(self) -> RestAuth:
        if len(self.model_fields_set) != 1 or not any(dict(self).values()):
            raise ValueError("needs one of bearer, basic, header, oauth2, refresh_token and jwt")
        return self

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """Those of the grant."""
        if self.jwt is not None:
            for path, message in self.jwt.contradictions():
                yield ("jwt", *path), message


class RestConnection(HttpDestination):
    """`objects` declares what may be written; `headers` go with every request. `gzip` says that
    the API takes bodies in gzip: those of 1 KiB and more are sent so. `owner`: where it says whose
    the login is."""

    type: Literal["rest"]
    auth: RestAuth | None = None
    headers: dict[FreeHeaderName, Secret] = Field(default_factory=dict)
    gzip: bool = False
    owner: RestOwner | None = None
    objects: dict[Name, RestObject] = Field(min_length=1)

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """Those of the login."""
        if self.auth is not None:
            for path, message in self.auth.contradictions():
                yield ("auth", *path), message

    def auth_dict(self) -> dict[str, Any]:
        """In the shape of the file."""
        auth = self.auth
        if auth is None:
            return {}
        for grant in (auth.oauth2, auth.refresh_token, auth.jwt):
            if grant is not None:
                return {"oauth2": grant.core_dict()}
        if auth.bearer is not None:
            return {"bearer": auth.bearer}
        if auth.basic is not None:
            return {"basic": {"user": auth.basic.user, "password": auth.basic.password}}
        assert auth.header is not None  # noqa: S101  (one of them is there)
        return {"header": {"name": auth.header.name, "value": auth.header.value}}

    def public_login(self) -> str | None:
        """The user of basic auth, the client, or whom a JWT speaks for. A refresh token belongs to
        one account of many that have the same client: then there is no such part."""
        auth = self.auth
        if auth is None:
            return None
        if auth.jwt is not None:
            return f"{auth.jwt.issuer} {auth.jwt.subject}"
        if auth.oauth2 is not None:
            return auth.oauth2.client_id
        return auth.basic.user if auth.basic else None

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
        """With the headers, whether bodies may be packed, and where the owner is asked for."""
        told: dict[str, Any] = {**super().core_dict(name), "headers": dict(self.headers)}
        if self.gzip:
            told["gzip"] = True
        if self.owner is not None:
            told["owner"] = self.owner.model_dump()
        return told
