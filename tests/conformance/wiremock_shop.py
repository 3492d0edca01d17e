"""A project that delivers people to an API that WireMock plays, declared by configuration alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendor_project import ModelProject

if TYPE_CHECKING:
    from pathlib import Path

    from wiremock_server import WireMock

ROWS, BATCH = 100, 10
BATCHES = ROWS // BATCH
TOKEN = "canary-77aa01c4"
COLUMNS = "id varchar, level varchar, score decimal(10, 2)"
PEOPLE = {"method": "POST", "urlPath": "/people", "headers": {"Authorization": {"contains": TOKEN}}}
# Every row is answered for by its id; those whose level is odd are refused.
ANSWER = """
{"results": [{{#each (jsonPath request.body '$.inputs') as |one|}}
  {{#unless @first}},{{/unless}}
  {"id": "{{one.id}}", "status": {{#if (eq one.level 'odd')}}422{{else}}200{{/if}},
   "message": "level is {{one.level}}"}
{{/each}}]}
"""
JSON = {"Content-Type": "application/json"}
GOOD = {"status": 200, "headers": JSON, "body": ANSWER, "transformers": ["response-template"]}
RESULTS = {"form": "list", "path": "results", "key": "id", "status": "status", "message": "message"}
PERSON: dict[str, Any] = {
    "path": "/people",
    "batch_rows": BATCH,
    "body": {"inputs": "$rows"},
    "results": RESULTS,
    "delete": {"path": "/people/{key}"},
}


class Shop(ModelProject):
    """`people` with the ids p0 to p99; WireMock answers well until it is told otherwise."""

    def __init__(self, folder: Path, wiremock: WireMock, **sync: Any) -> None:
        connection = {
            "type": "rest",
            "base_url": wiremock.url,
            "auth": {"bearer": "${env:API_TOKEN}"},
            "objects": {"people": dict(PERSON)},
        }
        declared = {
            "object": "people",
            "match": "id",
            "key": "id",
            "mode": "upsert",
            "fields": {"id": "id", "level": "level", "score": "score"},
            **sync,
        }
        super().__init__(folder, connection, declared, COLUMNS, {"API_TOKEN": TOKEN})
        self.wiremock = wiremock
        self.sql("insert into people select 'p' || i, 'low', i from range(?) t(i)", ROWS)
        wiremock.stub(PEOPLE, GOOD, priority=9)

    def person(self, **changes: Any) -> None:
        """Change what is declared of the object."""
        self.connection["objects"]["people"].update(changes)
        self.write()

    def settles(self) -> None:
        """A run has nothing to do and asks nothing."""
        before = len(self.wiremock.journal())
        report, error = self.run()
        assert error is None, error
        assert (report.counts.unchanged, report.http.requests) == (report.counts.scanned, 0)
        assert len(self.wiremock.journal()) == before


def batch_of(key: str) -> dict[str, Any]:
    """Requests that hold this row."""
    return {**PEOPLE, "bodyPatterns": [{"contains": f'"{key}"'}]}


def keys(first: int, count: int) -> set[str]:
    """The ids of so many rows."""
    return {f"p{n}" for n in range(first, first + count)}
