"""examples/cdnow as one asset graph: dbt's models, then the contacts made from them."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from conftest import EXAMPLE

from tailrace.demo.cdnow import copy_example, duckdb_environment
from tailrace.sandbox import Sandbox

CUSTOMERS = 23_570
CHANGED = 6_172
CONTACTS = dg.AssetKey(["hubspot", "contacts"])


@pytest.fixture
def account() -> Iterator[Sandbox]:
    """The example's account, without its rate limit."""
    settings = yaml.safe_load((EXAMPLE / "sandbox.yml").read_text(encoding="utf-8"))
    settings["vendors"]["hubspot"]["limits"] = "none"
    with Sandbox(settings) as running:
        yield running


@pytest.fixture
def definitions(
    tmp_path: Path, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> dg.Definitions:
    """The definitions of a copy of the example."""
    home = tmp_path / "cdnow"
    copy_example(EXAMPLE, home)
    file = home / "tailrace.yml"
    kind = "    type: hubspot\n"
    # A private app's limit makes 23,570 rows take 20 seconds.
    limit = "    limits: [{requests: 1000, per: 1s}]\n"
    file.write_text(file.read_text(encoding="utf-8").replace(kind, kind + limit), encoding="utf-8")
    settings = {
        **duckdb_environment(tmp_path),
        "HUBSPOT_BASE_URL": account.url,
        "HUBSPOT_TOKEN": "demo",
        # What `dagster dev` sets: dbt's manifest is made when the definitions are loaded.
        "DAGSTER_IS_DEV_CLI": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("cdnow", home / "dagster" / "definitions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dg.Definitions = module.defs
    return found


def materialize(definitions: dg.Definitions, day: str) -> dict[str, Any]:
    """Build the scores of a day and send them; returns the contacts' metadata."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDNOW_AS_OF", day)
        result = dg.materialize(list(definitions.assets or ()), resources=definitions.resources)
    made = {
        event.asset_key: event.materialization
        for event in result.get_asset_materialization_events()
    }
    assert set(made) == {
        dg.AssetKey("stg_orders"),
        dg.AssetKey("customer_health"),
        CONTACTS,
    }
    return {name: value.value for name, value in made[CONTACTS].metadata.items()}


def test_dbt_then_the_contacts(definitions: dg.Definitions, account: Sandbox) -> None:
    graph = definitions.resolve_asset_graph()
    assert graph.get(CONTACTS).parent_keys == {dg.AssetKey("customer_health")}
    assert materialize(definitions, "1998-01-31")["dagster/row_count"] == CUSTOMERS
    february = materialize(definitions, "1998-02-28")
    assert february["dagster/row_count"] == february["tailrace/changed"] == CHANGED
    assert len(account.records("hubspot", "contacts")) == CUSTOMERS
