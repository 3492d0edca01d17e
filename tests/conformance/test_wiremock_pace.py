"""WireMock answers late, bit by bit, or row by row; its journal says what came."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from wiremock_shop import BATCH, BATCHES, GOOD, JSON, PEOPLE, ROWS, batch_of, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from wiremock_shop import Shop

EVERY = keys(0, ROWS)
LATE: dict[str, dict[str, Any]] = {
    "fixed": {"fixedDelayMilliseconds": 100},
    "random": {"delayDistribution": {"type": "uniform", "lower": 0, "upper": 200}},
    "bit by bit": {"chunkedDribbleDelay": {"numberOfChunks": 10, "totalDuration": 300}},
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE.keys())
def test_answers_that_come_late_are_waited_for(
    make_shop: Callable[..., Shop], late: dict[str, Any]
) -> None:
    shop = make_shop()
    shop.wiremock.stub(PEOPLE, {**GOOD, **late}, priority=1)
    report, error = shop.run()
    assert error is None, error
    assert report.counts.accepted == ROWS
    assert shop.wiremock.sent() == Counter(EVERY)
    assert report.http.requests == len(shop.wiremock.journal()) == BATCHES
    shop.settles()


def test_an_answer_that_comes_too_late_is_in_doubt(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(mode="insert", insert_safety="park")
    shop.person(insert={})
    shop.connect(timeout="3s")
    whole = {"fixedDelayMilliseconds": 15_000}
    dribbled = {"chunkedDribbleDelay": {"numberOfChunks": 60, "totalDuration": 15_000}}
    shop.wiremock.stub(batch_of("p30"), {**GOOD, **whole}, priority=1)
    shop.wiremock.stub(batch_of("p60"), {**GOOD, **dribbled}, priority=1)
    report, error = shop.run()
    assert error is not None
    assert (report.counts.accepted, report.counts.unknown) == (ROWS - 2 * BATCH, 2 * BATCH)
    assert shop.wiremock.sent() == Counter(EVERY)


def test_rows_that_are_refused_are_reported_and_only_they_go_again_when_they_change(
    make_shop: Callable[..., Shop],
) -> None:
    shop = make_shop()
    odd = {"p3", "p4", "p77"}
    shop.sql("update people set level = 'odd' where list_contains(?, id)", sorted(odd))
    report, error = shop.run()
    assert error is not None
    assert (report.counts.accepted, report.counts.rejected) == (ROWS - 3, 3)
    assert {row.key: row.message for row in report.rejected_sample} == dict.fromkeys(
        odd, "level is odd"
    )
    assert shop.wiremock.sent() == Counter(EVERY)
    before = len(shop.wiremock.journal())
    assert shop.run()[0].counts.rejected == 3
    assert len(shop.wiremock.journal()) == before, "what was refused for good is held back"
    shop.sql("update people set level = 'low' where id in ('p3', 'p77')")
    shop.run()
    assert shop.wiremock.sent(since=before) == Counter({"p3", "p77"})


@pytest.mark.parametrize(
    "gone", [{"status": 204}, {"status": 404}, {"fault": "CONNECTION_RESET_BY_PEER"}]
)
def test_removed_rows_are_deleted_one_by_one(
    make_shop: Callable[..., Shop], gone: dict[str, Any]
) -> None:
    shop = make_shop(mode="mirror")
    assert shop.run()[1] is None
    removal = {"method": "DELETE", "urlPathPattern": "/people/p[0-9]+"}
    shop.wiremock.stub(removal, {"status": 204}, priority=9)
    shop.wiremock.once({**removal, "urlPath": "/people/p7"}, gone)
    shop.sql("delete from people where id in ('p7', 'p8', 'p9')")
    report, error = shop.run()
    assert error is None, error
    assert (report.counts.removed, report.counts.accepted) == (3, 3)
    deleted = Counter(one.path for one in shop.wiremock.journal() if one.method == "DELETE")
    again = 2 if "fault" in gone else 1
    assert deleted == {"/people/p7": again, "/people/p8": 1, "/people/p9": 1}
    shop.settles()


def test_a_run_that_is_stopped_is_gone_on_with_where_it_was(
    make_shop: Callable[..., Shop],
) -> None:
    shop = make_shop()
    shop.connect(max_in_flight=1)
    shop.wiremock.stub(PEOPLE, {**GOOD, "fixedDelayMilliseconds": 200}, priority=1)
    accepted = 0

    def stop(progress: Any) -> None:
        nonlocal accepted
        accepted = progress.accepted
        if accepted >= 2 * BATCH:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.project().run("people", progress=stop)
    first = shop.wiremock.sent()
    assert set(first.values()) == {1}
    assert accepted <= len(first) < ROWS
    before = len(shop.wiremock.journal())
    shop.wiremock.stub(PEOPLE, GOOD, priority=0)
    report, error = shop.run()
    assert error is None, error
    # What was under way had been answered.
    assert shop.wiremock.sent(since=before) == Counter(EVERY - set(first))
    assert report.counts.accepted == ROWS - len(first)
    shop.settles()


def test_a_login_that_is_refused_ends_the_run(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop()
    refusal = {"status": 401, "headers": JSON, "body": '{"message": "who are you?"}'}
    shop.wiremock.stub(PEOPLE, refusal, priority=1)
    report, error = shop.run()
    assert error is not None
    assert error.exit_code == 2
    assert report.counts.accepted == 0
    assert max(shop.wiremock.sent().values()) == 1
