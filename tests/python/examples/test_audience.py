"""examples/audience: what its README says happens, in the sandbox with its merge fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest
import yaml
from shop import EXAMPLES, Shop, opened, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYNC = "customers_to_mailchimp"
MEMBERS, MORE, CHANGED = 10_843, 197, 1_354
"""At the end of January 1998, and what February adds and changes."""


@pytest.fixture
def audience(tmp_path: Path) -> Iterator[Shop]:
    database = str(tmp_path / "audience" / "shop.duckdb")
    key = "key-of-the-sandbox-us1"
    environment = {"MAILCHIMP_URL": "$URL/3.0", "MAILCHIMP_API_KEY": key, "SHOP_DUCKDB": database}
    with opened("audience", "mailchimp", tmp_path, **environment) as shop:
        yield shop


def test_the_way_of_the_readme(audience: Shop) -> None:
    audience.load("1998-01-31")
    assert audience.project().check(SYNC) == []
    assert audience.project().plan(SYNC).counts["added"] == MEMBERS
    first = audience.run([SYNC])[SYNC]
    assert first.accepted == MEMBERS
    writes = [one for one in audience.log() if one["rows"]]
    assert len(writes) == -(-MEMBERS // 500)

    audience.load("1998-02-28")
    second = audience.run([SYNC])[SYNC]
    assert (second.added, second.changed, second.removed) == (MORE, CHANGED, 0)
    assert second.accepted == MORE + CHANGED
    asked = len(audience.log())
    assert audience.run([SYNC])[SYNC].unchanged == MEMBERS + MORE
    assert len(audience.log()) == asked

    with duckdb.connect(audience.database, read_only=True) as connection:
        rows = connection.execute(
            "select 'customer' || customer_id || '@shop.example', orders from customers"
            " where orders > 1"
        ).fetchall()
    held = [one["values"] for one in audience.sandbox.records("mailchimp", "members")]
    told = {one["email_address"]: one["merge_fields"]["ORDERS"] for one in held}
    assert told == dict(rows)
    assert {one["status"] for one in held} == {"transactional"}


def test_the_audience_has_no_merge_field_that_the_sync_does_not_write() -> None:
    written = yaml.safe_load(
        (EXAMPLES / "audience" / "syncs" / "customers.yml").read_text(encoding="utf-8")
    )
    (declared,) = settings("audience")["vendors"]["mailchimp"]["lists"].values()
    own = [one.removeprefix("merge_fields.") for one in written["fields"] if "." in one]
    assert own == list(declared["merge_fields"])


def test_the_numbers_of_the_readme_are_those_above() -> None:
    text = (EXAMPLES / "audience" / "README.md").read_text(encoding="utf-8")
    assert f"{MEMBERS:,} members added" in text
    assert f"{MORE:,} members more, {CHANGED:,} changed" in text
    keys = settings("audience")["vendors"]["mailchimp"]["api_keys"]
    assert f"MAILCHIMP_API_KEY={keys[0]}" in text
