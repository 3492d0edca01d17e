"""Documents as they are sent to Klaviyo's sandbox, and what is read out of its answers."""

from __future__ import annotations

from typing import Any

JOBS = "/api/profile-bulk-import-jobs"
ROWS = "/data/attributes/profiles/data"


HEADERS = {
    "authorization": "Klaviyo-API-Key pk",
    "revision": "2026-07-15",
    "content-type": "application/vnd.api+json",
}


def profile(**attributes: Any) -> dict[str, Any]:
    return {"type": "profile", "attributes": attributes}


def imported(*rows: Any, lists: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body of a bulk import."""
    data: dict[str, Any] = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": list(rows)}},
    }
    if lists:
        listed = [{"type": "list", "id": one} for one in lists]
        data["relationships"] = {"lists": {"data": listed}}
    return {"data": data}


def start_import(account: Any, *rows: Any, **more: Any) -> str:
    """The id of an import that was accepted."""
    reply = account("POST", JOBS, imported(*rows, **more))
    assert reply.status == 202, reply.body
    return str(reply.body["data"]["id"])


def status(account: Any, job: str) -> dict[str, Any]:
    found: dict[str, Any] = account("GET", f"{JOBS}/{job}").body["data"]["attributes"]
    return found


def pointed(reply: Any) -> list[tuple[str, str]]:
    """The codes of a refusal's errors, and where they point."""
    return [
        (one["code"], one["source"].get("pointer", one["source"].get("parameter")))
        for one in reply.body["errors"]
    ]


def stored(account: Any, name: str = "profiles") -> list[dict[str, Any]]:
    return [one.values for one in account.vendor.collections()[name]]
