"""HubSpot."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from dataclasses import replace
from typing import Any, Literal

from pydantic import model_validator

from tailrace.connections.base import BaseUrl, Can, HttpDestination, Wanted
from tailrace.connections.oauth import RefreshTokenOf  # noqa: TC001  (pydantic reads it)
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.associate import Associate  # noqa: TC001
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Strict

# Standard objects by name; custom ones by their fully qualified name or their type id.
_OBJECT = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")

_LIST = re.compile(r"list:\d{1,18}\Z")

_RECORDS = Can(
    modes=frozenset({"upsert", "update", "insert", "append", "mirror"}),
    removals=frozenset({"ignore", "delete", "archive", "clear"}),
    safeties=frozenset({"read_back", "park", "duplicate_ok"}),
    changed_fields=True,
    associates=True,
)
_STANDARD = {"contacts", "companies", "deals", "tickets", "contact", "company", "deal", "ticket"}
_STANDARD |= {"0-1", "0-2", "0-3", "0-5"}
_MEMBERS = Can(modes=frozenset({"upsert", "update", "mirror"}), members=True)


def _of_association(wanted: Wanted, associate: Associate) -> Iterator[tuple[Path, str]]:
    if wanted.mode in ("insert", "append"):
        yield (
            ("associate",),
            (
                f"contradicts mode: {wanted.mode}: a record that was made while its link was lost "
                "would be taken for delivered; mode: upsert sends both again"
            ),
        )
    if not _OBJECT.match(associate.to):
        yield ("associate", "to"), f"{associate.to!r} is not the name of a HubSpot object"


class HubSpotAuth(Strict):
    """The token of a private app, or the refresh token of an OAuth app."""

    token: Secret | None = None
    refresh_token: RefreshTokenOf | None = None

    @model_validator(mode="after")
    def _one(self) -> HubSpotAuth:
        if (self.token is None) == (self.refresh_token is None):
            raise ValueError("needs one of token and refresh_token")
        return self


class HubSpotConnection(HttpDestination):
    """`tier` is the account's, which sets the limits that a plan counts with."""

    type: Literal["hubspot"]
    base_url: BaseUrl = "https://api.hubapi.com"
    auth: HubSpotAuth
    tier: Literal["free", "starter", "professional", "enterprise", "capacity_pack"] | None = None

    def auth_dict(self) -> dict[str, Any]:
        """A bearer token, or what gets one: HubSpot takes the client's secret in the form."""
        if self.auth.refresh_token is None:
            return {"token": self.auth.token}
        token_url = f"{self.base_url}/oauth/v1/token"
        return {"oauth2": self.auth.refresh_token.core_dict_at(token_url, "form")}

    def can(self, name: str) -> Can:
        """Deleting is archiving: HubSpot has nothing else for it. A list's members are put on it
        and taken off. Properties stand in groups, whose names are known of the standard objects
        alone."""
        if name.startswith("list:"):
            return _MEMBERS
        return replace(_RECORDS, creates_fields=name in _STANDARD)

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Objects by name, lists by their ids."""
        yield from super().refusals(wanted)
        if wanted.object.startswith("list:"):
            if not _LIST.match(wanted.object):
                message = (
                    f"{wanted.object!r} names no list; it is list: and the number in the list's"
                    " address, as in list:42"
                )
                yield ("object",), message
        elif not _OBJECT.match(wanted.object):
            yield ("object",), f"{wanted.object!r} is not the name of a HubSpot object"
        if wanted.associate is not None:
            yield from _of_association(wanted, wanted.associate)

    def core_dict(self, name: str) -> dict[str, Any]:
        """With the tier."""
        tier = {} if self.tier is None else {"tier": self.tier}
        return {**super().core_dict(name), **tier}
