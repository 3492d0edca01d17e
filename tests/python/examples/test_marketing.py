"""examples/marketing: what its README says happens, in the sandbox with the example's fields."""

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

SYNCS = ["customers_to_marketo", "gold_to_list"]
SERVICE = {"MARKETO_CLIENT_ID": "shop", "MARKETO_CLIENT_SECRET": "a-secret-of-the-sandbox"}
GOLD, NEW_GOLD = 496, 51
"""Customers who have spent 500 dollars until the first day, and those who have until the second."""


@pytest.fixture
def marketing(tmp_path: Path) -> Iterator[Shop]:
    database = str(tmp_path / "marketing" / "shop.duckdb")
    environment = {"MARKETO_URL": "$URL", "SHOP_DUCKDB": database, **SERVICE}
    with opened("marketing", "marketo", tmp_path, **environment) as shop:
        yield shop


def leads(marketing: Shop) -> dict[str, dict[str, Any]]:
    records = marketing.sandbox.records("marketo", "leads")
    return {one["values"]["customerId"]: {**one["values"], "id": one["id"]} for one in records}


def members(marketing: Shop) -> set[int]:
    (one,) = marketing.sandbox.records("marketo", "lists")
    return set(one["values"]["members"])


def test_the_way_of_the_readme(marketing: Shop) -> None:
    assert marketing.load("1998-01-31") == "customers: 23,570 until 1998-01-31"
    assert [marketing.project().check(name) for name in SYNCS] == [[], []]
    plans = {name: marketing.project().plan(name) for name in SYNCS}
    assert [plans[name].counts["added"] for name in SYNCS] == [CUSTOMERS, GOLD]
    first = marketing.run(SYNCS)
    assert [first[name].accepted for name in SYNCS] == [CUSTOMERS, GOLD]
    writes = Counter(one["op"] for one in marketing.log() if one["rows"])
    assert writes == {"import": 1, "find": 2, "add": 2}

    marketing.load("1998-02-28")
    second = marketing.run(SYNCS)
    assert [second[name].changed for name in SYNCS] == [CHANGED, 0]
    assert [second[name].accepted for name in SYNCS] == [CHANGED, NEW_GOLD]
    writes = Counter(one["op"] for one in marketing.log() if one["rows"])
    assert writes["createOrUpdate"] == -(-CHANGED // 300) == 7
    asked = len(marketing.log())
    third = marketing.run(SYNCS)
    assert [third[name].unchanged for name in SYNCS] == [CUSTOMERS, GOLD + NEW_GOLD]
    assert len(marketing.log()) == asked

    held = leads(marketing)
    with duckdb.connect(marketing.database, read_only=True) as connection:
        rows = connection.execute(
            "select customer_id, orders, last_order < until - interval 183 day, spent >= 500"
            " from customers"
        ).fetchall()
    assert {key: (one["orders"], one["quiet"]) for key, one in held.items()} == {
        key: (orders, quiet) for key, orders, quiet, _ in rows
    }
    assert members(marketing) == {int(held[key]["id"]) for key, *_, gold in rows if gold}


def test_the_instance_has_no_field_that_the_sync_does_not_write() -> None:
    config = settings("marketing")["vendors"]["marketo"]["fields"]
    file = EXAMPLES / "marketing" / "syncs" / "customers.yml"
    written = yaml.safe_load(file.read_text(encoding="utf-8"))["fields"]
    assert [name for name in written if name != "lastName"] == list(config)


def test_the_numbers_of_the_readme_are_those_above() -> None:
    text = (EXAMPLES / "marketing" / "README.md").read_text(encoding="utf-8")
    assert f"{CUSTOMERS:,} leads and {GOLD:,} members added" in text
    assert f"{CHANGED:,} leads changed, {NEW_GOLD} members added" in text
