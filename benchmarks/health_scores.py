"""The example `health_scores` with the vendors' limits on: `python benchmarks/health_scores.py`.

A Postgres of its own, a sandbox in a process of its own. All accounts are sent with the limits off,
half of them change, the limits go on, and the four syncs start at once, each a process: their
seconds, from start to exit, against the least that the vendors' limits allow for the requests that
they made.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from sandbox_program import sandbox_program

from tailrace.demo.temporary_postgres import TemporaryPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "health_scores"
VENDORS = ("salesforce", "zendesk", "marketo", "hubspot")
MOST = 1.05
"""Of the time that the calls take at the rate of the slowest vendor's limit, Zendesk's."""


@dataclass(frozen=True)
class Limit:
    """So many requests in any so many seconds; none: the vendor sets no such limit."""

    requests: int = 0
    window_s: float = 0.0

    def least_s(self, calls: int) -> float:
        """The time in which so many calls can be made, where all that a window has room for go at
        its beginning."""
        if self.requests == 0:
            return 0.0
        return (max(calls, 1) - 1) // self.requests * self.window_s

    def at_rate_s(self, calls: int) -> float:
        """The time that so many calls take at the limit's rate."""
        return calls / self.requests * self.window_s if self.requests else 0.0


LIMITS = {
    "salesforce": Limit(),  # calls in a day alone
    "zendesk": Limit(400, 60),
    "marketo": Limit(50, 20),
    "hubspot": Limit(190, 10),
}


@dataclass(frozen=True)
class Sent:
    """One sync of the changed accounts. `calls`: what the sandbox got; `refused`: for the rate."""

    vendor: str
    changed: int
    accepted: int
    calls: int
    refused: int
    seconds: float
    least_s: float

    def line(self) -> str:
        return (
            f"{self.vendor:11} {self.accepted:7,} rows  {self.calls:5} calls  {self.seconds:6.1f} s"
            f"  limit {self.least_s:5.1f} s  refused {self.refused}"
        )


class Case:
    """A copy of the example in a folder, its database and its sandbox."""

    def __init__(self, folder: Path, postgres: TemporaryPostgres, url: str) -> None:
        self.folder, self.url = folder, url
        self.environment = {
            **os.environ,
            "HEALTH_PG_HOST": postgres.host,
            "HEALTH_PG_PORT": str(postgres.port),
            "HEALTH_PG_USER": postgres.user,
            "HEALTH_PG_PASSWORD": postgres.password,
            "HEALTH_PG_DB": postgres.database,
            **{f"{vendor.upper()}_URL": url for vendor in VENDORS},
            "SALESFORCE_TOKEN": "any",
            "HUBSPOT_TOKEN": "any",
            "ZENDESK_EMAIL": "ann@acme.test",
            "ZENDESK_API_TOKEN": "any",
            "MARKETO_CLIENT_ID": "app",
            "MARKETO_CLIENT_SECRET": "any",
        }

    def score(self, *load: str) -> None:
        """What happens in the warehouse: new activity, new scores."""
        self._call([sys.executable, "load.py", *load], self.folder)
        dbt = str(Path(sys.executable).with_name("dbt"))
        self._call([dbt, "build", "--profiles-dir", "."], self.folder / "dbt")

    def limit(self, limits: dict[str, Any]) -> None:
        """Has the sandbox enforce limits."""
        asked = urllib.request.Request(
            f"{self.url}/__limits",
            data=json.dumps(limits).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(asked, timeout=30).close()

    def know(self, limits: dict[str, Limit]) -> None:
        """Has the connections keep to limits of their own."""
        file = self.folder / "tailrace.yml"
        project = yaml.safe_load(file.read_text(encoding="utf-8"))
        for vendor, limit in limits.items():
            if limit.requests > 0:
                rule = {"requests": limit.requests, "per": f"{limit.window_s}s"}
                project["connections"][vendor]["limits"] = [rule]
        file.write_text(yaml.safe_dump(project), encoding="utf-8")

    def run(self, vendor: str) -> dict[str, Any]:
        """One sync, a process from start to exit; its report, and `took_s`."""
        command = [sys.executable, "-m", "tailrace.cli", "-q", "run", "--json"]
        command += ["--project", str(self.folder), "--select", f"health_to_{vendor}"]
        began = time.monotonic()
        report: dict[str, Any] = json.loads(self._call(command, self.folder))
        return {**report, "took_s": time.monotonic() - began}

    def run_all(self) -> dict[str, dict[str, Any]]:
        """The four at once."""
        with ThreadPoolExecutor(len(VENDORS)) as pool:
            return dict(zip(VENDORS, pool.map(self.run, VENDORS), strict=True))

    def counters(self) -> dict[str, dict[str, Any]]:
        """What the sandbox counted, by vendor."""
        asked = f"{self.url}/__state?log=0&records=false&writes=false"
        with urllib.request.urlopen(asked, timeout=30) as answer:
            vendors = json.load(answer)["vendors"]
        return {vendor: dict(vendors[vendor]["requests"]) for vendor in VENDORS}

    def _call(self, command: list[str], folder: Path) -> str:
        ended = subprocess.run(
            command,
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode != 0:
            raise RuntimeError(f"{command[1:]} ended with {ended.returncode}: {ended.stderr}")
        return ended.stdout


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Case]:
    """The case, with no limits yet."""
    copy = folder / "health_scores"
    shutil.copytree(EXAMPLE, copy)
    settings = yaml.safe_load((copy / "sandbox.yml").read_text(encoding="utf-8"))
    for vendor in VENDORS:
        settings["vendors"][vendor]["limits"] = "none"
    settings["log_size"] = 100
    with sandbox_program(folder, settings) as (url, _), TemporaryPostgres("health") as postgres:
        yield Case(copy, postgres, url)


def measure(accounts: int, folder: Path, limits: dict[str, Limit]) -> list[Sent]:
    """Runs the case once; `limits` are enforced, and kept to, in the second run.

    Raises:
        RuntimeError: a program of it failed, and the message has what it said; not every account
            arrived in the first run; or a third run, with nothing to send, asked for something.
    """
    with opened(folder) as case:
        fast = {vendor: Limit(100_000, 1) for vendor in VENDORS}
        case.know(fast)
        case.score(str(accounts))
        first = case.run_all()
        if any(one["counts"]["accepted"] != accounts for one in first.values()):
            raise RuntimeError("not every account arrived in the first run")
        case.score("--changed")
        case.know(limits)
        case.limit({vendor: _enforced(limits[vendor]) for vendor in VENDORS})
        before = case.counters()
        second = case.run_all()
        after = case.counters()
        case.run_all()
        if case.counters() != after:
            raise RuntimeError("a run with nothing to send has asked for something")
    sent = []
    for vendor in VENDORS:
        report = second[vendor]
        calls = after[vendor]["total"] - before[vendor]["total"]
        sent.append(
            Sent(
                vendor,
                report["counts"]["changed"],
                report["counts"]["accepted"],
                calls,
                after[vendor]["rate_limited"] - before[vendor]["rate_limited"],
                report["took_s"],
                limits[vendor].least_s(calls),
            )
        )
    return sent


def _enforced(limit: Limit) -> Any:
    if limit.requests == 0:
        return "none"
    return {"max": limit.requests, "interval_ms": int(limit.window_s * 1000)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Half of all accounts change: how long it takes.")
    parser.add_argument("--accounts", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sent = measure(options.accounts, Path(folder), LIMITS)
    for one in sent:
        print(one.line(), flush=True)
    took = max(one.seconds for one in sent)
    fewest = -(-options.accounts // 2 // 100)
    rate = LIMITS["zendesk"].at_rate_s(fewest)
    print(
        f"all four at once: {took:.1f} s, {took / rate:.3f} of the {rate:.0f} s that Zendesk's rate"
    )
    print(f"allows for {fewest} calls; their least, in two bursts: {sent[1].least_s:.0f} s")
    refused = sum(one.refused for one in sent)
    return int(took > MOST * rate or refused > 0)


if __name__ == "__main__":
    sys.exit(main())
