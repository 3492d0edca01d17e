"""Zendesk."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from tailrace.connections.base import BaseUrl, Can, HttpDestination, Wanted
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.associate import Associate  # noqa: TC001
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Strict, Text

_SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_TAG = re.compile(r"(user|organization)_tag:[^\s,\"]+\Z")
_TAGS = ("user_tag:", "organization_tag:")

_RECORDS = Can(
    modes=frozenset({"upsert", "update", "insert", "append", "mirror"}),
    removals=frozenset({"ignore", "delete", "clear"}),
    safeties=frozenset({"read_back", "park", "duplicate_ok"}),
    changed_fields=True,
)
_CAN = {
    "users": replace(_RECORDS, associates=True),
    "organizations": _RECORDS,
    "tickets": Can(
        modes=frozenset({"update", "insert", "append"}),
        removals=frozenset({"ignore", "delete"}),
        safeties=frozenset({"idempotency_key", "park", "duplicate_ok"}),
        changed_fields=True,
    ),
}

_TAGGED = Can(
    modes=frozenset({"upsert", "update", "mirror"}),
    match=frozenset({"external_id", "id"}),
    members=True,
)


def _of_membership(wanted: Wanted, associate: Associate) -> Iterator[tuple[Path, str]]:
    if associate.to != "organizations":
        message = f"Zendesk puts users into organizations, not into {associate.to!r}"
        yield ("associate", "to"), message
    if associate.by not in ("external_id", "id"):
        message = "Zendesk finds many organizations at once by external_id or id alone"
        yield ("associate", "by"), message
    if associate.type is not None:
        yield ("associate", "type"), "is HubSpot's: a user is in an organization, or is not"
    for field in sorted(wanted.fields & {"organization_id", "organization.name"}):
        yield ("fields", field), "contradicts `associate`, which sends the organization's id"


class ZendeskAuth(Strict):
    """An agent's e-mail address with an API token, or an OAuth access token."""

    not_offered: ClassVar[frozenset[str]] = frozenset({"refresh_token"})

    email: Text | None = None
    api_token: Secret | None = None
    token: Secret | None = None

    @model_validator(mode="after")
    def _one_login(self) -> ZendeskAuth:
        by_api_token = self.email is not None and self.api_token is not None
        none_of_it = self.email is None and self.api_token is None
        if self.token is None and not by_api_token:
            raise ValueError("email and api_token are needed, or token")
        if self.token is not None and not none_of_it:
            raise ValueError("either email and api_token, or token")
        return self


class ZendeskConnection(HttpDestination):
    """`tier` is the account's plan, which sets the limits that a plan counts with."""

    type: Literal["zendesk"]
    subdomain: Text | None = None
    base_url: BaseUrl = ""
    auth: ZendeskAuth
    tier: (
        Literal["team", "growth", "professional", "enterprise", "enterprise_plus", "high_volume"]
        | None
    ) = None
    max_jobs: int | None = Field(default=None, ge=1, le=30)
    skip_verify_email: bool | None = None

    @model_validator(mode="after")
    def _has_an_address(self) -> ZendeskConnection:
        if not self.base_url and self.subdomain is None:
            raise ValueError("subdomain is needed: of https://SUBDOMAIN.zendesk.com")
        if self.subdomain is not None and not _SUBDOMAIN.match(self.subdomain):
            raise ValueError(f"subdomain: {self.subdomain!r} is not the first part of a host name")
        return self

    def auth_dict(self) -> dict[str, Any]:
        """Basic with the user `EMAIL/token`, or a bearer token."""
        if self.auth.token is not None:
            return {"token": self.auth.token}
        user = f"{self.auth.email}/token"
        return {"basic": {"user": user, "password": self.auth.api_token}}

    def can(self, name: str) -> Can:
        """Updates and removals are not offered where users are matched by their e-mail address;
        the core says so. A tag is given, and taken away."""
        return _TAGGED if name.startswith(_TAGS) else _CAN.get(name, _RECORDS)

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Three objects, and tags; custom ones are another API."""
        yield from super().refusals(wanted)
        if wanted.object.startswith(_TAGS):
            if not _TAG.match(wanted.object):
                message = (
                    f"{wanted.object!r} names no tag; it is user_tag: or organization_tag: and the"
                    " tag, which is one word, as in user_tag:churn_risk"
                )
                yield ("object",), message
        elif wanted.object not in _CAN:
            known = ", ".join(sorted(_CAN))
            message = f"destination zendesk has no object {wanted.object!r}; it does {known}"
            yield ("object",), message
        if wanted.associate is not None and wanted.object == "users":
            yield from _of_membership(wanted, wanted.associate)

    def core_dict(self, name: str) -> dict[str, Any]:
        """With the plan, and what is particular to Zendesk."""
        own = {
            "tier": self.tier,
            "max_jobs": self.max_jobs,
            "skip_verify_email": self.skip_verify_email,
        }
        core = {**super().core_dict(name), **{k: v for k, v in own.items() if v is not None}}
        core["base_url"] = self.base_url or f"https://{self.subdomain}.zendesk.com"
        # The address is the account, whoever logs in.
        core["account"] = self.account or f"zendesk:{core['base_url']}"
        return core
