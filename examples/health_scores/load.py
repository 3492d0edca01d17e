"""Makes accounts and their activity in Postgres: python load.py 100000, then: --changed

`--changed` gives every other account another activity, such that its score is another one.
Connection settings are those of dbt/profiles.yml: HEALTH_PG_HOST, HEALTH_PG_PORT, HEALTH_PG_USER,
HEALTH_PG_PASSWORD, HEALTH_PG_DB.
"""

from __future__ import annotations

import argparse
import os

import psycopg2
import psycopg2.extensions

TABLES = """
create schema if not exists raw;
drop table if exists raw.accounts, raw.activity cascade;
create table raw.accounts (account_id text, account_name text, contact_email text);
create table raw.activity (account_id text, days_silent int, logins int, open_tickets int);
"""
ACCOUNTS = """
insert into raw.accounts
select 'A' || n, 'Account ' || n, 'account' || n || '@customers.test'
from generate_series(1, %(count)s) as t(n)
"""
ACTIVITY = """
insert into raw.activity
select 'A' || n, n * 7 %% 50, n * 13 %% 41, n * 3 %% 6
from generate_series(1, %(count)s) as t(n)
"""
# Ten days of silence more are a twelfth of a score.
CHANGES = """
update raw.activity set days_silent = days_silent + 10
where substr(account_id, 2)::int %% 2 = 0
"""


def connect() -> psycopg2.extensions.connection:
    """Connects as dbt/profiles.yml does, with the same defaults."""
    return psycopg2.connect(
        host=os.environ.get("HEALTH_PG_HOST", "127.0.0.1"),
        port=os.environ.get("HEALTH_PG_PORT", "5432"),
        user=os.environ.get("HEALTH_PG_USER", "postgres"),
        password=os.environ.get("HEALTH_PG_PASSWORD", ""),
        dbname=os.environ.get("HEALTH_PG_DB", "health"),
    )


def load(count: int) -> int:
    """Replaces both tables; returns how many accounts there are.

    Raises:
        psycopg2.Error: Postgres cannot be reached or refuses; the old rows are then still there.
    """
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(TABLES)
            cursor.execute(ACCOUNTS, {"count": count})
            cursor.execute(ACTIVITY, {"count": count})
            return int(cursor.rowcount)
    finally:
        connection.close()


def change() -> int:
    """Gives every other account another activity; returns how many those are. Raises as load."""
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(CHANGES, {})
            return int(cursor.rowcount)
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Accounts and their activity.")
    parser.add_argument("count", nargs="?", type=int, default=100_000)
    parser.add_argument("--changed", action="store_true")
    options = parser.parse_args()
    if options.changed:
        print(f"accounts that changed: {change():,}")
    else:
        print(f"accounts: {load(options.count):,}")


if __name__ == "__main__":
    main()
