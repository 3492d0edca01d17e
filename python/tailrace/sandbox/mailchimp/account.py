"""What all requests to Mailchimp's sandbox work on: audiences and batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.mailchimp import facts
from tailrace.sandbox.mailchimp.answers import refuse

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.mailchimp.audience import Audience
    from tailrace.sandbox.records import Collection


@dataclass(slots=True)
class Account:
    """One account, from one reset to the next."""

    audiences: dict[str, Audience]
    members: Collection
    new_status_in_many: str = "taken"
    """Whether a request of many members takes ``status_if_new``: taken, ignored, refused."""
    base_url: str = "http://mailchimp.invalid"
    """What links in answers begin with: the address under which it was called last."""

    def audience(self, match: re.Match[str]) -> Audience:
        """The audience that a path names. Raises RefusalError (404)."""
        found = self.audiences.get(match["list"])
        if found is None:
            raise refuse(404, facts.NOT_FOUND)
        return found
