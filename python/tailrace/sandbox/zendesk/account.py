"""What all requests to Zendesk's sandbox work on: objects, jobs, and what was made under a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.sandbox.zendesk import asking, facts

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.wire import Json, Request
    from tailrace.sandbox.zendesk.jobs import Jobs
    from tailrace.sandbox.zendesk.records import Store


@dataclass(slots=True)
class Account:
    """One account, from one reset to the next."""

    stores: dict[str, Store]
    jobs: Jobs
    clock: Clock
    base_url: str = "http://zendesk.invalid"
    """What the links in answers begin with: the address under which it was called last."""
    keys: dict[str, tuple[str, Json, float]] = field(default_factory=dict)
    """By idempotency key what was sent (its hash), what was answered, and until when that holds."""

    def store(self, match: re.Match[str]) -> Store:
        """The object that a path names."""
        return self.stores[match["type"]]

    def shown(self, store: Store, record: Record) -> dict[str, Json]:
        """A record as the API shows it."""
        return store.as_json(record, self.base_url)

    def asked(self, store: Store, request: Request) -> list[Record | None]:
        """The records of ``ids`` or ``external_ids``, None for each that there is not.

        Raises:
            RefusalError: neither is given, or too many.
        """
        for name in ("ids", "external_ids"):
            if name not in request.query:
                continue
            values = [one for one in request.query[name].split(",") if one]
            if len(values) > facts.MAX_ITEMS:
                raise asking.refuse(400, "TooManyValues", f"{name} takes {facts.MAX_ITEMS} values")
            if name == "ids":
                return [store.records.get(one) for one in values]
            if store.records.is_unique("external_id"):
                return [store.records.find("external_id", one) for one in values]
        raise asking.refuse(400, "BadRequest", "ids or external_ids is needed")

    def record(self, store: Store, record_id: str) -> Record:
        """The record of an id. Raises RefusalError (404)."""
        record = store.records.get(record_id)
        if record is None:
            raise asking.refuse(404, "RecordNotFound", "Not found")
        return record
