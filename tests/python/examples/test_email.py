"""examples/email: what its README says happens, in the sandbox with the example's list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml
from shop import CUSTOMERS, EXAMPLES, Shop, opened, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYNCS = ["customers_to_klaviyo", "quiet_to_list"]
CHANGED = 1_551
"""Profiles that February changes."""
QUIET, MORE, LEFT = 17_482, 489, 417
"""Members of the list at the end of January 1998, and what February adds and takes off."""


@pytest.fixture
def email(tmp_path: Path) -> Iterator[Shop]:
    database = str(tmp_path / "email" / "shop.duckdb")
    environment = {"KLAVIYO_URL": "$URL", "KLAVIYO_API_KEY": "pk_of_the_sandbox"}
    with opened("email", "klaviyo", tmp_path, SHOP_DUCKDB=database, **environment) as shop:
        yield shop


def profiles(email: Shop) -> dict[str, dict[str, Any]]:
    return {one["id"]: one["values"] for one in email.sandbox.records("klaviyo", "profiles")}


def quiet(email: Shop) -> set[str]:
    with duckdb.connect(email.database, read_only=True) as connection:
        written = (EXAMPLES / "email" / "syncs" / "quiet.yml").read_text(encoding="utf-8")
        rows = connection.execute(yaml.safe_load(written)["model"]["sql"]).fetchall()
    return {key for (key,) in rows}


def members(email: Shop) -> set[str]:
    (one,) = email.sandbox.records("klaviyo", "lists")
    held = profiles(email)
    return {held[number]["external_id"] for number in one["values"]["members"]}


def imports(email: Shop) -> list[int]:
    return [one["values"]["rows"] for one in email.sandbox.records("klaviyo", "imports")]


def test_the_way_of_the_readme(email: Shop) -> None:
    assert email.load("1998-01-31") == "customers: 23,570 until 1998-01-31"
    assert [email.project().check(name) for name in SYNCS] == [[], []]
    plans = {name: email.project().plan(name) for name in SYNCS}
    assert [plans[name].counts["added"] for name in SYNCS] == [CUSTOMERS, QUIET]
    first = email.run(SYNCS)
    assert [first[name].accepted for name in SYNCS] == [CUSTOMERS, QUIET]
    assert sorted(imports(email)[:3]) == [CUSTOMERS - 20_000, 10_000, 10_000]
    assert len(profiles(email)) == CUSTOMERS
    assert members(email) == quiet(email)

    email.load("1998-02-28")
    second = email.run(SYNCS)
    assert second["customers_to_klaviyo"].changed == CHANGED
    listed = second["quiet_to_list"]
    assert (listed.added, listed.removed, listed.accepted) == (MORE, LEFT, MORE + LEFT)
    assert members(email) == quiet(email)
    asked = len(email.log())
    third = email.run(SYNCS)
    assert [third[name].changed for name in SYNCS] == [0, 0]
    assert len(email.log()) == asked

    found = email.project().verify("customers_to_klaviyo")
    assert (found.equal, found.different, found.missing) == (CUSTOMERS, 0, 0)
    tiers = {one["properties"]["tier"] for one in profiles(email).values()}
    assert tiers == {"gold", "silver", "bronze"}


def test_the_list_of_the_sync_is_the_sandboxs(email: Shop) -> None:
    (one,) = email.sandbox.records("klaviyo", "lists")
    written = (EXAMPLES / "email" / "syncs" / "quiet.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(written)["object"] == f"list:{one['id']}"


def test_the_numbers_of_the_readme_are_those_above() -> None:
    text = (EXAMPLES / "email" / "README.md").read_text(encoding="utf-8")
    assert f"{CUSTOMERS:,} profiles and {QUIET:,} members added" in text
    assert f"{CHANGED:,} profiles changed; {MORE:,} members more, {LEFT:,} left the list" in text
    keys = settings("email")["vendors"]["klaviyo"]["api_keys"]
    assert f"KLAVIYO_API_KEY={keys[0]}" in text
