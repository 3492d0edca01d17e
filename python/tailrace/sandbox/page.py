"""The page for people: which records arrived, object by object, and the last requests.

No script and no outside resource. Rows are untrusted: every value goes through ``_text``.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timezone
from html import escape
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tailrace.sandbox.wire import Json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tailrace.sandbox.app import App
    from tailrace.sandbox.records import Collection, Record

ROWS_A_PAGE = 50
COLUMNS = 12
REQUESTS_SHOWN = 25
LONGEST_VALUE = 120

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #0b6e99; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 86rem; padding: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; } .quiet { opacity: .7; }
nav { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; align-items: baseline; }
nav b { margin-left: .75rem; } nav b:first-child { margin-left: 0; }
a { color: var(--accent); }
nav a { border: 1px solid var(--line); border-radius: .4rem; padding: .15rem .6rem;
  text-decoration: none; }
nav a[aria-current] { background: var(--accent); border-color: var(--accent); color: #fff; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; white-space: nowrap; max-width: 24rem; overflow: hidden;
  text-overflow: ellipsis; }
thead th { background: var(--soft); } tbody tr:last-child td { border-bottom: 0; }
form { margin: .75rem 0; display: flex; gap: .5rem; }
input, button { font: inherit; padding: .2rem .6rem; }
input { flex: 0 1 24rem; }
.bad { color: #c0392b; font-weight: 600; }
"""

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


def page(app: App, query: Mapping[str, str]) -> str:
    """The whole page for ``?vendor=&object=&q=&page=``; anything wrong in them shows the start."""
    vendor, title, collection = _chosen(app, query)
    parts = [
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>Tailrace sandbox</title><style>{_STYLE}</style></head><body>",
        (
            "<header><h1>Tailrace sandbox</h1><p class='quiet'>What has arrived on this machine."
            " It is kept in memory and gone when the sandbox stops.</p></header>"
        ),
        _navigation(app, vendor, title),
    ]
    if collection is None:
        parts.append("<p>No records yet.</p>")
    else:
        parts.append(_section(vendor, title, collection, query))
    parts += [_requests(app), "</body></html>"]
    return "".join(parts)


def _chosen(app: App, query: Mapping[str, str]) -> tuple[str, str, Collection | None]:
    vendor, title = query.get("vendor", ""), query.get("object", "")
    if vendor in app.vendors:
        found = app.vendors[vendor].collections().get(title)
        if found is not None:
            return vendor, title, found
    every = [
        (name, title, collection)
        for name, one in app.vendors.items()
        for title, collection in one.collections().items()
    ]
    with_rows = [one for one in every if len(one[2])]
    return next(iter(with_rows or every), ("", "", None))


def _navigation(app: App, vendor: str, title: str) -> str:
    parts = ["<nav>"]
    for name, one in app.vendors.items():
        parts.append(f"<b>{_text(name)}</b>")
        collections = one.collections()
        for other, collection in collections.items():
            here = " aria-current='page'" if (name, other) == (vendor, title) else ""
            link = _link(vendor=name, object=other)
            parts.append(f"<a href='{link}'{here}>{_text(other)} {len(collection):,}</a>")
        if not collections:
            parts.append("<span class='quiet'>nothing yet</span>")
    return "".join(parts) + "</nav>"


def _section(vendor: str, title: str, collection: Collection, query: Mapping[str, str]) -> str:
    wanted = query.get("q", "").strip()
    number = _page_number(query)
    matching = (one for one in collection if not wanted or _holds(one, wanted))
    first = (number - 1) * ROWS_A_PAGE
    shown = list(islice(matching, first, first + ROWS_A_PAGE + 1))
    more, shown = len(shown) > ROWS_A_PAGE, shown[:ROWS_A_PAGE]
    where = {"vendor": vendor, "object": title, "q": wanted}
    return "".join(
        [
            f"<h2>{_text(vendor)}: {_text(title)}</h2>",
            (
                f"<p>{len(collection):,} records. {collection.created:,} created,"
                f" {collection.updated:,} updated, {collection.deleted:,} deleted since the"
                " start.</p>"
            ),
            (
                f"<form><input type='hidden' name='vendor' value='{_text(vendor)}'>"
                f"<input type='hidden' name='object' value='{_text(title)}'>"
                f"<input type='search' name='q' value='{_text(wanted)}' aria-label='Search'"
                " placeholder='Search in all fields'><button>Search</button></form>"
            ),
            _table(shown) if shown else "<p class='quiet'>No record matches.</p>",
            _paging(where, number, first, len(shown), more),
        ]
    )


def _table(records: list[Record]) -> str:
    columns: dict[str, None] = {}
    for record in records:
        for name in record.values:
            columns.setdefault(name)
    names = list(columns)[:COLUMNS]
    head = "".join(f"<th>{_text(name)}</th>" for name in ["id", *names, "written", "last"])
    rows = []
    for record in records:
        cells = [record.id, *(record.values.get(name) for name in names)]
        cells += [f"{record.writes}×", _time(record.updated_ms)]
        rows.append("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>")
    hidden = len(columns) - len(names)
    note = f"<p class='quiet'>{hidden} more fields are not shown.</p>" if hidden else ""
    return (
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _paging(where: Mapping[str, str], number: int, first: int, count: int, more: bool) -> str:
    parts = [f"<p>{first + 1:,} to {first + count:,}."] if count else ["<p>"]
    if number > 1:
        parts.append(f" <a href='{_link(**where, page=str(number - 1))}'>Previous</a>")
    if more:
        parts.append(f" <a href='{_link(**where, page=str(number + 1))}'>Next</a>")
    return "".join(parts) + "</p>"


def _requests(app: App) -> str:
    parts = ["<h2>Requests</h2>"]
    for name, counters in app.log.counters().items():
        statuses = ", ".join(f"{n:,} × {status}" for status, n in counters["by_status"].items())
        parts.append(
            f"<p><b>{_text(name)}</b>: {counters['total']:,} requests"
            f"{f' ({_text(statuses)})' if statuses else ''}, {counters['rows_applied']:,} rows"
            f" applied, {counters['rows_rejected']:,} refused, at most"
            f" {counters['max_per_10_seconds']:,} requests in 10 s.</p>"
        )
    entries = app.log.recent(REQUESTS_SHOWN)[::-1]
    if not entries:
        return "".join(parts)
    titles = ("time", "request", "rows", "applied", "status", "fault", "ms")
    head = "".join(f"<th>{title}</th>" for title in titles)
    parts.append(f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>")
    parts += [_request_row(entry) for entry in entries]
    return "".join(parts) + "</tbody></table></div>"


def _request_row(entry: Mapping[str, Json]) -> str:
    bad = " class='bad'" if entry["status"] == 0 or entry["status"] >= 400 else ""
    return (
        f"<tr><td>{_time(entry['at_ms'])}</td>"
        f"<td>{_text(entry['method'])} {_text(entry['path'])}</td>"
        f"<td>{entry['rows']}</td><td>{entry['applied']}</td>"
        f"<td{bad}>{entry['status'] or 'cut off'}</td><td>{_text(entry['fault'])}</td>"
        f"<td>{entry['seconds'] * 1000:.1f}</td></tr>"
    )


def _page_number(query: Mapping[str, str]) -> int:
    text = query.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _holds(record: Record, wanted: str) -> bool:
    wanted = wanted.lower()
    values: Iterable[Json] = (record.id, *record.values.values())
    return any(wanted in _plain(value).lower() for value in values)


def _plain(value: Json) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else write_json(value).decode("utf-8")


def _text(value: Json) -> str:
    """A value as HTML text: cut to a length that a table can bear, then escaped."""
    plain = _plain(value)
    if len(plain) > LONGEST_VALUE:
        plain = plain[: LONGEST_VALUE - 1] + "…"
    return escape(plain, quote=True)


def _link(**query: str) -> str:
    kept = {name: value for name, value in query.items() if value}
    return escape("/?" + urlencode(kept, errors="replace"), quote=True)


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, timezone.utc):%H:%M:%S}"
