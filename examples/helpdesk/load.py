"""Makes the table `customers` of the orders until a day: python load.py 1998-01-31

HELPDESK_DUCKDB names the database file, CDNOW_DATA the file of orders.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

import duckdb

DATA = Path(__file__).resolve().parents[1] / "cdnow" / "data" / "CDNOW_master.txt"

CUSTOMERS = """
create or replace table customers as
with lines as (
    select line
    from read_csv($data, header = false, skip = 1, delim = '|', quote = '', escape = '',
        auto_detect = false, columns = {'line': 'VARCHAR'})
),
orders as (
    select
        substr(line, 2, 5) as customer_id,
        strptime(substr(line, 8, 8), '%Y%m%d')::date as ordered,
        trim(substr(line, 19, 8))::decimal(12, 2) as dollars
    from lines
)
select
    customer_id,
    min(ordered) as first_order,
    max(ordered) as last_order,
    count(*) as orders,
    sum(dollars)::decimal(12, 2) as spent,
    $until::date as until
from orders
where ordered <= $until::date
group by customer_id
"""


def load(database: str, until: date) -> int:
    """Replaces the table; returns how many customers there are.

    Raises:
        duckdb.Error: the file of orders cannot be read, or the database is in use.
    """
    data = os.environ.get("CDNOW_DATA", str(DATA))
    with duckdb.connect(database) as connection:
        connection.execute(CUSTOMERS, {"data": data, "until": until.isoformat()})
        (count,) = connection.execute("select count(*) from customers").fetchone() or (0,)
    return int(count)


def main() -> None:
    until = date.fromisoformat(sys.argv[1])
    database = os.environ.get("HELPDESK_DUCKDB", "helpdesk.duckdb")
    print(f"customers: {load(database, until):,} until {until}")


if __name__ == "__main__":
    main()
