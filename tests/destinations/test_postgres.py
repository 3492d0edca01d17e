"""A PostgreSQL table as the destination: the questions of the contract, put to a real server.

The model is in DuckDB, the table in a server of the tests' own. What the table holds is read with
plain SQL, by nothing of Tailrace.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from vendor_project import ModelProject

from tailrace import TailraceError
from tailrace.demo.temporary_postgres import TemporaryPostgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tailrace import RunReport

PASSWORDS: list[str] = []
COLUMNS = "id varchar, level varchar, note varchar"


@pytest.fixture(scope="module")
def server() -> Iterator[TemporaryPostgres]:
    with TemporaryPostgres("crm") as running:
        PASSWORDS.append(running.dsn.split(":")[2].split("@")[0])
        yield running


class Table(ModelProject):
    """A project that syncs the model `people` to the table `crm.people`."""

    def __init__(self, folder: Path, server: TemporaryPostgres) -> None:
        self.server = server
        connection = {"type": "postgres", "dsn": "${env:CRM}"}
        sync = {
            "key": "id",
            "object": "crm.people",
            "match": "id",
            "fields": {"id": "id", "level": "level", "note": "note"},
        }
        super().__init__(folder, connection, sync, COLUMNS, {"CRM": server.dsn})
        self.ask("drop schema if exists crm cascade", "create schema crm")
        self.make("id text primary key, level text, note text")

    def make(self, columns: str) -> None:
        """Make the table anew."""
        self.ask("drop table if exists crm.people", f"create table crm.people ({columns})")

    def map(self, *names: str, **fields: Any) -> None:
        """Map columns to fields of their names."""
        self.declare(fields={**{name: name for name in names}, **fields})

    def people(self, count: int, *, first: int = 0) -> None:
        self.sql(
            "insert into people select 'p' || i, 'low', 'note ' || i "
            f"from range({first}, {first + count}) as t(i)"
        )

    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        opened = contextlib.closing(psycopg2.connect(self.server.dsn))
        with opened as connection, connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def rows(self, what: str = "*", rest: str = "order by id") -> list[tuple[Any, ...]]:
        return self.ask(f"select {what} from crm.people {rest}")

    def ends(self, **options: Any) -> tuple[int, RunReport]:
        """Exit code and report; no password shows."""
        report, error = self.run(**options)
        assert report is not None, error
        assert not [one for one in PASSWORDS if one in f"{error} {json.dumps(report.to_dict())}"]
        return (0 if error is None else error.exit_code), report

    def check(self) -> list[str]:
        return [problem.message for problem in self.project().check("people")]


@pytest.fixture
def table(tmp_path: Path, server: TemporaryPostgres) -> Table:
    return Table(tmp_path, server)


def rejected(table: Table) -> dict[str, tuple[str, str]]:
    return {one["key"]: (one["code"], one["message"]) for one in table.project().rejected("people")}


# -- what is written -------------------------------------------------------------------------------


def test_of_an_empty_model_nothing_is_asked(table: Table) -> None:
    code, report = table.ends()
    assert (code, report.http.requests) == (0, 0)


@pytest.mark.parametrize(("rows", "requests"), [(1, 1), (10_000, 1), (10_001, 2), (25_000, 3)])
def test_calls_are_as_few_as_ten_thousand_rows_each_allow(
    table: Table, rows: int, requests: int
) -> None:
    table.people(rows)
    code, report = table.ends()
    # One asks for the table's columns.
    assert (code, report.http.requests, report.counts.accepted) == (0, 1 + requests, rows)
    assert table.rows("count(*), count(distinct id)", "") == [(rows, rows)]
    code, report = table.ends()
    assert (code, report.http.requests, report.counts.unchanged) == (0, 0, rows)


def test_a_request_is_no_longer_than_eight_megabytes(table: Table) -> None:
    table.sql(
        "insert into people select 'p' || i, 'low', repeat('x', 100000) from range(200) as t(i)"
    )
    code, report = table.ends()
    assert (code, report.counts.accepted) == (0, 200)
    assert 3 <= report.http.requests <= 4
    assert table.rows("count(*), min(length(note))", "") == [(200, 100_000)]


def test_a_mirror_inserts_updates_and_deletes(table: Table) -> None:
    table.declare(mode="mirror")
    table.ask("insert into crm.people values ('p3', 'by hand', 'x'), ('other', 'stays', 'x')")
    table.people(20)
    assert table.ends()[0] == 0
    table.sql("update people set level = 'high', note = null where id in ('p1', 'p2')")
    table.sql("delete from people where id = 'p5'")
    table.people(1, first=50)
    code, report = table.ends()
    assert (code, report.http.requests) == (0, 2), "one for each operation"
    assert (report.counts.changed, report.counts.added, report.counts.removed) == (2, 1, 1)
    found = {one[0]: one[1:] for one in table.rows()}
    assert len(found) == 21
    assert found["p1"] == ("high", None)
    assert found["p3"] == ("low", "note 3")
    assert found["other"] == ("stays", "x")
    assert "p5" not in found
    told = table.project().verify("people")
    assert (told.equal, told.different, told.missing, told.extra) == (20, 0, 0, 0)
    table.ask("update crm.people set level = 'other' where id = 'p7'")
    table.ask("delete from crm.people where id = 'p8'")
    told = table.project().verify("people")
    assert (told.equal, told.different, told.missing) == (18, 1, 1)


def test_an_update_passes_over_what_is_not_there(table: Table) -> None:
    table.declare(mode="update")
    table.ask("insert into crm.people values ('p1', 'old', 'x')")
    table.people(3)
    code, report = table.ends()
    assert (code, report.counts.accepted, report.counts.skipped) == (0, 1, 2)
    assert table.rows() == [("p1", "low", "note 1")]


def test_an_insert_is_refused_by_a_record_that_is_there(table: Table) -> None:
    table.declare(mode="insert", backfill="send", tolerate={"rejected": 1})
    table.ask("insert into crm.people values ('p1', 'old', 'x')")
    table.people(3)
    code, report = table.ends()
    assert (code, report.counts.accepted, report.counts.rejected) == (0, 2, 1)
    assert rejected(table)["p1"][0] == "exists"
    assert table.rows("id, level") == [("p0", "low"), ("p1", "old"), ("p2", "low")]


def test_rows_are_appended_to_a_table_without_a_unique_column(table: Table) -> None:
    table.make("id text, level text, note text, at timestamptz default now()")
    table.declare(mode="append", backfill="send")
    table.people(3)
    assert table.ends()[0] == 0
    table.sql("update people set level = 'high' where id = 'p1'")
    code, report = table.ends()
    assert (code, report.counts.accepted) == (0, 1)
    assert [one[:2] for one in table.rows("id, level", "order by id, at")] == [
        ("p0", "low"),
        ("p1", "low"),
        ("p1", "high"),
        ("p2", "low"),
    ]


def test_removed_rows_are_emptied_where_that_is_asked_for(table: Table) -> None:
    table.declare(on_removed="clear")
    table.people(30)
    assert table.ends()[0] == 0
    table.sql("delete from people where id in ('p1', 'p2')")
    table.ask("delete from crm.people where id = 'p2'")
    code, report = table.ends()
    assert (code, report.counts.accepted) == (0, 2)
    assert table.rows("*", "where id in ('p1', 'p2')") == [("p1", None, None)]


def test_what_is_not_sent_stays_and_new_records_have_the_default(table: Table) -> None:
    table.make("id text primary key, level text not null default 'new', note text")
    table.map("id", "note", level={"column": "level", "nulls": "keep"})
    table.ask("insert into crm.people values ('p0', 'mine', 'x')")
    table.sql("insert into people values ('p0', null, 'a'), ('p1', null, 'b'), ('p2', 'c', 'd')")
    code, report = table.ends()
    assert (code, report.http.requests) == (0, 1 + 1)
    assert table.rows() == [("p0", "mine", "a"), ("p1", "new", "b"), ("p2", "c", "d")]


def test_changed_fields_alone_are_sent_where_that_is_asked_for(table: Table) -> None:
    table.declare(send="changed_fields")
    table.people(5)
    assert table.ends()[0] == 0
    table.ask("update crm.people set note = 'by hand'")
    table.sql("update people set level = 'high' where id in ('p1', 'p2')")
    assert table.ends()[0] == 0
    assert table.rows("level, note", "where id = 'p1'") == [("high", "by hand")]


def test_values_arrive_as_the_columns_types(table: Table) -> None:
    table.make(
        "id bigint primary key, amount numeric, ratio float8, flag boolean, day date, "
        "moment timestamp, instant timestamptz, doc jsonb, note text, raw bytea, one uuid"
    )
    table.sql("drop table people")
    table.sql(
        "create table people as select 9223372036854775807::bigint as id, "
        "'12345678901234567890.123456789'::decimal(38, 9) as amount, 0.1::double as ratio, "
        "true as flag, date '2024-02-29' as day, timestamp '2024-02-29 23:59:59.123456' as moment, "
        "timestamptz '2024-02-29 23:59:59.123456+02' as instant, "
        "'{\"a\": [1, null]}'::json as doc, "
        "'tab\t, line\n, \\ and Ωmega 🎈' as note, 'raw'::blob as raw, "
        "'11111111-2222-3333-4444-555555555555'::uuid as one"
    )
    names = [
        "id",
        "amount",
        "ratio",
        "flag",
        "day",
        "moment",
        "instant",
        "doc",
        "note",
        "raw",
        "one",
    ]
    table.map(*names)
    assert table.check() == []
    assert table.ends()[0] == 0
    ((*values,),) = table.rows()
    assert values[:3] == [9223372036854775807, Decimal("12345678901234567890.123456789"), 0.1]
    assert values[3:5] == [True, dt.date(2024, 2, 29)]
    assert values[5] == dt.datetime(2024, 2, 29, 23, 59, 59, 123456)  # noqa: DTZ001
    assert values[6].astimezone(dt.timezone.utc).hour == 21
    assert values[7:9] == [{"a": [1, None]}, "tab\t, line\n, \\ and Ωmega 🎈"]
    assert bytes(values[9]) == b"raw"
    told = table.project().verify("people")
    assert (told.equal, told.different) == (1, 0)


def test_names_may_be_anything_that_the_server_takes(table: Table) -> None:
    table.ask('create table crm."People; drop --" ("the id" text primary key, "a""b" text)')
    table.declare(object="crm.People; drop --", match="the id")
    table.declare(fields={"the id": "id", 'a"b': "level"})
    table.people(2)
    assert table.ends()[0] == 0
    assert table.ask('select "the id", "a""b" from crm."People; drop --" order by 1') == [
        ("p0", "low"),
        ("p1", "low"),
    ]


# -- rows that are refused -------------------------------------------------------------------------


def test_the_row_that_is_at_fault_is_refused_alone(table: Table) -> None:
    table.make("id text primary key, level int check (level < 1000), note varchar(10) unique")
    table.declare(tolerate={"rejected": 10})
    table.sql("insert into people select 'p' || i, i, 'n' || i from range(900) as t(i)")
    table.sql("update people set level = 'many' where id = 'p10'")
    table.sql("update people set level = '5000' where id = 'p20'")
    table.sql("update people set note = 'longer than ten' where id = 'p30'")
    table.ask("insert into crm.people values ('other', 1, 'n40')")
    code, report = table.ends()
    assert (code, report.counts.accepted, report.counts.rejected) == (0, 896, 4)
    refused = rejected(table)
    codes = {key: one[0] for key, one in refused.items()}
    assert codes == {"p10": "22P02", "p20": "23514", "p30": "22001", "p40": "23505"}
    assert "n40" in refused["p40"][1]
    # Two that COPY names, two that the batch is halved down to: 2 * ceil(log2 n) + 1 each.
    assert report.http.requests <= 3 + 2 * 21
    code, report = table.ends()
    assert (code, report.http.requests) == (0, 0), "held back until they change"


def test_two_values_that_are_one_for_the_column_are_both_refused(table: Table) -> None:
    table.make("id numeric primary key, level text, note text")
    table.declare(tolerate={"rejected": 2})
    table.sql("insert into people values ('1', 'a', ''), ('1.0', 'b', ''), ('2', 'c', '')")
    code, report = table.ends()
    assert (code, report.counts.accepted, report.counts.rejected) == (0, 1, 2)
    assert {one[0] for one in rejected(table).values()} == {"same_record"}
    assert table.rows("level", "") == [("c",)]


def test_a_row_that_a_trigger_drops_is_not_taken_for_written(table: Table) -> None:
    table.ask(
        "create or replace function crm.drop_it() returns trigger language plpgsql as "
        "'begin return case when new.id = ''p1'' then null else new end; end'",
        "create trigger drop_it before insert or update on crm.people "
        "for each row execute function crm.drop_it()",
    )
    table.declare(tolerate={"rejected": 1})
    table.people(3)
    code, report = table.ends()
    assert (code, report.counts.accepted, report.counts.rejected) == (0, 2, 1)
    assert rejected(table)["p1"][0] == "not_taken"


# -- what stops a run ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["upsert", "update", "mirror"])
def test_a_match_column_that_is_not_unique_stops_before_anything_is_written(
    table: Table, mode: str
) -> None:
    table.make("id text, level text, note text")
    table.ask("insert into crm.people values ('p0', 'one', ''), ('p0', 'two', '')")
    table.declare(mode=mode)
    table.people(3)
    code, report = table.ends()
    assert code == 2
    assert "crm.people.id is not unique" in report.message
    assert table.rows("level", "order by level") == [("one",), ("two",)]
    assert any("is not unique" in message for message in table.check())


def test_a_unique_index_that_is_gone_stops_a_later_run(table: Table) -> None:
    table.people(1)
    assert table.ends()[0] == 0
    table.ask("alter table crm.people drop constraint people_pkey")
    table.people(3)
    code, report = table.ends()
    assert (code, report.counts.accepted) == (2, 0)
    assert "no unique index" in report.message


def test_an_unknown_table_is_told_with_the_nearest_name(table: Table) -> None:
    table.declare(object="crm.peple")
    table.people(1)
    (message,) = table.check()
    assert "no table 'crm.peple'" in message
    assert "crm.people" in message
    code, report = table.ends()
    assert (code, "peple" in report.message) == (2, True)


def test_a_check_counts_what_cannot_fit(table: Table) -> None:
    table.make("id text primary key, level varchar(3), note int, extra int not null")
    table.people(4)
    table.sql("update people set level = 'higher'")
    messages = "\n".join(table.check())
    assert "level takes at most 3 characters: 4 rows" in messages
    assert "note takes whole numbers: 4 rows" in messages
    assert "requires the field 'extra'" in messages
    table.map("id", "level", nte="note")
    assert any("no field 'nte'" in one and "note" in one for one in table.check())
    assert table.rows() == []


def test_missing_rights_are_explained(table: Table) -> None:
    table.ask(
        "drop role if exists reader",
        "create role reader login password 'canary-55'",
        "grant usage on schema crm to reader",
        "grant select on crm.people to reader",
    )
    PASSWORDS.append("canary-55")
    host = table.server.dsn.partition("@")[2]
    table.connect(dsn=f"postgresql://reader:canary-55@{host}")
    table.people(1)
    code, report = table.ends()
    assert code == 2
    assert "Grant the login" in report.message
    table.connect(dsn=f"postgresql://reader:wrong@{host}")
    code, report = table.ends()
    assert (code, "28P01" in report.message) == (2, True)


def test_a_bad_dsn_quotes_nothing_of_itself(table: Table) -> None:
    table.connect(dsn="postgresql://me:canary%zz@host/db")
    with pytest.raises(TailraceError) as told:
        table.project().run("people")
    assert told.value.exit_code == 2
    assert "canary" not in str(told.value)


# -- servers and processes that die ----------------------------------------------------------------


def kill_writers(table: Table, done: threading.Event, killed: list[int]) -> None:
    """Ends two sessions that write, one after the other."""
    while len(killed) < 2 and not done.is_set():
        killed += [
            pid
            for (pid, _) in table.ask(
                "select pid, pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name like 'tailrace%' and state = 'active' limit 1"
            )
        ]
        time.sleep(0.02)


def test_sessions_that_are_killed_cost_no_row(table: Table) -> None:
    table.people(40_000)
    done = threading.Event()
    killed: list[int] = []
    killer = threading.Thread(target=kill_writers, args=(table, done, killed))
    killer.start()
    code, report = table.ends()
    done.set()
    killer.join()
    for _ in range(3):
        if code == 0:
            break
        code, report = table.ends()
    assert code == 0, report.message
    assert killed
    assert table.rows("count(*), count(distinct id)", "") == [(40_000, 40_000)]


def test_an_insert_whose_answer_is_lost_is_read_back(
    table: Table, timing: Callable[..., None]
) -> None:
    """The session dies while it commits."""
    timing(quiet_s=0)
    table.connect(timeout="2s")
    table.ask(
        "create or replace function crm.die() returns trigger language plpgsql as "
        "'begin perform pg_terminate_backend(pg_backend_pid()); return null; end'",
        "create constraint trigger die after insert on crm.people deferrable initially deferred "
        "for each row when (new.id = ''p1'') execute function crm.die()".replace("''", "'"),
    )
    table.declare(mode="insert", backfill="send", insert_safety="read_back")
    table.people(3)
    code, report = table.ends()
    assert (code, report.counts.accepted) == (5, 0), report.message
    table.ask("drop trigger die on crm.people")
    until = time.monotonic() + 60
    while code == 5 and time.monotonic() < until:
        code, report = table.ends()
    assert code == 0, report.message
    assert table.rows("id") == [("p0",), ("p1",), ("p2",)]


def test_deadlocks_with_others_are_tried_again(table: Table) -> None:
    table.people(2_000)
    assert table.ends()[0] == 0
    done = threading.Event()

    def others() -> None:
        with contextlib.closing(psycopg2.connect(table.server.dsn)) as connection:
            while not done.is_set():
                deadlock = contextlib.suppress(psycopg2.errors.DeadlockDetected)
                with deadlock, connection, connection.cursor() as cursor:
                    for number in (1999, 0):
                        cursor.execute(
                            "update crm.people set note = 'x' where id = %s", (f"p{number}",)
                        )

    thread = threading.Thread(target=others)
    thread.start()
    try:
        for level in ("a", "b", "c"):
            table.sql(f"update people set level = '{level}'")
            code, report = table.ends()
            assert code == 0, report.message
    finally:
        done.set()
        thread.join()
    assert table.rows("distinct level", "") == [("c",)]


def test_a_plan_sends_what_it_says_and_a_trace_shows_no_login(table: Table, tmp_path: Path) -> None:
    table.people(12_000)
    plan = table.project().plan("people")
    assert plan.requests == 2
    trace = tmp_path / "trace.jsonl"
    code, _ = table.ends(trace=trace, trace_bodies=True)
    assert code == 0
    text = trace.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [one["status"] for one in lines] == [200, 200]
    assert all("/upsert" in one["url"] for one in lines)
    assert not [one for one in PASSWORDS if one in text]
