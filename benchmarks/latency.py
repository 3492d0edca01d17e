"""Rows a second to a tool that takes 20 ms for each request: `python benchmarks/latency.py`.

The tool is a server in a process of its own that answers every request 20 ms after it came, and
counts the rows that reached it. One run sends one row a request, another 100.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from tailrace import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

LATENCY_S = 0.02
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
# Rows a request, rows, and the rows a second that the run must reach.
CASES = ((1, 50_000, 1_500), (100, 1_000_000, 60_000))


class Tool(asyncio.Protocol):
    """One connection."""

    requests = 0
    rows = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._input = b""

    def data_received(self, data: bytes) -> None:
        self._input += data
        while True:
            head, found, rest = self._input.partition(b"\r\n\r\n")
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if not found or len(rest) < length:
                return
            Tool.requests += 1
            Tool.rows += rest[:length].count(b'"id"')
            self._input = rest[length:]
            asyncio.get_running_loop().call_later(LATENCY_S, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)


def serve(control: Connection) -> None:
    """Tell the port, then the counts when asked, then end."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Tool, "127.0.0.1", 0, backlog=256)
        control.send(server.sockets[0].getsockname()[1])
        asked = asyncio.Event()
        loop.add_reader(control.fileno(), asked.set)
        await asked.wait()
        control.send((Tool.requests, Tool.rows))
        server.close()

    asyncio.run(work())


@dataclass(frozen=True)
class Speed:
    """What a run reached, and what the tool saw of it."""

    rows_a_request: int
    rows: int
    requests: int
    seconds: float

    @property
    def rows_a_second(self) -> float:
        return self.rows / self.seconds

    def line(self) -> str:
        return (
            f"{self.rows_a_request:4} rows a request: {self.rows:8} rows, {self.requests:6} "
            f"requests in {self.seconds:6.2f} s of sending: {self.rows_a_second:9,.0f} rows/s"
        )


@contextlib.contextmanager
def tool() -> Iterator[tuple[int, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(theirs,))
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.terminate()
        process.join()


def measure(rows_a_request: int, rows: int, folder: Path) -> Speed:
    """Send a new model."""
    with duckdb.connect(str(folder / "people.duckdb")) as connection:
        connection.execute(
            "create table people as select i as id, 'name ' || i as name, i * 3 as score "
            f"from range({rows}) as t(i)"
        )
    with tool() as (port, control):
        people = {"path": "/people", "batch_rows": rows_a_request, "body": "rows"}
        connections = {
            "warehouse": {"type": "duckdb", "path": "people.duckdb"},
            "tool": {
                "type": "rest",
                "base_url": f"http://127.0.0.1:{port}",
                "objects": {"people": people},
            },
        }
        sync = {
            "name": "people",
            "source": "warehouse",
            "model": {"table": "people"},
            "key": "id",
            "destination": "tool",
            "object": "people",
            "match": "id",
            "fields": {"id": "id", "name": "name", "score": "score"},
        }
        root = {"name": "latency", "connections": connections}
        (folder / "tailrace.yml").write_text(json.dumps(root), encoding="utf-8")
        (folder / "syncs").mkdir()
        (folder / "syncs" / "people.yml").write_text(json.dumps(sync), encoding="utf-8")
        report = Project.load(folder).run("people")
        control.send("counts")
        requests, arrived = control.recv()
    if (arrived, report.counts.accepted) != (rows, rows):
        raise RuntimeError(f"{rows} rows: {arrived} arrived, {report.counts.accepted} accepted")
    return Speed(rows_a_request, rows, requests, report.seconds.send)


def main() -> int:
    parser = argparse.ArgumentParser(description="Rows a second to a tool that takes 20 ms.")
    parser.add_argument("--share", type=float, default=1.0, help="of the rows, for a quick look")
    options = parser.parse_args()
    missed = False
    for rows_a_request, rows, least in CASES:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
            speed = measure(rows_a_request, int(rows * options.share), Path(folder))
        print(speed.line(), flush=True)
        missed = missed or speed.rows_a_second < least
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
