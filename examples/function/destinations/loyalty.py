"""The loyalty cards of the shop, in a database of SQLite: a tool that no API leads to."""

import sqlite3
from contextlib import closing

import tailrace
from tailrace import Batch, Outcome

TABLE = "create table if not exists card (number text primary key, tier text, spent text)"
UPSERT = "insert or replace into card values (:number, :tier, :spent)"


@tailrace.destination(batch_rows=1000, operations=("upsert", "delete"))
def send(batch: Batch) -> dict[int, Outcome]:
    """Write a batch in one transaction: all of it is there, or nothing."""
    refused = {}
    with closing(sqlite3.connect(batch.options["path"])) as cards, cards:
        cards.execute(TABLE)
        if batch.operation == "delete":
            cards.executemany("delete from card where number = ?", [(m,) for m in batch.matches])
            return refused
        for place, row in enumerate(batch.rows):
            if row["spent"] < 0:
                refused[place] = Outcome.rejected("a card cannot have spent less than nothing")
                continue
            cards.execute(UPSERT, {**row, "spent": str(row["spent"])})
    return refused
