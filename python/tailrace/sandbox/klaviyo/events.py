"""Events of Klaviyo's sandbox: one or a thousand a request, accepted first and recorded later.

An event is recorded once for its profile, its metric and its ``unique_id``, or where it has none
its second. No answer tells what became of an event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import is_date, is_time, iso_ms
from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.answers import (
    Problem,
    ProblemError,
    answer,
    data_of,
    errors,
    make_id,
    page,
    refuse,
    resource_of,
    resource_problem,
    unknown,
)
from tailrace.sandbox.klaviyo.endpoints import Endpoint, endpoint
from tailrace.sandbox.klaviyo.filters import read_filter
from tailrace.sandbox.klaviyo.profiles import key_of, problems
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    from tailrace.sandbox.jobs import Deeds
    from tailrace.sandbox.klaviyo.account import Account
    from tailrace.sandbox.records import Record

_BULK = "event-bulk-create-job"
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_KEPT = ("properties", "value", "value_currency", "unique_id", "backfill")
_FILTERS = {"profile_id": ("equals",), "metric_id": ("equals",)}


class Events:
    """The requests about events and metrics."""

    def __init__(self, account: Account, deeds: Deeds) -> None:
        self._account = account
        self._deeds = deeds
        self._made = 0

    def endpoints(self) -> list[Endpoint]:
        """What is served here."""
        return [
            endpoint("POST", "/api/events", facts.FASTEST, self._read_one),
            endpoint("GET", "/api/events", facts.FASTEST, self._read_list),
            endpoint("POST", "/api/event-bulk-create-jobs", facts.MIDDLE, self._read_many),
            endpoint("GET", "/api/metrics", facts.MIDDLE, self._read_metrics),
        ]

    # -- writing ---------------------------------------------------------------------------------

    def _read_one(self, request: Request, _match: re.Match[str]) -> Call:
        attributes = resource_of(data_of(request), "event")
        profile = _inner(attributes.get("profile"))
        found = [*problems(profile, "/data/attributes/profile/data")]
        found += self._problems(attributes, "/data/attributes")
        if found:
            raise RefusalError(errors(found))
        return self._queued("create", [(profile, attributes)])

    def _read_many(self, request: Request, _match: re.Match[str]) -> Call:
        attributes = resource_of(data_of(request), _BULK)
        found = unknown(attributes, ("events-bulk-create",), _BULK)
        if found is not None:
            raise RefusalError(errors([found]))
        rows = _inner(attributes.get("events-bulk-create"))
        where = "/data/attributes/events-bulk-create/data"
        if not isinstance(rows, list) or not rows:
            raise refuse(400, "invalid", "'events-bulk-create' is a required field.", where)
        events: list[tuple[Any, Any]] = []
        bad: list[Problem] = []
        for at, row in enumerate(rows):
            bad += self._of_profile(row, f"{where}/{at}", events)
        if bad:
            raise RefusalError(errors(bad))
        if len(events) > facts.MAX_EVENTS:
            detail = f"The maximum number of events is {facts.MAX_EVENTS}."
            raise refuse(400, "invalid", detail, where)
        return self._queued("create_many", events)

    def _of_profile(self, row: Json, pointer: str, into: list[tuple[Any, Any]]) -> list[Problem]:
        """The events of one profile, added to ``into``; what is wrong with them."""
        found = resource_problem(row, "event-bulk-create", pointer)
        if found is not None:
            return [found]
        attributes, where = row["attributes"], f"{pointer}/attributes"
        profile, events = _inner(attributes.get("profile")), _inner(attributes.get("events"))
        bad = problems(profile, f"{where}/profile/data")
        if not isinstance(events, list) or not events:
            return [*bad, Problem(f"{where}/events", "'events' is a required field.")]
        for at, event in enumerate(events):
            here = f"{where}/events/data/{at}"
            found = resource_problem(event, "event", here)
            bad += [found] if found else self._problems(event["attributes"], f"{here}/attributes")
            into.append((profile, event.get("attributes") if isinstance(event, dict) else None))
        return bad

    def _problems(self, attributes: dict[str, Any], where: str) -> list[Problem]:
        for name in attributes.keys() - set(facts.EVENT_ATTRIBUTES):
            detail = f"'{name}' is not a valid field for the resource 'event'."
            return [Problem(f"{where}/{name}", detail)]
        metric = _inner(attributes.get("metric"))
        found = resource_problem(metric, "metric", f"{where}/metric/data")
        if found is not None:
            return [found]
        name = metric["attributes"].get("name")
        at = f"{where}/metric/data/attributes/name"
        if not isinstance(name, str) or not name:
            return [Problem(at, "'name' is a required field.")]
        if len(name) > facts.MAX_METRIC:
            return [Problem(at, f"A name has at most {facts.MAX_METRIC} characters.")]
        return self._value_problems(attributes, where)

    def _value_problems(self, attributes: dict[str, Any], where: str) -> list[Problem]:
        found = _of_properties(attributes.get("properties"), f"{where}/properties")
        if found:
            return found
        value = attributes.get("value")
        if isinstance(value, (bool, str, dict, list)):
            return [Problem(f"{where}/value", "Not a valid number.")]
        for name in ("unique_id", "value_currency"):
            if not isinstance(attributes.get(name, ""), (str, type(None))):
                return [Problem(f"{where}/{name}", "Not a valid string.")]
        if not isinstance(attributes.get("backfill", False), (bool, type(None))):
            return [Problem(f"{where}/backfill", "Not a valid boolean.")]
        moment = attributes.get("time")
        if moment is not None and not self._is_time(moment):
            return [Problem(f"{where}/time", "Not a valid datetime.")]
        return []

    def _is_time(self, value: Json) -> bool:
        match = _TIME.fullmatch(value) if isinstance(value, str) else None
        if match is None or not is_date(match[1]) or not is_time(match[2], match[4] or "Z"):
            return False
        latest = iso_ms(self._account.wall_ms() + facts.YEAR_MS)[:10]
        return facts.EARLIEST_EVENT <= match[1] <= latest

    def _queued(self, op: str, events: list[tuple[Any, Any]]) -> Call:
        def run(call: Call) -> Reply:
            call.applied = len(events)
            received_ms = self._account.wall_ms()
            self._deeds.accept(call, lambda: self._recorded(events, received_ms))
            return answer(202)

        keys = [str(one.get("unique_id") or key_of(who["attributes"]) or "") for who, one in events]
        return Call(op, "events", keys, run)

    def _recorded(self, events: list[tuple[Any, Any]], received_ms: int) -> None:
        for who, one in events:
            try:
                profile, _ = self._account.profiles.write(who)
            except ProblemError:
                continue  # Nobody is told.
            self._record(profile, one, received_ms)

    def _record(self, profile: Record, one: dict[str, Any], received_ms: int) -> None:
        metric = self._metric(one["metric"]["data"]["attributes"]["name"])
        time = str(one.get("time") or iso_ms(received_ms))[:19].replace(" ", "T")
        mark = f"{profile.id}\x1f{metric.id}\x1f{one.get('unique_id') or time}"
        if self._account.events.find("mark", mark) is not None:
            return
        self._made += 1
        values = {
            "mark": mark,
            "profile": profile.id,
            "metric": metric.id,
            "time": time,
            **{name: one[name] for name in _KEPT if name in one},
        }
        number = make_id("event", self._made)
        key = str(one.get("unique_id") or number)
        self._account.events.create(values, self._account.wall_ms(), key=key, record_id=number)
        profile.values["last_event_date"] = f"{time}+00:00"

    def _metric(self, name: str) -> Record:
        held = self._account.metrics.find("name", name)
        if held is not None:
            return held
        number = make_id("metric", len(self._account.metrics), 6)
        now_ms = self._account.wall_ms()
        return self._account.metrics.create({"name": name}, now_ms, key=name, record_id=number)

    # -- reading ---------------------------------------------------------------------------------

    def _read_list(self, request: Request, _match: re.Match[str]) -> Call:
        asked = read_filter(request.query.get("filter"), _FILTERS)

        def run(_: Call) -> Reply:
            found = [
                one
                for one in self._account.events
                if asked is None or one.values[asked.field[:-3]] in asked.values
            ]
            return page(request, self._account.base_url, found, self._json, most=1000)

        return Call("read", "events", [], run)

    def _json(self, one: Record) -> dict[str, Json]:
        values = one.values
        return {
            "type": "event",
            "id": one.id,
            "attributes": {
                "timestamp": one.created_ms // 1000,
                "event_properties": values["properties"],
                "datetime": f"{values['time']}+00:00",
                "uuid": one.id,
            },
            "relationships": {
                "profile": {"data": {"type": "profile", "id": values["profile"]}},
                "metric": {"data": {"type": "metric", "id": values["metric"]}},
            },
            "links": {"self": f"{self._account.base_url}/api/events/{one.id}"},
        }

    def _read_metrics(self, request: Request, _match: re.Match[str]) -> Call:
        def shown(one: Record) -> dict[str, Json]:
            links = {"self": f"{self._account.base_url}/api/metrics/{one.id}"}
            return {"type": "metric", "id": one.id, "attributes": dict(one.values), "links": links}

        def run(_: Call) -> Reply:
            found = list(self._account.metrics)
            return page(request, self._account.base_url, found, shown, most=200, size=200)

        return Call("metrics", "metrics", [], run)


def _of_properties(properties: Json, where: str) -> list[Problem]:
    if not isinstance(properties, dict) or len(properties) > facts.MAX_EVENT_PROPERTIES:
        detail = f"A dictionary of at most {facts.MAX_EVENT_PROPERTIES} is expected."
        return [Problem(where, detail)]
    for name, one in properties.items():
        detail = _excess(one, facts.MAX_DEPTH - 1)
        if detail:
            return [Problem(f"{where}/{name}", detail)]
    return []


def _excess(value: Json, depth: int) -> str:
    """In what a property is more than one may be; empty where it is not."""
    if isinstance(value, str):
        long = len(value.encode("utf-8", "surrogatepass")) > facts.MAX_TEXT_BYTES
        return f"A string has at most {facts.MAX_TEXT_BYTES} bytes." if long else ""
    if not isinstance(value, (dict, list)):
        return ""
    if depth == 0:
        return f"Properties have at most {facts.MAX_DEPTH} levels."
    parts = value.values() if isinstance(value, dict) else value
    return next((said for one in parts if (said := _excess(one, depth - 1))), "")


def _inner(value: Json) -> Any:
    """What stands under ``data``."""
    return value.get("data") if isinstance(value, dict) else None
