"""What all requests to Klaviyo's sandbox work on: profiles, lists, events, jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.klaviyo.answers import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox.klaviyo.profiles import Profiles
    from tailrace.sandbox.records import Collection, Record


@dataclass(slots=True)
class Account:
    """One account, from one reset to the next."""

    profiles: Profiles
    lists: Collection
    events: Collection
    metrics: Collection
    wall_ms: Callable[[], int]
    base_url: str = "http://klaviyo.invalid"
    """What the links in answers begin with: the address under which it was called last."""

    def profile(self, number: str) -> Record:
        """The profile of an id. Raises RefusalError (404)."""
        record = self.profiles.records.get(number)
        if record is None:
            detail = f"A profile with id {number[:80]} does not exist."
            raise refuse(404, "not_found", detail)
        return record

    def list_of(self, number: str) -> Record:
        """The list of an id. Raises RefusalError (404)."""
        record = self.lists.get(number)
        if record is None:
            raise refuse(404, "not_found", f"A list with id {number[:80]} does not exist.")
        return record

    def join(self, one: Record, profile: Record) -> None:
        """Make a profile a member of a list; it may be one already."""
        if profile.id not in one.values["members"]:
            one.values["members"][profile.id] = self.wall_ms()
            self.touch(one)

    def leave(self, one: Record, profile: Record) -> None:
        """Take a profile out of a list; it may be in there no longer."""
        if profile.id in one.values["members"]:
            del one.values["members"][profile.id]
            self.touch(one)

    def touch(self, one: Record) -> None:
        """A list was changed."""
        self.lists.update(one, {}, self.wall_ms(), key=one.values["name"])

    def forget(self, profile: Record) -> None:
        """Delete a profile, and take it out of all lists."""
        for one in self.lists:
            self.leave(one, profile)
        self.profiles.remove(profile)
