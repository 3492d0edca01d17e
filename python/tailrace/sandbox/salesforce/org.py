"""A Salesforce org: all its objects, and which of them an id or a name means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.sobject import Sobject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tailrace.sandbox.salesforce.declaring import Declared

_WHERE = "vendors.salesforce"


class Org:
    """The objects by name, in the order in which they were declared."""

    def __init__(self, kinds: Iterable[Declared], wall_ms: Callable[[], int]) -> None:
        self.sobjects = {one.kind.name: Sobject(one.kind, one.fields, wall_ms) for one in kinds}
        self._names = {name.lower(): name for name in self.sobjects}
        self._prefixes = {one.type.prefix: one for one in self.sobjects.values()}
        users = self.sobjects[facts.USER.name]
        users.create(
            {
                "Username": "admin@sandbox.test",
                "LastName": "Admin",
                "Email": "admin@sandbox.test",
                "IsActive": True,
            },
            "admin@sandbox.test",
        )
        org = self.sobjects[facts.ORGANIZATION.name]
        org.create({"Name": "Sandbox"}, facts.ORG_ID, record_id=facts.ORG_ID)
        # They were there before anybody counted.
        for one in (users, org):
            one.records.created = 0
            one.records.writes.clear()

    def sobject(self, name: str) -> Sobject | None:
        """The object of a name in any case."""
        found = self._names.get(name.lower())
        return None if found is None else self.sobjects[found]

    def of_id(self, record_id: str) -> Sobject | None:
        """The object whose records have ids like this one."""
        return self._prefixes.get(record_id[:3])
