"""The CSV files in tests/data/wire, as Python's csv module writes them.

The tests of the core write and read the same files, so that two implementations have to agree. Run
this file to write them anew.
"""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

DATA = Path(__file__).parents[2] / "data" / "wire"
COLUMNS = ["External_Id__c", 'quoted "name"', "a,b", "line\nbreak", "last"]
PIECES = [
    '"', '""', ",", ";", "\t", " ", "\n", "\r\n", "\r", "#N/A", "NULL", "=1+1", "\\N", "\\", "'",
    "a", "Zürich", "日本語", "🚂", "﻿", "é", "0", "-1.50", "x" * 300, "\x01", "end",
]  # fmt: skip


def rows(seed: int, count: int, *, returns: bool) -> list[list[str]]:
    """Rows of hostile cells; without carriage returns unless asked for them."""
    rng = random.Random(seed)
    pieces = PIECES if returns else [piece for piece in PIECES if "\r" not in piece]

    def cell() -> str:
        return "".join(rng.choice(pieces) for _ in range(rng.choice([0, 1, 1, 2, 3, 7])))

    return [[f"id-{i}", *(cell() for _ in COLUMNS[1:])] for i in range(count)]


def written(table: list[list[str]], line_end: str, quoting: int) -> bytes:
    """The table as Python writes it, header first."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([COLUMNS, *table])
    return out.getvalue().encode()


def files() -> dict[str, bytes]:
    """Every file by its name."""
    with_returns = rows(1, 300, returns=True)
    without = rows(2, 300, returns=False)

    def document(table: list[list[str]]) -> bytes:
        text = json.dumps({"columns": COLUMNS, "rows": table}, ensure_ascii=False, indent=0)
        return (text + "\n").encode()

    return {
        "returns.json": document(with_returns),
        "returns_crlf.csv": written(with_returns, "\r\n", csv.QUOTE_MINIMAL),
        "returns_all_quoted.csv": written(with_returns, "\n", csv.QUOTE_ALL),
        "plain.json": document(without),
        "plain_lf.csv": written(without, "\n", csv.QUOTE_MINIMAL),
    }


if __name__ == "__main__":
    DATA.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (DATA / name).write_bytes(content)
