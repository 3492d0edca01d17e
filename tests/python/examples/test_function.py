"""examples/function: what its README says happens, in a database of SQLite."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from shop import EXAMPLES, LOAD

from tailrace import Project

if TYPE_CHECKING:
    from pathlib import Path

SYNC = "customers_to_cards"
CARDS, MORE, CHANGED = 10_843, 197, 1_354
"""At the end of January 1998, and what February adds and changes."""


def test_the_way_of_the_readme(tmp_path: Path) -> None:
    folder = tmp_path / "function"
    shutil.copytree(EXAMPLES / "function", folder)
    database = str(folder / "shop.duckdb")
    environment = {"SHOP_DUCKDB": database, "LOYALTY_DB": str(folder / "cards.db")}

    def load(until: str) -> None:
        data = str(EXAMPLES / "cdnow" / "data" / "CDNOW_master.txt")
        more = {"HELPDESK_DUCKDB": database, "CDNOW_DATA": data}
        command = [sys.executable, str(LOAD), until]
        subprocess.run(command, cwd=folder, env={**os.environ, **more}, check=True)

    project = Project.load(folder, env=environment)
    load("1998-01-31")
    assert project.check(SYNC) == []
    plan = project.plan(SYNC)
    assert (plan.counts["added"], plan.requests) == (CARDS, 11)
    assert project.run(SYNC).counts.accepted == CARDS
    load("1998-02-28")
    second = project.run(SYNC)
    assert (second.counts.added, second.counts.changed) == (MORE, CHANGED)
    assert second.http.requests == 2
    assert project.run(SYNC).http.requests == 0
    with closing(sqlite3.connect(environment["LOYALTY_DB"])) as cards:
        ((count, tiers),) = cards.execute("select count(*), count(distinct tier) from card")
    assert (count, tiers) == (CARDS + MORE, 3)


def test_the_numbers_of_the_readme_are_those_above() -> None:
    text = (EXAMPLES / "function" / "README.md").read_text(encoding="utf-8")
    assert f"{CARDS:,} cards added, 11 calls" in text
    assert f"{MORE:,} cards more, {CHANGED:,} changed: 2 calls" in text
