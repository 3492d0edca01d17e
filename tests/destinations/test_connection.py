"""Connections that break, servers that fail, logins that are refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from destination_forms import Form
    from sync_world import World


def first_attempts(world: World, faults: list[dict[str, Any]]) -> None:
    """Every other batch meets a fault at its first try; none between two that went well, so that
    the breaker stays closed."""
    batch = world.form.batch_rows
    world.connect(max_in_flight=1)
    world.people(2 * len(faults) * batch)
    rules = []
    for at, fault in enumerate(faults):
        keys = [
            world.form.key_at_tool(f"p{i}") for i in range(2 * at * batch, (2 * at + 1) * batch)
        ]
        rules.append({**fault, "match": {"key": keys, "attempt": 1}})
    world.sandbox.set_faults(rules)


def delivered(world: World, lost: int) -> tuple[int, int]:
    """The requests and the accepted rows of a run in which so many rows have no answer; and of the
    next one, where they wait for that."""
    ended = world.run()
    if not world.form.waits_a_run:
        assert ended.code == 0, ended.error
        return ended.requests, ended.counts.accepted
    assert (ended.code, ended.counts.unknown) == (5, lost)
    again = world.run()
    assert again.code == 0, again.error
    return (
        ended.requests + again.requests,
        ended.counts.accepted + again.counts.accepted,
    )


FAILURES = [{"do": str(status), "message": "out"} for status in (500, 502, 503, 504)]
BROKEN: list[dict[str, Any]] = [
    {"do": "reset_before"},
    {"do": "reset_before", "how": "fin"},
    {"do": "apply_then_reset"},
    {"do": "apply_then_reset", "how": "fin"},
    {"do": "reset_mid_body"},
    {"do": "truncated"},
]


def test_failures_of_the_server_before_it_applied_anything(world: World) -> None:
    first_attempts(world, FAILURES)
    assert delivered(world, len(FAILURES) * world.form.batch_rows) == (
        12,
        8 * world.form.batch_rows,
    )
    assert world.unequal() == set()
    world.assert_quiet()


def test_failures_of_the_server_after_it_applied_everything(world: World) -> None:
    first_attempts(world, [{**failure, "applied": True} for failure in FAILURES])
    _, accepted = delivered(world, len(FAILURES) * world.form.batch_rows)
    assert accepted == 8 * world.form.batch_rows
    assert world.unequal() == set()
    assert world.created() == 8 * world.form.batch_rows
    world.assert_quiet()


def test_answers_lost_before_and_after_the_rows_were_applied(world: World) -> None:
    first_attempts(world, BROKEN)
    requests, accepted = delivered(world, len(BROKEN) * world.form.batch_rows)
    rows = 2 * len(BROKEN) * world.form.batch_rows
    assert accepted == rows
    applied = sum(fault["do"] != "reset_before" for fault in BROKEN)
    # What a first try made is written by the second: another operation, which meets the fault too.
    made = applied if world.form.asks else 0
    known = applied if world.form.asks_after else 0
    assert requests == 3 * len(BROKEN) + made - known
    assert world.created() == rows
    world.assert_quiet()
    # What broke was sent twice, by us and by nobody below us; the rest once.
    writes = world.sandbox.writes(world.form.vendor, world.form.object)
    assert set(writes.values()) <= ({1, 2, 3} if made else {1, 2})


def test_a_row_whose_answer_never_comes_ends_unknown(
    world: World, timing: Callable[..., None]
) -> None:
    world.people(1)
    world.silence()
    timing(deadline_s=1, drain_s=1)
    ended = world.run()
    assert (ended.code, ended.left_over, ended.counts.accepted) == (5, 1, 0)
    assert ended.report is not None
    assert ended.report.state.in_doubt == ended.counts.unknown
    world.sandbox.set_faults([])
    timing(deadline_s=None)
    # What a job did is learnt before the run compares; else the row goes again.
    assert world.settles().counts.accepted == ended.counts.unknown


def test_a_row_in_doubt_that_changes_back_is_sent(
    world: World, timing: Callable[..., None]
) -> None:
    """The answer to `high` was lost: `low` is what is acknowledged, and not what is there."""
    world.people(1)
    world.settles()
    world.sql("update people set level = 'high'")
    world.silence()
    timing(deadline_s=1, drain_s=1)
    assert world.run().code == 5
    world.sandbox.set_faults([])
    timing(deadline_s=None)
    world.sql("update people set level = 'low'")
    assert world.run().counts.changed == 1
    assert world.unequal() == set()


@pytest.mark.appends
def test_a_slow_answer_within_the_timeout_is_an_answer(world: World) -> None:
    world.people(1)
    world.connect(timeout="20s")
    world.sandbox.set_faults([{"do": "slow_body", "seconds": 0.5}])
    assert world.settles().requests == 1


# A function that works cannot be interrupted: see test_python.py.
@pytest.mark.forms(lambda form: form.type != "python")
def test_an_answer_slower_than_the_timeout_is_none(world: World) -> None:
    world.people(1)
    world.connect(timeout="500ms")
    world.sandbox.set_faults([{"do": "slow_body", "seconds": 5, "times": 1}])
    started = time.monotonic()
    sent = delivered(world, 1)
    assert time.monotonic() - started < 4
    assert sent == (1 if world.form.asks_after else 2, 1)
    assert world.unequal() == set()
    world.assert_quiet()


# What a function follows is its own affair.
@pytest.mark.forms(lambda form: form.type != "python")
@pytest.mark.appends
def test_a_redirect_is_not_followed_to_another_host(
    form: Form, world: World, make_world: Callable[..., World], timing: Callable[..., None]
) -> None:
    other = make_world(form)
    world.people(1)
    to = f"{other.connection['base_url']}/people"
    world.sandbox.set_faults([{"do": "redirect", "to": to}])
    timing(deadline_s=1, drain_s=1)
    ended = world.run()
    assert ended.code in (2, 5)
    assert ended.counts.accepted == 0
    assert other.requests() == 0
    assert world.delivered() == {}


@pytest.mark.appends
def test_a_wrong_credential_ends_the_run_after_few_requests(world: World) -> None:
    world.people(12 * world.form.batch_rows)
    world.environment["DESTINATION_SECRET"] = "canary-9f3ac17e55d0"[::-1]
    ended = world.run()
    assert ended.code == 2
    assert ended.requests <= 8
    assert world.delivered() == {}
    assert ended.counts.accepted == 0
    assert "auth" in str(ended.error)
    world.environment["DESTINATION_SECRET"] = "canary-9f3ac17e55d0"
    world.settles()


@pytest.mark.appends
def test_a_credential_that_expires_in_mid_run(world: World) -> None:
    batch = world.form.batch_rows
    world.connect(max_in_flight=2)
    world.people(8 * batch)
    world.sandbox.set_faults([{"match": {"nth": n}, "do": "401_always"} for n in range(4, 100)])
    ended = world.run()
    assert ended.code == 2
    assert ended.requests <= 3 + 2
    assert ended.taken == 3 * batch
    assert ended.counts.unknown == 0
    world.sandbox.set_faults([])
    assert world.settles().requests == 5
