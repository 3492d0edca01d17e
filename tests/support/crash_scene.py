"""A run's work, so small that each of its commits and requests is one that a test can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from state_stores import State
    from sync_world import Ended, World

OLD = 50
ROWS = 50
"""Rows to send: one batch."""


class Scene:
    """50 people that were delivered; 25 of them have changed since and 25 have come."""

    def __init__(self, world: World, state: State) -> None:
        self.world = world
        self.state = state
        world.people(OLD)
        assert world.run().code == 0
        world.sql("update people set level = 'high' where substr(person_id, 2)::int < 25")
        world.people(25, first=OLD)
        self.epoch = state.epoch()
        self.journal = state.journal()
        self.requests = world.requests()

    def noted(self) -> dict[str, int]:
        """Rows that the journal has got since, by their kind."""
        return dict(self.state.journal() - self.journal)

    def sent(self) -> int:
        """Requests that have reached the tool since."""
        return self.world.requests() - self.requests

    def applied(self) -> int:
        """Rows of the 50 that the tool holds as they should be."""
        held = self.world.delivered()
        due = {f"p{i}" for i in [*range(25), *range(OLD, OLD + 25)]}
        return sum(held.get(key) == row for key, row in self.world.model().items() if key in due)

    def recover(self, *, accepted: int, in_doubt: int = 0) -> Ended:
        """The next run sends so many rows and nothing is missing or double."""
        ended = self.world.settles()
        assert ended.counts.accepted == accepted
        assert ended.report is not None
        assert ended.report.state.in_doubt == in_doubt
        assert self.world.created() == OLD + 25
        assert self.state.statuses().count("running") == 0
        return ended
