"""Pace against the real clock: the vendor's limit, its day, an outage, and the trace of it all."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from limit_use import FORMS, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World


# Under virtual time nothing is refused and 98 % are used (tests/core/run/pace_test.cpp). Against
# the real clock a process may stand still between its look at the clock and its request, for as
# long as the machine has other work: the benchmark measures what that costs, and here it may cost
# a little.
@pytest.mark.parametrize("kind", FORMS)
def test_one_process_uses_the_limit_and_is_not_refused(kind: str, ground: Path) -> None:
    use = measure(kind, 1, 20.0, ground)
    assert use.refused <= 0.01 * use.passed, use.line()
    assert use.share >= 0.95, use.line()


def test_ten_processes_together_use_the_limit_and_are_hardly_refused(ground: Path) -> None:
    use = measure("sliding", 10, 30.0, ground)
    assert use.refused <= 0.05 * use.passed, use.line()
    assert use.share >= 0.9, use.line()


def test_a_share_of_the_day_is_left_to_others(make_world: Callable[..., World]) -> None:
    world = make_world("hubspot")
    world.sandbox.set_limits({"hubspot": {"max": 190, "daily": 50}})
    world.connect(daily_calls="60%", max_in_flight=2)
    world.people(40 * world.form.batch_rows)
    spent = world.run()
    assert spent.code == 6
    assert "60 %" in str(spent.error)
    # The one that found 30 used may have had another beside it.
    assert 30 <= spent.requests + spent.questions <= 31
    assert spent.report is not None
    assert spent.report.not_before is not None
    assert spent.report.http.calls_left is not None
    assert spent.report.http.calls_left <= 20
    again = world.run()
    assert again.code == 6
    assert again.requests <= 2, "one answer tells that nothing is left"
    world.connect(daily_calls=None)
    assert world.settles().counts.accepted == (40 - spent.requests - again.requests) * 100


def test_a_number_of_calls_a_day_is_counted_in_the_state(make_world: Callable[..., World]) -> None:
    world = make_world("rest_put")
    world.connect(daily_calls=12)
    world.people(10)
    assert world.run().code == 0
    world.people(10, first=10)
    spent = world.run()
    assert (spent.code, spent.requests) == (6, 2)
    assert world.requests() == 12


def test_a_short_outage_costs_few_requests_and_ends_with_one_probe(
    make_world: Callable[..., World],
) -> None:
    away_s = 5.0
    world = make_world("rest_put", latency_ms=30)
    world.connect(max_in_flight=8)
    world.people(800)
    over = threading.Event()

    def break_and_mend() -> None:
        while world.requests() < 200:
            if over.wait(0.01):
                return
        world.sandbox.set_faults([{"match": {}, "do": "503"}])
        over.wait(away_s)
        world.sandbox.set_faults([])

    beside = threading.Thread(target=break_and_mend)
    beside.start()
    began = time.monotonic()
    try:
        ended = world.settles()
    finally:
        over.set()
        beside.join()
    assert ended.counts.accepted == 800
    assert 800 < ended.requests <= 1.2 * 800
    # Probes come after 2 s and 4 s more: the second is the first that can get through.
    assert time.monotonic() - began < away_s + 30


def test_a_trace_has_a_line_for_each_request(make_world: Callable[..., World]) -> None:
    world = make_world("rest_errors")
    world.people(120)
    file = world.folder / "trace.jsonl"
    world.sandbox.set_faults([{"match": {"nth": 1}, "do": "429", "retry_after": 1}])
    ended = world.run(trace=file)
    assert ended.error is None, ended.error
    lines = lines_of(file)
    assert len(lines) == ended.requests == 4
    assert sorted(line["outcome"] for line in lines) == ["accepted"] * 3 + ["retryable"]
    refused = next(line for line in lines if line["status"] == 429)
    again = [line for line in lines if line["attempt"] == 2]
    assert [line["rows"] for line in again] == [refused["rows"]]
    assert all(line["url"] == world.sandbox.url + "/rest/people" for line in lines)
    assert not any("request_body" in line for line in lines)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_trace_with_bodies_holds_rows_and_no_credential(
    make_world: Callable[..., World],
) -> None:
    world = make_world("rest_list")
    world.people(1)
    file = world.folder / "trace.jsonl"
    assert world.run(trace=file, trace_bodies=True).error is None
    line = lines_of(file)[0]
    assert "note 0" in line["request_body"]
    assert "p0" in line["response_body"]
    world.assert_no_secret([file.read_text(encoding="utf-8")])


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
