"""The tool's limits: waiting as long as it says, and stopping when its quota is spent."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tailrace.sandbox.wire import http_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World


def refusals(forms: list[Any]) -> list[dict[str, Any]]:
    """One 429 for each `Retry-After`, on the first requests; of HubSpot's it is the limit of the
    second."""
    rules = []
    for nth, form in enumerate(forms, start=1):
        header = {} if form is None else {"retry_after": form}
        rules.append({"match": {"nth": nth}, "do": "429", "policy": "SECONDLY", **header})
    return rules


FORMS_OF_RETRY_AFTER: dict[str, tuple[Any, float]] = {
    "seconds": (1, 1.0),
    "the longer of two": (["1", "2"], 2.0),
    "garbage": ("soon", 1.0),
    "no header": (None, 1.0),
    "a date gone by": ({"date_in_s": -3600}, 0.0),
}


@pytest.mark.forms(lambda form: form.name in ("hubspot", "rest_put", "slack"))
@pytest.mark.appends
def test_no_request_leaves_before_the_tool_allows_it(world: World) -> None:
    world.people(1)
    world.sandbox.set_faults(refusals([form for form, _ in FORMS_OF_RETRY_AFTER.values()]))
    ended = world.settles()
    times = [entry["at_ms"] for entry in world.log()]
    assert len(times) == len(FORMS_OF_RETRY_AFTER) + 1
    for (name, (_, least)), sooner, later in zip(
        FORMS_OF_RETRY_AFTER.items(), times[:-1], times[1:], strict=True
    ):
        assert later - sooner >= least * 1000, name
    assert ended.report is not None
    assert ended.report.http.rate_limited == len(FORMS_OF_RETRY_AFTER)


@pytest.mark.forms(lambda form: form.name in ("hubspot", "rest_errors", "slack"))
@pytest.mark.appends
def test_a_date_to_come_is_waited_for_and_other_requests_wait_too(world: World) -> None:
    world.people(3 * world.form.batch_rows)
    date = http_date(2)
    allowed_ms = parsedate_to_datetime(date).timestamp() * 1000
    world.connect(max_in_flight=1)
    world.sandbox.set_faults(refusals([date]))
    assert world.settles().counts.accepted == 3 * world.form.batch_rows
    first, *others = world.log()
    assert first["status"] == 429
    assert len(others) == 3
    assert all(entry["at_ms"] >= allowed_ms for entry in others)


@pytest.mark.forms(lambda form: form.name in ("hubspot", "rest_errors", "slack"))
@pytest.mark.parametrize("wait", [1_000_000_000, {"date_in_s": 86_400}], ids=["seconds", "date"])
@pytest.mark.appends
def test_a_wait_beyond_the_run_ends_it_with_the_time_to_come_back(world: World, wait: Any) -> None:
    world.people(1)
    world.sandbox.set_faults(refusals([wait]))
    ended = world.run()
    assert (ended.code, ended.requests) == (6, 1)
    assert ended.report is not None
    assert ended.report.not_before is not None
    assert ended.counts.not_attempted == 1
    assert world.settles().counts.added == 1


@pytest.mark.appends
def test_a_spent_quota_stops_the_run_and_the_next_sends_the_rest(world: World) -> None:
    batch = world.form.batch_rows
    world.connect(max_in_flight=2)
    world.people(8 * batch)
    world.sandbox.set_faults(
        [{"match": {"nth": n}, "do": "quota", "retry_after": 7200} for n in range(5, 100)]
    )
    ended = world.run()
    assert ended.code == 6
    assert ended.requests <= 4 + 2
    assert ended.taken == 4 * batch
    assert ended.counts.not_attempted == 4 * batch
    world.sandbox.set_faults([])
    assert world.settles().requests == 4


@pytest.mark.appends
def test_a_deadline_is_a_reason_not_to_wait(world: World, timing: Callable[..., None]) -> None:
    timing(deadline_s=5)
    world.people(1)
    world.sandbox.set_faults(refusals([30]))
    ended = world.run()
    assert (ended.code, ended.requests) == (6, 1)


@pytest.mark.forms(lambda form: form.name == "rest_list")
@pytest.mark.parametrize("retry_after", ["seconds", "none"])
def test_a_limit_that_only_the_tool_knows_of_slows_the_run_and_loses_nothing(
    world: World, retry_after: str
) -> None:
    limits = {"max": 5, "interval_ms": 1000, "retry_after": retry_after}
    world.sandbox.set_limits({"rest": limits})
    world.people(12 * world.form.batch_rows)
    assert world.settles().counts.accepted == 12 * world.form.batch_rows


@pytest.mark.forms(lambda form: form.name == "hubspot")
def test_the_end_of_a_day_that_no_answer_tells_is_looked_for_in_an_hour(world: World) -> None:
    world.people(1)
    world.sandbox.set_faults([{"do": "429", "policy": "DAILY"}])
    ended = world.run()
    assert (ended.code, ended.requests) == (6, 1)
    assert ended.report is not None
    assert ended.report.not_before is not None


@pytest.mark.forms(lambda form: form.name in ("hubspot", "salesforce", "marketo"))
def test_verifying_ends_as_a_run_does_where_the_quota_is_spent(world: World) -> None:
    from tailrace import QuotaExhausted

    world.people(3)
    world.settles()
    ops = ("read", "query", "find")
    world.sandbox.set_faults(
        [{"match": {"op": op}, "do": "quota", "retry_after": 7200} for op in ops]
    )
    with pytest.raises(QuotaExhausted) as caught:
        world.project().verify("people")
    assert caught.value.report is not None
    assert caught.value.report.not_before is not None


@pytest.mark.forms(lambda form: form.name == "salesforce")
def test_an_orgs_day_that_is_spent_has_a_time_to_come_back(world: World) -> None:
    from tailrace import QuotaExhausted

    world.people(3)
    world.settles()
    world.sandbox.set_limits({"salesforce": {"daily": 1, "used": 1}})
    with pytest.raises(QuotaExhausted) as caught:
        world.project().verify("people")
    assert caught.value.report is not None
    assert caught.value.report.not_before is not None
