"""examples/engagement: what its README says happens, in the sandbox of five tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from shop import EXAMPLES, Shop, opened, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUESTS = {"customers_to_braze": 145, "customers_to_customerio": 6, "customers_to_iterable": 11}
"""In January, of each sync that sends every customer."""
BEST, GOLD = "best_customers_to_intercom", "gold_to_slack"
SYNCS = (BEST, *REQUESTS, GOLD)
CUSTOMERS, MORE, CHANGED = 10_843, 197, 1_354
"""At the end of January 1998, and what February adds and changes."""
BEST_CUSTOMERS, MESSAGES = 123, 4
TOOLS = ("braze", "customerio", "iterable", "intercom", "slack")
KEY = "key-of-the-sandbox"
KEYS = {
    "BRAZE_KEY": KEY,
    "CUSTOMERIO_SITE": "site",
    "CUSTOMERIO_KEY": KEY,
    "ITERABLE_KEY": KEY,
    "INTERCOM_TOKEN": KEY,
    "SLACK_TOKEN": f"xoxb-{KEY}",
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    database = str(tmp_path / "engagement" / "shop.duckdb")
    urls = {f"{tool.upper()}_URL": f"$URL/{tool}" for tool in TOOLS}
    with opened("engagement", "slack", tmp_path, SHOP_DUCKDB=database, **urls, **KEYS) as made:
        yield made


def held(shop: Shop, tool: str, name: str) -> list[dict[str, Any]]:
    return [one["values"] for one in shop.sandbox.records(tool, name)]


def test_the_way_of_the_readme(shop: Shop) -> None:
    shop.load("1998-01-31")
    assert shop.project().check() == []
    first = shop.run(SYNCS)
    assert first[BEST].accepted == BEST_CUSTOMERS
    assert {first[name].accepted for name in REQUESTS} == {CUSTOMERS}
    assert (first[GOLD].accepted, held(shop, "slack", "messages")) == (0, [])
    assert {
        name: len([one for one in shop.sandbox.log(name.rpartition("_")[2]) if one["rows"]])
        for name in REQUESTS
    } == REQUESTS

    shop.load("1998-02-28")
    second = shop.run(SYNCS)
    assert {(second[name].added, second[name].changed) for name in REQUESTS} == {(MORE, CHANGED)}
    assert second[GOLD].accepted == MESSAGES
    asked = {tool: len(shop.sandbox.log(tool)) for tool in TOOLS}
    assert {counts.accepted for counts in shop.run(SYNCS).values()} == {0}
    assert {tool: len(shop.sandbox.log(tool)) for tool in TOOLS} == asked

    with duckdb.connect(shop.database, read_only=True) as connection:
        rows = connection.execute("select * from customers where orders > 1").fetchall()
        columns = [column[0] for column in connection.description or ()]
    orders = {row[columns.index("customer_id")]: row[columns.index("orders")] for row in rows}
    people = {
        ("braze", "users"): "external_id",
        ("customerio", "people"): "id",
        ("iterable", "users"): "userId",
    }
    for (tool, name), field in people.items():
        assert {one[field]: _orders(one) for one in held(shop, tool, name)} == orders
    texts = [one["text"] for one in held(shop, "slack", "messages")]
    assert len(texts) == len({text.split()[1] for text in texts}) == MESSAGES


def _orders(record: dict[str, Any]) -> Any:
    return record["orders"] if "orders" in record else record["dataFields"]["orders"]


def test_the_numbers_of_the_readme_are_those_above() -> None:
    text = (EXAMPLES / "engagement" / "README.md").read_text(encoding="utf-8")
    assert f"{CUSTOMERS:,} customers for three tools, {BEST_CUSTOMERS} for Intercom" in text
    assert f"{MORE:,} customers more, {CHANGED:,} changed; {MESSAGES} messages" in text
    braze, customerio, iterable = REQUESTS.values()
    assert f"in {braze} requests to Braze, in {customerio} to Customer.io and in {iterable}" in text
    vendors = settings("engagement")["vendors"]
    for name, key in KEYS.items():
        assert f"{name}={key}" in text
        assert key in str(vendors[name.partition("_")[0].lower()])
