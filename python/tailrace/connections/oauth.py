"""Logins that ask an OAuth 2 endpoint for a token, by one of three grants."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tailrace.connections.address import checked_base_url
from tailrace.secret import Secret
from tailrace.spec.document import Path  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.values import Seconds, Strict, Text

_PARAM = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_OWN_PARAMS = frozenset(
    {
        *("grant_type", "client_id", "client_secret", "scope", "refresh_token", "assertion"),
        *("client_assertion", "password", "code"),
    }
)


class KeyText(Secret):
    """A private key as PEM text: a secret of several lines."""

    __slots__ = ()

    @staticmethod
    def _check(text: str) -> None:
        if "PRIVATE KEY-----" not in text:
            raise ValueError("is no PEM text of a private key (-----BEGIN PRIVATE KEY-----)")
        if "\0" in text:
            raise ValueError("has a control character in it")


def _token_url(url: str) -> str:
    checked_base_url(url.partition("?")[0])
    if "#" in url:
        raise ValueError(f"{url!r} has a fragment")
    return url


def _param(name: str) -> str:
    if name in _OWN_PARAMS:
        raise ValueError(f"{name} is set by the login itself")
    if not _PARAM.match(name):
        raise ValueError(f"{name!r} is no name of a parameter")
    return name


TokenUrl = Annotated[str, AfterValidator(_token_url)]
ParamName = Annotated[str, AfterValidator(_param)]
ClientAuth = Literal["basic", "form"]


class Oauth(Strict):
    """What all grants share.

    `client_auth` says how the client's secret goes to the endpoint: as HTTP Basic, or in the form.
    `base_url_from: instance_url` sends requests to the address that the token's reply names.
    """

    scope: Text | None = None
    params: dict[ParamName, Text] = Field(default_factory=dict)
    base_url_from: Literal["instance_url"] | None = None

    def _shared(self, grant: str, token_url: str) -> dict[str, Any]:
        return {
            "grant": grant,
            "token_url": token_url,
            "scope": self.scope,
            "params": dict(self.params),
            "base_url_from": self.base_url_from,
        }


class ClientCredentials(Oauth):
    """RFC 6749, section 4.4."""

    token_url: TokenUrl
    client_id: Text
    client_secret: Secret
    client_auth: ClientAuth = "basic"

    def core_dict(self) -> dict[str, Any]:
        """The core's form."""
        return _given(
            {
                **self._shared("client_credentials", self.token_url),
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "client_auth": self.client_auth,
            }
        )


class RefreshTokenOf(Oauth):
    """RFC 6749, section 6, where the endpoint's address is the tool's own. An endpoint may replace
    the refresh token: the state store keeps the new one."""

    client_id: Text
    client_secret: Secret | None = None
    refresh_token: Secret
    client_auth: ClientAuth | None = None

    def core_dict_at(self, token_url: str, client_auth: ClientAuth) -> dict[str, Any]:
        """The core's form."""
        return _given(
            {
                **self._shared("refresh_token", token_url),
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "client_auth": self.client_auth or client_auth,
                "refresh_token": self.refresh_token,
            }
        )


class RefreshToken(RefreshTokenOf):
    """The same of any endpoint."""

    token_url: TokenUrl

    def core_dict(self) -> dict[str, Any]:
        """The core's form."""
        return self.core_dict_at(self.token_url, "basic")


class JwtBearer(Oauth):
    """RFC 7523, section 2.1, signed with RS256. `key_file` is relative to the project."""

    token_url: TokenUrl
    issuer: Text
    subject: Text
    audience: Text
    private_key: KeyText | None = None
    key_file: Text | None = None
    key_id: Text | None = None
    lifetime: Seconds = 180
    client_id: Text | None = None
    client_secret: Secret | None = None
    client_auth: ClientAuth = "basic"

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """The key stands in one place, and no endpoint takes an assertion of days."""
        if (self.private_key is None) == (self.key_file is None):
            yield (), "needs one of private_key and key_file"
        if not 1 <= self.lifetime <= 3600:
            yield ("lifetime",), "must be between 1s and 1h"

    def core_dict(self) -> dict[str, Any]:
        """The core's form."""
        return _given(
            {
                **self._shared("jwt_bearer", self.token_url),
                "issuer": self.issuer,
                "subject": self.subject,
                "audience": self.audience,
                "private_key": self.private_key,
                "key_file": self.key_file,
                "key_id": self.key_id,
                "lifetime_s": self.lifetime,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "client_auth": self.client_auth,
            }
        )


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {})}
