"""WireMock, a server that others wrote, answers badly or not at all; its journal says what came.

It applies nothing, so a row counts as delivered where a request with it was answered well.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from wiremock_shop import BATCH, BATCHES, GOOD, JSON, ROWS, batch_of, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from wiremock_shop import Shop

EVERY = keys(0, ROWS)
BROKEN: dict[str, list[dict[str, Any]]] = {
    "the connection": [
        {"fault": "EMPTY_RESPONSE"},
        {"fault": "RANDOM_DATA_THEN_CLOSE"},
        {"status": 200, "fault": "MALFORMED_RESPONSE_CHUNK"},
        {"fault": "CONNECTION_RESET_BY_PEER"},
    ],
    "the server": [
        {"status": 500},
        {"status": 503, "headers": JSON, "body": '{"message": "try later"}'},
        {"status": 502, "body": "<html>Bad Gateway</html>"},
    ],
    "the success": [
        {"status": 200, "body": "<html>Welcome</html>"},
        {"status": 200},
        {"status": 200, "headers": JSON, "body": '{"results": [{"id"'},
        {"status": 200, "headers": JSON, "body": '{"results": []}'},
    ],
}
each_broken = pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())


def break_each(shop: Shop, broken: list[dict[str, Any]]) -> set[str]:
    """Answer every second batch once in one of these ways; the ids of their rows."""
    hit: set[str] = set()
    for place, response in enumerate(broken):
        first = (2 * place + 1) * BATCH
        shop.wiremock.once(batch_of(f"p{first}"), response)
        hit |= keys(first, BATCH)
    return hit


@each_broken
def test_an_upsert_goes_once_more_where_its_answer_is_broken_and_nothing_else_does(
    make_shop: Callable[..., Shop], broken: list[dict[str, Any]]
) -> None:
    shop = make_shop()
    hit = break_each(shop, broken)
    report, error = shop.run()
    assert error is None, error
    assert report.counts.accepted == ROWS
    assert shop.wiremock.sent() == Counter(EVERY) + Counter(hit)
    assert report.http.requests == len(shop.wiremock.journal()) == BATCHES + len(broken)
    shop.settles()


@each_broken
def test_an_insert_that_may_have_happened_is_never_sent_again(
    make_shop: Callable[..., Shop], broken: list[dict[str, Any]]
) -> None:
    """One connection does it all, so that what is broken is a connection that served before: the
    case in which HTTP libraries send again by themselves."""
    shop = make_shop(mode="insert", insert_safety="park")
    shop.person(insert={})
    shop.connect(max_in_flight=1)
    hit = break_each(shop, broken)
    report, error = shop.run()
    assert error is not None
    assert error.exit_code != 0
    assert (report.counts.accepted, report.counts.unknown) == (ROWS - len(hit), len(hit))
    assert shop.wiremock.sent() == Counter(EVERY)
    assert report.http.requests == len(shop.wiremock.journal()) == BATCHES
    shop.run()
    assert shop.wiremock.sent() == Counter(EVERY), "a person decides about what may have happened"
    assert {row["key"] for row in shop.project().rejected("people")} == hit


@each_broken
def test_an_insert_under_a_key_goes_once_more_under_the_same(
    make_shop: Callable[..., Shop], broken: list[dict[str, Any]]
) -> None:
    shop = make_shop(mode="insert")
    shop.person(insert={}, idempotency={"header": "Idempotency-Key", "ttl": "1d"})
    hit = break_each(shop, broken)
    report, error = shop.run()
    assert error is None, error
    assert report.counts.accepted == ROWS
    assert shop.wiremock.sent() == Counter(EVERY) + Counter(hit)
    under = Counter(one.headers["idempotency-key"] for one in shop.wiremock.journal())
    assert sorted(under.values()) == [1] * (BATCHES - len(broken)) + [2] * len(broken)
    shop.settles()


@pytest.mark.parametrize("status", [429, 503])
def test_a_time_to_wait_is_kept(make_shop: Callable[..., Shop], status: int) -> None:
    shop = make_shop()
    wait = {"status": status, "headers": {"Retry-After": "1"}}
    shop.wiremock.once(batch_of("p30"), wait)
    report, error = shop.run()
    assert error is None, error
    assert report.counts.accepted == ROWS
    first, second = [one.at_ms for one in shop.wiremock.journal() if '"p30"' in one.body]
    assert second - first >= 1000
    assert shop.wiremock.sent() == Counter(EVERY) + Counter(keys(30, BATCH))
    shop.settles()


@pytest.mark.parametrize(
    ("broken", "code", "outcome"),
    [({"fault": "CONNECTION_RESET_BY_PEER"}, 5, "unknown"), ({"status": 429}, 6, "not_attempted")],
)
def test_what_never_gets_through_is_what_the_next_run_sends(
    make_shop: Callable[..., Shop],
    timing: Callable[..., None],
    broken: dict[str, Any],
    code: int,
    outcome: str,
) -> None:
    shop = make_shop()
    shop.connect(max_in_flight=1)
    shop.wiremock.stub(batch_of("p90"), broken, priority=1)
    timing(deadline_s=2)
    report, error = shop.run()
    assert error is not None
    assert error.exit_code == code
    arrived = {key for key in shop.wiremock.sent() if key not in keys(90, BATCH)}
    left = EVERY - arrived
    assert report.counts.accepted == len(arrived) > 0
    assert report.counts.unknown + report.counts.not_attempted == len(left)
    assert getattr(report.counts, outcome) >= BATCH
    assert report.http.requests == len(shop.wiremock.journal())
    before = len(shop.wiremock.journal())
    timing(deadline_s=None)
    shop.wiremock.stub(batch_of("p90"), GOOD, priority=0)
    report, error = shop.run()
    assert error is None, error
    assert shop.wiremock.sent(since=before) == Counter(left)
    shop.settles()
