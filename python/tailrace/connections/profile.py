"""A profile: an API declared once, in a file that can be shared; a connection gives the rest."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, create_model, model_validator

from tailrace.connections.base import BaseUrl, HttpReaching, RateLimit
from tailrace.connections.rest import RestAuth, RestConnection
from tailrace.connections.rest_header import FreeHeaderName  # noqa: TC001
from tailrace.connections.rest_knowing import RestOwner  # noqa: TC001
from tailrace.connections.rest_object import RestObject  # noqa: TC001
from tailrace.secret import Secret
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Name, Seconds, Strict, Text

ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Parameter(Strict):
    """What a connection gives. Without a default it must."""

    about: Text | None = None
    type: Literal["text", "integer"] = "text"
    secret: bool = False
    default: str | int | None = None
    options: tuple[Text, ...] | None = Field(default=None, min_length=1)
    least: int | None = None
    most: int | None = None

    @model_validator(mode="after")
    def _fits(self) -> Parameter:
        if self.type == "text" and (self.least is not None or self.most is not None):
            raise ValueError("`least` and `most` go with type: integer")
        if self.options is not None and (self.type == "integer" or self.secret):
            raise ValueError("`options` go with texts that are no secret")
        if self.secret and (self.type == "integer" or self.default is not None):
            raise ValueError("a secret is a text, and has no default: a profile is shared")
        if self.default is not None and not self._takes(self.default):
            raise ValueError("the default is no value of the parameter")
        return self

    def _takes(self, value: object) -> bool:
        if self.type == "text":
            return isinstance(value, str) and (self.options is None or value in self.options)
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        low, high = self.least, self.most
        return (low is None or value >= low) and (high is None or value <= high)

    def annotation(self) -> Any:
        """What pydantic checks a connection's value with."""
        if self.secret:
            return Secret
        if self.type == "integer":
            return Annotated[int, Field(ge=self.least, le=self.most, strict=True)]
        return Text if self.options is None else Literal[self.options]

    def stand_in(self) -> str | int:
        """A value that the parameter could have, for a profile that nobody uses yet."""
        if self.default is not None:
            return self.default
        if self.type == "integer":
            return self.least if self.least is not None else min(1, self.most or 1)
        return "x" if self.options is None else self.options[0]


class ProfileFile(Strict):
    """The file, with its parameters put in: a `rest` connection, less what each user has of their
    own. What the connection says itself goes over it."""

    about: Text | None = None
    parameters: dict[ParameterName, Parameter] = Field(default_factory=dict)
    base_url: BaseUrl | None = None
    auth: RestAuth | None = None
    headers: dict[FreeHeaderName, Secret] = Field(default_factory=dict)
    gzip: bool | None = None
    owner: RestOwner | None = None
    max_in_flight: int | None = Field(default=None, ge=1, le=1024)
    timeout: Seconds | None = None
    limits: tuple[RateLimit, ...] | None = None
    objects: dict[Name, RestObject] = Field(min_length=1)

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """Those of the login."""
        if self.auth is not None:
            for path, message in self.auth.contradictions():
                yield ("auth", *path), message


class ProfileUse(HttpReaching):
    """What a connection may say beside a profile's parameters."""

    profile: Text | None = None
    base_url: BaseUrl | None = None


def use_model(parameters: dict[str, Parameter]) -> type[ProfileUse]:
    """The model of a connection that uses a profile with these parameters."""
    fields: dict[str, Any] = {
        name: (one.annotation(), ... if one.default is None else one.default)
        for name, one in parameters.items()
    }
    made: type[ProfileUse] = create_model("ProfiledConnection", __base__=ProfileUse, **fields)
    return made


def connection_of(profile: ProfileFile, use: ProfileUse) -> RestConnection:
    """The connection; there is a base URL in one of them."""
    own = ProfileUse.model_fields.keys() - {"type", "profile"}
    return RestConnection.model_validate(
        {
            **{
                name: getattr(profile, name)
                for name in profile.model_fields_set & RestConnection.model_fields.keys()
            },
            **{name: getattr(use, name) for name in use.model_fields_set & own},
            "type": "rest",
        }
    )
