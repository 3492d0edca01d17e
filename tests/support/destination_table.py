"""The table of destinations in the docs, made of what the code and the tests say.

python tests/support/destination_table.py          prints the page
python tests/support/destination_table.py --write  writes it
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from destination_forms import FORMS

from tailrace import Project, _core
from tailrace.connections.resolving import reveal

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "destinations" / "README.md"
SUITE = "tests/destinations"

INTRODUCTION = """# Destinations

What each destination does, as the core and the tests say. *Rows* is the most that goes into one
request, or into one job's file, of an upsert. *Contract* is the number of tests that put the
contract's questions to it: an empty batch, one row, a full batch, the size limit, duplicate keys,
NULL, types, refused and lost requests, half refused batches, results out of order, expired tokens,
limits, jobs that fail in the middle, stops in mid-run, Unicode, large integers. All of them pass,
or `make test` fails.

No live account was used: [the first try of an account](../live.md) says how to begin.
"""


@dataclass(frozen=True)
class Entry:
    """One line: a connection, an object and its match field, and what no code tells."""

    name: str
    connection: dict[str, Any]
    object: str
    field: str
    match: str
    outcome: str
    clears: str
    client: str
    rows: str = ""
    """Where a batch is not what one request has."""


_TOKEN = {"token": "t"}
ENTRIES = (
    Entry(
        "braze",
        {"type": "braze", "base_url": "https://rest.test", "api_key": "k"},
        "users",
        "external_id",
        "external_id, e-mail, phone, braze_id",
        "by index in the errors",
        "null",
        "none",
    ),
    Entry(
        "customerio",
        {"type": "customerio", "site_id": "s", "api_key": "k"},
        "people",
        "id",
        "id, e-mail, cio_id",
        "by index in the errors",
        "empty text",
        "customerio",
    ),
    Entry(
        "hubspot",
        {"type": "hubspot", "auth": _TOKEN},
        "contacts",
        "email",
        "e-mail, any unique property",
        "by trace id",
        "empty text",
        "hubspot-api-client, @hubspot/api-client",
    ),
    Entry(
        "intercom",
        {"type": "intercom", "token": "t"},
        "contacts",
        "external_id",
        "external_id, e-mail",
        "one row a request",
        "null",
        "the vendor's specification",
        rows="1, looked up by 50",
    ),
    Entry(
        "iterable",
        {"type": "iterable", "api_key": "k"},
        "users",
        "userId",
        "userId, e-mail",
        "by name in the lists of failures",
        "null",
        "none",
    ),
    Entry(
        "klaviyo",
        {"type": "klaviyo", "auth": {"api_key": "k"}},
        "profiles",
        "email",
        "e-mail, phone, external_id, id",
        "by pointer and import errors",
        "null",
        "klaviyo-api, the vendor's specification",
    ),
    Entry(
        "mailchimp",
        {
            "type": "mailchimp",
            "server": "us1",
            "auth": {"api_key": "k"},
            "list_id": "L1",
            "status_if_new": "subscribed",
        },
        "members",
        "email_address",
        "e-mail",
        "by e-mail",
        "empty text",
        "mailchimp-marketing",
    ),
    Entry(
        "marketo",
        {"type": "marketo", "base_url": "https://a.mktorest.test", "auth": _TOKEN},
        "leads",
        "email",
        "any lookup field",
        "by place, or by the failures' file",
        "null",
        "marketorestpython, the vendor's specification",
    ),
    Entry(
        "postgres",
        {"type": "postgres", "dsn": "postgresql://db.test/crm"},
        "accounts",
        "id",
        "any unique column",
        "by row number",
        "NULL",
        "a real server",
    ),
    Entry(
        "python",
        {"type": "python", "function": "python_destination:push"},
        "people",
        "id",
        "as the function says",
        "as the function says",
        "None",
        "none",
    ),
    Entry(
        "rest",
        {"type": "rest", "base_url": "https://api.test", "objects": {"a": {"path": "/a"}}},
        "a",
        "id",
        "as declared",
        "as declared",
        "null or empty text",
        "Kinto, WireMock, a real server",
    ),
    Entry(
        "salesforce",
        {"type": "salesforce", "instance_url": "https://a.my.test", "auth": _TOKEN},
        "Account",
        "External_Id__c",
        "external id, Id",
        "by place, or by the result files",
        "null, `#N/A` in files",
        "simple-salesforce, jsforce",
    ),
    Entry(
        "slack",
        {"type": "slack", "token": "t", "channel": "C1"},
        "messages",
        "text",
        "none: messages are appended",
        "one row a request",
        "–",
        "the vendor's specification",
    ),
    Entry(
        "zendesk",
        {"type": "zendesk", "subdomain": "acme", "auth": _TOKEN},
        "users",
        "external_id",
        "external_id, e-mail, id",
        "by index in the job",
        "null",
        "zdesk, node-zendesk",
    ),
)


def contract() -> Counter[str]:
    """How many tests of the contract each destination has."""
    asked = [
        sys.executable,
        "-m",
        "pytest",
        SUITE,
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    forms = {form.name: form.type or form.vendor for form in FORMS}
    names = {entry.name for entry in ENTRIES}
    found: Counter[str] = Counter()
    for line in listed.splitlines():
        read = re.match(rf"{SUITE}/test_(\w+)\.py::(\w+)(?:\[(.*)\])?$", line)
        if read is None:
            continue
        stem, test, parameters = read.groups()
        asked_of = [forms[one] for one in re.split("-", parameters or "") if one in forms]
        own = [one for one in names if stem == one or stem.startswith(f"{one}_")]
        own += [one for one in names if stem == "profiles" and f"_{one}" in test]
        for name in (asked_of or own)[:1]:
            found[name] += 1
    return found


def _row(entry: Entry, tests: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = {"name": "table", "connections": {"tool": entry.connection}}
        Path(folder, "tailrace.yml").write_text(json.dumps(root), encoding="utf-8")
        loaded = Project.load(folder, env={})._files.load()
        (section,) = loaded.connection_sections()
        connection: Any = loaded.connection_at(section)
    can = connection.can(entry.object)
    told = _core.destination_facts(
        json.dumps(reveal(connection.core_dict("tool"))),
        json.dumps(connection.object_dict(entry.object)),
        entry.field,
    )
    facts = json.loads(told)
    rows = {one["name"]: one["rows"] for one in facts["operations"]}
    declared = entry.name in ("rest", "python")
    first = "upsert" if "upsert" in rows else "insert"
    return [
        f"[{entry.name}]({entry.name}.md)",
        "as declared" if declared else ", ".join(sorted(can.modes)),
        "as declared" if declared else ", ".join(sorted(can.removals - {"ignore"})) or "none",
        entry.match,
        entry.rows or ("as declared" if declared else f"{rows[first]:,}"),
        "jobs" if facts["jobs"] else "no",
        entry.outcome,
        entry.clears,
        "yes" if facts["describes"] else "no",
        "the account's" if facts["limits"] else "as declared",
        f"{tests} of {tests}",
        entry.client,
    ]


HEAD = [
    "destination",
    "modes",
    "removals",
    "match fields",
    "rows",
    "asynchronous",
    "outcome of a row",
    "clears by",
    "describe",
    "limits",
    "contract",
    "driven besides by",
]


def page(tests: Counter[str]) -> str:
    """The whole page."""
    lines = [HEAD, ["---"] * len(HEAD), *(_row(one, tests[one.name]) for one in ENTRIES)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{INTRODUCTION}\n{table}\n"


if __name__ == "__main__":
    made = page(contract())
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(made, encoding="utf-8")
    else:
        sys.stdout.write(made)
