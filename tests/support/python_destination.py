"""A destination that is a function: it sends each batch to the sandbox, with urllib alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from tailrace import Batch, BatchRefused, ConfigError, Outcome, TryLater, destination

KEY = "person_id"


@destination(batch_rows=40, operations=("upsert", "delete"))
def push(batch: Batch) -> list[Outcome]:
    """Write people, or take them away one by one."""
    if batch.operation == "delete":
        return [_taken_away(batch, match) for match in batch.matches]
    rows = [{name: _sent(one) for name, one in row.items()} for row in batch.rows]
    status, body = _ask(batch, "POST", "/people", {"inputs": rows})
    _raise_for(status, body)
    told: dict[str, Any] = {}
    for one in json.loads(body)["outcome"]["rows"]:
        key = str(one["key"])
        told[key] = None if key in told else one
    return [_outcome(told.get(match)) for match in batch.matches]


def _outcome(told: Any) -> Outcome:
    if told is None:
        return Outcome.unknown("the answer says nothing of the row, or two things")
    if told["status"] < 300:
        return Outcome.accepted()
    return Outcome.rejected(told["message"], code=str(told["code"]))


def _taken_away(batch: Batch, match: str) -> Outcome:
    status, body = _ask(batch, "DELETE", f"/people/{quote(match, safe='')}", None)
    if status == 404:
        return Outcome.missing()
    _raise_for(status, body)
    return Outcome.accepted()


def _raise_for(status: int, body: str) -> None:
    said = _message(body) if status >= 300 else ""
    if status in (400, 409, 413):
        raise BatchRefused(said, code=str(status))
    if status in (401, 403):
        raise ConfigError(f"auth was refused: {said}")
    if status >= 300:
        raise RuntimeError(f"{status}: {said}")


def _message(body: str) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return body[:100]
    error = told.get("error", told)
    return str(error.get("message", error) if isinstance(error, dict) else error)


def _sent(value: Any) -> Any:
    """Numbers as their digits; times as the sandbox's other clients send them."""
    if isinstance(value, datetime):
        text = value.isoformat().replace("+00:00", "Z")
        head, dot, rest = text.partition(".")
        return head + dot + rest.rstrip("Z").rstrip("0") + "Z" * rest.endswith("Z") if dot else text
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return str(value)
    return value


def _ask(batch: Batch, method: str, path: str, body: Any) -> tuple[int, str]:
    request = urllib.request.Request(
        batch.options["url"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "authorization": f"Bearer {batch.options['token']}",
            "content-type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        if error.code == 429:
            after = error.headers.get("Retry-After") or "1"
            raise TryLater(text, after=float(after) if after.isdigit() else 1.0) from None
        return error.code, text
