"""A run dies at each point between its claim of the state and its end, in both kinds of store.

What is on record at that moment, and what has reached the tool, is looked up outside of Tailrace;
then another run has to finish the work, and the one after it has none.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from crash_scene import OLD, ROWS, Scene
from moments import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Program
    from state_stores import Kept
    from sync_world import World

KILLED = -signal.SIGKILL


@pytest.fixture
def scene(make_kept: Callable[..., Kept]) -> Scene:
    kept = make_kept("rest_errors")
    return Scene(kept.world, kept.state)


def test_cp1_before_the_claim_is_durable_nothing_has_changed(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("commit"))[0] == KILLED
    assert scene.state.epoch() == scene.epoch
    assert not scene.state.running()
    assert (scene.noted(), scene.sent()) == ({}, 0)
    scene.recover(accepted=ROWS)


def test_cp2_after_the_claim_only_the_epoch_has_moved(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("commit", "die_after"))[0] == KILLED
    assert scene.state.epoch() == scene.epoch + 1
    assert scene.state.running()
    assert (scene.noted(), scene.sent()) == ({}, 0)
    scene.recover(accepted=ROWS)
    assert scene.state.statuses() == ["done", "interrupted", "done", "done"]


def test_cp3_while_the_model_is_read_nothing_was_sent(
    scene: Scene, make_program: Callable[[World], Program], until: Callable[..., None]
) -> None:
    """By a model that has no end, and of which each row takes some time to make."""
    endless = (
        "select 'x' || i as person_id, 'low' as level, md5(repeat(i::varchar, 2000)) as note"
        " from range(1000000000000) as t(i)"
    )
    scene.world.declare(model={"sql": endless})
    process = make_program(scene.world).start()
    until(scene.state.running)
    process.kill()
    process.communicate()
    assert scene.state.epoch() == scene.epoch + 1
    assert (scene.noted(), scene.sent()) == ({}, 0)
    scene.world.declare(model={"table": "people"})
    scene.recover(accepted=ROWS)


def test_cp4_before_the_first_intent_is_durable_nothing_was_sent(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("commit commit"))[0] == KILLED
    assert scene.state.epoch() == scene.epoch + 1
    assert (scene.noted(), scene.sent()) == ({}, 0)
    scene.recover(accepted=ROWS)


def test_cp5_an_intent_without_a_request_is_sent_by_the_next_run(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("commit commit", "die_after"))[0] == KILLED
    assert (scene.noted(), scene.sent()) == ({"intent": 1}, 0)
    scene.recover(accepted=ROWS, in_doubt=ROWS)


def test_cp6_half_a_request_is_no_request(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("request", "die_half"))[0] == KILLED
    assert scene.noted() == {"intent": 1}
    assert scene.applied() == 0
    scene.recover(accepted=ROWS, in_doubt=ROWS)


def test_cp7_a_request_whose_answer_nobody_read_is_sent_again(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("answer", "die_after"))[0] == KILLED
    assert scene.noted() == {"intent": 1}
    assert (scene.sent(), scene.applied()) == (1, ROWS)
    scene.recover(accepted=ROWS, in_doubt=ROWS)


def test_cp7_a_model_that_goes_back_is_followed_though_it_equals_the_state(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    """What is on record as acknowledged is the model again; what the tool holds is not."""
    assert run_until_moment(scene, Moment("answer", "die_after"))[0] == KILLED
    assert scene.applied() == ROWS
    scene.world.sql("update people set level = 'low'")
    ended = scene.world.run()
    assert ended.error is None
    assert (ended.counts.changed, ended.counts.added) == (25, 25)
    assert scene.world.unequal() == set()


def test_cp8_an_answer_that_was_read_and_not_recorded_is_asked_for_again(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("answer store"))[0] == KILLED
    assert scene.noted() == {"intent": 1}
    assert (scene.sent(), scene.applied()) == (1, ROWS)
    scene.recover(accepted=ROWS, in_doubt=ROWS)


def test_cp9_half_a_commit_of_outcomes_is_none(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("answer commit"))[0] == KILLED
    assert scene.noted() == {"intent": 1}
    scene.recover(accepted=ROWS, in_doubt=ROWS)


def test_cp10_outcomes_whose_commit_nobody_heard_of_are_on_record(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("answer commit", "die_after"))[0] == KILLED
    assert scene.noted() == {"intent": 1, "outcome": 1}
    assert (scene.sent(), scene.applied()) == (1, ROWS)
    ended = scene.recover(accepted=0)
    assert ended.requests == 0


def test_cp11_between_windows_the_rest_is_sent_and_nothing_else(
    make_kept: Callable[..., Kept], run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    kept = make_kept("rest_errors", latency_ms=20)
    world = kept.world
    world.connect(max_in_flight=1)
    world.people(10 * 50)
    # The fourth commit after an answer: some batches are on record, the others were not begun.
    moment = Moment("answer*4 commit", "die_after")
    assert run_until_moment(kept, moment)[0] == KILLED
    applied = len(world.delivered())
    assert 200 <= applied < 500
    ended = world.settles()
    # A store that is slow has three of the four batches on record by then.
    assert 500 - applied <= ended.counts.accepted <= 350
    assert sum(world.writes().values()) - 500 <= 3 * 50
    assert world.created() == 500


def test_cp14_after_the_end_there_is_nothing_to_do(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    assert run_until_moment(scene, Moment("answer commit commit", "die_after"))[0] == KILLED
    assert scene.state.statuses() == ["done", "done"]
    assert scene.state.journal() == {}
    scene.world.assert_quiet()
    assert scene.world.created() == OLD + 25


def test_cp15_in_the_fold_the_journal_stays_whole(
    scene: Scene, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    before = scene.state.query("select count(*) from {}snapshot")
    assert run_until_moment(scene, Moment("answer commit commit"))[0] == KILLED
    assert scene.noted() == {"intent": 1, "outcome": 1}
    assert scene.state.query("select count(*) from {}snapshot") == before
    ended = scene.recover(accepted=0)
    assert ended.requests == 0
