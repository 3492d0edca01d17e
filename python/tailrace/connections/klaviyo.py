"""Klaviyo."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Any, Literal

from pydantic import Field

from tailrace.connections.base import BaseUrl, Can, HttpDestination, Wanted
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Strict

_LIST = re.compile(r"list:[A-Za-z0-9_-]{1,100}\Z")
# A metric's name has less than 128 characters.
_EVENT = re.compile(r"event:(?=\S)[^\x00-\x1f\x7f]{1,127}(?<=\S)\Z")

_PROFILES = Can(
    modes=frozenset({"upsert", "update", "insert", "mirror"}),
    removals=frozenset({"ignore", "delete", "clear"}),
    safeties=frozenset({"read_back", "park", "duplicate_ok"}),
    changed_fields=True,
)
_MEMBERS = Can(modes=frozenset({"upsert", "update", "mirror"}), changed_fields=True)
_EVENTS = Can(
    modes=frozenset({"insert", "append"}),
    removals=frozenset({"ignore"}),
    safeties=frozenset({"idempotency_key", "park", "duplicate_ok"}),
    match=frozenset({"email", "phone_number", "external_id", "id"}),
)


class KlaviyoAuth(Strict):
    """A private API key."""

    api_key: Secret


class KlaviyoConnection(HttpDestination):
    """`limits` hold for each endpoint by itself, as Klaviyo's own do. `batch_rows` is the most that
    goes into one import."""

    type: Literal["klaviyo"]
    base_url: BaseUrl = "https://a.klaviyo.com"
    auth: KlaviyoAuth
    batch_rows: int | None = Field(default=None, ge=1, le=10_000)

    def auth_dict(self) -> dict[str, Any]:
        """The key, under Klaviyo's own scheme."""
        return {"scheme": {"name": "Klaviyo-API-Key", "token": self.auth.api_key}}

    def core_dict(self, name: str) -> dict[str, Any]:
        """With the rows of an import."""
        return {**super().core_dict(name), "batch_rows": self.batch_rows}

    def can(self, name: str) -> Can:
        """Members of a list are added and taken off; nothing of theirs is emptied. Events are made
        and never changed."""
        if name.startswith("event:"):
            return _EVENTS
        return _PROFILES if name == "profiles" else _MEMBERS

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Profiles, lists by their ids, and events by their metric's name."""
        yield from super().refusals(wanted)
        name = wanted.object
        if name != "profiles" and not _LIST.match(name) and not _EVENT.match(name):
            known = "profiles, list:ID, event:METRIC"
            yield ("object",), f"destination klaviyo has no object {name!r}; it does {known}"
