"""examples/crm: what its README says happens, in the sandbox with the example's fields."""

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

SYNCS = ["cohorts_to_salesforce", "customers_to_salesforce"]
APP = {"SALESFORCE_CLIENT_ID": "shop", "SALESFORCE_CLIENT_SECRET": "a-secret-of-the-sandbox"}


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[Shop]:
    database = str(tmp_path / "crm" / "shop.duckdb")
    environment = {"SALESFORCE_URL": "$URL", "SHOP_DUCKDB": database, **APP}
    with opened("crm", "salesforce", tmp_path, **environment) as shop:
        yield shop


def held(crm: Shop, name: str) -> dict[str, dict[str, Any]]:
    records = crm.sandbox.records("salesforce", name)
    return {one["values"]["External_Id__c"]: {"Id": one["id"], **one["values"]} for one in records}


def jobs(crm: Shop) -> list[int]:
    return [one["values"]["rows"] for one in crm.sandbox.records("salesforce", "jobs_ingest")]


def test_the_way_of_the_readme(crm: Shop) -> None:
    assert crm.load("1998-01-31") == "customers: 23,570 until 1998-01-31"
    assert [crm.project().check(name) for name in SYNCS] == [[], []]
    plans = {name: crm.project().plan(name) for name in SYNCS}
    assert [plans[name].counts["added"] for name in SYNCS] == [3, CUSTOMERS]
    first = crm.run(SYNCS)
    assert [first[name].accepted for name in SYNCS] == [3, CUSTOMERS]
    writes = Counter(one["op"] for one in crm.log() if one["rows"])
    assert writes == {"upsert": 3}, "the accounts by Collections, the contacts in two jobs"
    assert sorted(jobs(crm)) == [CUSTOMERS - 20_000, 20_000]

    crm.load("1998-02-28")
    second = crm.run(SYNCS)
    assert [second[name].changed for name in SYNCS] == [3, CHANGED]
    assert [second[name].accepted for name in SYNCS] == [3, CHANGED]
    assert jobs(crm)[2:] == [CHANGED]
    asked = len(crm.log())
    third = crm.run(SYNCS)
    assert [third[name].unchanged for name in SYNCS] == [3, CUSTOMERS]
    assert len(crm.log()) == asked

    found = crm.project().verify("customers_to_salesforce")
    assert (found.equal, found.different, found.missing) == (CUSTOMERS, 0, 0)
    contacts, accounts = held(crm, "Contact"), held(crm, "Account")
    with duckdb.connect(crm.database, read_only=True) as connection:
        rows = connection.execute(
            "select customer_id, orders, last_order < until - interval 183 day,"
            " strftime(first_order, '%Y-%m') from customers"
        ).fetchall()
    assert {
        key: (one["Orders__c"], one["Quiet__c"], one["AccountId"]) for key, one in contacts.items()
    } == {key: (orders, quiet, accounts[cohort]["Id"]) for key, orders, quiet, cohort in rows}
    assert {one["Tier__c"] for one in contacts.values()} == {"gold", "silver", "bronze"}
    assert sum(one["Customers__c"] for one in accounts.values()) == CUSTOMERS


def test_the_org_has_no_field_that_the_syncs_do_not_write() -> None:
    folder = EXAMPLES / "crm"
    declared = settings("crm")["vendors"]["salesforce"]["fields"]
    for name, sync in (("Contact", "customers"), ("Account", "cohorts")):
        written = yaml.safe_load((folder / "syncs" / f"{sync}.yml").read_text(encoding="utf-8"))
        own = [one for one in written["fields"] if one.endswith("__c") and "External" not in one]
        assert own == list(declared[name])


def test_the_numbers_of_the_readme_are_those_above() -> None:
    text = (EXAMPLES / "crm" / "README.md").read_text(encoding="utf-8")
    assert f"{CUSTOMERS:,} contacts added" in text
    assert f"3 accounts and {CHANGED:,} contacts changed" in text
    login = settings("crm")["vendors"]["salesforce"]["oauth"]
    assert f"SALESFORCE_CLIENT_SECRET={login['client_secret']}" in text
