"""Large models, floats that wobble, and everything around a run that must not change a plan."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import duckdb
from warehouse_models import ask, of_postgres

from tailrace.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from sync_world import World

    from tailrace.demo.temporary_postgres import TemporaryPostgres

ROWS = 1_000_000


def test_of_a_million_rows_exactly_those_that_changed_are_sent(bulk: World) -> None:
    bulk.declare(backfill="skip")
    bulk.people(ROWS)
    first = bulk.run(compared=False)
    assert (first.code, first.requests, first.counts.scanned) == (0, 0, ROWS)
    bulk.sql("update people set level = 'high' where substr(person_id, 2)::int % 100 = 7")
    ended = bulk.run(compared=False)
    assert (ended.code, ended.counts.changed, ended.counts.accepted) == (0, 10_000, 10_000)
    assert ended.requests == 10
    delivered = bulk.delivered()
    assert len(delivered) == 10_000
    assert {record["level"] for record in delivered.values()} == {"high"}
    assert bulk.run(compared=False).requests == 0


AVERAGES = "select 'p' || g as person_id, avg(x) as level from noise group by g"


def test_an_average_that_is_computed_again_in_duckdb_is_no_change(api: World) -> None:
    api.declare(backfill="skip", fields={"person_id": "person_id", "level": "level"})
    path = api.folder / "people.duckdb"

    def build(order: str) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute("set threads to 4")
            connection.execute(
                "create or replace table noise as select i % 500 as g, "
                "sin(i) * 1e6 + i / 7.0 as x from range(400000) as t(i)" + order
            )
            connection.execute(f"create or replace table people as {AVERAGES}")

    build("")
    bits = set()
    for order in ("", " order by hash(i)", " order by i desc"):
        build(order)
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute("select level from people order by person_id").fetchall()
        bits.add(tuple(value for (value,) in rows))
        ended = api.run(compared=False)
        assert (ended.code, ended.requests) == (0, 0)
        assert ended.counts.changed == 0
    assert len(bits) > 1, "the sums were equal to the last bit, so that this has shown nothing"


def test_a_sum_that_is_computed_again_in_postgres_is_no_change(
    api: World, postgres: TemporaryPostgres
) -> None:
    """Of rows that lie in another order each time, so that the sums differ in their last bits."""
    fields: dict[str, Any] = {"person_id": "person_id", "level": "level"}
    of_postgres(api, postgres, backfill="skip", fields=fields)

    def build(order: str) -> list[tuple[str, bytes]]:
        """The groups, and their sums to the last bit."""
        ask(
            postgres,
            "drop table if exists people, noise",
            "create table noise as select i % 200 as g, sin(i) * 1e6 + i / 7.0::float8 as x "
            f"from generate_series(1, 100000) as t(i) order by {order}",
            "create table people as select 'p' || g as person_id, sum(x) as level from noise "
            "group by g",
        )
        rows = ask(postgres, "select person_id, float8send(level) from people order by person_id")
        return [(key, bytes(bits)) for key, bits in rows]

    builds = []
    for order in ("i", "i desc", "md5(i::text)", "reverse(i::text)"):
        builds.append(build(order))
        ended = api.run(compared=False)
        assert (ended.code, ended.requests, ended.counts.changed) == (0, 0, 0)
        assert ended.counts.scanned == 200
    for earlier, later in itertools.pairwise(builds):
        assert sum(a != b for a, b in zip(earlier, later, strict=True)) > 20
    # Compared by every digit they are changes: that they are not is no accident.
    api.declare(fields={**fields, "level": {"column": "level", "digits": "exact"}})
    assert api.run(compared=False).code == 0
    build("i")
    assert api.project().plan("people").counts["changed"] > 20


def test_nothing_around_a_plan_changes_its_fingerprint(api: World) -> None:
    api.people(2000)

    def fingerprint(**variables: str) -> str:
        command = [sys.executable, "-m", "tailrace.cli", "plan", "--json", "--project"]
        ended = subprocess.run(
            [*command, str(api.folder)],
            env={**os.environ, **api.environment, **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        found: str = json.loads(ended.stdout)["plan_fingerprint"]
        return found

    first = fingerprint()
    for variables in ({"TZ": "Asia/Kathmandu"}, {"LC_ALL": "C"}, {"LC_ALL": "tr_TR.UTF-8"}):
        assert fingerprint(**variables) == first
    for order in ("person_id desc", "hash(note)", "note"):
        api.declare(model={"sql": f"select * from people order by {order}"})
        assert fingerprint() == first
    api.sql("update people set level = 'high' where person_id = 'p1'")
    assert fingerprint() != first


def test_the_number_of_threads_changes_no_fingerprint(
    api: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.people(200_000)
    connect = duckdb.connect
    found = set()
    for threads in (1, 4):

        def with_threads(*given: Any, threads: int = threads, **options: Any) -> Any:
            config = {**options.pop("config", {}), "threads": threads}
            return connect(*given, config=config, **options)

        monkeypatch.setattr(duckdb, "connect", with_threads)
        found.add(api.project().plan("people").plan_fingerprint)
    assert len(found) == 1


def test_a_query_that_outlasts_the_lease_is_not_fenced(
    api: World, postgres: TemporaryPostgres, timing: Callable[..., None]
) -> None:
    lease_s = 2.0
    timing(lease_s=lease_s, send_window_s=1)
    slow = (
        "select 'p' || i as person_id, 'low' as level, 'n'::text || pg_sleep(0.1)::text as note "
        "from generate_series(1, 45) as t(i)"
    )
    of_postgres(api, postgres, model={"sql": slow})
    project = api.project()
    ends: list[Any] = []
    began = time.monotonic()
    runner = threading.Thread(target=lambda: ends.append(project.run("people")))
    runner.start()
    busy = 0
    while runner.is_alive() and time.monotonic() - began < 60:
        runner.join(lease_s / 2)
        if not runner.is_alive():
            break
        try:
            api.project().reset("people")
        except Busy:
            busy += 1
    runner.join(60)
    assert time.monotonic() - began > 2 * lease_s
    assert [report.status for report in ends] == ["done"]
    assert busy >= 2, "somebody else could take the lease while the query ran"
    assert len(api.delivered()) == 45
