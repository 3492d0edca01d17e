"""A destination that nobody here wrote: Kinto, by a profile of the project's own.

Its batch endpoint answers 200 with a status for each request within; records are replaced whole.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tailrace import Project, RejectedRows, TailraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).resolve().parents[1] / "support" / "kinto_server.py"
PASSWORD = "canary-51c0ffee"
PROFILE = """\
about: Records of one collection of Kinto
parameters:
  user: {}
  password: {secret: true}
  bucket: {}
  collection: {}
  batch_rows: {type: integer, default: 25, least: 1}
auth: {basic: {user: "${user}", password: "${password}"}}
objects:
  records:
    match: id
    path: /batch
    batch_rows: "${batch_rows}"
    body: {requests: $rows}
    row:
      method: PUT
      path: "/buckets/${bucket}/collections/${collection}/records/{match}"
      body: {data: {id: $match, "...": $fields}}
    results: &results
      {form: list, path: responses, status: status, code: body.errno, message: body.message}
    partial: false
    delete:
      method: POST
      path: /batch
      batch_rows: "${batch_rows}"
      body: {requests: $rows}
      row:
        {method: DELETE, path: "/buckets/${bucket}/collections/${collection}/records/{match}"}
      results: *results
    read:
      path: "/buckets/${bucket}/collections/${collection}/records/{match}"
      record: data
      match: id
"""
SCHEMA = {"type": "object", "properties": {"level": {"enum": ["low", "high", None]}}}
# What Kinto adds to a record.
KINTOS_OWN = ("last_modified", "schema")
ROWS = 210


class Kinto:
    """The server, as its users know it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        login = b64encode(f"loader:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Basic {login}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def records(self, bucket: str) -> dict[str, dict[str, Any]]:
        listed = self.ask("GET", f"/buckets/{bucket}/collections/people/records")["data"]
        return {
            one["id"]: {name: value for name, value in one.items() if name not in KINTOS_OWN}
            for one in listed
        }


@pytest.fixture(scope="module")
def kinto() -> Iterator[Kinto]:
    process = subprocess.Popen(
        [sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Kinto(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


class Shop:
    """A project that mirrors the table `people` into a collection of its own."""

    def __init__(self, folder: Path, kinto: Kinto, bucket: str) -> None:
        self.folder, self.kinto, self.bucket = folder, kinto, bucket
        self.use: dict[str, Any] = {
            "type": "kinto",
            "base_url": kinto.url,
            "user": "loader",
            "password": "${env:KINTO_PASSWORD}",
            "bucket": bucket,
            "collection": "people",
        }
        self.sync = {
            "name": "people",
            "source": "warehouse",
            "model": {"table": "people"},
            "key": "person",
            "destination": "kinto",
            "object": "records",
            "match": "id",
            "mode": "mirror",
            "fields": {"id": "person", "level": "level", "score": "score", "at.city": "city"},
        }
        for name in ("destinations", "syncs"):
            (folder / name).mkdir()
        (folder / "destinations" / "kinto.yml").write_text(PROFILE, encoding="utf-8")
        self.write()
        kinto.ask("PUT", f"/buckets/{bucket}")
        kinto.ask("PUT", f"/buckets/{bucket}/collections/people", {"data": {"schema": SCHEMA}})
        self.sql("create table people (person text, level text, score decimal(20, 4), city text)")
        self.sql(
            "insert into people select 'p' || i, 'low', i + 0.25, 'Zoë ' || i from range(?) t(i)",
            ROWS,
        )

    def write(self, **use: Any) -> None:
        connections = {
            "warehouse": {"type": "duckdb", "path": "people.duckdb"},
            "kinto": {**self.use, **use},
        }
        root = json.dumps({"name": "shop", "connections": connections})
        (self.folder / "tailrace.yml").write_text(root, encoding="utf-8")
        (self.folder / "syncs" / "people.yml").write_text(json.dumps(self.sync), encoding="utf-8")

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        with duckdb.connect(str(self.folder / "people.duckdb")) as connection:
            return connection.execute(statement, list(parameters)).fetchall()

    def project(self) -> Project:
        return Project.load(self.folder, env={"KINTO_PASSWORD": PASSWORD})

    def model(self) -> dict[str, dict[str, Any]]:
        rows = self.sql("select person, level, score, city from people")
        return {
            one: {"id": one, "level": level, "score": float(score), "at": {"city": city}}
            for one, level, score, city in rows
        }

    def delivered(self) -> dict[str, dict[str, Any]]:
        return self.kinto.records(self.bucket)


@pytest.fixture
def shop(tmp_path: Path, kinto: Kinto, request: pytest.FixtureRequest) -> Shop:
    return Shop(tmp_path, kinto, f"b{abs(hash(request.node.name)) % 10**9}")


def test_the_records_are_the_models_after_a_first_run_and_a_changed_one(shop: Shop) -> None:
    assert shop.project().check(offline=True) == []
    first = shop.project().run("people")
    assert (first.counts.accepted, first.http.requests) == (ROWS, -(-ROWS // 25))
    assert shop.delivered() == shop.model()
    shop.sql("update people set level = 'high', city = null where score < 20")
    shop.sql("delete from people where score > 190 and score < 205")
    shop.sql("insert into people values ('new', 'low', 7, '東京')")
    second = shop.project().run("people")
    assert (second.counts.changed, second.counts.added, second.counts.removed) == (20, 1, 15)
    assert second.http.requests == 2
    assert shop.delivered() == shop.model()
    assert shop.project().run("people").http.requests == 0
    assert shop.project().verify("people").equal == len(shop.model())


def test_rows_that_kinto_refuses_are_rejected_with_its_words_and_no_others(shop: Shop) -> None:
    shop.sql("update people set level = 'odd' where person in ('p3', 'p77', 'p200')")
    with pytest.raises(RejectedRows) as caught:
        shop.project().run("people")
    report = caught.value.report
    assert report is not None
    assert (report.counts.rejected, report.counts.accepted) == (3, ROWS - 3)
    assert {row.key for row in report.rejected_sample} == {"p3", "p77", "p200"}
    assert all("'odd' is not one of" in row.message for row in report.rejected_sample)
    wanted = {key: row for key, row in shop.model().items() if row["level"] != "odd"}
    assert shop.delivered() == wanted
    shop.sql("update people set level = 'low' where level = 'odd'")
    assert shop.project().run("people").counts.accepted == 3
    assert shop.delivered() == shop.model()


def test_a_record_that_is_gone_already_counts_as_removed(shop: Shop) -> None:
    shop.project().run("people")
    path = f"/buckets/{shop.bucket}/collections/people/records/p5"
    shop.kinto.ask("DELETE", path)
    shop.sql("delete from people where person in ('p5', 'p6')")
    assert shop.project().run("people").counts.accepted == 2
    assert shop.delivered() == shop.model()


def test_a_run_that_was_stopped_half_way_is_gone_on_with(shop: Shop) -> None:
    shop.write(batch_rows=3, max_in_flight=1)

    def stop(progress: Any) -> None:
        if progress.accepted >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.project().run("people", progress=stop)
    there = len(shop.delivered())
    assert 30 <= there < ROWS
    report = shop.project().run("people")
    assert report.counts.added <= ROWS - 30
    assert shop.delivered() == shop.model()


def test_more_than_a_batch_takes_is_refused_by_kinto_and_nothing_is_called_delivered(
    shop: Shop,
) -> None:
    """26 requests where 25 are taken: the answer is about the whole, and the halves are taken."""
    shop.write(batch_rows=26)
    report = shop.project().run("people")
    assert report.counts.accepted == ROWS
    assert report.http.requests > -(-ROWS // 26)
    assert shop.delivered() == shop.model()


def test_a_wrong_password_is_said_so(shop: Shop) -> None:
    shop.write(user="somebody")
    started = time.monotonic()
    with pytest.raises(TailraceError) as caught:
        shop.project().run("people")
    assert caught.value.exit_code in (1, 2)
    assert time.monotonic() - started < 30
    assert shop.delivered() == {}
