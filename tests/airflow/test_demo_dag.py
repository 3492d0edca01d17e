"""examples/cdnow as a DAG: dbt builds the scores on DuckDB, the sync sends what has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from conftest import EXAMPLE

from tailrace.demo.cdnow import copy_example, duckdb_environment
from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import DagProcess

CUSTOMERS = 23_570
CHANGED = 6_172


@pytest.fixture
def account() -> Iterator[Sandbox]:
    """The example's account, without its rate limit."""
    settings = yaml.safe_load((EXAMPLE / "sandbox.yml").read_text(encoding="utf-8"))
    settings["vendors"]["hubspot"]["limits"] = "none"
    with Sandbox(settings) as running:
        yield running


def _lift_the_limit(file: Path) -> None:
    """A private app's limit makes 23,570 rows take 20 seconds."""
    text = file.read_text(encoding="utf-8")
    kind = "    type: hubspot\n"
    assert text.count(kind) == 1
    limit = "    limits: [{requests: 1000, per: 1s}]\n"
    file.write_text(text.replace(kind, kind + limit), encoding="utf-8")


def test_dbt_then_the_sync_sends_what_has_changed(
    dags: DagProcess, account: Sandbox, tmp_path: Path
) -> None:
    home = tmp_path / "cdnow"
    copy_example(EXAMPLE, home)
    _lift_the_limit(home / "tailrace.yml")
    environment = {
        **duckdb_environment(tmp_path),
        "CDNOW_HOME": str(home),
        "HUBSPOT_BASE_URL": account.url,
        "HUBSPOT_TOKEN": "demo",
    }
    january = dags.test("cdnow", environment, {"as_of": "1998-01-31"})
    assert january.states == {
        "score": ("success", 1),
        "customer_health_to_hubspot": ("success", 1),
    }
    report = january.xcoms["customer_health_to_hubspot"]["return_value"]
    assert report["counts"]["accepted"] == CUSTOMERS
    february = dags.test("cdnow", environment, {"as_of": "1998-02-28"})
    report = february.xcoms["customer_health_to_hubspot"]["return_value"]
    assert (report["status"], report["counts"]["accepted"]) == ("done", CHANGED)
    assert len(account.records("hubspot", "contacts")) == CUSTOMERS
