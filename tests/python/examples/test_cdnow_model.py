"""examples/cdnow: dbt's scores are right, the same on both warehouses, and change for some only."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from cdnow_reference import (
    History,
    alive,
    histories,
    purchase_likelihood,
    read_orders,
    spend_likelihood,
    value_next_year,
)

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "cdnow"
JANUARY, FEBRUARY = "1998-01-31", "1998-02-28"
CUSTOMERS = 23_570

PURCHASE = ("purchase_rate_shape", "purchase_rate_scale", "dropout_alpha", "dropout_beta")
SPEND = ("spend_shape", "spend_rate_shape", "spend_scale")


def load_yaml(path: str) -> Any:
    return yaml.safe_load((EXAMPLE / path).read_text(encoding="utf-8"))


@cache
def settings() -> dict[str, Any]:
    return dict(load_yaml("dbt/dbt_project.yml")["vars"])


@cache
def reference(as_of: str) -> dict[str, History]:
    orders = read_orders(EXAMPLE / "data" / "CDNOW_master.txt")
    return histories(orders, date.fromisoformat(as_of))


@pytest.mark.parametrize("as_of", [JANUARY, FEBRUARY])
def test_every_customer_has_one_row(builds: dict[str, Any], as_of: str) -> None:
    build = builds[as_of]
    assert build.row_count == CUSTOMERS
    assert sorted(build.rows) == [f"{number:05}" for number in range(1, CUSTOMERS + 1)]
    assert {row["as_of"] for row in build.rows.values()} == {date.fromisoformat(as_of)}


@pytest.mark.parametrize("as_of", [JANUARY, FEBRUARY])
def test_all_tests_of_the_dbt_project_ran_and_passed(builds: dict[str, Any], as_of: str) -> None:
    build = builds[as_of]
    declared = {name for name in build.manifest["nodes"] if name.startswith("test.")}
    assert len(declared) == 22
    assert {build.statuses[name] for name in declared} == {"pass"}


@pytest.mark.parametrize("as_of", [JANUARY, FEBRUARY])
def test_duckdb_and_postgres_give_the_same_values(
    on_duckdb: dict[str, Any], on_postgres: dict[str, Any], as_of: str
) -> None:
    assert on_duckdb[as_of].columns == on_postgres[as_of].columns
    assert on_duckdb[as_of].rows == on_postgres[as_of].rows
    assert on_duckdb[as_of].fields == on_postgres[as_of].fields


def test_a_second_build_of_a_day_changes_nothing(
    on_duckdb: dict[str, Any], rebuilt_january: Any
) -> None:
    assert rebuilt_january.rows == on_duckdb[JANUARY].rows


@pytest.mark.parametrize("as_of", [JANUARY, FEBRUARY])
def test_history_agrees_with_the_raw_file(builds: dict[str, Any], as_of: str) -> None:
    for customer_id, history in reference(as_of).items():
        row = builds[as_of].rows[customer_id]
        assert (
            row["first_order_date"],
            row["last_order_date"],
            row["recency_days"],
            row["order_count"],
            row["purchase_days"],
            row["total_spent"],
            row["average_order"],
        ) == (
            history.first,
            history.last,
            (history.as_of - history.last).days,
            len(history.orders),
            len(history.by_day),
            history.total,
            history.average,
        ), customer_id


@pytest.mark.parametrize("as_of", [JANUARY, FEBRUARY])
def test_forecast_agrees_with_the_papers_formulas(builds: dict[str, Any], as_of: str) -> None:
    step = settings()["forecast_step_dollars"]
    for customer_id, history in reference(as_of).items():
        row = builds[as_of].rows[customer_id]
        chance = alive(history, settings())
        risk = Decimal(1 - chance).quantize(Decimal("0.1"), ROUND_HALF_UP)
        steps = Decimal(value_next_year(history, settings()) / step)
        value = step * steps.quantize(Decimal(1), ROUND_HALF_UP)
        assert row["alive_probability"] == pytest.approx(Decimal(chance), abs=Decimal("5.1e-7"))
        assert (row["churn_risk"], row["value_next_year"], row["lifetime_value"]) == (
            risk,
            value,
            history.total + value,
        ), customer_id


def segment_of(row: dict[str, Any]) -> str:
    active = row["recency_days"] <= 180
    if row["recency_days"] <= 90 and row["purchase_days"] >= 6 and row["total_spent"] >= 250:
        return "champion"
    if row["purchase_days"] >= 3:
        return "loyal" if active else "at_risk"
    return "promising" if active else "lost"


@pytest.mark.parametrize("as_of", [JANUARY, FEBRUARY])
def test_segments_follow_their_description_and_all_occur(
    builds: dict[str, Any], as_of: str
) -> None:
    rows = builds[as_of].rows.values()
    assert all(row["segment"] == segment_of(row) for row in rows)
    assert {row["segment"] for row in rows} == {
        "champion",
        "loyal",
        "promising",
        "at_risk",
        "lost",
    }


@pytest.mark.parametrize("as_of", [JANUARY, FEBRUARY])
def test_high_value_is_a_minority_above_the_threshold(builds: dict[str, Any], as_of: str) -> None:
    rows = builds[as_of].rows.values()
    threshold = settings()["high_value_dollars"]
    assert all(row["high_value"] == (row["lifetime_value"] >= threshold) for row in rows)
    assert 0.05 < sum(row["high_value"] for row in rows) / CUSTOMERS < 0.15


def test_days_change_for_every_customer_who_did_not_buy(builds: dict[str, Any]) -> None:
    before, after = builds[JANUARY].rows, builds[FEBRUARY].rows
    still = [k for k, row in before.items() if row["order_count"] == after[k]["order_count"]]
    assert len(still) == CUSTOMERS - 1_551
    moving = ["as_of", "recency_days"]
    assert all(before[name][column] != after[name][column] for name in still for column in moving)


@pytest.mark.parametrize("name", PURCHASE)
@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_purchase_parameters_are_the_most_likely_ones(name: str, factor: float) -> None:
    known = list(reference("1997-09-30").values())
    moved = {**settings(), name: settings()[name] * factor}
    assert purchase_likelihood(known, moved) < purchase_likelihood(known, settings())


@pytest.mark.parametrize("name", SPEND)
@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_spend_parameters_are_the_most_likely_ones(name: str, factor: float) -> None:
    known = list(reference("1997-09-30").values())
    moved = {**settings(), name: settings()[name] * factor}
    assert spend_likelihood(known, moved) < spend_likelihood(known, settings())
