"""Answers that say less, more or other than what happened: nothing is accepted by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

pytestmark = pytest.mark.answers

# Each with whether the rows are applied behind the answer.
NONSENSE: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"do": "html200", "applied": False}, False),
    ({"do": "html200", "applied": True}, True),
    ({"do": "empty200", "applied": False}, False),
    ({"do": "okfalse200", "applied": False}, False),
    ({"do": "bad_json", "applied": False}, False),
    ({"do": "bad_json", "applied": True}, True),
    ({"do": "wrong_charset", "applied": False}, False),
    ({"do": "wrong_charset", "applied": True}, True),
    ({"do": "truncated", "applied": False}, False),
    ({"do": "truncated", "applied": True}, True),
    ({"do": "gzip_bomb", "applied": False, "megabytes": 40}, False),
    ({"do": "redirect", "to": "/elsewhere"}, False),
)


def test_successes_that_say_nothing_are_never_acceptances(
    world: World, timing: Callable[..., None]
) -> None:
    batch = world.form.batch_rows
    world.people(len(NONSENSE) * batch)
    keys = [world.form.key_at_tool(f"p{i}") for i in range(len(NONSENSE) * batch)]
    world.sandbox.set_faults(
        [
            {**rule, "match": {"key": keys[at * batch : (at + 1) * batch]}}
            for at, (rule, _) in enumerate(NONSENSE)
        ]
    )
    timing(deadline_s=1, drain_s=2)
    ended = world.run()
    assert (ended.code, ended.counts.rejected) == (5, 0)
    assert ended.left_over > 0
    applied = sum(one for _, one in NONSENSE) * batch
    if world.form.asks_after:
        # Some were asked for before the time was over, and told the truth.
        assert ended.counts.accepted <= len(world.delivered()) <= applied
    else:
        assert (ended.counts.accepted, len(world.delivered())) == (0, applied)
    world.sandbox.set_faults([])
    timing(deadline_s=None)
    # What a job did, if anything, is learnt before the run compares.
    left = len(NONSENSE) * batch - ended.counts.accepted
    assert left - ended.counts.pending <= world.settles().counts.added <= left
    assert world.created() == len(NONSENSE) * batch


@pytest.mark.forms(lambda form: form.lists)
@pytest.mark.parametrize("fault", ["shuffled", "extra_results"])
def test_results_are_matched_by_name_and_never_by_place(world: World, fault: str) -> None:
    world.people(2 * world.form.batch_rows)
    world.sandbox.set_faults([{"do": fault}])
    assert world.settles().requests == 2


@pytest.mark.forms(lambda form: form.lists)
@pytest.mark.parametrize("fault", ["missing_results", "duplicate_results"])
def test_a_row_without_one_clear_word_is_not_accepted(
    world: World, fault: str, timing: Callable[..., None]
) -> None:
    world.people(world.form.batch_rows)
    world.sandbox.set_faults([{"do": fault, "n": 3}])
    timing(deadline_s=1, drain_s=1)
    ended = world.run()
    assert (ended.code, ended.counts.unknown) == (5, 3)
    assert ended.counts.accepted == world.form.batch_rows - 3
    world.sandbox.set_faults([])
    timing(deadline_s=None)
    assert world.settles().counts.accepted == 3


@pytest.mark.forms(lambda form: form.lists)
def test_refused_rows_among_shuffled_results_are_the_right_ones(world: World) -> None:
    world.people(world.form.batch_rows)
    world.sandbox.set_faults([{"do": "partial_207", "ok_share": 0.7}])
    ended = world.run()
    assert ended.code == 1
    listed = {row["key"] for row in world.project().rejected("people")}
    assert listed == set(world.model()) - set(world.delivered())


@pytest.mark.forms(lambda form: form.name == "rest_errors")
def test_a_list_of_errors_that_lacks_one_is_seen_by_the_count(
    world: World, timing: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error left out of the list would turn its row into an accepted one."""
    from tailrace.sandbox.rest import shapes

    true_put = shapes.Results.put

    def put_short(form: Any, body: dict[str, Any], listed: list[Any]) -> None:
        true_put(form, body, listed[:-1])

    monkeypatch.setattr(shapes.Results, "put", put_short)
    world.people(20)
    world.sandbox.set_faults([{"do": "partial_207", "ok_share": 0.5}])
    timing(deadline_s=1, drain_s=1)
    ended = world.run()
    assert ended.code == 5
    assert ended.counts.accepted == 0
