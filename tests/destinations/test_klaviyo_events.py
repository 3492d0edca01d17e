"""Klaviyo's events: one a request, each recorded once whatever becomes of its answer, rows that are
refused alone, limits, and what is asked of them that they cannot do. The sandbox's own records are
the judge, and the models of Klaviyo's own client of each request."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from killed_run import kill_once
from openapi_client.models.event_create_query_v2 import EventCreateQueryV2
from pydantic import ValidationError
from sync_fixtures import opened_sandboxes
from vendor_project import VendorProject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tailrace.sandbox import Sandbox

KEY = "pk_canary31fe90b4"


class Feed(VendorProject):
    """A project that makes an event of each row of the table `people`, three to a profile."""

    vendor = "klaviyo"
    object = "events"

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        connection = {
            "type": "klaviyo",
            "base_url": sandbox.url,
            "auth": {"api_key": "${env:KLAVIYO_KEY}"},
            "limits": [{"requests": 100_000, "per": "1s"}],
        }
        sync = {
            "key": "key",
            "object": "event:Churn Scored",
            "match": "external_id",
            "mode": "insert",
            "fields": {
                "external_id": "who",
                "time": "moment",
                "value": "worth",
                "properties.score": "score",
            },
        }
        columns = (
            "key int, who varchar, email varchar, moment timestamptz, worth double, score double"
        )
        super().__init__(folder, sandbox, connection, sync, columns, {"KLAVIYO_KEY": KEY})

    def people(self, count: int, *, first: int = 0) -> None:
        self.sql(
            "insert into people select i, 'c' || i // 3, 'c' || i // 3 || '@acme.test',"
            " timestamptz '2024-05-01 10:00:00+00', i, i * 0.5 from range(?, ?) as t(i)",
            first,
            first + count,
        )

    def events(self) -> list[dict[str, Any]]:
        return [one["values"] for one in self.sandbox.records("klaviyo", "events")]

    def scores(self) -> list[float]:
        """One for each event, and for each row another one."""
        return sorted(one["properties"]["score"] for one in self.events())

    def profiles(self) -> set[str]:
        found = self.sandbox.records("klaviyo", "profiles")
        return {one["values"].get("external_id", one["id"]) for one in found}

    def tracked(self) -> list[str]:
        """The unique_id of each request, in the order in which they came."""
        return [key for one in self.log() if one["op"] == "create" for key in one["keys"]]


@pytest.fixture
def make_feed(ground: Path) -> Iterator[Callable[..., Feed]]:
    with opened_sandboxes(ground) as open_one:

        def make(**options: Any) -> Feed:
            settings = {"limits": "none", "api_keys": [KEY], **options}
            return Feed(*open_one({"vendors": {"klaviyo": settings}, "log_size": 20_000}))

        yield make


@pytest.fixture
def feed(make_feed: Callable[..., Feed]) -> Feed:
    return make_feed()


def each_once(rows: int) -> list[float]:
    return [number * 0.5 for number in range(rows)]


def test_each_row_is_a_request_and_an_event_of_its_profile(feed: Feed) -> None:
    feed.people(90)
    assert feed.project().plan("people").requests == 90
    assert feed.settles().counts.accepted == 90
    assert len(feed.tracked()) == len(set(feed.tracked())) == 90
    assert feed.scores() == each_once(90)
    assert feed.profiles() == {f"c{n}" for n in range(30)}, "made where they were missing"
    (metric,) = feed.sandbox.records("klaviyo", "metrics")
    assert metric["values"]["name"] == "Churn Scored"
    (event,) = [one for one in feed.events() if one["value"] == 7]
    assert event["time"] == "2024-05-01T10:00:00"
    assert event["unique_id"] in feed.tracked()


def test_events_of_one_profile_in_one_second_are_all_recorded(feed: Feed) -> None:
    feed.declare(fields={"external_id": "who", "properties.score": "score"})
    feed.people(30)
    feed.sql("update people set who = 'c0'")
    feed.settles()
    assert (feed.scores(), feed.profiles()) == (each_once(30), {"c0"})


@pytest.mark.parametrize(("mode", "events"), [("insert", 3), ("append", 4)])
def test_a_changed_row_is_another_event_where_versions_are_appended(
    feed: Feed, mode: str, events: int
) -> None:
    feed.declare(mode=mode)
    feed.people(3)
    feed.settles()
    feed.sql("update people set score = 99 where key = 1")
    feed.settles()
    assert feed.created() == events
    feed.sql("delete from people where key = 0")
    feed.settles()
    assert feed.created() == events, "nothing is taken back"


def test_ids_of_the_models_own_are_sent_as_they_are_and_null_gets_one_of_ours(feed: Feed) -> None:
    feed.declare(fields={**feed.sync["fields"], "unique_id": {"sql": "nullif(key, 2)"}})
    feed.people(3)
    feed.settles()
    ids = {one["properties"]["score"]: one["unique_id"] for one in feed.events()}
    assert (ids[0.0], ids[0.5]) == ("0", "1")
    assert len(ids[1.0]) == 64


def test_what_an_event_says_of_itself(feed: Feed) -> None:
    feed.declare(
        fields={
            "external_id": "who",
            "email": "email",
            "value_currency": {"value": "EUR"},
            "backfill": {"value": True},
            "properties.plan": {"sql": "nullif('x', 'x')"},
        }
    )
    feed.people(1)
    feed.settles()
    (event,) = feed.events()
    assert (event["value_currency"], event["backfill"]) == ("EUR", True)
    assert event["properties"] == {}, "NULL leaves a property out"
    (profile,) = feed.sandbox.records("klaviyo", "profiles")
    assert profile["values"] == {"external_id": "c0", "email": "c0@acme.test", **_later(profile)}


def _later(profile: dict[str, Any]) -> dict[str, Any]:
    return {"last_event_date": profile["values"]["last_event_date"]}


def test_a_profile_is_known_by_klaviyos_own_id_too(feed: Feed) -> None:
    feed.people(3)
    feed.settles()
    (profile,) = feed.sandbox.records("klaviyo", "profiles")
    feed.sql("update people set who = ?", profile["id"])
    feed.declare(name="people", match="id", object="event:Seen", fields={"id": "who"})
    feed.settles()
    assert (feed.created(), feed.profiles()) == (6, {"c0"})


# -- lost answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["insert", "append"])
@pytest.mark.parametrize(
    "fault",
    [
        {"do": "apply_then_reset"},
        {"do": "reset_before"},
        {"do": 503},
        {"do": 503, "applied": True},
        {"do": 500, "applied": True},
        {"do": "html200"},
        {"do": "html200", "applied": True},
        {"do": "empty200", "applied": True},
        {"do": "okfalse200"},
        {"do": "bad_json"},
    ],
    ids=lambda one: "-".join(map(str, one.values())) if isinstance(one, dict) else one,
)
def test_an_event_whose_answer_is_none_is_recorded_once(
    feed: Feed, mode: str, fault: dict[str, Any]
) -> None:
    feed.declare(mode=mode)
    feed.people(12)
    feed.sandbox.set_faults([{**fault, "match": {"op": "create"}, "times": 3}])
    report, error = feed.run()
    assert error is None, error
    assert report.counts.accepted == 12
    assert feed.scores() == each_once(12)
    sent = Counter(feed.tracked())
    assert (len(sent), sum(sent.values())) == (12, 15), "again under the same ids"
    feed.sandbox.set_faults([])
    feed.settles()
    assert feed.created() == 12


@pytest.mark.parametrize("mode", ["insert", "append"])
def test_events_of_a_run_that_was_killed_are_recorded_once(feed: Feed, mode: str) -> None:
    feed.declare(mode=mode)
    feed.people(60)
    # Some are recorded, and their answers do not come before the kill.
    slow = {"match": {"op": "create", "every": 4}, "do": "slow", "delay_ms": 30_000}
    feed.sandbox.set_faults([slow])
    kill_once(lambda: feed.created() >= 4, feed.folder, feed.environment)
    before = set(feed.tracked())
    sent = len(feed.tracked())
    feed.sandbox.set_faults([])
    report, error = feed.run()
    assert error is None, error
    assert report.counts.unchanged + report.counts.accepted == 60
    assert feed.scores() == each_once(60)
    after = set(feed.tracked()[sent:])
    assert before & after, "what is in doubt goes again under the same ids"
    assert len(before | after) == 60
    feed.settles()


def test_a_lost_answer_is_left_to_a_person_where_that_is_asked_for(
    feed: Feed, timing: Callable[..., None]
) -> None:
    feed.declare(insert_safety="park")
    feed.people(6)
    feed.sandbox.set_faults([{"do": "apply_then_reset", "match": {"op": "create"}, "times": 1}])
    timing(quiet_s=0)
    report, _ = feed.run()
    assert (report.counts.accepted, report.counts.unknown) == (5, 1)
    report, _ = feed.run()
    assert report.counts.rejected == 1
    (row,) = feed.project().rejected("people")
    assert row["code"] == "parked"
    assert len(feed.tracked()) == 6


# -- refused rows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"match": "email", "email": "nobody"}, "email", "Invalid email address"),
        ({"moment": "1989-12-31 10:00:00+00"}, "time", "Not a valid datetime"),
    ],
)
def test_what_cannot_be_an_event_rejects_its_row_alone(
    feed: Feed, changed: dict[str, Any], field: str, said: str
) -> None:
    if changed.pop("match", None):
        feed.declare(match="email", fields={"email": "email", "properties.score": "score"})
    feed.people(9)
    ((column, value),) = changed.items()
    feed.sql(f"update people set {column} = ? where key = 4", value)
    report, error = feed.run()
    assert error is not None
    assert (error.exit_code, report.counts.accepted, report.counts.rejected) == (1, 8, 1)
    (refused,) = report.rejected_sample
    assert (refused.key, refused.code, refused.field) == ("4", "invalid", field)
    assert said in refused.message
    assert 2.0 not in feed.scores()
    assert len(feed.tracked()) == 9 - 1, "one that was refused is none that came"
    again, error = feed.run()
    assert error is not None
    assert again.counts.rejected == 1, "held back, and still counted"


@pytest.mark.parametrize(
    ("value", "code"), [(None, "null_match"), (" ", "blank_match"), ("\xa0", None)]
)
def test_a_row_without_an_identifier_is_invalid_and_not_sent(
    feed: Feed, value: str | None, code: str | None
) -> None:
    feed.people(9)
    feed.sql("update people set who = ? where key = 4", value)
    report, error = feed.run()
    assert report is not None
    if code is None:
        assert (error, report.counts.accepted) == (None, 9), "a text that is a name to Klaviyo"
        return
    assert error is not None
    assert (error.exit_code, report.counts.accepted, report.counts.invalid) == (1, 8, 1)
    assert [row.code for row in report.invalid_sample] == [code]
    assert feed.scores() == [score for score in each_once(9) if score != 2.0]


def test_a_metric_that_klaviyo_refuses_stops_the_run(feed: Feed) -> None:
    feed.people(9)
    rule = {"match": {"op": "create"}, "do": 400, "message": "The metric is not taken."}
    feed.sandbox.set_faults([rule])
    report, error = feed.run()
    assert error is not None
    assert (error.exit_code, report.counts.accepted, report.counts.not_attempted) == (2, 0, 9)
    assert "The metric is not taken." in str(error)


# -- limits, logins ------------------------------------------------------------------------------


def test_a_refusal_for_the_rate_is_waited_for(feed: Feed) -> None:
    feed.people(6)
    rule = {"match": {"op": "create"}, "do": 429, "retry_after": 1, "times": 1}
    feed.sandbox.set_faults([rule])
    report = feed.settles()
    assert (report.counts.accepted, report.http.rate_limited) == (6, 1)
    assert feed.scores() == each_once(6)
    (refused,) = [one["at_ms"] for one in feed.log() if one["status"] == 429]
    assert max(one["at_ms"] for one in feed.log() if one["op"] == "create") - refused >= 1000


def test_a_plan_reckons_with_the_limit_of_events_alone(make_feed: Callable[..., Feed]) -> None:
    feed = make_feed(limits="standard")
    del feed.connection["limits"]
    feed.write()
    feed.people(50_000)
    plan = feed.project().plan("people")
    assert plan.requests == 50_000
    assert plan.minutes == pytest.approx((50_000 - 3500) / 3500), "the first minute's are at once"


def test_the_limit_of_a_second_is_kept(make_feed: Callable[..., Feed]) -> None:
    feed = make_feed(limits="standard")
    del feed.connection["limits"]
    feed.write()
    feed.people(400)
    report = feed.settles()
    assert (report.counts.accepted, report.http.rate_limited) == (400, 0)
    assert feed.sandbox.counters("klaviyo")["rate_limited"] == 0


def test_a_wrong_key_makes_no_event_and_is_not_shown(make_feed: Callable[..., Feed]) -> None:
    feed = make_feed(api_keys=["pk_other"])
    feed.people(3)
    report, error = feed.run()
    assert error is not None
    assert error.exit_code == 2
    assert (report.counts.accepted, feed.events()) == (0, [])
    assert report.counts.scanned == 0, "refused for its login before the model was read"


def test_a_key_that_is_refused_in_the_middle_stops_the_run(feed: Feed) -> None:
    feed.people(30)
    feed.sandbox.set_faults([{"match": {"op": "create"}, "do": "401_always"}])
    report, error = feed.run()
    assert error is not None
    assert (error.exit_code, report.counts.accepted) == (2, 0)
    feed.sandbox.set_faults([])
    assert feed.settles().counts.accepted == 30
    assert feed.scores() == each_once(30)


# -- what cannot be asked for --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"mode": "upsert"}, "mode: upsert is not offered by destination klaviyo"),
        ({"mode": "update"}, "it does append, insert"),
        ({"mode": "mirror"}, "mode: mirror is not offered"),
        ({"on_removed": "delete"}, "contradicts mode: insert"),
        ({"mode": "upsert", "on_removed": "clear"}, "on_removed: clear is not offered"),
        ({"insert_safety": "read_back"}, "it does duplicate_ok, idempotency_key, park"),
        ({"object": "events"}, "it does profiles, list:ID, event:METRIC"),
        ({"object": "event:"}, "event:METRIC"),
        ({"object": "event: Scored"}, "event:METRIC"),
        ({"object": "event:" + "x" * 128}, "event:METRIC"),
        ({"match": "email_address", "fields": {"email_address": "email"}}, "it takes email, "),
        ({"create_fields": True}, "create_fields is not offered"),
        ({"associate": {"to": "companies", "by": "key", "column": "who"}}, "associate is not"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else None,
)
def test_what_events_cannot_do_is_refused_before_anything_is_sent(
    feed: Feed, asked: dict[str, Any], said: str
) -> None:
    feed.people(3)
    feed.declare(**asked)
    problems = feed.project().check("people")
    assert said in " ".join(map(str, problems))
    _, error = feed.run()
    assert error is not None
    assert error.exit_code == 2
    assert (feed.log(), feed.events()) == ([], [])


def test_check_knows_an_events_attributes_and_names_what_is_near(feed: Feed) -> None:
    feed.people(3)
    assert feed.project().check("people") == []
    (asked,) = [one for one in feed.log() if one["op"] == "read"]
    assert asked["path"].startswith("/api/events")
    feed.declare(fields={"external_id": "who", "valeu": "worth"})
    (problem,) = feed.project().check("people")
    assert "did you mean 'value'?" in str(problem)
    _, error = feed.run()
    assert error is not None
    assert error.exit_code == 2
    assert "properties.plan" in str(error), "where one's own stand"
    feed.declare(fields={"external_id": "who", "time": "email"})
    (problem,) = feed.project().check("people")
    assert "event:Churn Scored.time" in str(problem)
    assert feed.events() == []


# -- what Klaviyo's client describes -------------------------------------------------------------


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The documents of the events that sandboxes of Klaviyo get."""
    from tailrace.sandbox.klaviyo import Klaviyo

    seen: list[Any] = []
    true_read = Klaviyo.read

    def read(vendor: Any, request: Any) -> Any:
        if (request.method, request.path) == ("POST", "/api/events"):
            assert request.headers["revision"] == "2026-07-15"
            assert request.content_type == "application/vnd.api+json"
            seen.append(json.loads(request.body))
        return true_read(vendor, request)

    monkeypatch.setattr(Klaviyo, "read", read)
    return seen


def _said(document: Any) -> Any:
    """Without the nulls of what the client was not given."""
    if not isinstance(document, dict):
        return document
    return {name: _said(one) for name, one in document.items() if one is not None}


def test_klaviyos_own_client_would_send_the_same_documents(feed: Feed, bodies: list[Any]) -> None:
    feed.people(3)
    feed.sql("update people set worth = 0.1, score = null where key = 1")
    feed.declare(
        fields={
            **feed.sync["fields"],
            "email": "email",
            "value_currency": {"value": "USD"},
            "backfill": {"value": False},
            "properties.text": {"sql": "'Zoë \"東京\" ' || chr(9) || key"},
        }
    )
    feed.settles()
    assert len(bodies) == 3
    for body in bodies:
        model = EventCreateQueryV2.from_dict(body)
        assert model is not None
        # The client's own words for a moment are others.
        moment = body["data"]["attributes"]["time"].replace("Z", "+00:00")
        body["data"]["attributes"]["time"] = moment
        told = json.dumps(model.to_dict(), default=lambda one: one.isoformat())
        assert _said(json.loads(told)) == body


def test_klaviyos_own_client_refuses_a_document_that_is_broken(
    feed: Feed, bodies: list[Any]
) -> None:
    feed.people(1)
    feed.settles()
    (body,) = bodies
    for name, wrong in (("unique_id", 5), ("value", "x"), ("time", "noon"), ("metric", None)):
        broken = json.loads(json.dumps(body))
        broken["data"]["attributes"][name] = wrong
        with pytest.raises(ValidationError):
            EventCreateQueryV2.from_dict(broken)
