"""The commands with nothing faked: the project that `init` writes, against the sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = [sys.executable, "-m", "tailrace.cli"]
SYNC = "people_to_hubspot"
LATENCY_MS = 100


@dataclass
class Desk:
    """A project, the sandbox that it sends to, and `tailrace` as a program."""

    folder: Path
    sandbox: Sandbox

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, command, "--project", str(self.folder), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, command: str, *arguments: str) -> tuple[int, str, str]:
        process = self.start(command, *arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def document(self, command: str, *arguments: str, code: int = 0) -> Any:
        """The JSON document of a command that ends with `code`."""
        ended, out, err = self(command, "--json", *arguments)
        assert ended == code, out + err
        return json.loads(out)

    def sql(self, statement: str) -> None:
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as connection:
            connection.execute(statement)

    def contacts(self) -> dict[str, str]:
        records = self.sandbox.records("hubspot", "contacts")
        return {one["values"]["email"]: one["values"]["lifecyclestage"] for one in records}

    def requests(self) -> int:
        return int(self.sandbox.counters("hubspot")["total"])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "project"
    subprocess.run([*PROGRAM, "init", "--project", str(folder)], check=True, capture_output=True)
    options = {"vendors": {"hubspot": {"limits": "none"}}, "latency_ms": LATENCY_MS}
    with Sandbox(options) as sandbox:
        project = folder / "tailrace.yml"
        text = project.read_text(encoding="utf-8")
        project.write_text(text.replace("http://127.0.0.1:8080", sandbox.url), encoding="utf-8")
        yield Desk(folder, sandbox)


def test_what_init_says_comes_true(desk: Desk) -> None:
    assert desk("check")[:2] == (0, "1 sync checked: no problem found\n")
    plan = desk.document("plan")
    assert (plan["counts"]["added"], plan["requests"]) == (3, 1)
    assert plan["samples"]["added"][0]["fields"].keys() == {
        "email",
        "firstname",
        "lifecyclestage",
    }
    assert desk.contacts() == {}
    assert desk.document("run")["counts"]["accepted"] == 3
    assert desk.contacts() == {
        "ada@example.com": "customer",
        "grace@example.com": "lead",
        "edsger@example.com": "lead",
    }
    before = desk.requests()
    assert desk.document("run")["counts"]["unchanged"] == 3
    assert desk.requests() == before


def test_only_what_changed_is_sent_and_status_tells_of_it(desk: Desk) -> None:
    desk.document("run")
    desk.sql("update people set orders = 2 where first_name = 'Grace'")
    assert desk.document("plan")["counts"]["changed"] == 1
    desk.document("run")
    assert desk.contacts()["grace@example.com"] == "customer"
    (sync,) = desk.document("status")["syncs"]
    assert [run["report"]["counts"]["accepted"] for run in sync["runs"]] == [1, 3]
    assert sync["rejected"] == 0
    assert sync["store_id"]


def test_a_live_check_reads_the_first_rows_and_writes_nothing(desk: Desk) -> None:
    (seen,) = desk.document("check", "--live")["live"]
    assert (seen["sync"], seen["object"], seen["failure"]) == (SYNC, "contacts", "")
    assert seen["account"]
    assert seen["fields"] > 3
    assert {row["state"] for row in seen["rows"]} == {"missing"}
    assert (desk.contacts(), len(seen["rows"])) == ({}, 3)
    desk.document("run")
    desk.sql("update people set orders = 2 where first_name = 'Grace'")
    (seen,) = desk.document("check", "--live")["live"]
    states = {row["state"]: row["fields"] for row in seen["rows"]}
    assert states == {"equal": [], "different": ["lifecyclestage"]}
    code, out, _ = desk("check", "--live")
    assert code == 0
    assert "nothing was written" in out
    assert ["2", "different", "lifecyclestage"] in [line.split() for line in out.splitlines()]
    assert desk("check", "--live", "--offline")[0] == 2
    assert "live" not in desk.document("check")


def test_a_live_check_tells_what_could_not_be_read(desk: Desk) -> None:
    desk.sandbox.set_faults([{"match": {"op": "read"}, "do": "html200"}])
    code, out, _ = desk("check", "--live")
    assert code == 2
    assert "makes no sense" in out


def test_status_before_the_first_run(desk: Desk) -> None:
    code, out, _ = desk("status")
    assert code == 0
    assert "no runs yet" in out


def test_rejected_rows_end_with_1_and_are_listed(desk: Desk) -> None:
    desk.sql("update people set email = 'not an address' where first_name = 'Ada'")
    report = desk.document("run", code=1)
    assert (report["status"], report["counts"]["rejected"]) == ("rejected", 1)
    (row,) = desk.document("rejected")["rejected"]
    assert (row["sync"], row["key"]) == (SYNC, "1")
    code, out, err = desk("run")
    assert code == 1
    assert "exit 1 (rejected)" in out
    assert f"error: {SYNC}: " in err


def test_a_guard_refuses_before_the_first_request_until_it_is_allowed(desk: Desk) -> None:
    desk.document("run")
    desk.sql("delete from people")
    before = desk.requests()
    assert desk.document("plan", code=3)["breaches"][0]["guard"] == "empty"
    assert desk.document("run", code=3)["status"] == "refused"
    assert desk.requests() == before
    assert desk.document("run", "--allow-guard", "empty")["status"] == "done"
    assert "did you mean" in desk("run", "--allow-guard", "emptyy")[2]


def test_a_lost_store_ends_with_7_and_reset_is_the_way_out(desk: Desk) -> None:
    desk.document("run")
    for path in (desk.folder / ".tailrace").glob("state.db*"):
        path.unlink()
    before = desk.requests()
    assert desk.document("run", code=7)["status"] == "state_lost"
    assert desk("status")[0] == 7
    assert desk.requests() == before
    assert desk.document("reset") == {"reset": [SYNC]}
    assert desk.document("run")["counts"]["added"] == 3


def test_a_reset_sends_every_row_again(desk: Desk) -> None:
    desk.document("run")
    desk.document("reset")
    assert desk.document("run")["counts"]["added"] == 3
    assert len(desk.contacts()) == 3


def test_a_full_refresh_sends_rows_that_did_not_change(desk: Desk) -> None:
    desk.document("run")
    report = desk.document("run", "--full-refresh")
    assert (report["counts"]["unchanged"], report["counts"]["accepted"]) == (0, 3)


def test_a_wrong_query_and_a_field_that_is_not_there_end_with_2(desk: Desk) -> None:
    path = desk.folder / "syncs" / "people.yml"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("firstname: first_name", "firstname: frist_name"), "utf-8")
    document = desk.document("run", code=2)
    assert document["problems"][0]["file"] == "syncs/people.yml"
    path.write_text(good.replace("firstname:", "fristname:"), "utf-8")
    problems = desk.document("check", code=2)["problems"]
    assert "did you mean 'firstname'" in problems[0]["message"]
    assert (problems[0]["file"], problems[0]["key"]) == ("syncs/people.yml", "fields.fristname")


def test_a_warehouse_that_is_not_there_ends_with_2(desk: Desk) -> None:
    path = desk.folder / "tailrace.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("duckdb, path: warehouse", "duckdb, path: nowhere"), "utf-8")
    assert desk.document("run", code=2)["status"] == "config"


def test_a_signal_cancels_within_seconds_and_the_next_run_goes_on(desk: Desk) -> None:
    desk.sql(
        "insert into people select i, 'p' || i || '@example.com', 'P', 0"
        " from range(10, 20010) as rows(i)"
    )
    process = desk.start("run", "--json")
    end = time.monotonic() + 30
    while desk.requests() < 20:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 143
    assert time.monotonic() - start < 5
    assert "Traceback" not in err
    report = json.loads(out)
    assert (report["status"], report["sync"]) == ("cancelled", SYNC)
    settled = report["counts"]["accepted"]
    assert 0 < settled < 20_003
    again = desk.document("run")
    assert again["counts"]["accepted"] < 20_003
    assert len(desk.contacts()) == 20_003


def test_streams_that_are_closed_do_not_end_a_run(desk: Desk) -> None:
    command = [*PROGRAM, "run", "--project", str(desk.folder), "--json"]
    closed = ["sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", *command]
    assert subprocess.run(closed, env=os.environ, check=False, timeout=60).returncode == 0
    assert len(desk.contacts()) == 3
    assert desk.document("run")["counts"]["unchanged"] == 3


def test_a_warm_run_loads_neither_parser_nor_validator(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What was compiled is kept only where no credential stands in a file.
    monkeypatch.setenv("HUBSPOT_TOKEN", "any")
    path = desk.folder / "tailrace.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{token: any}", '{token: "${env:HUBSPOT_TOKEN}"}'), "utf-8")
    desk.document("run")
    command = [sys.executable, "-X", "importtime", *PROGRAM[1:], "run"]
    ended = subprocess.run(
        [*command, "--project", str(desk.folder)], capture_output=True, text=True, check=True
    )
    modules = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "tailrace.project" in modules
    assert modules.isdisjoint({"pydantic", "sqlglot", "rich", "yaml"})
