"""After a run in which much went wrong: exactly the failed and the changed rows go again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from state_stores import Kept
    from sync_world import World

ROWS = 300


def written(world: World, since: int) -> Counter[str]:
    """How often each key was in a request that wants to write, by the sandbox's log."""
    ops = [one for one in world.log(since=since) if one["op"]]
    return Counter(key for one in ops for key in one["keys"])


def number_of_last(world: World) -> int:
    return max((one["number"] for one in world.log()), default=0)


@pytest.mark.parametrize("form", ["hubspot", "rest_errors"])
def test_exactly_the_failed_and_the_changed_rows_go_again(
    form: str, make_kept: Callable[..., Kept], timing: Callable[..., None]
) -> None:
    world = make_kept(form).world
    world.connect(max_in_flight=2)
    batch = world.form.batch_rows
    world.people(ROWS)
    lost = {f"p{i}" for i in range(ROWS - 2 * batch, ROWS - batch)}
    limited = {f"p{i}" for i in range(ROWS - batch, ROWS)}
    world.sandbox.set_faults(
        [
            # Of the first batch 20 rows, or about as many.
            {"match": {"key": "p0"}, "do": "partial_207", "ok_share": 1 - 20 / batch},
            {"match": {"key": min(lost)}, "do": "apply_then_reset"},
            {"match": {"key": min(limited)}, "do": "429", "retry_after": 0},
        ]
    )
    timing(deadline_s=5)
    first = world.run(counted=False)
    refused = {row["key"] for row in world.project().rejected("people")}
    assert first.code == 5
    assert 10 <= len(refused) == first.counts.rejected <= 30
    assert first.counts.accepted == ROWS - len(refused) - 2 * batch
    assert first.counts.unknown + first.counts.not_attempted == 2 * batch
    assert lost <= world.delivered().keys()
    assert not (refused | limited) & world.delivered().keys()

    # Ten that change: of those that arrived, were refused, and were never taken.
    arrived = world.model().keys() - refused - lost - limited
    changed = {*sorted(arrived)[:4], *sorted(refused)[:3], *sorted(limited)[:3]}
    new = {f"p{i}" for i in range(ROWS, ROWS + 5)}
    world.people(5, first=ROWS)
    world.sql("update people set level = 'high' where list_contains(?, person_id)", sorted(changed))
    world.sandbox.set_faults([])
    timing(deadline_s=None)
    before = number_of_last(world)
    second = world.run()
    # Rows that were refused for good are held back, but for the three that have changed.
    assert written(world, before) == Counter(lost | limited | changed | new)
    assert (second.code, second.counts.rejected) == (1, len(refused) - 3)

    before = number_of_last(world)
    assert world.run().counts.rejected == len(refused) - 3
    assert written(world, before) == Counter()
    assert world.project().retry("people") == len(refused) - 3
    world.settles()
    assert written(world, before) == Counter(refused - changed)
