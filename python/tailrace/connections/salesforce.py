"""Salesforce."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from tailrace.connections.base import BaseUrl, Can, HttpDestination, Wanted
from tailrace.connections.job_rows import check_job_rows
from tailrace.connections.oauth import KeyText, RefreshTokenOf  # noqa: TC001  (pydantic reads it)
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Seconds, Strict, Text

_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")
_VERSION = re.compile(r"\d\d\.0\Z")
_FIRST_VERSION = 53
_BULK_FROM = 2_000
"""From so many rows on `api: auto` makes jobs."""
_TOKEN_PATH = "/services/oauth2/token"  # noqa: S105  (a path)
_LOGIN = "https://login.salesforce.com"

_CAN = Can(
    modes=frozenset({"upsert", "update", "insert", "append", "mirror"}),
    removals=frozenset({"ignore", "delete", "archive", "clear"}),
    safeties=frozenset({"read_back", "park", "duplicate_ok"}),
    changed_fields=True,
)


def _version(text: str) -> str:
    if not _VERSION.match(text) or int(text[:2]) < _FIRST_VERSION:
        raise ValueError(f"{text!r} is no version of the API from {_FIRST_VERSION}.0 on")
    return text


class ClientOf(Strict):
    """A connected app's own login; its run-as user is who writes."""

    client_id: Text
    client_secret: Secret


class JwtOf(Strict):
    """A login that a key signs for a user: `audience` is the login host, `https://login…` for
    production and `https://test.salesforce.com` for sandboxes. `key_file` is relative to the
    project."""

    client_id: Text
    username: Text
    private_key: KeyText | None = None
    key_file: Text | None = None
    audience: Text = _LOGIN
    lifetime: Seconds = 180

    @model_validator(mode="after")
    def _one_key(self) -> JwtOf:
        if (self.private_key is None) == (self.key_file is None):
            raise ValueError("needs one of private_key and key_file")
        return self


class SalesforceAuth(Strict):
    """A session id or access token, or one of the logins that get one."""

    token: Secret | None = None
    client_credentials: ClientOf | None = None
    jwt: JwtOf | None = None
    refresh_token: RefreshTokenOf | None = None

    @model_validator(mode="after")
    def _one(self) -> SalesforceAuth:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("needs one of token, client_credentials, jwt and refresh_token")
        return self


class SalesforceConnection(HttpDestination):
    """`instance_url` is the org's own address (My Domain); `base_url` is another name of it. It is
    the account, whoever logs in. `tier` is the edition, whose calls in a day a plan counts with.
    `api` says what writes: jobs of the Bulk API, sObject Collections, or either by the number of
    rows. `job_rows` is the most rows of a job. `hard_delete` deletes past the org's bin."""

    type: Literal["salesforce"]
    base_url: BaseUrl = ""
    instance_url: BaseUrl | None = None
    auth: SalesforceAuth
    api_version: Annotated[str, AfterValidator(_version)] = Field(default="60.0")
    api: Literal["auto", "bulk", "collections"] = "auto"
    job_rows: int | None = Field(default=None, ge=1, le=20_000)
    hard_delete: bool = False
    tier: Literal["developer", "enterprise", "unlimited"] | None = None

    @model_validator(mode="after")
    def _has_one_address(self) -> SalesforceConnection:
        if bool(self.base_url) == (self.instance_url is not None):
            raise ValueError(
                "instance_url is needed: the org's own address, https://ACME.my.salesforce.com"
            )
        return self

    @model_validator(mode="after")
    def _hard_delete_takes_jobs(self) -> SalesforceConnection:
        if self.hard_delete and self.api == "collections":
            raise ValueError("hard_delete takes jobs of the Bulk API: api is auto or bulk")
        return self

    @model_validator(mode="after")
    def _jobs_are_made(self) -> SalesforceConnection:
        check_job_rows(self.job_rows, self.api, _BULK_FROM)
        return self

    @property
    def address(self) -> str:
        """Where requests go."""
        return self.instance_url or self.base_url

    def auth_dict(self) -> dict[str, Any]:
        """A bearer token, or what gets one from the org's own address."""
        auth = self.auth
        if auth.token is not None:
            return {"token": auth.token}
        token_url = self.address + _TOKEN_PATH
        if auth.refresh_token is not None:
            return {"oauth2": auth.refresh_token.core_dict_at(token_url, "form")}
        if auth.client_credentials is not None:
            client = auth.client_credentials
            login: dict[str, Any] = {
                "grant": "client_credentials",
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "client_auth": "form",
            }
        else:
            assert auth.jwt is not None  # noqa: S101  (one of them is there)
            login = self._jwt_dict(auth.jwt)
        return {"oauth2": {**login, "token_url": token_url}}

    def _jwt_dict(self, jwt: JwtOf) -> dict[str, Any]:
        login = {
            "grant": "jwt_bearer",
            "issuer": jwt.client_id,
            "subject": jwt.username,
            "audience": jwt.audience,
            "lifetime_s": jwt.lifetime,
        }
        key = {"private_key": jwt.private_key, "key_file": jwt.key_file}
        return {**login, **{name: value for name, value in key.items() if value is not None}}

    def can(self, name: str) -> Can:  # noqa: ARG002
        """Deleting is archiving: what is deleted is in the org's bin for some days."""
        return _CAN

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Objects by their API names."""
        yield from super().refusals(replace(wanted, associate=None))
        if wanted.associate is not None:
            field = f"{wanted.associate.to}.{wanted.associate.by}"
            yield (
                ("associate",),
                (
                    "is not needed: in Salesforce a relationship's field does it, as in fields: "
                    f"{{{field}: {wanted.associate.column}}} (for a relationship of your own "
                    "making: its name, which ends in __r)"
                ),
            )
        if not _OBJECT.match(wanted.object):
            yield ("object",), f"{wanted.object!r} is not the API name of a Salesforce object"

    def core_dict(self, name: str) -> dict[str, Any]:
        """With what is particular to Salesforce."""
        own = {
            "tier": self.tier,
            "api_version": self.api_version,
            "api": self.api,
            "job_rows": self.job_rows,
            "hard_delete": self.hard_delete,
        }
        core = {**super().core_dict(name), **{k: v for k, v in own.items() if v is not None}}
        core["base_url"] = self.address
        return core
