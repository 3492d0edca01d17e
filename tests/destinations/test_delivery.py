"""Rows that arrive: how many requests they take, and what is not sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from destination_forms import Form
    from sync_world import World


@pytest.mark.appends
def test_one_row_takes_one_request(world: World) -> None:
    world.people(1)
    ended = world.settles()
    assert (ended.counts.added, ended.counts.accepted, ended.requests) == (1, 1, 1)


@pytest.mark.appends
def test_a_full_batch_and_one_row_more_take_the_fewest_requests(world: World) -> None:
    most = world.form.batch_rows
    world.people(most)
    assert world.settles().requests == 1
    world.people(2 * most + 1, first=most)
    ended = world.settles()
    assert ended.requests == world.form.calls(2 * most + 1) == 3
    rows = [entry["rows"] for entry in world.log(since=1)]
    assert (sum(rows), max(rows)) == (2 * most + 1, most)


@pytest.mark.appends
def test_only_the_rows_that_changed_are_sent(world: World) -> None:
    world.people(130)
    world.settles()
    world.sql("update people set level = 'high' where person_id in ('p3', 'p77', 'p129')")
    world.people(2, first=130)
    ended = world.settles()
    assert (ended.counts.changed, ended.counts.added, ended.counts.unchanged) == (3, 2, 127)
    assert ended.requests == world.form.calls(5)
    # Where nothing is overwritten, a changed row is one record more.
    assert world.created() == 132 + (3 if world.form.appends else 0)


@pytest.mark.appends
def test_a_plan_tells_the_requests_that_the_run_then_makes_and_sends_none(world: World) -> None:
    world.people(130)
    plan = world.project().plan("people")
    assert world.requests() == 0
    assert plan.requests == world.form.planned(130)
    assert world.settles().requests == world.form.calls(130)


def test_a_full_refresh_writes_every_row_over_itself(world: World) -> None:
    world.people(20)
    world.settles()
    ended = world.run(full_refresh=True)
    assert (ended.code, ended.counts.accepted, ended.counts.unchanged) == (0, 20, 0)
    assert world.created() == 20


# A function's account is its name, wherever it sends rows to.
@pytest.mark.forms(lambda form: form.type != "python")
@pytest.mark.appends
def test_another_account_has_no_baseline(
    form: Form, world: World, make_world: Callable[..., World]
) -> None:
    world.people(3)
    world.settles()
    other = make_world(form)
    world.connect(base_url=other.connection["base_url"])
    world.sandbox = other.sandbox
    ended = world.settles()
    assert (ended.counts.added, ended.requests) == (3, form.calls(3))


@pytest.mark.forms(lambda form: form.name in ("hubspot", "rest_put", "slack"))
@pytest.mark.appends
def test_a_limit_that_the_connection_names_is_kept(world: World) -> None:
    world.connect(limits=[{"requests": 10, "per": "1s"}])
    world.people(15 * world.form.batch_rows)
    ended = world.run()
    assert ended.code == 0
    counters = world.sandbox.counters(world.form.vendor)
    assert counters["max_per_second"] <= 10
    assert ended.report is not None
    assert ended.report.http.rate_limited == 0
