"""examples/helpdesk: what its README says happens, in the sandbox with the example's fields."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml
from shop import CHANGED, CUSTOMERS, EXAMPLES, Shop, opened, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYNCS = ["cohorts_to_zendesk", "customers_to_zendesk"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Shop]:
    login = {"ZENDESK_EMAIL": "ann@acme.test", "ZENDESK_API_TOKEN": "any"}
    with opened("helpdesk", "zendesk", tmp_path, ZENDESK_URL="$URL", **login) as shop:
        yield shop


def held(desk: Shop, name: str, custom: str) -> dict[str, dict[str, Any]]:
    records = desk.sandbox.records("zendesk", name)
    return {one["values"]["external_id"]: one["values"][custom] for one in records}


def members(desk: Shop) -> Counter[str]:
    """Users by the external id of their organization."""
    organizations = {
        int(one["id"]): one["values"]["external_id"]
        for one in desk.sandbox.records("zendesk", "organizations")
    }
    users = [one["values"] for one in desk.sandbox.records("zendesk", "users")]
    return Counter(organizations[one["organization_id"]] for one in users)


def cohorts_of(desk: Shop) -> list[tuple[str, int]]:
    with duckdb.connect(desk.database, read_only=True) as connection:
        return connection.execute(
            "select strftime(first_order, '%Y-%m'), count(*) from customers group by all"
        ).fetchall()


def test_the_way_of_the_readme(desk: Shop) -> None:
    assert desk.load("1998-01-31") == "customers: 23,570 until 1998-01-31"
    plans = {name: desk.project().plan(name) for name in SYNCS}
    assert [plans[name].counts["added"] for name in SYNCS] == [3, CUSTOMERS]
    assert desk.log() == []
    first = desk.run(SYNCS)
    assert [first[name].accepted for name in SYNCS] == [3, CUSTOMERS]
    writes = Counter(one["op"] for one in desk.log() if one["rows"])
    assert writes["create_or_update_many"] == -(-CUSTOMERS // 100)
    assert writes["find"] == -(-CUSTOMERS // 100)

    desk.load("1998-02-28")
    second = desk.run(SYNCS)
    assert [second[name].changed for name in SYNCS] == [3, CHANGED]
    assert [second[name].accepted for name in SYNCS] == [3, CHANGED]
    asked = len(desk.log())
    third = desk.run(SYNCS)
    assert [third[name].unchanged for name in SYNCS] == [3, CUSTOMERS]
    assert len(desk.log()) == asked

    found = desk.project().verify("customers_to_zendesk")
    assert (found.equal, found.different, found.missing) == (CUSTOMERS, 0, 0)
    users = held(desk, "users", "user_fields")
    with duckdb.connect(desk.database, read_only=True) as connection:
        rows = connection.execute(
            "select customer_id, orders, last_order < until - interval 183 day from customers"
        ).fetchall()
    assert {key: (one["orders"], one["quiet"]) for key, one in users.items()} == {
        key: (orders, quiet) for key, orders, quiet in rows
    }
    assert members(desk) == dict(cohorts_of(desk))
    assert {one["tier"] for one in users.values()} == {"gold", "silver", "bronze"}
    cohorts = held(desk, "organizations", "organization_fields")
    assert sum(one["customers"] for one in cohorts.values()) == CUSTOMERS


def test_the_account_has_no_field_that_the_syncs_do_not_write() -> None:
    folder = EXAMPLES / "helpdesk"
    config = settings("helpdesk")
    for name, sync in (("users", "customers"), ("organizations", "cohorts")):
        written = yaml.safe_load((folder / "syncs" / f"{sync}.yml").read_text(encoding="utf-8"))
        custom = f"{name[:-1]}_fields."
        fields = [one.removeprefix(custom) for one in written["fields"] if one.startswith(custom)]
        assert fields == list(config["vendors"]["zendesk"]["fields"][name])


def test_the_numbers_of_the_readme_are_those_above() -> None:
    text = (EXAMPLES / "helpdesk" / "README.md").read_text(encoding="utf-8")
    assert f"{CUSTOMERS:,} users added" in text
    assert f"3 organizations and {CHANGED:,} users changed" in text
