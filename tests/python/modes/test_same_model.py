"""A model that says the same is no change, whatever surrounds it and however it is written down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from warehouse_models import ROWS, DuckDbModel, PostgresModel

if TYPE_CHECKING:
    from pathlib import Path

    from sync_world import World
    from warehouse_models import WarehouseModel

    from tailrace.demo.temporary_postgres import TemporaryPostgres

SESSIONS = {
    "time zone": ("timezone = 'Asia/Kathmandu'",),
    "styles": (
        *("datestyle = 'German, DMY'", "intervalstyle = 'sql_standard'"),
        *("bytea_output = 'escape'", "extra_float_digits = -6"),
    ),
    "locale": ("lc_numeric = 'comma'", "lc_monetary = 'C'", "lc_time = 'C'"),
    "client": ("client_encoding = 'LATIN9'", "standard_conforming_strings = off"),
    "parallel": (
        *("max_parallel_workers_per_gather = 4", "min_parallel_table_scan_size = 0"),
        *("parallel_setup_cost = 0", "parallel_tuple_cost = 0"),
    ),
}
SHOWN = ("time zone", "styles")
CLIENTS = {
    "time zone": {"TZ": "Asia/Kathmandu", "PGTZ": "America/St_Johns"},
    "styles": {
        "PGDATESTYLE": "German",
        "PGOPTIONS": "-c extra_float_digits=-6 -c intervalstyle=sql_standard",
    },
    "locale": {"LC_ALL": "comma", "LANG": "comma", "TZ": "UTC"},
    "plain": {"LC_ALL": "C", "TZ": "Pacific/Apia"},
}
# As a program that takes its locale from the environment: Python itself does not for numbers.
LOCALISED = """
import locale, sys
locale.setlocale(locale.LC_ALL, "")
if "comma" in locale.setlocale(locale.LC_NUMERIC):
    assert locale.str(1.5) == "1,5"
from tailrace.cli.main import main
main()
"""


@pytest.fixture(params=["duckdb", "postgres"])
def model(request: pytest.FixtureRequest, api: World) -> WarehouseModel:
    """The model of a world, in either warehouse."""
    if request.param == "duckdb":
        return DuckDbModel(api)
    return PostgresModel(api, request.getfixturevalue("postgres"))


def assert_same(world: World, fingerprint: str) -> None:
    """Nothing has changed, and all rows have the versions that they had."""
    ended = world.run(compared=False)
    assert ended.error is None, ended.error
    assert (ended.requests, ended.counts.unchanged) == (0, ROWS)
    again = world.project().plan("people", full_refresh=True)
    assert again.counts["changed"] == ROWS
    assert again.plan_fingerprint == fingerprint


def baseline(model: WarehouseModel) -> str:
    """The fingerprint of all rows once they are delivered."""
    model.make_typed()
    ended = model.world.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, ROWS)
    return model.world.project().plan("people", full_refresh=True).plan_fingerprint


@pytest.mark.parametrize("owner", ["role", "database"])
def test_settings_of_a_session_change_no_version(
    owner: str, api: World, postgres: TemporaryPostgres
) -> None:
    model = PostgresModel(api, postgres)
    first = baseline(model)
    with model.session(owner) as plain:
        pass
    for name, settings in SESSIONS.items():
        with model.session(owner, *settings) as shown:
            # The server would write other texts, were it not asked for the plain ones.
            assert (shown != plain) == (name in SHOWN), name
            assert_same(api, first)


def test_a_model_that_is_written_anew_in_another_order_has_the_same_versions(
    model: WarehouseModel,
) -> None:
    first = baseline(model)
    for order in ("md5(person_id)", "day desc", "length(note), person_id"):
        model.rewrite(order)
        assert_same(model.world, first)
    if isinstance(model, PostgresModel):
        before = model.found()
        model.ask("create index by_key on people (person_id)", "cluster people using by_key")
        assert before != model.found()
        assert_same(model.world, first)
    key = model.found()[0][0]
    later = "moment = moment + interval '1 microsecond'"
    model.ask(f"update people set {later} where person_id = '{key}'")
    changed = model.world.project().plan("people")
    assert changed.counts["changed"] == 1


def test_time_zone_and_locale_of_a_process_change_no_version(
    model: WarehouseModel, comma_locale: Path
) -> None:
    first = baseline(model)
    command = [sys.executable, "-c", LOCALISED, "plan", "--full-refresh", "--json", "--project"]

    def plan(variables: dict[str, str]) -> Any:
        ended = subprocess.run(
            [*command, str(model.world.folder)],
            env={
                **os.environ,
                **model.world.environment,
                "LOCPATH": str(comma_locale),
                **variables,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(ended.stdout)

    for variables in CLIENTS.values():
        assert plan(variables)["plan_fingerprint"] == first


@pytest.mark.parametrize("by", ["table", "query"])
def test_columns_in_another_order_and_columns_that_no_field_maps_are_no_change(
    by: str, model: WarehouseModel
) -> None:
    world = model.world
    sql = "select i::varchar as person_id, 'low' as level, 'n' || i as note from generate_series"
    model.ask("drop table if exists people", f"create table people as {sql}(1, {ROWS}) as t(i)")
    named = {"table": "people"} if by == "table" else {"sql": "select * from people"}
    world.declare(model=named, mode="mirror")
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (0, ROWS)
    first = world.project().plan("people", full_refresh=True).plan_fingerprint
    model.rewrite("person_id desc", "note, 7 as rank, level, now() as built_at, person_id")
    assert_same(world, first)
    model.rewrite("person_id", "built_at, person_id, note, level")
    fields = world.sync["fields"]
    world.declare(fields={name: fields[name] for name in reversed(list(fields))})
    assert_same(world, first)
