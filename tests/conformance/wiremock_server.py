"""WireMock, a server for tests that others wrote, in a process of its own.

What it does with a request is told by stubs; its journal of what came is the oracle of the tests.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node_client import TOOLS, tool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

READY_WITHIN_S = 60


@dataclass(frozen=True)
class Arrived:
    """A request that came, as the journal has it."""

    method: str
    path: str
    at_ms: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: str
    matched: bool

    def rows(self) -> list[dict[str, Any]]:
        """The rows that it holds."""
        rows: list[dict[str, Any]] = json.loads(self.body)["inputs"]
        return rows


class WireMock:
    """The server; on entering it is ready for requests."""

    def __init__(self, folder: Path) -> None:
        jar = next(TOOLS.glob("node_modules/wiremock/build/wiremock-standalone-*.jar"), None)
        assert jar is not None, "run `make conformance`"
        self._log = folder / "wiremock.log"
        # It lives for seconds, in which a better compiler does not pay.
        quickly = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"]
        local = ["--port", "0", "--bind-address", "127.0.0.1", "--root-dir", str(folder)]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [tool("bin/java"), *quickly, "-jar", jar, *local], stdout=log, stderr=log
            )
        self.url = ""
        self._scenarios = 0

    def __enter__(self) -> WireMock:
        deadline = time.monotonic() + READY_WITHIN_S
        while (told := re.search(r"^port: +(\d+)", self._log.read_text(), re.MULTILINE)) is None:
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{told[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(20)

    def _admin(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/__admin/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def reset(self) -> None:
        """Forget stubs, scenarios and what came."""
        self._admin("POST", "reset")

    def stub(self, request: Mapping[str, Any], response: Mapping[str, Any], **more: Any) -> None:
        """Answer requests like this one so; of several stubs the lowest `priority` counts."""
        self._admin("POST", "mappings", {"request": request, "response": response, **more})

    def once(self, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Answer the first such request so, and those that come later by other stubs."""
        self._scenarios += 1
        name = f"scenario {self._scenarios}"
        states = {"requiredScenarioState": "Started", "newScenarioState": "past"}
        self.stub(request, response, priority=1, scenarioName=name, **states)

    def journal(self) -> list[Arrived]:
        """What came, in order."""
        told = self._admin("GET", "requests")["requests"]
        return [_arrived(one) for one in reversed(told)]

    def sent(self, since: int = 0) -> Counter[str]:
        """How often the row of each id came, after so many requests."""
        posts = [one for one in self.journal()[since:] if one.method == "POST"]
        return Counter(row["id"] for one in posts for row in one.rows())


def _arrived(told: dict[str, Any]) -> Arrived:
    request = told["request"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    at_ms, matched = request["loggedDate"], told["wasMatched"]
    return Arrived(request["method"], request["url"], at_ms, headers, request["body"], matched)
