"""examples/cdnow: what the sync sends fits the sandbox's account, and a month changes a quarter."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tailrace.sandbox.config import read_config
from tailrace.sandbox.hubspot import HubSpot
from tailrace.sandbox.vendor import Setting
from tailrace.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "cdnow"
JANUARY, FEBRUARY = "1998-01-31", "1998-02-28"
CUSTOMERS = 23_570
CHANGED = 6_172
BATCH_ROWS = 100

SYNC = yaml.safe_load((EXAMPLE / "syncs" / "customer_health.yml").read_text(encoding="utf-8"))

Row = dict[str, Any]


@pytest.fixture
def account() -> HubSpot:
    """The account of sandbox.yml, without its rate limit."""
    settings = read_config(EXAMPLE / "sandbox.yml", {HubSpot.name: HubSpot.LIMIT_NAMES})
    options = {**settings.vendors["hubspot"], "limits": "none"}
    return HubSpot(Setting(options, settings.seed, clock=lambda: 0.0, wall_ms=lambda: 0))


def text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


def upsert(account: HubSpot, rows: list[Row]) -> list[Reply]:
    replies = []
    for start in range(0, len(rows), BATCH_ROWS):
        inputs = [
            {
                "id": row["cdnow_id"],
                "idProperty": SYNC["match"],
                "objectWriteTraceId": str(at),
                "properties": {name: text(value) for name, value in row.items()},
            }
            for at, row in enumerate(rows[start : start + BATCH_ROWS])
        ]
        body = json.dumps({"inputs": inputs}).encode()
        headers = {"content-type": "application/json"}
        request = Request("POST", "/crm/v3/objects/contacts/batch/upsert", {}, headers, body)
        replies.append(account.apply(account.read(request)))
    return replies


def created(replies: Iterable[Reply]) -> int:
    return sum(result["new"] for reply in replies for result in reply.body["results"])


def stored(account: HubSpot, customer_id: str) -> Row:
    record = account.collections()["contacts"].find("cdnow_id", customer_id)
    assert record is not None
    return dict(record.values)


def changed(builds: dict[str, Any]) -> list[Row]:
    before, after = builds[JANUARY].fields, builds[FEBRUARY].fields
    return [row for customer_id, row in after.items() if row != before[customer_id]]


def test_a_month_changes_what_is_sent_of_a_quarter_of_the_customers(
    builds: dict[str, Any],
) -> None:
    assert len(builds[JANUARY].fields) == len(builds[FEBRUARY].fields) == CUSTOMERS
    assert len(changed(builds)) == CHANGED


def test_the_same_day_again_changes_nothing(
    on_duckdb: dict[str, Any], rebuilt_january: Any
) -> None:
    assert rebuilt_january.fields == on_duckdb[JANUARY].fields


def test_no_field_is_ever_empty(builds: dict[str, Any]) -> None:
    rows = [row for build in builds.values() for row in build.fields.values()]
    assert len(rows) == 2 * CUSTOMERS
    assert all(value is not None and text(value) for row in rows for value in row.values())


def test_the_account_takes_every_row_and_then_only_updates(
    builds: dict[str, Any], account: HubSpot
) -> None:
    first = upsert(account, list(builds[JANUARY].fields.values()))
    assert {reply.status for reply in first} == {200}
    assert created(first) == CUSTOMERS
    second = upsert(account, changed(builds))
    assert {reply.status for reply in second} == {200}
    assert created(second) == 0
    for customer_id, row in builds[FEBRUARY].fields.items():
        sent = {name: text(value) for name, value in row.items()}
        assert sent.items() <= stored(account, customer_id).items()


def test_the_account_has_no_property_that_the_sync_does_not_write() -> None:
    settings = yaml.safe_load((EXAMPLE / "sandbox.yml").read_text(encoding="utf-8"))
    declared = settings["vendors"]["hubspot"]["properties"]["contacts"]
    assert list(declared) == list(SYNC["fields"])
    assert [name for name, part in declared.items() if part.get("unique")] == [SYNC["match"]]


def test_every_option_of_the_enumerations_occurs(builds: dict[str, Any]) -> None:
    settings = yaml.safe_load((EXAMPLE / "sandbox.yml").read_text(encoding="utf-8"))
    declared = settings["vendors"]["hubspot"]["properties"]["contacts"]
    for name in ("churn_level", "rfm_segment"):
        found = {row[name] for row in builds[JANUARY].fields.values()}
        assert found == set(declared[name]["options"])
