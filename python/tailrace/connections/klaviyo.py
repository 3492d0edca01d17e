"""Klaviyo."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Any, Literal

from tailrace.connections.base import BaseUrl, Can, HttpDestination, Wanted
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Strict

_LIST = re.compile(r"list:[A-Za-z0-9_-]{1,100}\Z")

_PROFILES = Can(
    modes=frozenset({"upsert", "update", "insert", "mirror"}),
    removals=frozenset({"ignore", "delete", "clear"}),
    safeties=frozenset({"read_back", "park", "duplicate_ok"}),
    changed_fields=True,
)
_MEMBERS = Can(modes=frozenset({"upsert", "update", "mirror"}), changed_fields=True)


class KlaviyoAuth(Strict):
    """A private API key."""

    api_key: Secret


class KlaviyoConnection(HttpDestination):
    """`limits` hold for each endpoint by itself, as Klaviyo's own do."""

    type: Literal["klaviyo"]
    base_url: BaseUrl = "https://a.klaviyo.com"
    auth: KlaviyoAuth

    def auth_dict(self) -> dict[str, Any]:
        """The key, under Klaviyo's own scheme."""
        return {"scheme": {"name": "Klaviyo-API-Key", "token": self.auth.api_key}}

    def can(self, name: str) -> Can:
        """Members of a list are added and taken off; nothing of theirs is emptied."""
        return _PROFILES if name == "profiles" else _MEMBERS

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Profiles, and lists by their ids."""
        yield from super().refusals(wanted)
        if wanted.object != "profiles" and not _LIST.match(wanted.object):
            message = (
                f"destination klaviyo has no object {wanted.object!r}; it does profiles, list:ID"
            )
            yield ("object",), message
