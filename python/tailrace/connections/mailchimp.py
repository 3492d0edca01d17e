"""Mailchimp."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Any, Literal

from pydantic import model_validator

from tailrace.connections.base import BaseUrl, Can, HttpDestination, Wanted
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Strict, Text

_SERVER = re.compile(r"[a-z]{2,3}[0-9]{1,3}\Z")
_LIST = re.compile(r"[A-Za-z0-9]{1,40}\Z")

_MEMBERS = Can(
    modes=frozenset({"upsert", "update", "insert", "mirror"}),
    removals=frozenset({"ignore", "archive", "delete", "clear"}),
    safeties=frozenset({"read_back", "park", "duplicate_ok"}),
    changed_fields=True,
)


class MailchimpAuth(Strict):
    """An API key."""

    api_key: Secret


class MailchimpConnection(HttpDestination):
    """`list_id` is the audience's, `server` the data center's name, which a key ends with.
    `status_if_new` is what somebody becomes who was not in the audience; nobody else's status is
    ever written, unless a field is mapped to `status`."""

    type: Literal["mailchimp"]
    server: Text | None = None
    base_url: BaseUrl = ""
    auth: MailchimpAuth
    list_id: Text
    status_if_new: Literal["subscribed", "pending", "unsubscribed", "transactional"]
    skip_merge_validation: bool = False

    @model_validator(mode="after")
    def _has_an_address(self) -> MailchimpConnection:
        if not self.base_url and self.server is None:
            raise ValueError("server is needed: what the API key ends with, such as us1")
        if self.server is not None and not _SERVER.match(self.server):
            raise ValueError(f"server: {self.server!r} is no data center, such as us1")
        if not _LIST.match(self.list_id):
            raise ValueError(f"list_id: {self.list_id!r} is not the id of an audience")
        return self

    def auth_dict(self) -> dict[str, Any]:
        """The key is the password of any user."""
        return {"basic": {"user": "tailrace", "password": self.auth.api_key}}

    def object_dict(self, name: str) -> dict[str, Any]:
        """With the audience."""
        return {"name": name, "list_id": self.list_id}

    def can(self, name: str) -> Can:  # noqa: ARG002
        """Deleting is archiving: what Mailchimp deletes for good may never come back."""
        return _MEMBERS

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """One object."""
        yield from super().refusals(wanted)
        if wanted.object != "members":
            message = f"destination mailchimp has no object {wanted.object!r}; it does members"
            yield ("object",), message

    def core_dict(self, name: str) -> dict[str, Any]:
        """The address, and whose state it is: an audience's, since each has members of its own."""
        core = super().core_dict(name)
        core["base_url"] = self.base_url or f"https://{self.server}.api.mailchimp.com/3.0"
        core["account"] = f"{self.account or 'mailchimp:' + core['base_url']}/lists/{self.list_id}"
        core["status_if_new"] = self.status_if_new
        core["skip_merge_validation"] = self.skip_merge_validation
        return core
