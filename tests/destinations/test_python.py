"""Functions as destinations: what they get, what they say, and what becomes of it."""

from __future__ import annotations

import json
import threading
import time
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import duckdb
import pytest
from python_destination import push

import tailrace
from tailrace import Batch, BatchRefused, ConfigError, Outcome, Project, TryLater, destination
from tailrace.errors import Cancelled, RejectedRows, TailraceError, Unfinished
from tailrace.functions.rows import dicts, read_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "canary-61b2ee70"


class Tool:
    """What the functions below write to; `calls` are the batches that came."""

    def __init__(self) -> None:
        self.calls: list[Batch] = []
        self.records: dict[str, dict[str, Any]] = {}
        self.answers: list[Any] = []
        self.let_go = threading.Event()

    def take(self, batch: Batch) -> Any:
        self.calls.append(batch)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            return answer(batch)
        for match, row in zip(batch.matches, batch.rows, strict=True):
            if batch.operation == "delete":
                self.records.pop(match, None)
            else:
                self.records[match] = row
        return answer


TOOL = Tool()


@destination(batch_rows=10, operations=("upsert", "update", "insert", "delete"))
def keep(batch: Batch) -> Any:
    return TOOL.take(batch)


@destination(batch_rows=10, operations=["insert"], idempotency=3600)
def keep_once(batch: Batch) -> Any:
    return TOOL.take(batch)


@destination(batch_rows=10, operations=("upsert", "delete"), rows="arrow")
def keep_tables(batch: Batch) -> None:
    TOOL.calls.append(batch)


@pytest.fixture
def tool() -> Iterator[Tool]:
    TOOL.__init__()  # type: ignore[misc]
    yield TOOL
    TOOL.let_go.set()


class Shop:
    """Runs of a sync to a function, without a project's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection: dict[str, Any] = keep.connection(options={"token": "${env:TOKEN}"})
        self.sync: dict[str, Any] = {
            "name": "people",
            "source": "warehouse",
            "model": {"table": "people"},
            "key": "id",
            "destination": "tool",
            "object": "people",
            "match": "id",
            "fields": {"id": "id", "level": "level"},
        }
        self.sql("create table people (id text, level text)")

    def sql(self, statement: str, *parameters: Any) -> None:
        with duckdb.connect(str(self.folder / "w.duckdb")) as connection:
            connection.execute(statement, list(parameters))

    def people(self, count: int) -> None:
        self.sql("insert into people select 'p' || i, 'low' from range(?) t(i)", count)

    def run(self, **options: Any) -> tailrace.RunReport:
        connections = {
            "warehouse": {"type": "duckdb", "path": "w.duckdb"},
            "tool": self.connection,
        }
        return tailrace.run(
            self.sync,
            connections=connections,
            directory=self.folder,
            env={"TOKEN": SECRET},
            **options,
        )

    def fails(self, kind: type[TailraceError], **options: Any) -> TailraceError:
        with pytest.raises(kind) as caught:
            self.run(**options)
        assert SECRET not in f"{caught.value} {caught.value.report}"
        return caught.value


@pytest.fixture
def shop(tmp_path: Path, tool: Tool) -> Shop:
    return Shop(tmp_path)


# -- what it gets ----------------------------------------------------------------------------------


def test_rows_come_in_batches_and_only_those_that_changed(shop: Shop, tool: Tool) -> None:
    shop.people(25)
    report = shop.run()
    assert (report.counts.accepted, report.http.requests) == (25, 3)
    assert [len(one) for one in tool.calls] == [10, 10, 5]
    first = tool.calls[0]
    assert (first.operation, first.object, first.match, first.attempt) == (
        *("upsert", "people", "id"),
        1,
    )
    assert first.options == {"token": SECRET}
    assert SECRET not in repr(first)
    assert first.keys == first.matches == [row["id"] for row in first.rows]
    assert first.fields == {"id": "text", "level": "text"}
    shop.sql("update people set level = 'high' where id = 'p3'")
    assert shop.run().counts.changed == 1
    assert tool.calls[-1].rows == [{"id": "p3", "level": "high"}]
    assert len(tool.calls) == 4
    shop.run()
    assert len(tool.calls) == 4


def test_values_are_those_of_python(shop: Shop, tool: Tool) -> None:
    shop.sql(
        "create or replace table people as select 'p' as id, 9007199254740993::bigint as big,"
        " '1234567890123456789012345678.0123456789'::decimal(38, 10) as amount,"
        " 0.1::double as ratio, true as flag, '2024-02-29'::date as day,"
        " '2024-02-29 12:34:56.789012'::timestamp as moment,"
        " '2024-02-29 12:34:56.5+02'::timestamptz as instant,"
        " null::int as nothing"
    )
    names = ("id", "big", "amount", "ratio", "flag", "day", "moment", "instant", "nothing")
    shop.sync["fields"] = {name: name for name in names}
    shop.run()
    (row,) = tool.calls[0].rows
    assert row == {
        "id": "p",
        "big": 9007199254740993,
        "amount": Decimal("1234567890123456789012345678.0123456789"),
        "ratio": 0.1,
        "flag": True,
        "day": date(2024, 2, 29),
        "moment": datetime(2024, 2, 29, 12, 34, 56, 789012),  # noqa: DTZ001  (it has no zone)
        "instant": datetime(2024, 2, 29, 10, 34, 56, 500000, tzinfo=timezone.utc),
        "nothing": None,
    }
    assert isinstance(row["ratio"], float)
    assert isinstance(row["big"], int)


def test_values_of_types_that_postgres_tells() -> None:
    mark = "6f1c8a0e-0b1c-4f39-9d6e-8f3f1a2b3c4d"
    row = {"mark": mark, "inner": {"a": [1]}, "at": "2024-02-29T10:34:56.5Z", "day": "infinity"}
    kinds = [["mark", "uuid"], ["inner", "json"], ["at", "timestamptz"], ["day", "date"]]
    document = read_body(json.dumps({"fields": kinds, "rows": [row, None]}).encode())
    assert dicts(document) == [
        {
            "mark": UUID(mark),
            "inner": {"a": [1]},
            "at": datetime(2024, 2, 29, 10, 34, 56, 500000, tzinfo=timezone.utc),
            "day": "infinity",  # no date of Python's calendar
        },
        None,
    ]


def test_a_table_has_the_types_of_the_model(shop: Shop, tool: Tool) -> None:
    shop.connection = keep_tables.connection()
    shop.sql(
        "create or replace table people as select i::text as id, i as number,"
        " (i / 4)::decimal(9, 2) as amount, null::double as ratio, '2024-02-29'::date as day,"
        " '2024-02-29 12:34:56.5+02'::timestamptz as instant from range(3) t(i)"
    )
    names = ("id", "number", "amount", "ratio", "day", "instant")
    shop.sync.update(fields={name: name for name in names}, mode="mirror")
    shop.run()
    table = tool.calls[0].rows
    kinds = {name: str(table.schema.field(name).type) for name in names}
    assert kinds == {
        "id": "string",
        "number": "int64",
        "amount": "decimal128(2, 2)",
        "ratio": "double",
        "day": "date32[day]",
        "instant": "timestamp[us, tz=UTC]",
    }
    assert table.column("amount").to_pylist() == [Decimal(0), Decimal("0.25"), Decimal("0.50")]
    assert table.num_rows == len(tool.calls[0]) == 3
    shop.sql("delete from people where id = '1'")
    shop.run(allow_guard=["max_removed"])
    assert (tool.calls[-1].operation, tool.calls[-1].rows) == ("delete", None)


def test_a_field_that_keeps_on_null_is_not_there(shop: Shop, tool: Tool) -> None:
    shop.sync["fields"] = {"id": "id", "level": {"column": "level", "nulls": "keep"}}
    shop.sql("insert into people values ('a', null)")
    shop.run()
    assert tool.calls[0].rows == [{"id": "a"}]


def test_rows_that_left_are_named_and_taken_away(shop: Shop, tool: Tool) -> None:
    shop.sync["mode"] = "mirror"
    shop.people(20)
    shop.run()
    shop.sql("delete from people where id in ('p3', 'p4')")
    report = shop.run()
    assert (report.counts.removed, report.counts.accepted) == (2, 2)
    gone = tool.calls[-1]
    assert (gone.operation, sorted(gone.matches), gone.rows) == (
        *("delete", ["p3", "p4"]),
        [None, None],
    )
    assert len(tool.records) == 18


# -- what it says ----------------------------------------------------------------------------------


def test_an_outcome_a_row(shop: Shop, tool: Tool) -> None:
    shop.people(4)
    no = Outcome.rejected(f"not {SECRET}", code="odd", field="level")
    tool.answers = [[Outcome.accepted("7"), no, Outcome.accepted(), Outcome.unknown("lost")]]
    error = shop.fails(TailraceError)
    report = error.report
    assert report is not None
    assert report.counts.rejected == 1
    (row,) = report.rejected_sample
    assert (row.key, row.code, row.field, row.message) == ("p1", "odd", "level", "not ***")
    # The row that was unknown came again, alone.
    assert tool.calls[1].keys == ["p3"]
    assert tool.calls[1].attempt == 2
    assert report.counts.accepted == 3


def test_a_mapping_names_the_rows_that_were_not_accepted(shop: Shop, tool: Tool) -> None:
    shop.people(5)
    tool.answers = [{2: Outcome.rejected("no")}]
    error = shop.fails(RejectedRows)
    assert error.report is not None
    assert (error.report.counts.rejected, error.report.counts.accepted) == (1, 4)
    assert error.report.rejected_sample[0].key == "p2"


def test_an_update_of_what_is_not_there_passes_over_it(shop: Shop, tool: Tool) -> None:
    shop.sync["mode"] = "update"
    shop.people(3)
    tool.answers = [[Outcome.accepted(), Outcome.missing(), Outcome.accepted()]]
    report = shop.run()
    assert (report.counts.skipped, report.counts.accepted) == (1, 2)


WRONG: dict[str, Any] = {
    "a word": "ok",
    "a number": 3,
    "too few": [Outcome.accepted()],
    "true": [True, True, True],
    "no position": {9: Outcome.accepted()},
    "no outcome": {1: "bad"},
}


@pytest.mark.parametrize("returned", WRONG.values(), ids=WRONG)
def test_what_says_nothing_of_the_rows_ends_the_run(shop: Shop, tool: Tool, returned: Any) -> None:
    shop.people(3)
    tool.answers = [lambda _: returned]
    error = shop.fails(ConfigError)
    assert error.report is not None
    assert error.report.counts.accepted == 0
    assert len(tool.calls) == 1


def test_an_exception_leaves_every_row_unknown_and_they_come_again(shop: Shop, tool: Tool) -> None:
    shop.people(3)
    tool.answers = [OSError(f"connection reset by {SECRET}"), SystemExit("bye")]
    report = shop.run()
    assert report.counts.accepted == 3
    assert [one.attempt for one in tool.calls] == [1, 2, 3]
    assert len({one.idempotency_key for one in tool.calls}) == 1
    assert len({one.id for one in tool.calls}) == 3


def test_a_later_try_waits_as_long_as_it_says(shop: Shop, tool: Tool) -> None:
    shop.people(3)
    tool.answers = [TryLater("busy", after=0.3)]
    started = time.monotonic()
    report = shop.run()
    assert time.monotonic() - started >= 0.3
    assert (report.counts.accepted, report.http.rate_limited) == (3, 1)


def test_a_wait_beyond_the_run_ends_it_with_the_time_to_come_back(shop: Shop, tool: Tool) -> None:
    shop.people(3)
    tool.answers = [TryLater("spent", after=86_400)]
    error = shop.fails(Unfinished)
    assert error.exit_code == 6
    assert error.report is not None
    assert error.report.counts.not_attempted == 3


def test_a_refused_batch_is_halved_down_to_the_row(shop: Shop, tool: Tool) -> None:
    shop.people(8)

    def picky(batch: Batch) -> None:
        tool.answers.insert(0, picky)
        if "p5" in batch.keys:
            raise BatchRefused("p5 is odd", code="odd")

    tool.answers = [picky]
    error = shop.fails(RejectedRows)
    assert error.report is not None
    (row,) = error.report.rejected_sample
    assert (row.key, row.code, row.message) == ("p5", "odd", "p5 is odd")
    assert error.report.counts.accepted == 7


def test_a_mistake_of_the_set_up_ends_the_run(shop: Shop, tool: Tool) -> None:
    shop.people(25)
    tool.answers = [ConfigError("no such table")]
    error = shop.fails(ConfigError)
    assert "no such table" in str(error)
    # A call that was on its way when the first came to its end is the last one.
    assert len(tool.calls) <= 2


# -- inserts ---------------------------------------------------------------------------------------


def test_an_insert_that_broke_off_is_not_made_again(shop: Shop, tool: Tool) -> None:
    shop.sync["mode"] = "insert"
    shop.people(3)
    tool.answers = [RuntimeError("broke off")]
    error = shop.fails(Unfinished)
    assert error.report is not None
    assert error.report.counts.unknown == 3
    assert len(tool.calls) == 1


def test_an_insert_comes_again_under_the_key_that_the_function_honours(
    shop: Shop, tool: Tool
) -> None:
    shop.connection = keep_once.connection()
    shop.sync["mode"] = "insert"
    shop.people(3)
    tool.answers = [RuntimeError("broke off")]
    assert shop.run().counts.accepted == 3
    first, second = tool.calls
    assert first.idempotency_key == second.idempotency_key != ""
    assert first.keys == second.keys


# -- time ------------------------------------------------------------------------------------------


def test_a_function_that_takes_too_long_is_not_waited_for(shop: Shop, tool: Tool) -> None:
    shop.people(1)
    shop.sync["mode"] = "insert"
    shop.connection["timeout"] = "200ms"
    tool.answers = [lambda _: tool.let_go.wait(60) and None]
    error = shop.fails(Unfinished)
    assert error.report is not None
    assert error.report.counts.unknown == 1
    assert "no answer in time" in str(error)


def test_a_stop_does_not_wait_for_the_function(shop: Shop, tool: Tool) -> None:
    shop.people(30)
    tool.answers = [None, lambda _: tool.let_go.wait(60) and None]

    def look(_: object) -> None:
        if len(tool.calls) == 2:
            raise Cancelled("enough")

    started = time.monotonic()
    with pytest.raises(Cancelled):
        shop.run(progress=look)
    assert time.monotonic() - started < 30
    tool.let_go.set()
    report = shop.run()
    assert report.counts.accepted == 20
    assert len(tool.records) == 30


def test_batches_are_worked_on_at_once_where_the_connection_says_so(shop: Shop, tool: Tool) -> None:
    together = threading.Barrier(3)
    shop.people(30)
    shop.connection["max_in_flight"] = 3
    shop.connection["limits"] = [{"concurrent": 3}]
    tool.answers = [lambda _: together.wait(30) * 0 or None] * 3
    assert shop.run().counts.accepted == 30
    assert {thread.name for thread in threading.enumerate()} >= {threading.main_thread().name}


# -- finding it ------------------------------------------------------------------------------------

FILE = """\
import tailrace

@tailrace.destination(batch_rows={rows})
def send(batch):
    with open(batch.options["path"], "a") as file:
        file.write(f"{{len(batch)}}\\n")

def plain(batch):
    pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Project]:
    def make(function: str = "destinations/own.py:send", rows: int = 4, **sync: Any) -> Project:
        for name in ("destinations", "syncs"):
            (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / "destinations/own.py").write_text(FILE.format(rows=rows), encoding="utf-8")
        with duckdb.connect(str(tmp_path / "w.duckdb")) as warehouse:
            warehouse.execute(
                "create or replace table people as select i::text id from range(9) t(i)"
            )
        options = {"path": str(tmp_path / "sent")}
        connections = {
            "warehouse": {"type": "duckdb", "path": "w.duckdb"},
            "own": {"type": "python", "function": function, "options": options},
        }
        told = {
            "name": "people",
            "source": "warehouse",
            "model": {"table": "people"},
            "key": "id",
            "destination": "own",
            "object": "people",
            "match": "id",
            "fields": {"id": "id"},
            **sync,
        }
        root = json.dumps({"name": "p", "connections": connections}, indent=1)
        (tmp_path / "tailrace.yml").write_text(root, encoding="utf-8")
        (tmp_path / "syncs/people.yml").write_text(json.dumps(told), encoding="utf-8")
        return Project.load(tmp_path, env={})

    return make


def test_a_file_of_the_project_holds_it(project: Callable[..., Project], tmp_path: Path) -> None:
    assert project().check() == []
    assert project().plan("people").requests == 3
    assert project().run("people").counts.accepted == 9
    assert (tmp_path / "sent").read_text(encoding="utf-8") == "4\n4\n1\n"
    # Another size of batches is seen, though the sync's own file is as it was.
    assert project(rows=9).run("people", full_refresh=True).http.requests == 1


WRONG_FUNCTIONS = {
    "destinations/own.py:sned": "has no 'sned'",
    "destinations/own.py:plain": "put @tailrace.destination over it",
    "destinations/none.py:send": "there is no file",
    "../own.py:send": "not in the project's folder",
    "no.such.module:send": "cannot be imported",
    "send": "module:function",
}


@pytest.mark.parametrize(("named", "said"), WRONG_FUNCTIONS.items())
def test_a_function_that_is_not_there_is_named_in_its_file(
    project: Callable[..., Project], named: str, said: str
) -> None:
    found = {one.key: one for one in project(named).check(offline=True)}
    problem = found["connections.own.function"]
    assert said in problem.message
    assert (problem.file, bool(problem.line)) == ("tailrace.yml", True)


def test_a_mode_that_the_function_does_not_do_is_refused(project: Callable[..., Project]) -> None:
    (problem,) = project(mode="mirror").check(offline=True)
    assert problem.key == "mode"
    assert "it does upsert" in problem.message


def test_keys_of_sockets_have_no_meaning(shop: Shop) -> None:
    shop.connection["proxy"] = "http://localhost:1"
    assert "unknown key 'proxy'" in str(shop.fails(ConfigError))


@pytest.mark.parametrize(
    "arguments",
    [{"batch_rows": 0}, {"operations": ["fly"]}, {"operations": []}, {"rows": "lists"},
     {"idempotency": 0}],
    ids=str,
)  # fmt: skip
def test_what_the_decorator_does_not_take(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        destination(**arguments)(lambda _: None)


def test_a_coroutine_is_no_destination() -> None:
    async def later(_: Batch) -> None: ...

    with pytest.raises(ValueError, match="plain function"):
        destination(later)


def test_the_function_stays_one() -> None:
    assert push.name == "python_destination:push"
    assert keep.connection(timeout="5s")["timeout"] == "5s"
