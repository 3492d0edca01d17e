"""Requests as they are sent to Mailchimp's sandbox, and what is read out of its answers."""

from __future__ import annotations

import hashlib
from typing import Any

LIST_ID = "5ab0c1d2e3"
LIST = f"/3.0/lists/{LIST_ID}"
FIELDS = {
    "RISK": "number",
    "RENEWAL": "date",
    "TIER": {"type": "dropdown", "choices": ["low", "high"]},
    "SITE": "url",
    "BORN": "birthday",
}


def path_of(email: str) -> str:
    return f"{LIST}/members/{hashlib.md5(email.lower().encode()).hexdigest()}"


def member(email: str, status: str = "subscribed", **merge_fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"email_address": email, "status": status}
    return {**row, "merge_fields": merge_fields} if merge_fields else row


def new(email: str, **merge_fields: Any) -> dict[str, Any]:
    """A member whose status is for new ones alone."""
    row = member(email, **merge_fields)
    return {"status_if_new": row.pop("status"), **row}


def batch(account: Any, *rows: Any, query: str = "", **more: Any) -> Any:
    return account("POST", LIST + query, {"members": list(rows), **more})


def stored(account: Any) -> dict[str, dict[str, Any]]:
    """The members by address."""
    found = account.vendor.collections()["members"]
    return {one.values["email_address"]: one.values for one in found}


def told(reply: Any) -> tuple[int, str, list[str]]:
    """A refusal's status, title, and the fields that it names."""
    fields = [one["field"] for one in reply.body.get("errors", [])]
    return reply.status, reply.body["title"], fields
